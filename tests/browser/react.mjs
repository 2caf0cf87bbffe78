// Signs the demo user in to examples/react in a real browser, which then asks examples/node-lambda: as it is built for others to
// serve, with Wardgate on another host, the whole way; and as `make react` serves it, with Wardgate on another port of the same host.
// Usage: node react.mjs <executable> <api on 127.0.0.1> <api on localhost> <folder for screenshots>

import assert from "node:assert/strict";
import { findings } from "./axe.mjs";
import { DEMO, endSessions, fits, signIn } from "./example.mjs";
import { browserWith, cookiesOf, done, freePorts, hasTried, safariLike, typed } from "./verb.mjs";

const [executablePath, otherHost, otherPort, folder] = process.argv.slice(2);
// The redirect URI of demo-react, and its API.
const PAGE = "http://localhost:3002";
const API = "http://localhost:3004";
// What Wardgate keeps in a browser that is signed in.
const OURS = /^__Host-wardgate-/;

// Where Wardgate is, is built in.
await done("npm run build --prefix examples/react", { ISSUER: otherHost });
for (const [colorScheme, command, issuer] of [
  ["light", "npm run preview --prefix examples/react", otherHost],
  ["dark", "make react", otherPort],
]) {
  const [page, api] = await freePorts(2);
  const ports = { 3002: page, 3004: api };
  const env = { PORT: String(page), ISSUER: issuer };
  const [example, lambda] = await Promise.all([
    typed(command, { ready: /Local:/, env }),
    typed("make node-lambda", { ready: /is on http/, env: { PORT: String(api), ISSUER: issuer } }),
  ]);
  try {
    const browser = await browserWith(executablePath, ports);
    await walk({ colorScheme, issuer, browser, lambda }).finally(() => browser.close());
    if (issuer === otherHost) {
      const safari = await safariLike(executablePath, ports);
      await asSafari(safari, issuer).finally(() => safari.close());
    }
  } finally {
    await Promise.all([example.end(), lambda.end()]);
  }
  if (issuer === otherPort) await hasTried("react", { code: { tsx: ["react/src/main.tsx"] } });
  console.log(`ok ${colorScheme}`);
}

async function walk({ colorScheme, issuer, browser, lambda }) {
  const context = await browser.newContext({ colorScheme, locale: "en", viewport: { width: 390, height: 844 } });
  const [asked, errors] = [[], []];
  context.on("request", (request) => asked.push(request));
  context.on("weberror", (error) => errors.push(error.error().message));
  context.on("console", (message) => message.text().includes("Content Security Policy") && errors.push(message.text()));
  const tab = await context.newPage();
  const shot = async (name) => {
    await tab.screenshot({ path: `${folder}/react-${name}-${colorScheme}.png`, fullPage: true });
    assert.deepEqual(await findings(tab), [], name);
    assert.ok(await fits(tab), `${name} scrolls sideways`);
  };
  const heading = (name) => tab.getByRole("heading", { level: 1, name }).waitFor();
  const press = (name) => tab.getByRole("button", { name, exact: true }).click();
  const message = (text) => tab.getByRole("status").filter({ hasText: text }).waitFor();
  const stored = () => tab.evaluate(() => {
    const name = Object.keys(sessionStorage).find((it) => it.startsWith("oidc.user:"));
    return name && JSON.parse(sessionStorage.getItem(name));
  });
  const path = (request) => new URL(request.url()).pathname;

  await tab.goto(PAGE);
  await heading("Welcome");
  await shot("start");
  await press("Sign in");
  await signIn(tab, issuer);
  await heading(`Hello, ${DEMO.name}`);
  await tab.waitForURL(`${PAGE}/`);
  await shot("signed-in");
  const user = await stored();
  assert.equal(user.profile.email, DEMO.email);
  const claims = JSON.parse(Buffer.from(user.access_token.split(".")[1], "base64url"));
  assert.deepEqual(claims.aud, [API], "the token is for the API alone");

  // Cookies ignore ports: what Wardgate set on localhost reaches each server there is on localhost, and on a host of its own none.
  const back = asked.find((request) => request.url().startsWith(`${PAGE}/?code=`));
  const came = await cookiesOf(back);
  if (issuer === otherPort) assert.ok(came.some((name) => OURS.test(name)), `${came}`);
  else assert.deepEqual(came, []);

  await press("Ask the API");
  await message(`The API knows ${user.profile.sub}, who has no orders.`);
  await shot("asked");
  const call = asked.findLast((request) => request.url() === `${API}/orders` && request.method() === "GET");
  assert.equal((await call.allHeaders()).authorization, `Bearer ${user.access_token}`);

  assert.deepEqual(errors, []);
  if (issuer === otherPort) return;

  // Each renewal spends a refresh token and gives another, with the person still in it.
  await press("Renew the token now");
  await message("There is a new access token");
  await tab.waitForFunction((before) => !Object.values(sessionStorage).join().includes(before), user.refresh_token);
  await heading(`Hello, ${DEMO.name}`);
  assert.equal((await stored()).profile.email, DEMO.email);
  await tab.reload();
  await heading(`Hello, ${DEMO.name}`);

  // Of an access token that ran out while nobody looked, the page makes another when it is opened.
  await tab.evaluate(() => {
    const name = Object.keys(sessionStorage).find((it) => it.startsWith("oidc.user:"));
    sessionStorage.setItem(name, JSON.stringify({ ...JSON.parse(sessionStorage.getItem(name)), expires_at: 1 }));
  });
  await tab.reload();
  await heading(`Hello, ${DEMO.name}`);
  assert.ok((await stored()).expires_at > Date.now() / 1000);

  // A token that somebody has copied is worth nothing after the sign-out, and another sign-in asks for nothing.
  const last = await stored();
  await press("Sign out");
  await message("You are signed out of this page");
  await shot("signed-out");
  assert.equal(await stored(), undefined, "tokens are still there");
  const form = { grant_type: "refresh_token", client_id: "demo-react", refresh_token: last.refresh_token };
  const refused = await fetch(`${issuer}/oauth2/token`, { method: "POST", body: new URLSearchParams(form) });
  assert.deepEqual([refused.status, (await refused.json()).error], [400, "invalid_grant"]);
  asked.length = 0;
  await press("Sign in");
  await heading(`Hello, ${DEMO.name}`);
  assert.ok(!asked.some((request) => path(request) === "/ui/login"), "a password was asked for");

  // The session ends elsewhere: the page says so with the next renewal.
  await endSessions(issuer);
  await press("Renew the token now");
  await message("Your sign-in has ended");
  await heading("Welcome");
  await shot("ended");
  assert.equal(await stored(), undefined, "tokens are still there");

  // A person who goes back instead.
  await press("Sign in as somebody else");
  await heading("Sign in");
  const request = asked.findLast((it) => path(it) === "/oauth2/authorize");
  const state = new URL(request.url()).searchParams.get("state");
  await tab.goto(`${PAGE}/?${new URLSearchParams({ error: "access_denied", state, iss: issuer })}`);
  await message("The sign-in was cancelled");
  await tab.waitForURL(`${PAGE}/`);
  await press("Sign in");
  await signIn(tab, issuer);
  await heading(`Hello, ${DEMO.name}`);

  // The API is not there.
  await lambda.end();
  await press("Ask the API");
  await message("Is “make node-lambda” running?");
  assert.deepEqual(errors, []);
}

/** Safari keeps none of Wardgate's cookies on http: whoever tries it there reads why, on Wardgate's page. */
async function asSafari(browser, issuer) {
  const context = await browser.newContext({ locale: "en" });
  const tab = await context.newPage();
  await tab.goto(PAGE);
  await tab.getByRole("button", { name: "Sign in", exact: true }).click();
  await signIn(tab, issuer);
  await tab.getByRole("alert").filter({ hasText: "with cookies allowed for this site" }).waitFor();
  assert.deepEqual(await context.cookies(), []);
}
