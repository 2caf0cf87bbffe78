// A person adds a passkey on the pages of their account, signs in with it after the password, and takes it away: in a real
// browser with an authenticator that Chromium plays, once for each kind of authenticator and colour scheme. Screenshots are kept.
// Usage: node passkeys.mjs <executable> <api> <folder for screenshots>

import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { findings } from "./axe.mjs";

const [executablePath, api, folder] = process.argv.slice(2);
const EMAIL = "demo@example.com";
const PASSWORD = "tulips lean over quiet canals";

// What people have: a manager that keeps passkeys on several devices, one that never leaves its device, and a key without a PIN.
const KINDS = {
  synced: { transport: "internal", hasUserVerification: true, isUserVerified: true, defaultBackupEligibility: true, defaultBackupState: true },
  "device-bound": { transport: "internal", hasUserVerification: true, isUserVerified: true },
  "without-verification": { transport: "usb", hasResidentKey: false, hasUserVerification: false, isUserVerified: false },
};

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
try {
  for (const colorScheme of ["light", "dark"]) {
    for (const kind of Object.keys(KINDS)) await walk(colorScheme, kind);
    console.log(`ok ${colorScheme}`);
  }
} finally {
  await browser.close();
}

async function walk(colorScheme, kind) {
  const context = await browser.newContext({ colorScheme, locale: "en", viewport: { width: 390, height: 700 } });
  const tab = await context.newPage();
  const refused = [];
  tab.on("console", (message) => message.text().includes("Content Security Policy") && refused.push(message.text()));
  tab.on("pageerror", (error) => refused.push(error.message));
  const shot = async (name) => {
    await tab.screenshot({ path: `${folder}/passkeys-${kind}-${name}-${colorScheme}.png`, fullPage: true });
    assert.deepEqual(await findings(tab), [], name);
  };
  const heading = (name) => tab.getByRole("heading", { level: 1, name }).waitFor();
  const press = (name) => tab.getByRole("button", { name, exact: true }).click();
  const signIn = async () => {
    await tab.goto(`${api}/ui/account/second-factor`);
    await tab.getByLabel("Email address").fill(EMAIL);
    await tab.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await press("Sign in");
  };
  const signOut = async () => {
    await tab.goto(`${api}/ui/sign-out`);
    await press("Sign out");
  };
  // The browser would use it by itself, faster than anybody types.
  await tab.addInitScript(() => {
    const { isConditionalMediationAvailable: asked } = PublicKeyCredential;
    PublicKeyCredential.isConditionalMediationAvailable = async () => Boolean(localStorage.offered) && asked();
  });
  const offered = (yes) => tab.evaluate((text) => (localStorage.offered = text), yes ? "yes" : "");
  const devtools = await context.newCDPSession(tab);
  await devtools.send("WebAuthn.enable");
  const options = { protocol: "ctap2", hasResidentKey: true, automaticPresenceSimulation: true, ...KINDS[kind] };
  await devtools.send("WebAuthn.addVirtualAuthenticator", { options });

  await signIn();
  await heading("Second factor");
  await shot("nothing-yet");
  await tab.getByLabel("What to call it").fill("My phone");
  await press("Add a passkey");
  await heading("Your recovery codes");
  const codes = await tab.locator(".codes li").allTextContents();
  assert.equal(new Set(codes).size, 10);
  await tab.getByRole("link", { name: "I have kept them" }).click();
  await tab.getByText("My phone").first().waitFor();
  await shot("added");
  // The same authenticator makes no second one.
  await press("Add a passkey");
  await tab.getByRole("status").filter({ hasText: "That did not work" }).waitFor();

  await signOut();
  await signIn();
  await heading("Second step");
  assert.equal(await tab.getByLabel("Code from your app").count(), 0, "there is no app");
  await shot("second-step");
  // The service is busy once.
  await tab.route(`${api}/v1/login/mfa/options`, (route) => route.fulfill({ status: 503, json: {} }), { times: 1 });
  await press("Use a passkey");
  await tab.getByRole("status").filter({ hasText: "That did not work" }).waitFor();
  await shot("second-step-refused");
  await press("Use a passkey");
  await heading("Second factor");
  await tab.getByText("Last used").waitFor();

  // Alone it signs in where it has verified its user; else it is for after the password.
  await signOut();
  await tab.goto(`${api}/ui/login`);
  if (kind === "without-verification") {
    await press("Sign in with a passkey");
    await tab.getByRole("status").filter({ hasText: "That did not work" }).waitFor();
  } else {
    await shot("sign-in");
    await press("Sign in with a passkey");
    await heading("You are signed in");
    await signOut();
    // Nothing is pressed.
    await offered(true);
    await tab.goto(`${api}/ui/login`);
    await heading("You are signed in");
    await offered(false);
  }

  // Whoever does not have it with them.
  await signOut();
  await signIn();
  await tab.locator("summary", { hasText: "I do not have my passkey" }).click();
  await tab.getByLabel("Recovery code").fill(codes[0]);
  await press("Use the recovery code");
  await heading("Second factor");
  await tab.getByText("9 are left").waitFor();

  await tab.locator("summary", { hasText: "Remove the passkey" }).click();
  await shot("remove");
  await press("Remove the passkey");
  await tab.getByRole("status").filter({ hasText: "Saved" }).waitFor();
  await signOut();
  await signIn();
  await heading("Second factor");
  assert.deepEqual(refused, [], "the browser refused something");
  await context.close();
}
