// A first-party application without a framework: the refresh token is in a cookie that this script cannot read, the
// access token is in a variable and nowhere else.

// Where Wardgate is: http://localhost:8080 is what `make run` listens on.
const API = new URLSearchParams(location.search).get("api") ?? "http://localhost:8080";

let accessToken = null;
// What a registration answered with: only with it does confirming the address activate the password.
let registration = null;
// What the first step of a sign-in answered with, where an account asks for a second one.
let firstStep = null;
// What `POST /v1/mfa/totp` answered with.
let enrolment = null;
// Whether whoever is signed in does without a password.
let passwordless = false;
// Who waits for a person to show again who they are.
let waiting = null;

const $ = (id) => document.getElementById(id);

class Refused extends Error {
  constructor(problem) {
    super(words(problem));
    this.problem = problem;
  }
}

// What the API calls a member, and what this page calls it: a person is shown the second.
const FIELDS = { email: "Email", password: "Password", current_password: "Current password",
  new_password: "New password", name: "Name", code: "Code" };

// Of a refusal that names no member: the field that it is about.
const FIELD_OF = { invalid_second_factor: "code", invalid_code: "code", clock_skew: "code" };

// What this page calls a second factor, and how its code is typed; a passkey has none.
const METHODS = {
  passkey: { rule: "Go on, and your browser asks for your fingerprint, your face or a security key.", other: "Use a passkey instead" },
  totp: { label: "Code of your app", rule: "Six digits, which change every 30 seconds.", other: "Use the app instead",
    attributes: { inputmode: "numeric", autocomplete: "one-time-code", autocapitalize: "off" } },
  recovery_code: { label: "Recovery code", rule: "One of those that you kept when you set up the app. It is good once.",
    other: "Use a recovery code instead", attributes: { inputmode: "text", autocomplete: "off", autocapitalize: "characters" } },
};

function words(problem) {
  const refused = (problem.errors ?? []).map(({ member, detail }) => ({ label: FIELDS[member], detail }));
  const { title, detail } = problem;
  // A detail may go on from where the title ends.
  if (!refused.length) return (/^It /.test(detail) ? `${title} ${detail}` : detail) || "Something went wrong. Please try again.";
  return refused.map(({ label, detail }) => {
    if (!label || /^[A-Z]/.test(detail)) return detail;
    return `Please check the field “${label}”: ${detail.replace(/\.?$/, ".")}`;
  }).join(" ");
}

async function send(method, path, body, token) {
  const headers = { ...(body && { "Content-Type": "application/json" }), ...(token && { Authorization: `Bearer ${token}` }) };
  const response = await fetch(API + path, {
    method, headers, credentials: "include", body: body && JSON.stringify(body),
  }).catch(async () => {
    throw new Refused({ detail: await nobodyAnswers() });
  });
  const text = await response.text();
  const answer = text ? JSON.parse(text) : {};
  if (!response.ok) throw new Refused(answer);
  return answer;
}

// A page is told the same of a server that is not there and of one that does not list its origin. Only an answer that it may not
// read tells them apart.
async function nobodyAnswers() {
  const answers = await fetch(`${API}/health`, { mode: "no-cors" }).then(() => true, () => false);
  if (!answers) return `Nobody answers at ${API}. Is \`make run\` running?`;
  return `${API} answers, and not to pages of ${location.origin}: that origin is not among its http.allowed_origins.`;
}

// Two tabs or two calls may want a new token at once: they share one refresh.
let refreshing = null;
function refresh() {
  refreshing ??= send("POST", "/v1/token/refresh", {}).then(
    (answer) => (accessToken = answer.access_token),
  ).finally(() => (refreshing = null));
  return refreshing;
}

// With an access token, refreshed once if it has expired.
async function sendSignedIn(method, path, body) {
  try {
    return await send(method, path, body, accessToken);
  } catch (error) {
    if (error.problem?.code !== "invalid_token") throw error;
    await refresh();
    return send(method, path, body, accessToken);
  }
}

// What is delicate wants to know again who asks. Then it is asked once more.
async function call(method, path, body) {
  try {
    return await sendSignedIn(method, path, body);
  } catch (error) {
    if (error.problem?.code !== "insufficient_user_authentication") throw error;
    await stepUp(usable(error.problem.methods ?? []));
    return sendSignedIn(method, path, body);
  }
}

// Resolves when the form has been accepted. Without methods the password is enough, and without a password the passkey.
function stepUp(given) {
  const form = $("step-up");
  const methods = passwordless ? ["passkey"] : given;
  form.reset();
  if (methods.length) askFor(form, methods);
  else form.querySelector(".proof").replaceChildren();
  show("step-up-section");
  return new Promise((resolve, reject) => (waiting = { resolve, reject }));
}

// The focus goes where the news is, for whoever has it read out.
function say(text, bad = false) {
  $("message").textContent = text;
  $("message").classList.toggle("bad", bad);
  // It stays at the top of what is in view, so that the form that it is about need not move away.
  if (text) $("message").focus({ preventScroll: true });
}

function show(id) {
  const before = document.querySelector("main > section:not([hidden])");
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== id;
  if (id === "signed-out") act(offerPasskeys)();
  else offered?.abort();
  $("sign-out").hidden = id !== "signed-in";
  if (before && before.id !== id) document.querySelector(`#${id} h1`).focus();
}

// Marks what was refused, so that it is seen and read out with the field.
function mark(form, problem) {
  for (const input of form.querySelectorAll("input")) input.removeAttribute("aria-invalid");
  const members = [FIELD_OF[problem?.code], ...(problem?.errors ?? []).map(({ member }) => member)];
  for (const member of members) {
    const name = { current_password: "current", new_password: "next" }[member] ?? member;
    form.elements[name]?.setAttribute("aria-invalid", "true");
  }
}

// Puts the field for a second factor into a form, and a way to another one.
function askFor(form, methods, method = methods[0]) {
  const { label, rule, attributes = {} } = METHODS[method];
  const [hint, field, button] = $("proof").content.cloneNode(true).children;
  const next = methods[(methods.indexOf(method) + 1) % methods.length];
  const input = field.querySelector("input");
  hint.textContent = rule;
  hint.id = `${form.id}-rule`;
  input.setAttribute("aria-describedby", hint.id);
  field.querySelector("span").textContent = label ?? "";
  input.classList.toggle("small", method === "recovery_code");
  for (const [name, value] of Object.entries(attributes)) input.setAttribute(name, value);
  button.textContent = METHODS[next].other;
  button.hidden = next === method;
  button.addEventListener("click", act(() => askFor(form, methods, next).focus()));
  form.querySelector(".proof").replaceChildren(hint, ...(label ? [field] : []), button);
  form.dataset.method = method;
  return label ? input : form.querySelector("button:not([type])");
}

const hasPasskeys = Boolean(window.PublicKeyCredential?.parseRequestOptionsFromJSON);

// Those that this browser can show.
const usable = (methods) => methods.filter((method) => hasPasskeys || method !== "passkey");

// What an authenticator answers. That nobody showed one is no failure of the page's.
async function ceremony(ask) {
  const credential = await ask().catch((error) => {
    // The page has asked otherwise meanwhile.
    if (error.name === "AbortError") throw error;
    const known = error.name === "InvalidStateError";
    throw new Refused({ detail: known ? "This device has a passkey of your account already." : "No passkey was shown. Try again, or take another way." });
  });
  return credential.toJSON();
}

// Tells the browser which passkeys there are. What becomes of that nobody waits for: some never answer.
function tell(signal, what) {
  window.PublicKeyCredential?.[signal]?.(what).catch(() => {});
}

const sign = (options, more) => ceremony(() => navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options), ...more }));
const make = (options) => ceremony(() => navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) }));

async function showAccount() {
  const [me, sessions, factors] = await Promise.all(["/v1/me", "/v1/sessions", "/v1/mfa"].map((path) => call("GET", path)));
  $("name").textContent = me.name ?? me.email;
  $("change-username").defaultValue = $("step-up-username").defaultValue = me.email;
  $("profile").textContent = `${me.email}${me.email_verified ? "" : " (not confirmed yet)"}`;
  $("sessions").replaceChildren(...sessions.items.map(sessionItem));
  $("factor").textContent = factors.level > 1 ? onWords(factors) : "Off: whoever knows your password gets in.";
  $("factor-set-up").hidden = Boolean(factors.totp);
  $("factor-remove").hidden = !factors.totp;
  $("passkeys").replaceChildren(...factors.passkeys.map(passkeyItem));
  $("passkeys").hidden = !factors.passkeys.length;
  $("passkey-add").hidden = !hasPasskeys;
  ({ passwordless } = factors);
  $("password-remove").hidden = passwordless || !factors.passkeys.length;
  for (const field of [$("step-up").elements.password, $("change-password").elements.current]) {
    field.parentElement.hidden = field.disabled = passwordless;
  }
  $("next-rule").textContent = `At least ${factors.second_factor ? 8 : 15} characters.`;
  const { rp_id: rpId, user_id: userId } = factors.webauthn;
  const allAcceptedCredentialIds = factors.passkeys.map(({ credential_id: id }) => id);
  tell("signalAllAcceptedCredentials", { rpId, userId, allAcceptedCredentialIds });
  show("signed-in");
}

function onWords({ second_factor: asked, recovery_codes: codes }) {
  const when = asked ? "you are asked for it when you sign in" : "you are asked for it before what is delicate";
  return `On: ${when}. Recovery codes left: ${codes?.left ?? 0}.`;
}

function passkeyItem({ id, name }) {
  const item = document.createElement("li");
  const text = document.createElement("p");
  const remove = document.createElement("button");
  text.textContent = name;
  remove.type = "button";
  remove.className = "plain";
  remove.textContent = "Remove";
  remove.setAttribute("aria-label", `Remove the passkey ${name}`);
  remove.addEventListener("click", act(async () => {
    await call("DELETE", `/v1/passkeys/${id}`);
    await showAccount();
    say("The passkey is gone.");
  }));
  item.append(text, remove);
  return item;
}

function sessionItem(session) {
  const item = document.createElement("li");
  const line = (text, quiet) => {
    const part = document.createElement("span");
    part.className = quiet ? "quiet" : "";
    part.textContent = text;
    return part;
  };
  const when = new Date(session.last_used_at ?? session.created_at)
    .toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  const text = document.createElement("p");
  text.append(
    line(`${session.device ?? "Unknown device"}${session.current ? " (this one)" : ""}`),
    line(`${session.address ?? "Unknown address"}, ${when}`, true),
  );
  item.append(text);
  if (!session.current) {
    const end = document.createElement("button");
    end.type = "button";
    end.className = "plain";
    end.textContent = "End";
    end.setAttribute("aria-label", `End the session on ${session.device ?? "an unknown device"}`);
    end.addEventListener("click", act(async () => {
      await call("DELETE", `/v1/sessions/${session.id}`);
      await showAccount();
    }));
    item.append(end);
  }
  return item;
}

// Runs a handler, and says what was refused.
function act(handler) {
  return async (event) => {
    event?.preventDefault();
    say("");
    try {
      await handler(event);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      say(error.message, true);
    }
  };
}

function onSubmit(id, handler) {
  const form = $(id);
  form.addEventListener("submit", act(async () => {
    mark(form);
    try {
      await handler(Object.fromEntries(new FormData(form)));
    } catch (error) {
      mark(form, error.problem);
      throw error;
    }
    form.reset();
  }));
}

onSubmit("sign-in", async ({ email, password }) => {
  await goOn(await send("POST", "/v1/login", { email, password, transport: "cookie" }));
});

// The browser offers passkeys in the field for the address, for as long as nobody is signed in; the button asks for one at once.
// A browser asks once at a time, and a question lives five minutes.
let offered;
async function offerPasskeys() {
  if (!await window.PublicKeyCredential?.isConditionalMediationAvailable?.()) return;
  offered?.abort();
  const { signal } = (offered = new AbortController());
  const late = setTimeout(act(offerPasskeys), 4 * 60_000);
  try {
    await signInByPasskey({ mediation: "conditional", signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    clearTimeout(late);
  }
}

async function signInByPasskey(more) {
  const asked = await send("POST", "/v1/passkeys/login/options");
  const credential = await sign(asked.publicKey, more);
  try {
    await goOn(await send("POST", "/v1/passkeys/login", { credential, transport: "cookie" }));
  } catch (error) {
    // One that was removed here is offered no more.
    const forgotten = { rpId: asked.publicKey.rpId, credentialId: credential.id };
    if (error.problem?.code === "unknown_passkey") tell("signalUnknownCredential", forgotten);
    throw error;
  }
}

$("passkey-sign-in").hidden = !hasPasskeys;
$("passkey-sign-in").addEventListener("click", act(async () => {
  offered?.abort();
  await signInByPasskey();
}));

// A first step, by password or by a mailed code, is answered with a session, or with the question for the second one.
async function goOn(answer) {
  if (answer.status === "mfa_required") {
    firstStep = answer;
    askFor($("second-factor"), usable(answer.methods));
    const { remember_device_days: days } = answer;
    $("remember-device").checked = false;
    $("remember-device").parentElement.hidden = !days;
    $("remember-days").textContent = days === 1 ? "a day" : `${days} days`;
    show("second-step");
    return;
  }
  firstStep = null;
  accessToken = answer.access_token;
  await showAccount();
}

onSubmit("second-factor", async ({ code }) => {
  const { mfa_token } = firstStep;
  const { method } = $("second-factor").dataset;
  try {
    const asked = method === "passkey" && await send("POST", "/v1/login/mfa/options", { mfa_token });
    const proof = asked ? { credential: await sign(asked.publicKey) } : { code };
    const remember_device = $("remember-device").checked;
    const answer = await send("POST", "/v1/login/mfa", { mfa_token, method, ...proof, remember_device, transport: "cookie" });
    await goOn(answer);
    if ("recovery_codes_left" in answer) say(`You are signed in. Recovery codes left: ${answer.recovery_codes_left}.`);
  } catch (error) {
    // The first step has expired.
    if (error.problem?.code === "invalid_token") show("signed-out");
    throw error;
  }
});

$("start-again").addEventListener("click", act(() => {
  firstStep = null;
  show("signed-out");
}));

onSubmit("step-up", async ({ password, code }) => {
  const { method } = $("step-up").dataset;
  const isAsked = $("step-up").querySelector(".proof").childElementCount > 0;
  const asked = isAsked && method === "passkey" && await sendSignedIn("POST", "/v1/step-up/options");
  const proof = asked ? { credential: await sign(asked.passkey.publicKey) } : { code };
  const answer = await sendSignedIn("POST", "/v1/step-up", { password, ...(isAsked && { method, ...proof }) });
  accessToken = answer.access_token;
  waiting.resolve();
});

$("step-up-cancel").addEventListener("click", act(async () => {
  await showAccount();
  waiting.reject(new Refused({ detail: "Nothing has changed." }));
}));

onSubmit("register", async ({ name, email, password }) => {
  const answer = await send("POST", "/v1/register", { email, password, ...(name && { name }) });
  registration = { email, flowToken: answer.flow_token };
  $("verify-address").textContent = email;
  $("outbox").href = `${API}/dev/outbox`;
  show("verify-section");
});

onSubmit("verify", async ({ code }) => {
  const { email, flowToken } = registration;
  await send("POST", "/v1/email/verify", { email, code, flow_token: flowToken });
  registration = null;
  show("signed-out");
  say("Your address is confirmed. You can sign in now.");
});

onSubmit("change-password", async ({ current, next }) => {
  await call("POST", "/v1/password/change", { current_password: current, new_password: next });
  await showAccount();
  say("Your password is changed, and every other session has ended.");
});

async function setUp() {
  enrolment = await call("POST", "/v1/mfa/totp");
  // The picture is the service's own. As a document of its own it would run nothing, either.
  const picture = new DOMParser().parseFromString(enrolment.qr_svg, "image/svg+xml").documentElement;
  $("qr").replaceChildren(document.importNode(picture, true));
  $("secret").textContent = enrolment.secret.match(/.{1,4}/g).join(" ");
  show("set-up-section");
}

$("factor-set-up").addEventListener("click", act(setUp));
$("set-up-cancel").addEventListener("click", act(showAccount));

onSubmit("set-up", async ({ code }) => {
  try {
    const answer = await call("POST", "/v1/mfa/totp/confirm", { enrolment_token: enrolment.enrolment_token, code });
    showCodes(answer.recovery_codes);
  } catch (error) {
    if (error.problem?.code !== "enrolment_expired") throw error;
    await setUp();
    throw new Refused({ detail: "That took too long. Please let the app scan the new picture." });
  }
});

// They are shown this once: nothing here keeps them, or what the app was set up with.
function showCodes(codes) {
  enrolment = null;
  $("qr").replaceChildren();
  $("secret").textContent = "";
  $("codes").replaceChildren(...codes.map((code) => {
    const item = document.createElement("li");
    item.textContent = code;
    return item;
  }));
  show("codes-section");
}

$("codes-kept").addEventListener("click", act(async () => {
  await showAccount();
  $("codes").replaceChildren();
  say("Your second factor is on.");
}));

$("factor-remove").addEventListener("click", act(async () => {
  await call("DELETE", "/v1/mfa/totp");
  await showAccount();
  say("Your second factor is off.");
}));

$("passkey-add").addEventListener("click", act(async () => {
  const asked = await call("POST", "/v1/passkeys/registration/options");
  const added = await call("POST", "/v1/passkeys/registration", { credential: await make(asked.publicKey) });
  // They come with the first second factor.
  if (added.recovery_codes) return showCodes(added.recovery_codes);
  await showAccount();
  say("The passkey is added.");
}));

$("password-remove").addEventListener("click", act(async () => {
  await call("DELETE", "/v1/password");
  await showAccount();
  say("Your password is gone: a passkey signs you in.");
}));

$("resend").addEventListener("click", act(async () => {
  await send("POST", "/v1/email/verify/resend", { email: registration.email, flow_token: registration.flowToken });
  say("If the address waits to be confirmed, another mail is on its way.");
}));

$("forgot").addEventListener("click", act(async () => {
  const field = $("sign-in").elements.email;
  if (!field.reportValidity()) return;
  await send("POST", "/v1/password/forgot", { email: field.value });
  say("If the address has an account, a mail with a link is on its way.");
}));

$("sign-out").addEventListener("click", act(async () => {
  await send("POST", "/v1/logout", {});
  accessToken = null;
  show("signed-out");
  say("You are signed out.");
}));

// A page that is opened again goes on where it was: the cookie says whether there is a session.
try {
  await refresh();
  await showAccount();
} catch (error) {
  show("signed-out");
  // Whoever is not signed in is told so by a problem, which needs no words. That nobody answers does.
  if (!error.problem?.code) say(error.message, true);
}
