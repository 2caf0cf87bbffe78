// Walks through signing in to applications, in a real browser without JavaScript, on several sites: the service is on localhost,
// the applications are served from here and begin on 127.0.0.1 and page.test. Prints one line for each walk.
// Usage: node flows.mjs <executable> <api> <port of shop> <port of page> <port of guest> <secret of shop> [clock]
//
// The clients are `shop` (web, http://localhost:<its port>/callback, and /bye to sign out to), `page` (spa, the same callback on
// its port), and `cli` (native, http://127.0.0.1/callback, http://[::1]/callback and com.example.cli:/callback), each with the
// scopes openid and email and without consent; and `guest` (spa, as page), whose people are asked. http://localhost:<port of shop> is a listed origin. With `clock`, "clock <seconds>" on standard output
// asks for the service's clock to be moved, and a line on standard input says that it was. ONLY=<walk>,… walks those alone.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { chromium } from "playwright-core";
import { findings } from "./axe.mjs";

const [executablePath, api, shopPort, pagePort, guestPort, secret, clock] = process.argv.slice(2);
const PASSWORD = "analytical engines hum";
const ADA = "ada@example.com";
const GRACE = "grace@example.com";
const OURS = "__Host-wardgate-";

/** An application: it leads browsers to the service, takes them back, and says on its page who came. */
class Application {
  /** By state: what it keeps of a request, for as long as it runs. */
  asked = new Map();
  /** Whatever came to its redirect URI, newest last. */
  came = [];

  constructor(id, redirectUri, { clientSecret, start = new URL(redirectUri).origin, scope = "openid email" } = {}) {
    Object.assign(this, { id, redirectUri, clientSecret, start, scope });
  }

  /** The request's parameters, with more or others. */
  parameters(more = {}) {
    const verifier = randomBytes(32).toString("base64url");
    const state = more.state ?? randomBytes(16).toString("base64url");
    this.asked.set(state, verifier);
    const challenge = createHash("sha256").update(verifier).digest("base64url");
    return new URLSearchParams({
      client_id: this.id, redirect_uri: this.redirectUri, response_type: "code", scope: this.scope, state,
      code_challenge: challenge, code_challenge_method: "S256", ...more,
    });
  }

  async answer(request, response) {
    const url = new URL(request.url, this.redirectUri);
    const html = (body) => response.setHeader("content-type", "text/html; charset=utf-8").end(
      `<!doctype html><html lang="en"><meta charset="utf-8"><title>${this.id}</title><main><h1>${this.id}</h1>${body}</main>`);
    const more = Object.fromEntries(url.searchParams);
    if (request.method === "POST" && url.pathname === "/callback") {
      html(`<p role="status">${await this.takeBack(new URLSearchParams(await text(request)))}</p>`);
    } else if (url.pathname === "/") {
      html(`<a href="/start${url.search}">Sign in</a>`);
    } else if (url.pathname === "/start") {
      response.writeHead(302, { location: `${api}/oauth2/authorize?${this.parameters(more)}` }).end();
    } else if (url.pathname === "/form") {
      const fields = [...this.parameters(more)].map(([name, value]) => `<input type="hidden" name="${name}" value="${value}">`);
      html(`<form method="post" action="${api}/oauth2/authorize">${fields.join("")}<button>Sign in</button></form>`);
    } else if (url.pathname === "/frame") {
      html(`<iframe title="renewal" src="${api}/oauth2/authorize?${this.parameters({ prompt: "none", ...more })}"></iframe>`);
    } else if (url.pathname === "/bye") {
      html(`<p role="status">signed out: ${url.searchParams.get("state")}</p>`);
    } else if (url.pathname === "/callback" && this.onward) {
      response.writeHead(303, { location: `${this.onward}/home${url.search}` }).end();
    } else if (url.pathname === "/callback" || url.pathname === "/home") {
      html(`<p role="status">${await this.takeBack(url.searchParams)}</p>`);
    } else {
      response.writeHead(404).end();
    }
  }

  /** What becomes of an answer: the person whom userinfo names, or the error. */
  async takeBack(answer) {
    const came = Object.fromEntries(answer);
    this.came.push(came);
    assert.equal(came.iss, api, "OC-03");
    const verifier = this.asked.get(came.state);
    if (!verifier) return "nobody here asked";
    if (came.error) return `refused: ${came.error}`;
    const form = new URLSearchParams({
      grant_type: "authorization_code", code: came.code, redirect_uri: this.redirectUri, code_verifier: verifier,
    });
    const headers = {};
    if (this.clientSecret) {
      headers.authorization = `Basic ${Buffer.from(`${this.id}:${this.clientSecret}`).toString("base64")}`;
    } else {
      form.set("client_id", this.id);
    }
    const tokens = await (await fetch(`${api}/oauth2/token`, { method: "POST", headers, body: form })).json();
    if (!tokens.access_token) return `refused: ${tokens.error}`;
    came.access = tokens.access_token;
    const claims = JSON.parse(Buffer.from(tokens.id_token.split(".")[1], "base64url"));
    assert.equal(claims.aud, this.id);
    const person = await (await userinfo(tokens.access_token)).json();
    assert.equal(person.sub, claims.sub);
    return `signed in: ${person.email}`;
  }

  /** Listens on each loopback address that this machine has, since localhost may be either. */
  async listen(port, addresses = ["127.0.0.1", "::1"]) {
    this.servers = [];
    for (const address of addresses) {
      const server = createServer((request, response) => this.answer(request, response).catch((error) => {
        response.writeHead(500).end(error.stack);
      }));
      const listens = await new Promise((resolve) => {
        server.once("error", () => resolve(false));
        server.listen(port, address, () => resolve(true));
      });
      if (listens) this.servers.push(server);
    }
    return this.servers.length > 0;
  }

  close() {
    for (const server of this.servers) server.close();
  }
}

function userinfo(access) {
  return fetch(`${api}/oauth2/userinfo`, { headers: { authorization: `Bearer ${access}` } });
}

const shop = new Application("shop", `http://localhost:${shopPort}/callback`, {
  clientSecret: secret, start: `http://127.0.0.1:${shopPort}`,
});
const page = new Application("page", `http://localhost:${pagePort}/callback`, { start: `http://page.test:${pagePort}` });
const guest = new Application("guest", `http://localhost:${guestPort}/callback`, { start: `http://guest.test:${guestPort}` });
await shop.listen(shopPort);
await guest.listen(guestPort);
await page.listen(pagePort);

for (const email of [ADA, GRACE]) {
  const answer = await fetch(`${api}/v1/register`, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ email, password: PASSWORD }),
  });
  assert.equal(answer.status, 202, await answer.text());
}

const launch = { executablePath, args: ["--no-sandbox", "--host-resolver-rules=MAP page.test 127.0.0.1, MAP guest.test 127.0.0.1"] };
const browser = await chromium.launch(launch);
const lines = clock && createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const walks = {
  "prompt-none": promptNone, "two-tabs": twoTabs, "one-csrf": oneCsrf, "left-open": leftOpen, "refused": refused,
  "given-up": givenUp, "long": long, "scripts": scripts, "frames": frames, "posted": posted, "another-person": anotherPerson,
  "native": native, "native-by-ipv6": nativeByIpv6, "onward": onward, "policy": policy, "consent": consent, "sign-out": signOut,
  "posted-answer": postedAnswer, "without-cookies": withoutCookies, "keyboard": keyboard,
};
const only = process.env.ONLY?.split(",");
let failed = 0;
/** What never got an answer, and why: the browser shows an empty page for it. */
const unanswered = [];
try {
  for (const [name, walk] of Object.entries(walks)) {
    if (only && !only.includes(name)) continue;
    unanswered.length = 0;
    try {
      const skipped = await walk();
      console.log(skipped ? `skipped ${name}: ${skipped}` : `ok ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL ${name}: ${error.stack}\n${unanswered.join("\n")}`);
    }
  }
} finally {
  await browser.close();
}
// Connections that are kept would keep the process.
process.exit(failed > 0 ? 1 : 0);

/** A person's browser, which notes what a policy refused, and every answer of the service to a navigation. */
async function visitor(options = {}, from = browser) {
  const context = from === browser
    ? await browser.newContext({ javaScriptEnabled: false, locale: "en", ...options })
    : from;
  const seen = [];
  const refusals = [];
  context.on("response", (response) => {
    const url = new URL(response.url());
    if (url.origin === api) seen.push({ status: response.status(), method: response.request().method(), path: url.pathname });
  });
  context.on("requestfailed", (request) => unanswered.push(`${request.url()}: ${request.failure()?.errorText}`));
  context.on("console", (message) => /Content.Security.Policy/i.test(message.text()) && refusals.push(message.text()));
  const done = async (expected = /^$/) => {
    const ours = (await context.cookies(api)).filter(({ domain }) => domain === "localhost");
    for (const { name, secure, httpOnly } of ours) assert.ok(name.startsWith(OURS) && secure && httpOnly, name);
    await context.close();
    assert.deepEqual(refusals.filter((text) => !expected.test(text)), [], "a policy refused something");
    // OC-32.
    for (const { method, status } of seen) assert.ok(method !== "POST" || ![301, 302, 307, 308].includes(status), "OC-32");
  };
  return { context, seen, refusals, done };
}

/** A tab that has pressed the link on the application's page. */
async function start(context, application, more = {}) {
  const tab = await context.newPage();
  await again(tab, application, more);
  return tab;
}

async function again(tab, application, more = {}) {
  await tab.goto(`${application.start}/?${new URLSearchParams(more)}`);
  await tab.getByRole("link", { name: "Sign in" }).click();
}

async function signIn(tab, email = ADA, password = PASSWORD) {
  await tab.getByLabel("Email address").fill(email);
  await tab.getByLabel("Password").fill(password);
  await tab.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** The tab is back at the application, which says this. */
async function reached(tab, application, said = `signed in: ${ADA}`) {
  await tab.waitForURL((url) => url.href.startsWith(application.redirectUri)).catch((error) => explain(tab, error));
  await tab.getByRole("heading", { level: 1, name: application.id, exact: true }).waitFor();
  assert.equal(await tab.getByRole("status").textContent(), said);
}

async function heading(tab, name) {
  await tab.getByRole("heading", { level: 1, name, exact: true }).waitFor().catch((error) => explain(tab, error));
}

async function explain(tab, error) {
  throw new Error(`${error.message}\n${tab.url()} shows: ${await tab.locator("body").innerText()}`);
}

function later(seconds) {
  console.log(`clock ${seconds}`);
  return lines.next();
}

/** OC-13: without a session there is an error and no page, with one there is a code and no page. */
async function promptNone() {
  const { context, seen, done } = await visitor();
  const tab = await start(context, shop, { prompt: "none" });
  await reached(tab, shop, "refused: login_required");
  assert.deepEqual(seen.splice(0).map(({ status, path }) => [status, path]), [[302, "/oauth2/authorize"]]);
  assert.deepEqual(await context.cookies(api), [], "a refusal leaves nothing in the browser");
  await again(tab, shop);
  await heading(tab, "Sign in to continue to Shop");
  await signIn(tab);
  await reached(tab, shop);
  seen.length = 0;
  for (const application of [shop, page]) {
    await again(tab, application, { prompt: "none" });
    await reached(tab, application);
  }
  assert.deepEqual(seen.map(({ status, path }) => [status, path]), Array(2).fill([302, "/oauth2/authorize"]));
  await again(tab, shop, { prompt: "none", max_age: "0" });
  await reached(tab, shop, "refused: login_required");
  await done();
}

/** OC-16: two tabs that two sites have opened reach their own application, in either order. */
async function twoTabs() {
  for (const order of [[0, 1], [1, 0]]) {
    const { context, done } = await visitor();
    const tabs = [await start(context, shop), await start(context, page)];
    await heading(tabs[0], "Sign in to continue to Shop");
    await heading(tabs[1], "Sign in to continue to Page");
    for (const index of order) {
      await signIn(tabs[index]);
      await reached(tabs[index], [shop, page][index]);
    }
    await done();
  }
}

/** OC-31: a tab that another site opens does not end the form of the first one. */
async function oneCsrf() {
  const { context, done } = await visitor();
  const tabs = [];
  for (const application of [shop, page, shop]) tabs.push(await start(context, application));
  const tokens = await Promise.all(tabs.map((tab) => tab.locator("input[name=csrf]").first().getAttribute("value")));
  assert.ok(tokens[0] && tokens.every((token) => token === tokens[0]), tokens.join(" "));
  const kept = (await context.cookies(api)).find(({ name }) => name === `${OURS}csrf`);
  assert.deepEqual([kept.value, kept.sameSite], [tokens[0], "Lax"]);
  await signIn(tabs[0]);
  await reached(tabs[0], shop);
  await done();
}

/** OC-17: a page that was left open for 59 minutes completes; later it asks once more, and loses nothing. */
async function leftOpen() {
  if (!clock) return "nobody moves the clock";
  const { context, done } = await visitor();
  const tab = await start(context, shop, { prompt: "login" });
  await heading(tab, "Sign in to continue to Shop");
  await later(59 * 60);
  await signIn(tab);
  await reached(tab, shop);
  await again(tab, shop, { prompt: "login" });
  await heading(tab, "Sign in to continue to Shop");
  await later(61 * 60);
  await signIn(tab);
  await tab.getByLabel("Password").and(tab.locator(":not([aria-invalid])")).waitFor();
  await heading(tab, "Sign in to continue to Shop");
  await signIn(tab);
  await reached(tab, shop);
  await done();
  return undefined;
}

/** OC-18: a refusal, a reload, the way back: all lead to the application in the end. */
async function refused() {
  const { context, done } = await visitor();
  const tab = await start(context, shop, { login_hint: ADA });
  await heading(tab, "Sign in to continue to Shop");
  assert.equal(await tab.getByLabel("Email address").inputValue(), ADA);
  await tab.reload();
  await tab.getByLabel("Keep me signed in").check();
  await signIn(tab, ADA, "crimson kettles drift eastward");
  const alert = tab.getByRole("alert").filter({ hasText: "The address or the password is wrong" });
  await alert.waitFor();
  assert.equal(await tab.getByLabel("Email address").inputValue(), ADA);
  assert.equal(await tab.getByLabel("Password").inputValue(), "");
  assert.ok(await tab.getByLabel("Keep me signed in").isChecked());
  // The browser sends the form once more.
  await tab.reload();
  await alert.waitFor();
  await signIn(tab);
  await reached(tab, shop);
  const kept = (await context.cookies(api)).find(({ name }) => name === `${OURS}session`);
  assert.ok(kept.expires > Date.now() / 1000 + 86_400, "it was to be kept");
  // What was answered once is no code twice, and says so.
  await tab.reload();
  await tab.getByRole("status").filter({ hasText: "refused: invalid_grant" }).waitFor();
  // Back to the form, whose answer is another code.
  await again(tab, shop, { prompt: "login" });
  await signIn(tab);
  await reached(tab, shop);
  await tab.goBack();
  await heading(tab, "Sign in to continue to Shop");
  const before = shop.came.length;
  await signIn(tab);
  await reached(tab, shop);
  assert.equal(shop.came.length, before + 1);
  // Whoever is impatient presses twice.
  await again(tab, shop, { prompt: "login" });
  await tab.getByLabel("Email address").fill(ADA);
  await tab.getByLabel("Password").fill(PASSWORD);
  await tab.getByRole("button", { name: "Sign in", exact: true }).dblclick();
  await reached(tab, shop);
  await done();
}

/** OC-19: a hundred requests that were given up leave the cookies of one, and the last page works. */
async function givenUp() {
  const { context, done } = await visitor();
  const tab = await start(context, shop);
  await heading(tab, "Sign in to continue to Shop");
  const cookies = async () => (await context.cookies(api)).map(({ name, value }) => `${name}=${value}`).sort();
  const one = await cookies();
  assert.equal(one.length, 1, one.join(" "));
  for (let number = 1; number < 100; number += 1) await tab.goto(`${[shop, page][number % 2].start}/start`);
  assert.deepEqual(await cookies(), one);
  await heading(tab, "Sign in to continue to Page");
  await signIn(tab);
  await reached(tab, page);
  await done();
}

/** OC-20: the longest request fits between browser and gateway with all cookies; a longer one is told so. */
async function long() {
  const { context, done } = await visitor();
  const tab = await start(context, shop);
  // All cookies that there are.
  await signIn(tab);
  await reached(tab, shop);
  const sizes = [];
  const measured = [];
  context.on("request", (request) => {
    if (!request.url().startsWith(api)) return;
    measured.push(request.allHeaders().then((headers) => {
      const { pathname, search } = new URL(request.url());
      const fields = Object.entries(headers).filter(([name]) => !name.startsWith(":"));
      const line = `${request.method()} ${pathname}${search} HTTP/1.1\r\n`.length;
      sizes.push(fields.reduce((sum, [name, value]) => sum + name.length + value.length + 4, line));
    }));
  });
  const base = shop.parameters({ prompt: "login", state: "" }).toString().length;
  const most = "s".repeat(3072 - base);
  const asked = `${api}/oauth2/authorize?${shop.parameters({ prompt: "login", state: most })}`;
  assert.equal(asked.split("?")[1].length, 3072);
  await tab.goto(asked);
  await heading(tab, "Sign in to continue to Shop");
  await signIn(tab);
  await reached(tab, shop);
  await Promise.all(measured);
  assert.ok(Math.max(...sizes) > 4_000 && Math.max(...sizes) < 10_240, sizes.join(" "));
  const answer = await tab.goto(`${api}/oauth2/authorize?${shop.parameters({ state: `${most}ssssssssssssss` })}`);
  assert.equal(answer.status(), 400);
  await heading(tab, "This request is too long");
  await done();
}

/** OC-23: a listed origin of the same site gets no page by a script, whatever it asks with, and no cookie is set. */
async function scripts() {
  const { context, seen, done } = await visitor({ javaScriptEnabled: true });
  const tab = await start(context, shop);
  await signIn(tab);
  await reached(tab, shop);
  const origin = new URL(tab.url()).origin;
  const cookies = await context.cookies(api);
  const silent = `${api}/oauth2/authorize?${shop.parameters({ prompt: "none" })}`;
  for (const url of [`${api}/ui/login`, `${api}/oauth2/authorize?${shop.parameters()}`, silent]) {
    for (const [mode, redirect] of [["cors", "follow"], ["cors", "manual"], ["no-cors", "follow"]]) {
      seen.length = 0;
      const came = shop.came.length;
      const got = await tab.evaluate(async ([address, how, way]) => {
        try {
          const answer = await fetch(address, { credentials: "include", mode: how, redirect: way });
          return [answer.type, await answer.text()];
        } catch (error) {
          return [error.name, ""];
        }
      }, [url, mode, redirect]);
      assert.deepEqual(got, [mode === "cors" ? "TypeError" : "opaque", ""], `${url} from ${origin} by ${mode}`);
      // What a script may not see of an answer, the browser tells nobody.
      assert.deepEqual(seen.map(({ status }) => status), mode === "cors" ? [] : [403], `${url} by ${mode}`);
      assert.equal(shop.came.length, came, "a script got a code");
    }
  }
  // Its credentials do count where it is listed.
  const status = await tab.evaluate(async (address) => {
    const headers = { "content-type": "application/json" };
    return (await fetch(address, { method: "POST", credentials: "include", headers, body: "{}" })).status;
  }, `${api}/v1/token/refresh`);
  assert.equal(status, 400, "it is listed, and has no such token");
  assert.deepEqual(await context.cookies(api), cookies);
  await done();
}

/** OC-23, OC-26: a frame gets no page. Silently it renews on the same site, and on another site it is told to ask the person. */
async function frames() {
  const { context, seen, done } = await visitor();
  const tab = await start(context, shop);
  await signIn(tab);
  await reached(tab, shop);
  for (const [site, said] of [[new URL(shop.redirectUri).origin, `signed in: ${ADA}`], [shop.start, "refused: login_required"]]) {
    seen.length = 0;
    await tab.goto(`${site}/frame`, { waitUntil: "load" });
    await tab.frameLocator("iframe").getByRole("status").filter({ hasText: said }).waitFor();
    assert.deepEqual(seen.map(({ status, path }) => [status, path]), [[302, "/oauth2/authorize"]], site);
    seen.length = 0;
    const came = shop.came.length;
    await tab.goto(`${site}/frame?prompt=`, { waitUntil: "load" });
    assert.deepEqual(seen.map(({ status, path }) => [status, path]), [[403, "/oauth2/authorize"]], site);
    assert.equal(shop.came.length, came, site);
  }
  await done(/frame-ancestors 'none'/);
}

/** OC-27: a form of another site finds the session that a link finds. */
async function posted() {
  const { context, seen, done } = await visitor();
  const tab = await context.newPage();
  const press = async () => {
    await tab.goto(`${shop.start}/form`);
    await tab.getByRole("button", { name: "Sign in", exact: true }).click();
  };
  await press();
  await heading(tab, "Sign in to continue to Shop");
  await signIn(tab);
  await reached(tab, shop);
  seen.length = 0;
  await press();
  await reached(tab, shop);
  assert.deepEqual(seen.map(({ method, status, path }) => [method, status, path]),
    [["POST", 303, "/oauth2/authorize"], ["GET", 302, "/oauth2/authorize"]]);
  await done();
}

/** OC-29: the same person keeps the session, another one ends it. */
async function anotherPerson() {
  const { context, done } = await visitor();
  const tab = await start(context, shop);
  await signIn(tab);
  await reached(tab, shop);
  const first = shop.came.at(-1).access;
  await again(tab, shop, { prompt: "login" });
  await signIn(tab);
  await reached(tab, shop);
  assert.equal((await userinfo(first)).status, 200, "the same person has signed in again");
  await again(tab, page, { prompt: "select_account" });
  await heading(tab, "Continue to Page?");
  assert.match(await tab.locator("main").innerText(), new RegExp(ADA));
  await tab.getByRole("link", { name: "Use another account" }).click();
  await heading(tab, "Sign in to continue to Page");
  await signIn(tab, GRACE);
  await reached(tab, page, `signed in: ${GRACE}`);
  assert.equal((await userinfo(first)).status, 401, "the session of before");
  assert.equal((await userinfo(page.came.at(-1).access)).status, 200);
  await again(tab, shop, { prompt: "none" });
  await reached(tab, shop, `signed in: ${GRACE}`);
  await done();
}

/** OC-22, OC-30: a program on this machine: each time somebody presses, and is led there. */
async function native() {
  assert.equal(await loopback("127.0.0.1"), undefined);
  const { context, refusals, done } = await visitor();
  // Nobody takes its own scheme here; the browser tries to hand it on.
  const own = new Application("cli", "com.example.cli:/callback");
  const tab = await context.newPage();
  await tab.goto(`${api}/oauth2/authorize?${own.parameters()}`);
  await heading(tab, "Sign in to continue to Command line");
  await signIn(tab);
  await heading(tab, "Back to Command line");
  // Whoever is not taken there presses.
  const button = tab.getByRole("link", { name: "Continue to Command line" });
  assert.match(await button.getAttribute("href"), /^com\.example\.cli:\/callback\?code=/);
  assert.deepEqual(refusals, []);
  await done();
}

/** The same on the other loopback address, where a machine has it. */
async function nativeByIpv6() {
  return loopback("::1");
}

async function loopback(address) {
  const host = address.includes(":") ? `[${address}]` : address;
  const program = new Application("cli", `http://${host}/callback`);
  if (!(await program.listen(0, [address]))) return `there is no ${address}`;
  program.start = `http://${host}:${program.servers[0].address().port}`;
  program.redirectUri = `${program.start}/callback`;
  const { context, done } = await visitor();
  const tab = await start(context, program);
  await heading(tab, "Sign in to continue to Command line");
  await signIn(tab);
  await reached(tab, program);
  for (let times = 0; times < 2; times += 1) {
    await again(tab, program);
    await heading(tab, "Continue to Command line?");
    await tab.getByRole("button", { name: "Continue" }).click();
    await reached(tab, program);
  }
  await again(tab, program, { prompt: "none" });
  await reached(tab, program, "refused: interaction_required");
  program.close();
  await done();
  return undefined;
}

/** OC-30: an application that leads on from its redirect URI, to its own site or to another one. */
async function onward() {
  for (const there of [new URL(shop.redirectUri).origin, shop.start, page.start]) {
    const { context, done } = await visitor();
    shop.onward = there;
    try {
      const tab = await start(context, shop);
      await signIn(tab);
      await tab.waitForURL((url) => url.href.startsWith(`${there}/home?`)).catch((error) => explain(tab, error));
      // Another application knows nothing of it.
      const said = there === page.start ? "nobody here asked" : `signed in: ${ADA}`;
      assert.equal(await tab.getByRole("status").textContent(), said);
      await done();
    } finally {
      shop.onward = undefined;
    }
  }
}

/** OC-30: were the application itself the answer of a form, the policy would keep the browser where it is. */
async function policy() {
  const { context, refusals } = await visitor();
  await context.route(`${api}/ui/login`, (route) => (route.request().method() === "POST"
    ? route.fulfill({ status: 303, headers: { location: `${shop.redirectUri}?state=x&iss=${api}` } })
    : route.continue()));
  const tab = await start(context, shop);
  await heading(tab, "Sign in to continue to Shop");
  await signIn(tab);
  for (let tries = 0; tries < 50 && refusals.length === 0; tries += 1) await new Promise((resolve) => setTimeout(resolve, 100));
  assert.match(refusals.join(), /form-action/, "Chromium did not look at the policy");
  await context.close();
}

/** OC-21: an application of somebody else's gets what a person lets it have; a no reaches it, too. */
async function consent() {
  const { context, done } = await visitor();
  const tab = await start(context, guest);
  await heading(tab, "Sign in to continue to Guest");
  await signIn(tab);
  await heading(tab, "Let Guest have this?");
  const asked = await tab.locator("main").innerText();
  for (const part of [ADA, `localhost:${guestPort}`, "See your email address"]) assert.ok(asked.includes(part), `${part}: ${asked}`);
  await tab.getByRole("button", { name: "Do not allow" }).click();
  await reached(tab, guest, "refused: access_denied");
  await again(tab, guest, { prompt: "none" });
  await reached(tab, guest, "refused: consent_required");
  await again(tab, guest);
  await heading(tab, "Let Guest have this?");
  await tab.reload();
  await tab.getByRole("button", { name: "Allow", exact: true }).click();
  await reached(tab, guest);
  await again(tab, guest, { prompt: "none" });
  await reached(tab, guest);
  await again(tab, guest, { prompt: "consent" });
  await heading(tab, "Let Guest have this?");
  await tab.goBack();
  await tab.goForward();
  await tab.getByRole("button", { name: "Allow", exact: true }).click();
  await reached(tab, guest);
  await done();
}

/** OC-40: an application has its person signed out, who is asked first; then all applications ask for a sign-in. */
async function signOut() {
  const { context, done } = await visitor();
  const tab = await start(context, shop);
  await signIn(tab);
  await reached(tab, shop);
  const access = shop.came.at(-1).access;
  const bye = new URL("/bye", shop.redirectUri).href;
  await tab.goto(`${api}/oauth2/logout?${new URLSearchParams({ client_id: "shop", post_logout_redirect_uri: bye, state: "s t" })}`);
  await heading(tab, "Sign out?");
  assert.equal((await userinfo(access)).status, 200);
  await tab.getByRole("button", { name: "Sign out" }).click();
  await tab.waitForURL((url) => url.href.startsWith(bye)).catch((error) => explain(tab, error));
  assert.equal(await tab.getByRole("status").textContent(), "signed out: s t");
  assert.equal((await userinfo(access)).status, 401);
  assert.ok((await context.cookies(api)).every(({ name }) => name !== `${OURS}session`));
  await again(tab, page, { prompt: "none" });
  await reached(tab, page, "refused: login_required");
  await done();
}

/** OC-30: an answer by form gets there by a press, and with JavaScript by itself. */
async function postedAnswer() {
  for (const javaScriptEnabled of [false, true]) {
    const { context, done } = await visitor({ javaScriptEnabled });
    const tab = await start(context, shop, { response_mode: "form_post" });
    await signIn(tab);
    if (!javaScriptEnabled) {
      await heading(tab, "Back to Shop");
      await tab.getByRole("button", { name: "Continue to Shop" }).click();
    }
    await reached(tab, shop);
    await done();
  }
}

/** A browser without cookies is told so each time, and is not sent round. */
async function withoutCookies() {
  const folder = await mkdtemp(join(tmpdir(), "flows-"));
  try {
    await mkdir(join(folder, "Default"));
    const preferences = { profile: { default_content_setting_values: { cookies: 2 } } };
    await writeFile(join(folder, "Default", "Preferences"), JSON.stringify(preferences));
    const own = await chromium.launchPersistentContext(folder, { ...launch, javaScriptEnabled: false, locale: "en" });
    const { context, seen, done } = await visitor({}, own);
    const tab = await start(context, shop);
    for (let times = 0; times < 3; times += 1) {
      await heading(tab, "Sign in to continue to Shop");
      seen.length = 0;
      await signIn(tab);
      await tab.getByRole("alert").filter({ hasText: "with cookies allowed for this site" }).waitFor();
      assert.deepEqual(seen.map(({ method, status, path }) => [method, status, path]), [["POST", 403, "/ui/login"]]);
      assert.deepEqual(await context.cookies(), []);
    }
    await again(tab, shop, { prompt: "none" });
    await reached(tab, shop, "refused: login_required");
    await done();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** OC-50, in part: at 320 px and by keyboard alone, in both colour schemes and languages, and axe-core finds nothing. */
async function keyboard() {
  for (const colorScheme of ["light", "dark"]) {
    const { context, done } = await visitor({ colorScheme, viewport: { width: 320, height: 568 } });
    const looking = await (await browser.newContext({ colorScheme, viewport: { width: 320, height: 568 } })).newPage();
    const looksRight = async (tab, name) => {
      await looking.setContent(await tab.content());
      assert.deepEqual(await findings(looking), [], name);
      const width = await looking.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= 320, `${name} scrolls sideways: ${width}`);
    };
    const focused = (tab, selector) => tab.locator(`${selector}:focus`).waitFor();
    const tab = await start(context, page);
    await heading(tab, "Sign in to continue to Page");
    await looksRight(tab, "form");
    await focused(tab, "#email");
    await tab.keyboard.type(ADA);
    await tab.keyboard.press("Tab");
    await focused(tab, "#password");
    await tab.keyboard.type("crimson kettles drift eastward");
    await tab.keyboard.press("Enter");
    await tab.getByRole("alert").waitFor();
    await looksRight(tab, "refused");
    // The address is still there, and the password is where one goes on typing.
    await focused(tab, "#password");
    await tab.keyboard.type(PASSWORD);
    await tab.keyboard.press("Tab");
    await focused(tab, "#remember");
    await tab.keyboard.press("Space");
    await tab.keyboard.press("Tab");
    await focused(tab, "button");
    await tab.keyboard.press("Enter");
    await reached(tab, page);
    const german = await visitor({ colorScheme, locale: "de", viewport: { width: 320, height: 568 } });
    const words = await start(german.context, page);
    await heading(words, "Anmelden und weiter zu Page");
    await looksRight(words, "German");
    await german.done();
    await looking.context().close();
    await done();
  }
}
