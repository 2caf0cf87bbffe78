// Programs as people start them beside `make run`, on ports that are free, and a browser that finds them at the addresses that
// their clients are registered with.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, request as forward } from "node:http";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { chromium } from "playwright-core";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What has been typed here. The server is running, as `make run` starts it. */
const TYPED = new Set(["make run"]);

/** What is running: each leads a group of its own, which nobody else ends. */
const running = new Set();

const killed = (child) => {
  try {
    // A development server that is still at its first page does not hear a milder signal, and `make` waits for it.
    process.kill(-child.pid, "SIGKILL");
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
};

process.once("exit", () => running.forEach(killed));
process.once("SIGTERM", () => process.exit(1));

/** A command as a page shows it, `NAME=value make verb`, in the repository. `at` has what the page's addresses are here. */
function begin(command, { env = {}, at = {} } = {}) {
  TYPED.add(command);
  const words = here(command, at).split(" ");
  const first = words.findIndex((word) => !/^[A-Z]+=/.test(word));
  const said = Object.fromEntries(words.slice(0, first).map((word) => word.split(/=(.*)/s, 2)));
  // A `make` that this runs below has variables of its own.
  const { MAKEFLAGS, MFLAGS, MAKELEVEL, ...around } = process.env;
  const child = spawn(words[first], words.slice(first + 1), {
    cwd: ROOT, env: { ...around, ...env, ...said }, detached: true, stdio: ["ignore", "pipe", "inherit"],
  });
  running.add(child);
  child.once("close", () => running.delete(child));
  return child;
}

const here = (text, at) => Object.entries(at).reduce((all, [shown, real]) => all.replaceAll(shown, real), text);

/** Many times what any of them takes, in milliseconds, on a machine that is busy with other things. */
const LIMIT = 180_000;

/** Types a command and waits for a line that says it listens. `end` ends whatever it has started. */
export async function typed(command, { ready, ...options }) {
  const child = begin(command, options);
  const ended = once(child, "exit");
  const end = async () => {
    killed(child);
    await ended;
  };
  const said = [];
  let late;
  try {
    await new Promise((resolve, reject) => {
      late = setTimeout(() => reject(new Error(`${command} never said ${ready}: ${said.join("\n")}`)), LIMIT);
      child.once("error", reject);
      child.once("exit", () => reject(new Error(`${command} ended: ${said.join("\n")}`)));
      createInterface(child.stdout).on("line", (raw) => {
        // Where CI is in the environment, some print in colours though nobody sees them.
        const line = stripVTControlCharacters(raw);
        said.push(line);
        if (ready.test(line)) resolve();
      });
    });
  } catch (error) {
    await end();
    throw error;
  } finally {
    clearTimeout(late);
  }
  return { end };
}

/** Types a command that ends by itself. */
export async function done(command, env) {
  await output(begin(command, { env }), command);
}

/** Types lines as one shell reads them, and gives what they print. */
export async function shell(lines, at) {
  for (const line of lines) TYPED.add(line);
  const program = spawn("sh", ["-euc", here(lines.join("\n"), at)], { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  return output(program, lines.join("; "));
}

async function output(child, what) {
  let said = "";
  child.stdout.on("data", (part) => (said += part));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${what}: ${said}`);
  return said;
}

/** What a page of docs/start shows in one kind of block, without comments at the end of a line. */
export async function shownOn(page, kind) {
  const text = await readFile(`${ROOT}/docs/start/${page}.md`, "utf8");
  const blocks = text.matchAll(new RegExp(`^ *\`\`\`${kind}\n([\\s\\S]*?)^ *\`\`\`$`, "gm"));
  const lines = [...blocks].flatMap(([, block]) => block.split("\n"));
  return lines.map((line) => line.replace(/ {2,}#.*$/, "").trim()).filter(Boolean);
}

/** Nothing that a page shows is left untried: each command was typed here, each line of code is in the example. */
export async function hasTried(page, { also = [], code = {} } = {}) {
  const untried = (await shownOn(page, "sh")).filter((line) => !TYPED.has(line) && !also.includes(line));
  for (const [kind, files] of Object.entries(code)) {
    const sources = await Promise.all(files.map((file) => readFile(`${ROOT}/examples/${file}`, "utf8")));
    const lines = new Set(sources.join("\n").split("\n").map((line) => line.trim()));
    untried.push(...(await shownOn(page, kind)).filter((line) => !lines.has(line)));
  }
  if (untried.length > 0) throw new Error(`docs/start/${page}.md shows what nobody has tried:\n${untried.join("\n")}`);
}

/** A browser that finds `localhost:3002` at another port of localhost, for each pair of `ports`. */
export function browserWith(executablePath, ports) {
  const rules = Object.entries(ports).map(([port, at]) => `MAP localhost:${port} localhost:${at}`).join(", ");
  return chromium.launch({ executablePath, args: ["--no-sandbox", `--host-resolver-rules=${rules}`] });
}

/**
 * The same with Safari's rule about cookies: over http none that is Secure is kept, on localhost neither. A proxy takes them out
 * of answers; the browser's own rules are Chromium's.
 */
export async function safariLike(executablePath, ports) {
  const proxy = createServer((request, response) => {
    const { hostname, port, pathname, search } = new URL(request.url);
    const at = hostname === "localhost" ? ports[port] ?? port : port;
    const { method, headers } = request;
    const asked = forward({ hostname, port: at, path: pathname + search, method, headers }, (answer) => {
      const kept = (answer.headers["set-cookie"] ?? []).filter((cookie) => !/;\s*secure/i.test(cookie));
      const { "set-cookie": _, ...others } = answer.headers;
      response.writeHead(answer.statusCode, kept.length ? { ...others, "set-cookie": kept } : others);
      answer.pipe(response);
    });
    asked.on("error", () => response.writeHead(502).end());
    request.pipe(asked);
  });
  // What is tunnelled, a development server's socket for one, is not needed here.
  proxy.on("upgrade", (_, socket) => socket.destroy()).on("connect", (_, socket) => socket.destroy());
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const server = `http://127.0.0.1:${proxy.address().port}`;
  const browser = await chromium.launch({
    executablePath, args: ["--no-sandbox", "--proxy-bypass-list=<-loopback>"], proxy: { server },
  });
  browser.once("disconnected", () => {
    proxy.close();
    proxy.closeAllConnections();
  });
  return browser;
}

/** Ports that were free a moment ago. */
export async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

/** The names of the cookies that a request brought to a server. */
export async function cookiesOf(request) {
  const header = (await request.allHeaders()).cookie ?? "";
  return header.split("; ").filter(Boolean).map((cookie) => cookie.split("=")[0]).sort();
}
