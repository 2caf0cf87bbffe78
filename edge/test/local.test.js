// `make edge`: the lines that it prints, and the deny list that it keeps. WARDGATE_SERVER is a server's binary with the
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
import { serveSessions } from "../local/sessions.js";

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
  const lines = [];
  const edge = await startEdge({ server, port: 0, log: (line) => lines.push(line) });
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
  assert.deepEqual(lines, [`${sid} has ended: refused from now on`]);
});

test("sign-out is heard of within two seconds, and only of the session that ended", { skip, timeout: 60_000 }, async (context) => {
  const server = await startServer(context);
  const edge = await startEdge({ server, port: 0, log: () => {} });
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

test("the deny list holds a session that has ended, never one whose token has", async (context) => {
  let answer = 200;
  let asked = 0;
  const wardgate = createServer((_, response) => {
    asked += 1;
    response.writeHead(answer).end();
  });
  await new Promise((resolve) => wardgate.listen(0, "127.0.0.1", resolve));
  let now = 1000;
  const server = `http://127.0.0.1:${wardgate.address().port}`;
  const sessions = await serveSessions({ server, milliseconds: 1 << 30, now: () => now });
  context.after(() => {
    sessions.stop();
    wardgate.close();
    wardgate.closeAllConnections();
  });
  const token = (sid, exp) => `x.${Buffer.from(JSON.stringify({ sid, exp })).toString("base64url")}.x`;
  const watch = (it) => fetch(`http://${sessions.address}/watched`, { method: "POST", headers: { authorization: `Bearer ${it}` } });
  const denied = async (key) => (await fetch(`http://${sessions.address}/denied/${key}`)).status === 200;

  assert.equal((await watch("nonsense")).status, 204);
  await watch(token("ses_a", 1300));
  await sessions.look();
  assert.deepEqual([asked, await denied("ses_a")], [1, false]);
  // Down, or at its limit: that says nothing.
  for (answer of [503, 429]) await sessions.look();
  assert.equal(await denied("ses_a"), false);
  // So close to its end, 401 may mean the token alone.
  answer = 401;
  now = 1291;
  await sessions.look();
  assert.deepEqual([asked, await denied("ses_a")], [3, false]);
  await watch(token("ses_a", 1600));
  await sessions.look();
  assert.deepEqual([asked, await denied("ses_a")], [4, true]);
  assert.equal(await denied("ses_b"), false);
  now += 365;
  await sessions.look();
  assert.equal(await denied("ses_a"), false, "the list returns to empty");
});
