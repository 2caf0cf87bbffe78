// An example of examples/ as its command starts it, on a port that is free, and a browser that finds it at the address
// that its client is registered with.

import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

/** The demo user of stage development. */
export const DEMO = { name: "Demo", email: "demo@example.com", password: "tulips lean over quiet canals" };

/** Calls `walk` with the browser and the example's process. `imports` is a module that is loaded before the example. */
export async function withExample({ executablePath, name, address, issuer, imports }, walk) {
  const port = await freePort();
  const program = fileURLToPath(new URL(`../../examples/${name}/server.mjs`, import.meta.url));
  const loaded = imports ? ["--import", `data:text/javascript,${encodeURIComponent(imports)}`] : [];
  const example = spawn(process.execPath, [...loaded, program], {
    env: { ...process.env, PORT: String(port), ADDRESS: address, ISSUER: issuer }, stdio: ["ignore", "pipe", "inherit"],
  });
  let browser;
  try {
    await new Promise((resolve, reject) => {
      createInterface(example.stdout).once("line", resolve);
      example.once("exit", () => reject(new Error(`${name} ended`)));
    });
    const rules = `MAP ${new URL(address).host} localhost:${port}`;
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox", `--host-resolver-rules=${rules}`] });
    await walk(browser, example);
  } finally {
    await browser?.close();
    example.kill();
  }
}

/** The person types on Wardgate's page. */
export async function signIn(tab, issuer) {
  await tab.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
  if (new URL(tab.url()).origin !== issuer) throw new Error(`a password is asked for on ${tab.url()}`);
  await tab.getByLabel("Email").fill(DEMO.email);
  await tab.getByLabel("Password", { exact: true }).fill(DEMO.password);
  await tab.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** Ends the sessions of all browsers, from another device. */
export async function endSessions(issuer) {
  const ask = async (method, path, headers, body) => {
    const all = { "Content-Type": "application/json", ...headers };
    const answer = await fetch(issuer + path, { method, headers: all, body });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  const credentials = JSON.stringify({ email: DEMO.email, password: DEMO.password });
  const { access_token: access } = await (await ask("POST", "/v1/login", {}, credentials)).json();
  await ask("DELETE", "/v1/sessions", { Authorization: `Bearer ${access}` });
}

/** Whether a page fits into 320 pixels. */
export async function fits(tab) {
  const before = tab.viewportSize();
  await tab.setViewportSize({ width: 320, height: 640 });
  const width = await tab.evaluate(() => document.documentElement.scrollWidth);
  await tab.setViewportSize(before);
  return width <= 320;
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
