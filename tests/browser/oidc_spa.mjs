// Signs the demo user in to examples/oidc-spa in a real browser, once in each colour scheme, and keeps screenshots.
// Usage: node oidc_spa.mjs <executable> <api> <folder for screenshots>

import assert from "node:assert/strict";
import { findings } from "./axe.mjs";
import { DEMO, endSessions, fits, signIn, withExample } from "./example.mjs";

const [executablePath, api, folder] = process.argv.slice(2);
// The redirect URI of demo-spa is there.
const PAGE = "http://localhost:3001";

for (const colorScheme of ["light", "dark"]) {
  await withExample({ executablePath, name: "oidc-spa", address: PAGE, issuer: api }, (browser) =>
    walk(colorScheme, browser));
}

async function walk(colorScheme, browser) {
  const context = await browser.newContext({ colorScheme, locale: "en", viewport: { width: 390, height: 844 } });
  const [asked, errors] = [[], []];
  context.on("request", (request) => asked.push(new URL(request.url())));
  context.on("weberror", (error) => errors.push(error.error().message));
  context.on("console", (message) => message.text().includes("Content Security Policy") && errors.push(message.text()));
  const tab = await context.newPage();
  const shot = async (name) => {
    await tab.screenshot({ path: `${folder}/oidc-spa-${name}-${colorScheme}.png`, fullPage: true });
    assert.deepEqual(await findings(tab), [], name);
    assert.ok(await fits(tab), `${name} scrolls sideways`);
  };
  const heading = (name, where = tab) => where.getByRole("heading", { level: 1, name }).waitFor();
  const press = (name, where = tab) => where.getByRole("button", { name, exact: true }).click();
  const message = (text, where = tab) => where.locator("#message:focus").filter({ hasText: text }).waitFor();
  const stored = (where = tab) => where.evaluate(() => {
    const name = Object.keys(sessionStorage).find((it) => it.startsWith("oidc.user:"));
    return name && JSON.parse(sessionStorage.getItem(name));
  });
  // What the page sends for its tokens, and what the browser lets it read.
  const answered = async (grant, what, where = tab) => {
    const waiting = where.waitForResponse((response) =>
      response.url() === `${api}/oauth2/token` && response.request().postData().includes(`grant_type=${grant}`));
    await what();
    const answer = await waiting;
    assert.equal(answer.status(), 200, await answer.text());
    assert.ok(["*", PAGE].includes(answer.headers()["access-control-allow-origin"]), "the page may not read it");
    assert.equal(await answer.request().headerValue("origin"), PAGE);
  };

  await tab.goto(PAGE);
  await heading("Welcome");
  await shot("start");
  await press("Sign in");
  await answered("authorization_code", () => signIn(tab, api));
  await heading(`Hello, ${DEMO.name}`);
  assert.equal(tab.url(), `${PAGE}/`, "the code stays in the address");
  await shot("signed-in");
  assert.equal(await tab.locator("#email").textContent(), DEMO.email);
  assert.match(await tab.locator("#sub").textContent(), /^usr_/);

  // Each renewal spends a refresh token and gives another.
  const before = await stored();
  await answered("refresh_token", () => press("Renew it now"));
  await message("There is a new access token");
  await shot("renewed");
  const after = await stored();
  assert.notEqual(after.refresh_token, before.refresh_token);
  assert.notEqual(after.access_token, before.access_token);
  assert.equal(after.profile.email, DEMO.email, "the person is lost in a renewal");
  await tab.reload();
  await heading(`Hello, ${DEMO.name}`);

  // A minute before the access token runs out, nobody has to press anything.
  const waiting = await context.newPage();
  await waiting.clock.install();
  await waiting.goto(PAGE);
  asked.length = 0;
  await press("Sign in", waiting);
  await heading(`Hello, ${DEMO.name}`, waiting);
  assert.ok(!asked.some(({ pathname }) => pathname === "/ui/login"), "a password was asked for");
  const runsOut = (await stored(waiting)).expires_at * 1000;
  const soon = runsOut - await waiting.evaluate(() => Date.now()) - 50_000;
  await answered("refresh_token", () => waiting.clock.fastForward(soon), waiting);

  // Each tab has tokens of its own: the other's renewals do not end these.
  assert.notEqual((await stored(waiting)).refresh_token, (await stored()).refresh_token);
  await answered("refresh_token", () => press("Renew it now"));
  await message("There is a new access token");

  // Who signs out in one tab is signed out in both.
  await press("Sign out");
  await message("You are signed out of this page");
  await shot("signed-out");
  await message("in another tab", waiting);
  for (const one of [tab, waiting]) {
    assert.equal(await stored(one), undefined, "tokens are still there");
    await one.getByRole("button", { name: "Sign in", exact: true }).waitFor();
  }
  await tab.reload();
  await heading("Welcome");

  // The browser is signed in at Wardgate. The keyboard is enough.
  asked.length = 0;
  await tab.getByRole("button", { name: "Sign in", exact: true }).focus();
  await tab.keyboard.press("Enter");
  await heading(`Hello, ${DEMO.name}`);
  assert.ok(!asked.some(({ pathname }) => pathname === "/ui/login"), "a password was asked for");

  // Out of Wardgate too, by the page's own ID token: the way back asks for a password.
  const other = await context.newPage();
  await other.goto(PAGE);
  await press("Sign in", other);
  await heading(`Hello, ${DEMO.name}`, other);
  asked.length = 0;
  await press("Sign out of Wardgate too");
  await heading("Welcome");
  assert.equal(tab.url(), `${PAGE}/`);
  assert.ok(asked.some(({ pathname, searchParams }) => pathname === "/oauth2/logout" && searchParams.has("id_token_hint")));
  assert.ok(!asked.some(({ pathname }) => pathname === "/ui/sign-out"), "the person was asked");
  await message("in another tab", other);
  assert.equal(await stored(other), undefined, "tokens are still there");
  await other.close();
  await press("Sign in");
  await signIn(tab, api);
  await heading(`Hello, ${DEMO.name}`);

  // The session ends elsewhere: the page says so with the next renewal.
  await endSessions(api);
  await press("Renew it now");
  await message("Your sign-in has ended");
  await shot("ended");

  // A person who goes back instead.
  await press("Sign in as somebody else");
  await heading("Sign in");
  const state = asked.findLast(({ pathname }) => pathname === "/oauth2/authorize").searchParams.get("state");
  await tab.goto(`${PAGE}/?${new URLSearchParams({ error: "access_denied", state, iss: api })}`);
  await message("The sign-in was cancelled");
  assert.equal(tab.url(), `${PAGE}/`);
  await shot("cancelled");
  await press("Sign in");
  await signIn(tab, api);
  await heading(`Hello, ${DEMO.name}`);
  assert.deepEqual(errors, []);
  console.log(`ok ${colorScheme}`);
}
