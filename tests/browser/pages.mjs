// Walks through the pages that mails link to in a real browser without JavaScript, once in each colour scheme, and keeps
// screenshots of each form, of what it leads to, and of what a used link says. Then a person sets up a second factor on the
// pages of their account, signs in with it, and takes it away.
// Usage: node pages.mjs <executable> <api> <folder for screenshots>

import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { findings } from "./axe.mjs";
import { totp } from "./totp.mjs";

const [executablePath, api, folder] = process.argv.slice(2);
const PASSWORD = "analytical engines hum";
const NEXT_PASSWORD = "crimson kettles drift eastward";

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
try {
  for (const colorScheme of ["light", "dark"]) await walk(colorScheme);
} finally {
  await browser.close();
}

async function walk(colorScheme) {
  const email = `joan.${colorScheme}@example.com`;
  const moved = `joan.new.${colorScheme}@example.com`;
  const context = await browser.newContext({
    colorScheme, javaScriptEnabled: false, locale: "en", viewport: { width: 390, height: 700 },
  });
  const tab = await context.newPage();
  const seen = await (await browser.newContext({ colorScheme, viewport: { width: 390, height: 700 } })).newPage();
  const refused = [];
  tab.on("console", (message) => message.text().includes("Content Security Policy") && refused.push(message.text()));
  const shot = async (name) => {
    await tab.screenshot({ path: `${folder}/pages-${name}-${colorScheme}.png`, fullPage: true });
    // axe-core needs JavaScript: it looks at the same page in a tab that has it.
    await seen.setContent(await tab.content());
    assert.deepEqual(await findings(seen), [], name);
  };
  const heading = (name) => tab.getByRole("heading", { level: 1, name }).waitFor();
  const press = (name) => tab.getByRole("button", { name }).click();
  // The style is let through by its hash: the button fills the column.
  const styled = async () => assert.ok((await tab.getByRole("button").boundingBox()).width > 300, "the page has no style");
  const focused = (selector) => tab.locator(`${selector}:focus`).waitFor();

  // The browser that registered: the mailed link activates the password.
  const asked = await context.request.post(`${api}/v1/register`, {
    headers: { origin: api }, data: { email, password: PASSWORD },
  });
  assert.equal(asked.status(), 202, await asked.text());
  const verify = await link(email, "verify-email");
  await tab.goto(verify);
  await heading("Confirm your email address");
  await styled();
  await shot("verify");
  await press("Confirm the address");
  await heading("Your address is confirmed");
  await focused("[role=status]");
  await tab.getByText(email).waitFor();
  assert.equal(await tab.getByRole("link", { name: "Continue to Wardgate" }).getAttribute("href"), "http://localhost:3000");
  await shot("verify-done");
  // To any other browser it is used.
  await context.clearCookies();
  await tab.goto(verify);
  await press("Confirm the address");
  await heading("This link no longer works");
  await focused("[role=alert]");
  await shot("invalid");
  const access = await signIn(email, PASSWORD);

  // Another browser is asked for a password first.
  const stranger = `mary.${colorScheme}@example.com`;
  await send("/v1/register", { email: stranger, password: PASSWORD });
  await tab.goto(await link(stranger, "verify-email"));
  await press("Confirm the address");
  await heading("Choose a new password");
  await shot("choose-password");
  await tab.getByLabel("New password").fill(NEXT_PASSWORD);
  await press("Save the password");
  await heading("Your password is saved");
  await signIn(stranger, NEXT_PASSWORD);

  // This browser did not ask: it is shown the account, and types the code of the mail.
  await send("/v1/login/email-code", { email });
  await tab.goto(await link(email, "sign-in"));
  await heading("Sign in");
  await shot("sign-in");
  await press("Sign in");
  assert.equal(await tab.getByLabel("Account").inputValue(), email);
  await tab.getByLabel("Code from the mail").fill("00000000");
  await press("Sign in");
  await tab.getByRole("alert").waitFor();
  await shot("sign-in-code");
  await tab.getByLabel("Code from the mail").fill(await code(email));
  await press("Sign in");
  await heading("You are signed in");
  await shot("sign-in-done");
  const kept = (await context.cookies(api)).find(({ name }) => name === "__Host-wardgate-refresh");
  assert.ok(kept?.httpOnly && kept.secure && kept.sameSite === "Strict", JSON.stringify(kept));

  await send("/v1/email/change", { new_email: moved, password: PASSWORD }, access);
  await tab.goto(await link(moved, "confirm-email-change"));
  await heading("Confirm your new email address");
  await shot("confirm-change");
  await press("Confirm the new address");
  await heading("Your new address is confirmed");
  await shot("confirm-change-done");

  await tab.goto(await link(email, "undo-email-change"));
  await heading("Undo the change of address");
  await shot("undo-change");
  await press("Undo the change");
  await heading("Your former address is back");
  await shot("undo-change-done");

  await send("/v1/password/forgot", { email });
  await tab.goto(await link(email, "reset-password"));
  await heading("Choose a new password");
  await shot("reset");
  assert.equal(await tab.getByRole("button", { name: "Show password" }).count(), 0, "it does nothing without JavaScript");
  // The keyboard alone is enough.
  await tab.keyboard.press("Tab");
  await tab.keyboard.press("Tab");
  await tab.keyboard.type("too short");
  await tab.keyboard.press("Enter");
  await tab.getByRole("alert").filter({ hasText: "needs at least 15" }).waitFor();
  const field = tab.getByLabel("New password");
  assert.equal(await field.getAttribute("aria-invalid"), "true");
  await focused("#new_password");
  assert.equal(await tab.getByLabel("Account").inputValue(), email);
  await shot("reset-rejected");
  await field.fill(NEXT_PASSWORD);
  await press("Save the password");
  await heading("Your password is saved");
  await shot("reset-done");
  await send("/v1/me", undefined, await signIn(email, NEXT_PASSWORD), "DELETE");
  await tab.goto(await link(email, "keep-account"));
  await heading("Keep your account");
  await shot("keep");
  await press("Keep the account");
  await heading("Your account stays");
  await shot("keep-done");
  await signIn(email, NEXT_PASSWORD);

  await secondFactor(context, tab, { email, shot, heading, press, focused });

  // With JavaScript, what is typed can be looked at, and is a password again when it is sent.
  const scripted = await (await browser.newContext({ colorScheme, locale: "en" })).newPage();
  scripted.on("console", (message) => message.text().includes("Content Security Policy") && refused.push(message.text()));
  await scripted.goto(`${api}/ui/reset-password?token=a`);
  const typed = scripted.locator("#new_password");
  await scripted.getByRole("button", { name: "Show password" }).click();
  assert.equal(await typed.getAttribute("type"), "text");
  assert.deepEqual(await findings(scripted), []);
  await scripted.getByRole("button", { name: "Hide password" }).click();
  assert.equal(await typed.getAttribute("type"), "password");

  assert.deepEqual(refused, [], "the browser refused something");
  console.log(`ok ${colorScheme}`);
}

async function secondFactor(context, tab, { email, shot, heading, press, focused }) {
  const follow = (name) => tab.getByRole("link", { name }).click();
  const signInAgain = async () => {
    await tab.getByLabel("Email address").fill(email);
    await tab.getByLabel("Password").fill(NEXT_PASSWORD);
    await press("Sign in");
  };
  const recoveryCode = async (code) => {
    const field = tab.getByLabel("Recovery code");
    if (!(await field.isVisible())) await tab.locator("summary").click();
    await field.fill(code);
    await press("Use the recovery code");
  };
  const alerted = (text) => tab.getByRole("alert").filter({ hasText: text }).waitFor();

  await context.clearCookies();
  await tab.goto(`${api}/ui/account`);
  await signInAgain();
  await heading("Your account");
  await shot("account");
  await follow("Set it up");
  await heading("Second factor");
  await tab.getByRole("img", { name: "QR code for your authenticator app" }).waitFor();
  await shot("factor-set-up");
  const secret = tab.locator("details code");
  assert.ok(!(await secret.isVisible()), "the secret is for whoever asks for it");
  await tab.locator("summary").click();
  const typed = await secret.textContent();
  await tab.getByLabel("Code from your app").fill("000000");
  await press("Turn it on");
  await alerted("The app shows another code");
  await focused("#code[aria-invalid]");
  await shot("factor-set-up-rejected");
  assert.equal(await secret.textContent(), typed, "whoever has scanned the picture would have to do it again");
  await tab.getByLabel("Code from your app").fill(totp(typed));
  await press("Turn it on");
  await heading("Your recovery codes");
  const codes = await tab.locator(".codes li").allTextContents();
  assert.equal(new Set(codes).size, 10);
  await shot("recovery-codes");
  await follow("I have kept them");
  await tab.getByText("10 are left").waitFor();
  await shot("factor");

  await tab.goto(`${api}/ui/sign-out`);
  await press("Sign out");
  await tab.goto(`${api}/ui/account/second-factor`);
  await signInAgain();
  await heading("Second step");
  await focused("#code");
  assert.equal(await tab.getByLabel("Email address").inputValue(), email);
  await shot("second-step");
  await tab.getByLabel("Code from your app").fill("000000");
  await press("Sign in");
  await alerted("This code does not work");
  await shot("second-step-rejected");
  await recoveryCode(codes[0]);
  // On to where the person was going.
  await heading("Second factor");
  await tab.getByText("9 are left").waitFor();

  // A mailed link is a first step, too.
  await send("/v1/login/email-code", { email });
  await tab.goto(await link(email, "sign-in"));
  await press("Sign in");
  await tab.getByLabel("Code from the mail").fill(await code(email));
  await press("Sign in");
  await heading("Second step");
  await recoveryCode(codes[0]);
  await alerted("This recovery code does not work");
  await focused("#recovery_code[aria-invalid]");
  await shot("recovery-code-rejected");
  await recoveryCode(codes[1]);
  await heading("You are signed in");

  await tab.goto(`${api}/ui/account/second-factor`);
  await tab.getByText("8 are left").waitFor();
  await tab.locator("summary", { hasText: "Remove the app" }).click();
  await shot("factor-remove");
  await press("Remove the app");
  await heading("Your account");
  await tab.getByRole("status").filter({ hasText: "Saved" }).waitFor();
  await tab.getByRole("link", { name: "Set it up" }).waitFor();
  // The mail that told of it could have taken it away. Now there is nothing to take.
  await tab.goto(await link(email, "undo-factor"));
  await heading("Take the second factor away");
  await shot("undo-factor");
  await press("Take it away");
  await heading("This link no longer works");
}

async function send(path, body, access, method = "POST") {
  const headers = { ...(body && { "Content-Type": "application/json" }), ...(access && { Authorization: `Bearer ${access}` }) };
  const answer = await fetch(api + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  assert.ok(answer.ok, `${path}: ${answer.status} ${text}`);
  return text && JSON.parse(text);
}

async function signIn(email, password) {
  return (await send("/v1/login", { email, password })).access_token;
}

// The newest mail's link to this page, as a person would click it.
async function code(email) {
  const mails = await (await fetch(`${api}/dev/outbox?to=${encodeURIComponent(email)}`)).json();
  return mails.map(({ text }) => text.match(/^[0-9A-Z]{8}$/m)?.[0]).findLast(Boolean);
}

async function link(email, page) {
  for (let tries = 0; tries < 100; tries += 1) {
    const mails = await (await fetch(`${api}/dev/outbox?to=${encodeURIComponent(email)}`)).json();
    const found = mails.map(({ text }) => text.match(/https?:\S+/)?.[0]).findLast((url) => url?.includes(`/ui/${page}?`));
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no link to ${page} for ${email}`);
}
