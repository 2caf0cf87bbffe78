// Presses each page's button twice in a real browser without JavaScript, as impatient people do: at once, and with so many
// milliseconds between that the second press meets the first one's answer on its way. Opens two links of mails from another
// site's page. Reloads what a press has answered.
// Usage: node presses.mjs <executable> <api> [folder that nothing is written to]

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { chromium } from "playwright-core";

const [executablePath, api] = process.argv.slice(2);
const PASSWORD = "analytical engines hum";
const NEXT_PASSWORD = "crimson kettles drift eastward";
const REFRESH = "__Host-wardgate-refresh";

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
try {
  for (const [index, pause] of [0, 10, 30, 60].entries()) await pressTwice(`ada.${index}@example.com`, pause);
  console.log("ok presses");
  await openFromAnotherSite("eve@example.com");
  console.log("ok tabs");
} finally {
  await browser.close();
}

async function pressTwice(email, pause) {
  const moved = `new.${email}`;
  const context = await browser.newContext({ javaScriptEnabled: false, locale: "en" });
  // The answer has its way back where the button was. A press that comes so late stays where it is.
  await context.route("http://localhost:3000/**", (route) => route.fulfill({ status: 204 }));
  const tab = await context.newPage();
  const heading = async (name) => {
    try {
      await tab.getByRole("heading", { level: 1, name, exact: true }).waitFor();
    } catch (error) {
      throw new Error(`${error.message}\n${tab.url()} shows: ${await tab.locator("body").innerText()}`);
    }
  };
  const twice = async (name) => {
    const { x, y, width, height } = await tab.getByRole("button").boundingBox();
    for (const after of [pause, 0]) {
      await tab.mouse.click(x + width / 2, y + height / 2);
      await new Promise((resolve) => setTimeout(resolve, after));
    }
    await heading(name);
  };
  // A browser sends a form again when what it answered is loaded again.
  const again = async (name) => {
    await tab.reload();
    await heading(name);
  };

  // Where it was registered, and elsewhere.
  await context.request.post(`${api}/v1/register`, { headers: { origin: api }, data: { email, password: PASSWORD } });
  await tab.goto(await link(email, "verify-email"));
  await twice("Your address is confirmed");
  await again("Your address is confirmed");
  await signIn(email, PASSWORD);
  await send("/v1/register", { email: `other.${email}`, password: PASSWORD });
  await tab.goto(await link(`other.${email}`, "verify-email"));
  await twice("Choose a new password");
  await again("Choose a new password");
  await tab.getByLabel("New password", { exact: true }).fill(NEXT_PASSWORD);
  await twice("Your password is saved");
  await again("Your password is saved");
  await signIn(`other.${email}`, NEXT_PASSWORD);

  await context.request.post(`${api}/v1/login/email-code`, { headers: { origin: api }, data: { email } });
  await tab.goto(await link(email, "sign-in"));
  await twice("You are signed in");
  const first = await kept(context);
  await again("You are signed in");
  assert.equal(await kept(context), first, "another session");
  const refreshed = await context.request.post(`${api}/v1/token/refresh`, { headers: { origin: api }, data: {} });
  assert.equal(refreshed.status(), 200, await refreshed.text());

  const access = await signIn(email, PASSWORD);
  await send("/v1/email/change", { new_email: moved, password: PASSWORD }, access);
  await tab.goto(await link(moved, "confirm-email-change"));
  await twice("Your new address is confirmed");
  await again("Your new address is confirmed");
  await tab.goto(await link(email, "undo-email-change"));
  await twice("Your former address is back");
  await again("Your former address is back");

  await send("/v1/password/forgot", { email });
  await tab.goto(await link(email, "reset-password"));
  await tab.getByLabel("New password", { exact: true }).fill(NEXT_PASSWORD);
  await twice("Your password is saved");
  await again("Your password is saved");

  await send("/v1/me", undefined, await signIn(email, NEXT_PASSWORD), "DELETE");
  await tab.goto(await link(email, "keep-account"));
  await twice("Your account stays");
  await again("Your account stays");
  await context.close();
}

async function kept(context) {
  return (await context.cookies(api)).find(({ name }) => name === REFRESH)?.value;
}

// Webmail shows mails on a page of its own site, and opens their links in tabs.
async function openFromAnotherSite(email) {
  const context = await browser.newContext({ javaScriptEnabled: false, locale: "en" });
  await context.request.post(`${api}/v1/register`, { headers: { origin: api }, data: { email, password: PASSWORD } });
  const verify = await link(email, "verify-email");
  await send("/v1/register", { email: `other.${email}`, password: PASSWORD });
  const other = await link(`other.${email}`, "verify-email");
  const html = [verify, other].map((url, index) => `<p><a target="_blank" href="${url}">mail ${index}</a>`).join("");
  const webmail = createServer((_, answer) => answer.setHeader("content-type", "text/html").end(html));
  await new Promise((resolve) => webmail.listen(0, "127.0.0.1", resolve));
  try {
    const mails = await context.newPage();
    // Another site: the API's is localhost.
    await mails.goto(`http://127.0.0.1:${webmail.address().port}/`);
    const tabs = [];
    for (const name of ["mail 0", "mail 1"]) {
      const opened = context.waitForEvent("page");
      await mails.getByRole("link", { name }).click();
      const tab = await opened;
      await tab.getByRole("button").waitFor();
      tabs.push(tab);
    }
    for (const [tab, done] of [[tabs[0], "Your address is confirmed"], [tabs[1], "Choose a new password"]]) {
      await tab.getByRole("button").click();
      await tab.getByRole("heading", { level: 1, name: done, exact: true }).waitFor();
    }
  } finally {
    webmail.close();
  }
  // An unknown page is one, and browsers find their icon.
  const lost = await context.newPage();
  const answer = await lost.goto(`${api}/ui/nothing`);
  assert.equal(answer.status(), 404);
  await lost.getByRole("heading", { level: 1, name: "This page does not exist" }).waitFor();
  assert.equal((await context.request.get(`${api}/favicon.ico`)).headers()["content-type"], "image/x-icon");
  await context.close();
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

// The newest mail's link to this page.
async function link(email, page) {
  for (let tries = 0; tries < 100; tries += 1) {
    const mails = await (await fetch(`${api}/dev/outbox?to=${encodeURIComponent(email)}`)).json();
    const found = mails.map(({ text }) => text.match(/https?:\S+/)?.[0]).findLast((url) => url?.includes(`/ui/${page}?`));
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no link to ${page} for ${email}`);
}
