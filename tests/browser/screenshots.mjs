// Takes a picture of every page, state, mail, of the outbox and of the example, in each language and colour scheme, at 390
// and 1280 px, and asks axe-core about each. `make screenshots` calls it; index.html in the folder shows them all.
// Usage: node screenshots.mjs <executable> <gallery.json> <api> <example> <folder>

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { chromium } from "playwright-core";
import { findings } from "./axe.mjs";

const [executablePath, file, api, example, folder] = process.argv.slice(2);
const WIDTHS = [390, 1280];
const LOOKS = [
  { name: "light", colorScheme: "light" }, { name: "dark", colorScheme: "dark" },
  { name: "forced", colorScheme: "dark", forcedColors: "active" },
];
const gallery = JSON.parse(await readFile(file, "utf8"));
await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const taken = [];
const found = [];

// One tab for each look and width: opening one for each picture would take most of the time.
async function each(languages, visit) {
  for (const look of LOOKS) {
    for (const width of WIDTHS) {
      for (const language of languages) {
        if (look.forcedColors && (width !== WIDTHS[0] || language !== "en")) continue;
        const { name, ...scheme } = look;
        const context = await browser.newContext({ ...scheme, viewport: { width, height: 844 }, locale: language });
        const tab = await context.newPage();
        tab.setDefaultTimeout(10_000);
        const refused = [];
        tab.on("console", (message) => message.text().includes("Content Security Policy") && refused.push(message.text()));
        const shot = async (subject, rules) => {
          const path = `${subject}-${language}-${name}-${width}.png`;
          await tab.screenshot({ path: `${folder}/${path}`, fullPage: true });
          taken.push(path);
          // Forced colours are the system's: contrast is not the page's affair there.
          const off = name === "forced" ? { "color-contrast": { enabled: false } } : {};
          found.push(...(await findings(tab, { ...off, ...rules })).map((finding) => `${path}: ${finding}`));
          if (await tab.evaluate(() => document.documentElement.scrollWidth > innerWidth)) found.push(`${path}: scrolls sideways`);
          found.push(...refused.splice(0).map((text) => `${path}: ${text}`));
        };
        await visit(tab, shot, language, width);
        await context.close();
      }
    }
  }
}

await each(["en", "de"], async (tab, shot, language) => {
  for (const { kind, name, html, status, policy } of gallery.filter((entry) => entry.language === language)) {
    const headers = { "content-type": "text/html; charset=utf-8", ...(policy && { "content-security-policy": policy }) };
    const address = `https://gallery.example/${kind}/${name}`;
    // What leads on by itself would be gone: its refresh and its script are left out.
    const still = html.replace(/<meta http-equiv="refresh"[^>]*>/, "").replace(/<script>document\.forms[^<]*<\/script>/, "");
    await tab.route(address, (route) => route.fulfill({ status: status ?? 200, headers, body: still }));
    await tab.goto(address);
    // A mail client has landmarks of its own around what it shows.
    await shot(`${kind}-${name}`, kind === "mail" ? { region: { enabled: false }, "landmark-one-main": { enabled: false } } : {});
    if (name === "reset-password-form") {
      await tab.getByRole("textbox").last().fill("analytical engines hum");
      await tab.locator("#reveal").click();
      await shot(`${kind}-${name}-revealed`);
    }
  }
});

// What the server itself shows.
const post = (path, body) => fetch(api + path, {
  method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
});
await each(["en"], async (tab, shot, language, width) => {
  if (taken.every((path) => !path.startsWith("outbox"))) {
    await tab.goto(`${api}/dev/outbox`);
    await shot("outbox-first");
    await post("/v1/register", { email: "grace@example.com", password: "analytical engines hum", name: "Grace" });
    await post("/v1/password/forgot", { email: "grace@example.com" });
  }
  await tab.goto(`${api}/dev/outbox`);
  await tab.locator("iframe").first().waitFor();
  await shot("outbox");
  await tab.getByRole("radio", { name: "Plain text" }).first().check();
  await shot("outbox-text");
  const message = (text) => tab.getByRole("status").filter({ hasText: text }).waitFor();
  await tab.goto(`${example}?api=${encodeURIComponent(api)}`);
  await tab.getByRole("heading", { name: "Create an account" }).waitFor();
  await shot("example-start");
  const register = tab.locator("#register");
  await register.getByLabel("Email").fill(`ada.${taken.length}@example.com`);
  await register.getByLabel("Password").fill("too short");
  await register.getByRole("button").click();
  await message("needs at least 15");
  await shot("example-refused");
  await register.getByLabel("Password").fill("analytical engines hum");
  await register.getByRole("button").click();
  await tab.getByRole("heading", { name: "Confirm your address" }).waitFor();
  await shot("example-verify");
  await tab.goto(`${example}?api=${encodeURIComponent(api)}`);
  const signIn = tab.locator("#sign-in");
  await signIn.getByLabel("Email").fill("demo@example.com");
  await signIn.getByLabel("Password").fill("wrong, and long enough");
  await signIn.getByRole("button", { name: "Sign in", exact: true }).click();
  await message("wrong");
  await shot("example-wrong");
  await signIn.getByLabel("Email").fill("grace@example.com");
  await signIn.getByLabel("Password").fill("analytical engines hum");
  await signIn.getByRole("button", { name: "Sign in", exact: true }).click();
  await tab.getByRole("heading", { name: "Hello, Grace" }).waitFor();
  await shot("example-signed-in");
});
await browser.close();

const subjects = {};
for (const path of taken) (subjects[path.replace(/-(light|dark|forced)-\d+\.png$/, "")] ??= []).push(path);
const figure = (path) => `<a href="${path}"><img loading="lazy" src="${path}" alt="${path}" title="${path}"></a>`;
const sections = Object.entries(subjects).map(([name, paths]) => `<h2>${name}</h2><p>${paths.sort().map(figure).join("")}</p>`);
await writeFile(`${folder}/index.html`, `<!doctype html><meta charset="utf-8"><title>Screenshots</title>
<style>body{font:1rem system-ui;margin:2rem;background:#ddd}img{height:24rem;margin:.25rem;border:1px solid #999}</style>
<h1>${taken.length} pictures</h1>${sections.join("\n")}`);
console.log(`${taken.length} pictures in ${folder}, see index.html; axe found ${found.length} things`);
for (const finding of new Set(found)) console.log(finding);
process.exitCode = found.length ? 1 : 0;
