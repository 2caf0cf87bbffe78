// Drives examples/spa in a real browser as a person would, once in each colour scheme, and keeps screenshots.
// Usage: node spa.mjs <executable> <page> <api> <folder for screenshots>

import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { findings } from "./axe.mjs";
import { totp } from "./totp.mjs";

const [executablePath, page, api, folder] = process.argv.slice(2);
const PASSWORD = "analytical engines hum";
const NEXT_PASSWORD = "crimson kettles drift eastward";

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
try {
  for (const colorScheme of ["light", "dark"]) await walk(colorScheme);
  await unanswered();
} finally {
  await browser.close();
}

async function walk(colorScheme) {
  const email = `grace.${colorScheme}@example.com`;
  const context = await browser.newContext({ colorScheme, viewport: { width: 390, height: 844 } });
  const tab = await context.newPage();
  const errors = [];
  tab.on("pageerror", (error) => errors.push(error.message));
  const shot = async (name) => {
    await tab.screenshot({ path: `${folder}/spa-${name}-${colorScheme}.png`, fullPage: true });
    assert.deepEqual(await findings(tab), [], name);
  };
  // A message is in view and has the focus.
  const message = async (text) => {
    await tab.getByRole("status").filter({ hasText: text }).waitFor();
    const box = await tab.locator("#message:focus").boundingBox();
    assert.ok(box.y >= 0 && box.y + box.height <= 844, JSON.stringify(box));
  };

  await tab.goto(`${page}?api=${encodeURIComponent(api)}`);
  await tab.getByRole("heading", { name: "Create an account" }).waitFor();
  await shot("start");

  // A password that breaks a rule is refused with the reason.
  const register = tab.locator("#register");
  await register.getByLabel("Name").fill("Grace");
  await register.getByLabel("Email").fill(email);
  await register.getByLabel("Password").fill("too short");
  await register.getByRole("button", { name: "Create account" }).click();
  await message("needs at least 15");
  assert.doesNotMatch(await tab.getByRole("status").textContent(), /password:/, "a member's name is shown");
  assert.equal(await register.getByLabel("Password").getAttribute("aria-invalid"), "true");

  await register.getByLabel("Password").fill(PASSWORD);
  await register.getByRole("button", { name: "Create account" }).click();
  await tab.getByRole("heading", { name: "Confirm your address" }).waitFor();
  await shot("verify");
  await tab.locator("#verify").getByLabel("Code").fill(await verificationCode(email));
  await tab.getByRole("button", { name: "Confirm" }).click();
  await message("Your address is confirmed");

  await signIn(tab, email, PASSWORD);
  await tab.getByRole("heading", { name: "Hello, Grace" }).waitFor();
  await shot("signed-in");
  assert.equal(await tab.evaluate(() => document.cookie), "", "scripts see no cookie");
  const cookies = (await context.cookies(api)).toSorted((a, b) => a.name.localeCompare(b.name));
  assert.deepEqual(cookies.map(({ name, httpOnly, secure }) => ({ name, httpOnly, secure })),
    ["device", "flow", "refresh"].map((name) => ({ name: `__Host-wardgate-${name}`, httpOnly: true, secure: true })));

  // Opened again, the page goes on where it was.
  await tab.reload();
  await tab.getByRole("heading", { name: "Hello, Grace" }).waitFor();

  // A second browser shows up in the list, and is signed out from here.
  const other = await browser.newContext({ colorScheme });
  const otherTab = await other.newPage();
  await otherTab.goto(`${page}?api=${encodeURIComponent(api)}`);
  await signIn(otherTab, email, PASSWORD);
  await otherTab.getByRole("heading", { name: "Hello, Grace" }).waitFor();
  await tab.reload();
  const sessions = tab.locator("#sessions li");
  await sessions.nth(1).waitFor();
  await shot("sessions");
  await tab.getByRole("button", { name: /^End the session/ }).click();
  await sessions.nth(1).waitFor({ state: "detached" });
  await otherTab.reload();
  await otherTab.getByRole("heading", { name: "Create an account" }).waitFor();

  await tab.getByLabel("Current password").fill(PASSWORD);
  await tab.getByLabel("New password").fill(NEXT_PASSWORD);
  await tab.getByRole("button", { name: "Change password" }).click();
  await message("Your password is changed");
  await shot("changed");

  await tab.getByRole("button", { name: "Sign out" }).click();
  await message("You are signed out");
  await signIn(tab, email, PASSWORD);
  await message("wrong");
  await signIn(tab, email, NEXT_PASSWORD);
  await tab.getByRole("heading", { name: "Hello, Grace" }).waitFor();
  await signIn(otherTab, email, NEXT_PASSWORD);
  await secondFactor(tab, otherTab, { email, shot, message });
  await passkeys(tab, { email, shot, message });
  assert.deepEqual(errors, []);
  console.log(`ok ${colorScheme}`);
}

/** An app is set up, asked for, and taken away by the other browser, which had signed in before by the password alone. */
async function secondFactor(tab, other, { email, shot, message }) {
  const heading = (name, of = tab) => of.getByRole("heading", { level: 1, name }).waitFor();
  const press = (name, of = tab) => of.getByRole("button", { name }).click();
  const factor = (text, of = tab) => of.locator("#factor").filter({ hasText: text }).waitFor();
  const password = (of) => of.locator("#step-up").getByLabel("Password");
  const code = tab.locator("form:visible").getByRole("textbox", { name: "code" });
  await heading("Hello, Grace", other);

  // As if the sign-in were not recent: nobody waits for that.
  const stale = { code: "insufficient_user_authentication", detail: "" };
  const allowed = { "access-control-allow-origin": page, "access-control-allow-credentials": "true" };
  await tab.route(`${api}/v1/mfa/totp`, (route) => route.fulfill({ status: 401, headers: allowed, json: stale }), { times: 1 });
  await factor("Off");
  await press("Set up an authenticator app");
  await heading("Is it you?");
  assert.equal(await code.count(), 0, "there is no second factor yet");
  assert.equal(await tab.locator("#step-up-username").inputValue(), email, "a password manager is not told whose");
  await shot("step-up-password");
  await password(tab).fill(PASSWORD);
  await press("Go on");
  await message("not the account's password");
  await password(tab).fill(NEXT_PASSWORD);
  await press("Go on");

  await heading("Set up your app");
  await tab.getByRole("img", { name: "QR code for your authenticator app" }).waitFor();
  await shot("set-up");
  await code.fill("000000");
  await press("Turn it on");
  await message("not what the app shows");
  assert.equal(await code.getAttribute("aria-invalid"), "true");
  await code.fill(totp(await tab.locator("#secret").textContent()));
  await press("Turn it on");
  await heading("Your recovery codes");
  const codes = await tab.locator("#codes li").allTextContents();
  assert.equal(new Set(codes).size, 10);
  await shot("recovery-codes");
  await press("I have kept them");
  await message("Your second factor is on");
  await factor("Recovery codes left: 10");
  assert.equal(await tab.locator("#codes li").count(), 0, "the page keeps them");
  await shot("second-factor-on");

  // The password alone opens nothing any more.
  await press("Sign out");
  await message("You are signed out");
  await signIn(tab, email, NEXT_PASSWORD);
  await heading("Second step");
  assert.deepEqual((await tab.context().cookies(api)).filter(({ name }) => name.endsWith("refresh")), []);
  await shot("second-step");
  await code.fill("000000");
  await press("Sign in");
  await message("The second factor is not accepted");
  await shot("second-step-wrong");
  await press("Use a recovery code instead");
  await shot("second-step-recovery");
  await code.fill(codes[0]);
  await press("Sign in");
  await message("Recovery codes left: 9");

  // A first step that is no longer good is asked for again, and a code that was used opens nothing.
  await press("Sign out");
  await signIn(tab, email, NEXT_PASSWORD);
  await press("Use a recovery code instead");
  await code.fill(codes[0]);
  await press("Sign in");
  await message("was used before");
  await tab.route(`${api}/v1/login/mfa`, (route) => {
    const changed = { ...route.request().postDataJSON(), mfa_token: "expired" };
    return route.continue({ postData: JSON.stringify(changed) });
  }, { times: 1 });
  await press("Sign in");
  await message("Sign in again from the beginning");
  await heading("Welcome");
  await signIn(tab, email, NEXT_PASSWORD);
  await press("Begin again");
  await heading("Welcome");

  await other.reload();
  await factor("On", other);
  const removed = () => press("Take the app away", other);
  await removed();
  await heading("Is it you?", other);
  await press("Cancel", other);
  await other.getByRole("status").filter({ hasText: "Nothing has changed" }).waitFor();
  await removed();
  await password(other).fill(NEXT_PASSWORD);
  await press("Use a recovery code instead", other);
  await other.locator("#step-up").getByLabel("Recovery code").fill(codes[1]);
  assert.deepEqual(await findings(other), [], "step-up");
  await press("Go on", other);
  await other.getByRole("status").filter({ hasText: "Your second factor is off" }).waitFor();
  await factor("Off", other);
  await signIn(tab, email, NEXT_PASSWORD);
  await heading("Hello, Grace");
}

/** A passkey is added, shown at a sign-in and at a step-up, and taken away. */
async function passkeys(tab, { email, shot, message }) {
  const heading = (name) => tab.getByRole("heading", { level: 1, name }).waitFor();
  const press = (name) => tab.getByRole("button", { name }).click();
  const devtools = await tab.context().newCDPSession(tab);
  await devtools.send("WebAuthn.enable");
  const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", { options: {
    protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
    automaticPresenceSimulation: true, defaultBackupEligibility: true, defaultBackupState: true,
  } });
  // Whether somebody touches it: what the field for the address offers is chosen at once by who is there.
  const present = (enabled) => devtools.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled });
  await press("Add a passkey");
  await heading("Your recovery codes");
  await press("I have kept them");
  await message("Your second factor is on");
  await shot("passkey");
  await press("Add a passkey");
  await message("This device has a passkey of your account already");

  await present(false);
  await press("Sign out");
  await message("You are signed out");
  await signIn(tab, email, NEXT_PASSWORD);
  await heading("Second step");
  await shot("second-step-passkey");
  await present(true);
  await press("Sign in");
  await heading("Hello, Grace");

  const stale = { code: "insufficient_user_authentication", detail: "", methods: ["passkey", "recovery_code"] };
  const allowed = { "access-control-allow-origin": page, "access-control-allow-credentials": "true" };
  // Without a password the passkey shows alone who it is, and a password can be chosen again.
  await press("Do without a password");
  await message("Your password is gone");
  await shot("without-password");
  await tab.route(`${api}/v1/password/change`, (route) => route.fulfill({ status: 401, headers: allowed, json: stale }), { times: 1 });
  assert.equal(await tab.getByLabel("Current password").isVisible(), false);
  await tab.getByLabel("New password").fill(NEXT_PASSWORD);
  await press("Change password");
  await heading("Is it you?");
  assert.equal(await tab.locator("#step-up").getByLabel("Password").isVisible(), false);
  await shot("step-up-without-password");
  await press("Go on");
  await message("Your password is changed");

  await tab.route(`${api}/v1/passkeys/*`, (route) => route.fulfill({ status: 401, headers: allowed, json: stale }), { times: 1 });
  await press(/^Remove the passkey/);
  await heading("Is it you?");
  await tab.locator("#step-up").getByLabel("Password").fill(NEXT_PASSWORD);
  await press("Go on");
  await message("The passkey is gone");
  await tab.locator("#factor").filter({ hasText: "Off" }).waitFor();
}

/** A page of an origin that is not listed, and a server that is not there: browsers tell a page the same of both. */
async function unanswered() {
  const tab = await browser.newPage();
  const elsewhere = page.replace("localhost", "127.0.0.1");
  for (const [from, to, said] of [
    [elsewhere, api, `${api} answers, and not to pages of ${new URL(elsewhere).origin}`],
    [page, "http://localhost:1", "Nobody answers at http://localhost:1. Is `make run` running?"],
  ]) {
    const message = tab.getByRole("status").filter({ hasText: said });
    await tab.goto(`${from}?api=${encodeURIComponent(to)}`);
    await message.waitFor();
    await tab.locator("#sign-in").getByLabel("Email").fill("grace@example.com");
    await tab.locator("#sign-in").getByLabel("Password").fill(PASSWORD);
    await tab.locator("#sign-in").getByRole("button", { name: "Sign in", exact: true }).click();
    await message.waitFor();
  }
}

async function signIn(tab, email, password) {
  const form = tab.locator("#sign-in");
  await form.getByLabel("Email").fill(email);
  await form.getByLabel("Password").fill(password);
  await form.getByRole("button", { name: "Sign in", exact: true }).click();
}

// From the newest mail, as a person would read it.
async function verificationCode(email) {
  for (let tries = 0; tries < 100; tries += 1) {
    const mails = await (await fetch(`${api}/dev/outbox?to=${encodeURIComponent(email)}`)).json();
    const code = mails.at(-1)?.text.match(/\b\d{8}\b/)?.[0];
    if (code) return code;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no mail to ${email}`);
}
