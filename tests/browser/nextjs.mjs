// Signs the demo user in to examples/nextjs in a real browser: as it is built, with Wardgate on another host, the whole way; and as
// `make nextjs` serves it, with Wardgate on another port of the same host.
// Usage: node nextjs.mjs <executable> <api on 127.0.0.1> <api on localhost> <folder for screenshots>

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findings } from "./axe.mjs";
import { DEMO, endSessions, fits, signIn } from "./example.mjs";
import { browserWith, cookiesOf, done, freePorts, hasTried, safariLike, typed } from "./verb.mjs";

const [executablePath, otherHost, otherPort, folder] = process.argv.slice(2);
// The redirect URI of demo-web is there.
const PAGE = "http://localhost:3003";
const COOKIE = "demo-nextjs";
const OURS = /^__Host-wardgate-/;
const START = "npm run start --prefix examples/nextjs";

// The example's clock is ahead by what a file says, in seconds: its access token has run out, and an ID token that it then gets
// has not.
const temporary = await mkdtemp(join(tmpdir(), "nextjs-"));
const ahead = join(temporary, "ahead");
const clock = `import { readFileSync } from "node:fs";
  let ahead = 0; const now = Date.now; Date.now = () => now() + ahead;
  setInterval(() => { ahead = 1000 * readFileSync(${JSON.stringify(ahead)}, "utf8"); }, 20).unref();`;
const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(clock)}`;
const clockIsAhead = (seconds) => writeFile(ahead, String(seconds));

try {
  await done("npm run build --prefix examples/nextjs");
  for (const [colorScheme, command, issuer] of [["light", START, otherHost], ["dark", "make nextjs", otherPort]]) {
    const [port] = await freePorts(1);
    await clockIsAhead(0);
    const env = { PORT: String(port), ADDRESS: PAGE, ISSUER: issuer, NODE_OPTIONS };
    const example = await typed(command, { ready: /Ready in/, env });
    try {
      const browser = await browserWith(executablePath, { 3003: port });
      await walk({ colorScheme, issuer, browser }).finally(() => browser.close());
      if (issuer === otherHost) {
        const safari = await safariLike(executablePath, { 3003: port });
        await asSafari(safari, issuer).finally(() => safari.close());
      }
    } finally {
      await example.end();
    }
    if (issuer === otherHost) await behindTls(issuer);
    else await hasTried("nextjs");
    console.log(`ok ${colorScheme}`);
  }
} finally {
  await rm(temporary, { recursive: true });
}

async function walk({ colorScheme, issuer, browser }) {
  const context = await browser.newContext({ colorScheme, locale: "en", viewport: { width: 390, height: 844 } });
  const [asked, errors] = [[], []];
  context.on("request", (request) => asked.push(request));
  context.on("weberror", (error) => errors.push(error.error().message));
  context.on("console", (message) => message.text().includes("Content Security Policy") && errors.push(message.text()));
  const tab = await context.newPage();
  const shot = async (name) => {
    await tab.screenshot({ path: `${folder}/nextjs-${name}-${colorScheme}.png`, fullPage: true });
    assert.deepEqual(await findings(tab), [], name);
    assert.ok(await fits(tab), `${name} scrolls sideways`);
  };
  const heading = (name) => tab.getByRole("heading", { level: 1, name }).waitFor();
  const press = (name, role = "link") => tab.getByRole(role, { name, exact: true }).click();
  const message = (text) => tab.getByRole("status").filter({ hasText: text }).waitFor();
  const fact = (name) => tab.locator("dt", { hasText: name }).locator("+ dd").textContent();
  const own = async () => (await context.cookies(PAGE)).filter(({ name }) => name.startsWith(COOKIE));
  const path = (request) => new URL(request.url()).pathname;

  await tab.goto(PAGE);
  await heading("Welcome");
  await shot("start");
  await press("Sign in");
  await signIn(tab, issuer);
  await heading(`Hello, ${DEMO.name}`);
  assert.equal(tab.url(), `${PAGE}/`);
  await shot("signed-in");
  assert.equal(await fact("Email"), DEMO.email);
  const subject = await fact("Subject");
  assert.match(subject, /^usr_/);

  // One cookie of its own, which scripts do not see and nobody can read.
  const [cookie, ...others] = await own();
  assert.deepEqual(others, []);
  assert.ok(cookie.httpOnly && cookie.sameSite === "Lax" && !cookie.secure, JSON.stringify(cookie));
  assert.ok(cookie.name.length + cookie.value.length < 4096, `${cookie.value.length}`);
  assert.equal(await tab.evaluate(() => document.cookie), "", "scripts see no cookie");
  assert.equal(cookie.value.split(".").length, 5, "it is not encrypted");

  // Cookies ignore ports: what Wardgate set on localhost reaches each server there is on localhost, and on a host of its own none.
  const callback = asked.find((request) => path(request) === "/callback");
  const came = await cookiesOf(callback);
  if (issuer === otherPort) assert.ok(came.some((name) => OURS.test(name)), `${came}`);
  else assert.deepEqual(came, [`${COOKIE}-started`]);

  assert.deepEqual(errors, []);
  if (issuer === otherPort) return;

  // An answer that comes again does no harm.
  await tab.goto(callback.url());
  await heading(`Hello, ${DEMO.name}`);

  // The access token runs out. The next page has another, of the same sign-in, and so has the browser.
  const [since, until] = [await fact("Signed in to"), await fact("Access token")];
  await clockIsAhead(400);
  for (let tries = 0; (await fact("Access token")) === until; tries += 1) {
    assert.ok(tries < 50, "the access token is not refreshed");
    await tab.reload();
  }
  assert.deepEqual([await fact("Signed in to"), await fact("Subject")], [since, subject]);
  const [renewed] = await own();
  assert.notEqual(renewed.value, cookie.value);
  const shown = await fact("Access token");
  await tab.reload();
  assert.equal(await fact("Access token"), shown, "each page refreshes");

  // A page of another port, which is the same site, signs nobody out.
  const elsewhere = "http://localhost:3999/";
  const form = `<form method="post" action="${PAGE}/sign-out"><button>Win a prize</button></form>`;
  await context.route(elsewhere, (route) => route.fulfill({ contentType: "text/html", body: form }));
  await tab.goto(elsewhere);
  await press("Win a prize", "button");
  await heading(`Hello, ${DEMO.name}`);
  assert.ok((await cookiesOf(asked.findLast((it) => path(it) === "/sign-out"))).includes(COOKIE));
  await press("Sign out", "button");
  await message("You are signed out of this application");
  await shot("signed-out");
  assert.deepEqual(await own(), []);

  // The browser is signed in at Wardgate: nothing is asked for.
  asked.length = 0;
  await press("Sign in");
  await heading(`Hello, ${DEMO.name}`);
  assert.ok(!asked.some((request) => path(request) === "/ui/login"), "a password was asked for");

  // Whoever kept a copy of the cookie has it for as long as its access token lives, and no longer.
  await context.addCookies([renewed]);
  await tab.goto(PAGE);
  await heading(`Hello, ${DEMO.name}`);
  await clockIsAhead(800);
  const signedOut = tab.getByRole("status").filter({ hasText: "Your sign-in has ended" });
  for (let tries = 0; !(await signedOut.isVisible()); tries += 1) {
    assert.ok(tries < 50, "a copied cookie lives on");
    await tab.reload();
  }
  await shot("ended");
  assert.deepEqual(await own(), []);
  await clockIsAhead(0);

  // The session ends elsewhere: the application hears of it when its access token has run out.
  await press("Sign in");
  await heading(`Hello, ${DEMO.name}`);
  await endSessions(issuer);
  await clockIsAhead(400);
  for (let tries = 0; !(await signedOut.isVisible()); tries += 1) {
    assert.ok(tries < 50, "the ended session is not noticed");
    await tab.reload();
  }

  // Wardgate says no, or the browser has not asked.
  await press("Sign in as somebody else");
  await heading("Sign in");
  const request = asked.findLast((it) => path(it) === "/oauth2/authorize");
  const state = new URL(request.url()).searchParams.get("state");
  await tab.goto(`${PAGE}/callback?${new URLSearchParams({ error: "access_denied", state, iss: issuer })}`);
  await message("The sign-in was cancelled");
  await tab.goto(callback.url());
  await message("This browser has not begun this sign-in");
  assert.deepEqual(await own(), []);
  assert.deepEqual(errors, []);
}

/** Safari keeps none of Wardgate's cookies on http, and the application's own: whoever tries it there reads why. */
async function asSafari(browser, issuer) {
  const context = await browser.newContext({ locale: "en" });
  const tab = await context.newPage();
  await tab.goto(PAGE);
  await tab.getByRole("link", { name: "Sign in", exact: true }).click();
  await signIn(tab, issuer);
  await tab.getByRole("alert").filter({ hasText: "with cookies allowed for this site" }).waitFor();
  assert.deepEqual((await context.cookies()).map(({ name }) => name), [`${COOKIE}-started`]);
}

/** Where browsers come by https, the cookies have the prefix that other hosts cannot set, and the laptop's key is nobody's. */
async function behindTls(issuer) {
  const [port] = await freePorts(1);
  for (const key of [randomBytes(32).toString("base64"), ""]) {
    const env = { PORT: String(port), ADDRESS: "https://app.example.com", ISSUER: issuer, SESSION_KEY: key };
    const example = await typed(START, { ready: /Ready in/, env });
    const answer = await fetch(`http://localhost:${port}/sign-in`, { redirect: "manual" }).finally(() => example.end());
    assert.equal(answer.status, 303);
    const [set] = answer.headers.getSetCookie();
    if (key) assert.match(set, /^__Host-demo-nextjs-started=.*; Path=\/;.* Secure; HttpOnly; SameSite=lax/);
    else assert.equal(answer.headers.get("location"), "https://app.example.com/?said=refused");
  }
}
