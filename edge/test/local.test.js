// `make edge`: the lines that it prints, and the deny list that the server keeps. WARDGATE_SERVER is a server's binary with the
// feature `dev`.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startEdge, tour } from "../local/edge.js";

const run = promisify(execFile);

async function freePort() {
  const listener = createServer();
  await new Promise((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const { port } = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  return port;
}

async function startServer(context) {
  const folder = await mkdtemp(join(tmpdir(), "wardgate-"));
  const [port, ops] = [await freePort(), await freePort()];
  const settings = {
    AUTH__STAGE: "development",
    AUTH__EMBEDDED__FOLDER: join(folder, "data"),
    AUTH__HTTP__PORT: port,
    AUTH__OPS__PORT: ops,
    AUTH__LOG__LEVEL: "warn",
  };
  const server = spawn(process.env.WARDGATE_SERVER, {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    env: { ...process.env, ...settings },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => server.once("exit", resolve));
  context.after(async () => {
    server.kill();
    await ended;
    await rm(folder, { recursive: true });
  });
  let printed = "";
  // The tour is printed once it listens.
  await new Promise((resolve, reject) => {
    server.stdout.on("data", (chunk) => (printed += chunk).includes("/dev/outbox") && resolve());
    ended.then(() => reject(new Error(`the server ended: ${printed}`)));
  });
  return `http://localhost:${port}`;
}

const skip = process.env.WARDGATE_SERVER ? false : "WARDGATE_SERVER is not set";

test("the tour: in, a note, out, and refused within seconds", { skip, timeout: 60_000 }, async (context) => {
  const server = await startServer(context);
  const edge = await startEdge({ server, port: 0 });
  context.after(edge.stop);
  const { stdout } = await run("bash", ["-euo", "pipefail", "-c", tour(edge.base)], { timeout: 20_000 });
  const [written, note, without, out, by, refused, ...rest] = stdout.trim().split("\n");
  const { notes, sub, sid } = JSON.parse(note);
  assert.deepEqual([written, notes], ["204", ["water the tulips"]]);
  assert.match(sub, /^usr_/);
  assert.equal(JSON.parse(without).status, 401);
  assert.deepEqual([out, by.trim()], ["204", "x-refused-by: deny.js"]);
  assert.equal(JSON.parse(refused).status, 401);
  assert.deepEqual(rest, []);
  // Until no token of it can be left.
  const until = Number(await (await fetch(`${server}/dev/denied/${sid}`)).text());
  assert.ok(until > Date.now() / 1000 + 300 && until < Date.now() / 1000 + 400, `${until}`);
});

test("sign-out is heard of within two seconds, and only of the session that ended", { skip, timeout: 60_000 }, async (context) => {
  const server = await startServer(context);
  const edge = await startEdge({ server, port: 0 });
  context.after(edge.stop);
  const account = JSON.stringify({ email: "demo@example.com", password: "tulips lean over quiet canals" });
  const login = { method: "POST", headers: { "content-type": "application/json" }, body: account };
  const signIn = async () => (await (await fetch(`${edge.base}/v1/login`, login)).json()).access_token;
  const headers = (token) => ({ headers: { authorization: `Bearer ${token}` } });
  const status = async (token) => (await fetch(`${edge.base}/api/notes`, headers(token))).status;
  const [mine, other] = [await signIn(), await signIn()];
  assert.deepEqual([await status(mine), await status(other)], [200, 200]);
  assert.equal((await fetch(`${edge.base}/v1/logout`, { method: "POST", ...headers(mine) })).status, 204);
  const began = Date.now();
  while ((await status(mine)) === 200) assert.ok(Date.now() - began < 2000, "it is still let through");
  context.diagnostic(`refused ${Date.now() - began} ms after the answer to the sign-out`);
  assert.deepEqual([await status(mine), await status(other)], [401, 200]);
});

test("the page shows the tour as it is printed", async () => {
  const page = await readFile(new URL("../../docs/edge.md", import.meta.url), "utf8");
  assert.ok(page.includes(`\`\`\`sh\n${tour("http://localhost:8081")}\`\`\``));
});

test("without a server it says what to start", async () => {
  const server = `http://localhost:${await freePort()}`;
  await assert.rejects(startEdge({ server, port: 0 }), /Nothing answers .* `make run`/);
});
