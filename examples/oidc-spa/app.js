// A page of another origin than Wardgate's that signs people in: oidc-client-ts does the protocol, this shows who it is.
// The tokens are in sessionStorage, which belongs to one tab and is gone with it.

const { UserManager } = globalThis.oidc;
const { issuer } = await (await fetch("settings.json")).json();

const manager = new UserManager({
  authority: issuer,
  client_id: "demo-spa",
  redirect_uri: `${location.origin}/`,
  post_logout_redirect_uri: `${location.origin}/`,
  scope: "openid profile email",
  // Name and address come from there; an ID token has neither.
  loadUserInfo: true,
  // A minute before the access token runs out, with the refresh token.
  automaticSilentRenew: true,
});
// Who signs out in one tab means all tabs of this application.
const tabs = new BroadcastChannel("demo-spa");

const $ = (id) => document.getElementById(id);

// The focus goes where the news is, for whoever has it read out.
function say(text, bad = false) {
  $("message").textContent = text;
  $("message").classList.toggle("bad", bad);
  if (text) $("message").focus({ preventScroll: true });
}

function show(user) {
  const id = user ? "signed-in" : "signed-out";
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== id;
  $("sign-out").hidden = !user;
  if (!user) return;
  const { name, email, email_verified: verified, sub } = user.profile;
  $("hello").textContent = name ?? email;
  $("name").textContent = name ?? "none";
  $("email").textContent = `${email}${verified ? "" : " (not confirmed)"}`;
  $("sub").textContent = sub;
  const until = new Date(user.expires_at * 1000);
  $("until").dateTime = until.toISOString();
  $("until").textContent = until.toLocaleTimeString("en");
}

// What a person reads about an error; the console has the rest.
function words(error) {
  console.error(error);
  if (error.error === "access_denied") return "The sign-in was cancelled.";
  if (error.error) return error.error_description ?? `Wardgate has refused that: ${error.error}.`;
  if (error instanceof TypeError) return `Nobody answers at ${issuer}. Is “make run” running?`;
  if (/No matching state/.test(error.message)) return "This browser has not begun this sign-in, or too long ago.";
  return "Something went wrong. Please try again.";
}

const act = (what) => async () => {
  try {
    await what();
  } catch (error) {
    say(words(error), true);
  }
};

async function forget(text, bad) {
  await manager.removeUser();
  show(null);
  say(text, bad);
}

// Refused for good: the session at Wardgate has ended. Anything else, such as no network, may pass.
const isOver = (error) => error.error === "invalid_grant";

const ended = () => forget("Your sign-in has ended. Please sign in again.", true);

async function renew() {
  try {
    return await manager.signinSilent();
  } catch (error) {
    if (!isOver(error)) throw error;
    await ended();
    return null;
  }
}

$("sign-in").addEventListener("click", act(() => manager.signinRedirect()));
$("sign-in-another").addEventListener("click", act(() => manager.signinRedirect({ prompt: "login" })));
$("renew").addEventListener("click", act(async () => {
  if (await renew()) say("There is a new access token.");
}));
$("sign-out").addEventListener("click", act(async () => {
  tabs.postMessage("signed out");
  await forget("You are signed out of this page. Your browser is still signed in to Wardgate.");
}));
// With the ID token, so that nobody has to be asked; every other application hears of it, too.
$("sign-out-everywhere").addEventListener("click", act(async () => {
  tabs.postMessage("signed out");
  await manager.signoutRedirect();
}));
tabs.addEventListener("message", act(() => forget("You are signed out: you did that in another tab.")));

manager.events.addUserLoaded(show);
manager.events.addSilentRenewError((error) => (isOver(error) ? ended() : console.error(error)));
// The renewal of a minute ago has failed, or the computer slept over it.
manager.events.addAccessTokenExpired(act(renew));

// Back from Wardgate with an answer, opened again, or opened for the first time.
async function begin() {
  const asked = new URLSearchParams(location.search);
  if (asked.has("state") && (asked.has("code") || asked.has("error"))) {
    // Out of the address first: an answer is good for once.
    const answer = location.href;
    history.replaceState(null, "", "/");
    return manager.signinCallback(answer);
  }
  const user = await manager.getUser();
  return user?.expired ? renew() : user;
}

await manager.clearStaleState();
let user = null;
try {
  user = await begin();
} catch (error) {
  say(words(error), true);
}
show(user ?? null);
