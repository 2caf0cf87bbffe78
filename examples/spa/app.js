// A first-party application without a framework: the refresh token is in a cookie that this script cannot read, the
// access token is in a variable and nowhere else.

// Where Wardgate is: http://localhost:8080 is what `make run` listens on.
const API = new URLSearchParams(location.search).get("api") ?? "http://localhost:8080";

let accessToken = null;
// What a registration answered with: only with it does confirming the address activate the password.
let registration = null;

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

function words(problem) {
  const refused = (problem.errors ?? []).map(({ member, detail }) => ({ label: FIELDS[member], detail }));
  if (!refused.length) return problem.detail ?? "Something went wrong. Please try again.";
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
async function call(method, path, body) {
  try {
    return await send(method, path, body, accessToken);
  } catch (error) {
    if (error.problem?.code !== "invalid_token") throw error;
    await refresh();
    return send(method, path, body, accessToken);
  }
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
  $("sign-out").hidden = id !== "signed-in";
  if (before && before.id !== id) document.querySelector(`#${id} h1`).focus();
}

// Marks what was refused, so that it is seen and read out with the field.
function mark(form, problem) {
  for (const input of form.querySelectorAll("input")) input.removeAttribute("aria-invalid");
  for (const { member } of problem?.errors ?? []) {
    const name = { current_password: "current", new_password: "next" }[member] ?? member;
    form.elements[name]?.setAttribute("aria-invalid", "true");
  }
}

async function showAccount() {
  const [me, sessions] = await Promise.all([call("GET", "/v1/me"), call("GET", "/v1/sessions")]);
  $("name").textContent = me.name ?? me.email;
  $("change-username").value = me.email;
  $("profile").textContent = `${me.email}${me.email_verified ? "" : " (not confirmed yet)"}`;
  $("sessions").replaceChildren(...sessions.items.map(sessionItem));
  show("signed-in");
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

// Runs a handler, and says what was refused. A sign-in that is too old for what was asked starts over.
function act(handler) {
  return async (event) => {
    event?.preventDefault();
    say("");
    try {
      await handler(event);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      say(error.message, true);
      if (error.problem.code === "insufficient_user_authentication") show("signed-out");
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
  const answer = await send("POST", "/v1/login", { email, password, transport: "cookie" });
  accessToken = answer.access_token;
  await showAccount();
});

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
