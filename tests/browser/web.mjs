// Signs the demo user in to examples/web in a real browser, once in each colour scheme, and keeps screenshots.
// Usage: node web.mjs <executable> <api> <folder for screenshots>

import assert from "node:assert/strict";
import { findings } from "./axe.mjs";
import { DEMO, endSessions, fits, signIn, withExample } from "./example.mjs";

const [executablePath, api, folder] = process.argv.slice(2);
// The redirect URI of demo-web is there.
const PAGE = "http://localhost:3000";
// With its clock ahead, the example's access token has run out, and an ID token that it then gets has not.
const imports = 'process.on("SIGUSR2", () => { const now = Date.now; Date.now = () => now() + 400_000; });';

for (const colorScheme of ["light", "dark"]) {
  await withExample({ executablePath, name: "web", address: PAGE, issuer: api, imports }, (browser, example) =>
    walk(colorScheme, browser, example));
}

async function walk(colorScheme, browser, example) {
  const context = await browser.newContext({ colorScheme, locale: "en", viewport: { width: 390, height: 844 } });
  const tab = await context.newPage();
  const [asked, refused] = [[], []];
  tab.on("request", (request) => asked.push(new URL(request.url())));
  tab.on("console", (message) => message.text().includes("Content Security Policy") && refused.push(message.text()));
  const shot = async (name) => {
    await tab.screenshot({ path: `${folder}/web-${name}-${colorScheme}.png`, fullPage: true });
    assert.deepEqual(await findings(tab), [], name);
    assert.ok(await fits(tab), `${name} scrolls sideways`);
  };
  const heading = (name) => tab.getByRole("heading", { level: 1, name }).waitFor();
  const press = (name) => tab.getByRole("link", { name, exact: true }).click();
  const fact = (name) => tab.locator("dt", { hasText: name }).locator("+ dd").textContent();
  const cookies = async () => (await context.cookies(PAGE)).filter(({ name }) => name === "demo-web");

  await tab.goto(PAGE);
  await heading("Welcome");
  await shot("start");
  await press("Sign in");
  await signIn(tab, api);
  await heading(`Hello, ${DEMO.name}`);
  assert.equal(tab.url(), `${PAGE}/`);
  await shot("signed-in");
  assert.equal(await fact("Email"), DEMO.email);
  const subject = await fact("Subject");
  assert.match(subject, /^usr_/);
  const request = asked.find(({ pathname }) => pathname === "/oauth2/authorize").searchParams;
  assert.equal(request.get("code_challenge_method"), "S256");
  for (const name of ["state", "nonce", "code_challenge"]) assert.ok(request.get(name).length >= 43, name);
  const [cookie] = await cookies();
  assert.ok(cookie.httpOnly && cookie.sameSite === "Lax", JSON.stringify(cookie));
  assert.equal(await tab.evaluate(() => document.cookie), "", "scripts see no cookie");

  // The access token runs out. The next page has another, of the same sign-in.
  const [since, until] = [await fact("Signed in to"), await fact("Access token")];
  example.kill("SIGUSR2");
  for (let tries = 0; (await fact("Access token")) === until; tries += 1) {
    assert.ok(tries < 50, "the access token is not refreshed");
    await tab.reload();
  }
  assert.equal(await fact("Signed in to"), since);
  assert.equal(await fact("Subject"), subject);

  await tab.getByRole("button", { name: "Sign out" }).click();
  await heading("You are signed out");
  await shot("signed-out");
  assert.deepEqual(await cookies(), []);
  await tab.goto(PAGE);
  await heading("Welcome");

  // The browser is signed in at Wardgate. The keyboard is enough.
  asked.length = 0;
  await tab.keyboard.press("Tab");
  await tab.keyboard.press("Enter");
  await heading(`Hello, ${DEMO.name}`);
  assert.ok(!asked.some(({ pathname }) => pathname === "/ui/login"), "a password was asked for");
  // An answer that comes again does no harm.
  const answer = asked.find(({ pathname }) => pathname === "/callback");
  await tab.goto(answer.href);
  await heading(`Hello, ${DEMO.name}`);

  // Wardgate says no: the person reads why, and tries again.
  await tab.getByRole("button", { name: "Sign out" }).click();
  await heading("You are signed out");
  for (const [error, description, said] of [
    ["access_denied", "", "The sign-in was cancelled."],
    ["server_error", "<b>Not</b> & never", "<b>Not</b> & never"],
  ]) {
    await tab.goto(`${PAGE}/signed-out`);
    asked.length = 0;
    await press("Sign in as somebody else");
    await tab.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
    const state = asked.find(({ pathname }) => pathname === "/oauth2/authorize").searchParams.get("state");
    const why = description && { error_description: description };
    const back = new URLSearchParams({ error, state, iss: api, ...why });
    await tab.goto(`${PAGE}/callback?${back}`);
    await heading("You are not signed in");
    assert.equal(await tab.getByRole("alert").textContent(), said);
    await tab.getByText(`Error: ${error}`).waitFor();
    await shot(error);
  }
  await press("Try again");
  await heading(`Hello, ${DEMO.name}`);

  // Somebody else is asked for a password.
  await tab.getByRole("button", { name: "Sign out" }).click();
  await press("Sign in as somebody else");
  await signIn(tab, api);
  await heading(`Hello, ${DEMO.name}`);

  // An answer that this browser has not asked for.
  await context.clearCookies();
  await tab.goto(answer.href);
  await heading("That took too long");
  await shot("unasked");
  assert.deepEqual(await cookies(), []);

  // The session ends elsewhere: this application hears of it when its access token has run out.
  await tab.goto(PAGE);
  await press("Sign in");
  await signIn(tab, api);
  await heading(`Hello, ${DEMO.name}`);
  await endSessions(api);
  example.kill("SIGUSR2");
  const ended = tab.getByRole("heading", { level: 1, name: "You have been signed out" });
  for (let tries = 0; !(await ended.isVisible()); tries += 1) {
    assert.ok(tries < 50, "the ended session is not noticed");
    await tab.reload();
  }
  await shot("ended");
  assert.deepEqual(await cookies(), []);
  assert.deepEqual(refused, [], "the browser refused something");
  console.log(`ok ${colorScheme}`);
}
