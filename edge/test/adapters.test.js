// Each adapter in what it is for, with the verifier as a customer makes it.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import express from "express";
import { Hono } from "hono";
import { accessToken as forExpress } from "../verifier/adapters/express.js";
import { accessToken as forHono } from "../verifier/adapters/hono.js";
import { createHandler } from "../verifier/adapters/lambda-edge.js";
import { protect } from "../verifier/adapters/workers.js";
import { createVerifier } from "../verifier/src/index.js";
import { start } from "../local/workerd.js";
import { corpus } from "./runtimes.js";

const token = (name) => corpus.tokens.find((it) => it.name === name).parts.join(".");
const good = token("good ES256");
const { sub } = JSON.parse(Buffer.from(good.split(".")[1], "base64url").toString());
const make = (more) => createVerifier({ issuer: corpus.issuer, audience: corpus.audience, jwks: corpus.jwks, now: () => corpus.now, ...more });

/** What each adapter has to do, whatever carries the request: `ask` sends one and gives status, challenge and body. */
async function behaves(name, ask) {
  await test(`${name}: a good token passes, with its claims`, async () => {
    const { status, body } = await ask(`Bearer ${good}`);
    assert.deepEqual([status, body], [200, sub]);
  });
  await test(`${name}: none, a bad one and one without the scope get their challenges`, async () => {
    const bad = 'Bearer error="invalid_token"';
    for (const [header, status, challenge] of [
      [undefined, 401, "Bearer"],
      ["Basic dXNlcjpwYXNz", 401, "Bearer"],
      ["Bearer x", 401, bad],
      [`Bearer ${token("shape: another payload")}`, 401, bad],
      [`Bearer ${token("no scope granted")}`, 403, 'Bearer error="insufficient_scope", scope="orders:read"'],
    ]) {
      const answer = await ask(header);
      assert.deepEqual([answer.status, answer.challenge], [status, challenge]);
      assert.equal(JSON.parse(answer.body).status, status);
      assert.equal(answer.type, "application/problem+json");
    }
  });
}

const told = async (response) => ({
  status: response.status,
  challenge: response.headers.get("www-authenticate"),
  type: response.headers.get("content-type"),
  body: await response.text(),
});
const headers = (authorization) => (authorization === undefined ? {} : { authorization });
const scoped = make({ requiredScopes: ["orders:read"] });

async function listening(listener) {
  await new Promise((resolve) => listener.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${listener.address().port}`;
}

const worker = protect(scoped, (_, claims) => new Response(claims.sub));
await behaves("Workers", async (it) => told(await worker(new Request("https://api.example.com/", { headers: headers(it) }))));

const hono = new Hono();
hono.use(forHono(scoped));
hono.get("/", (context) => context.text(context.get("auth").sub));
await behaves("Hono", async (it) => told(await hono.request("/", { headers: headers(it) })));

const application = express();
application.use(forExpress(scoped));
application.get("/", (request, response) => void response.send(request.auth.sub));
const listener = createServer(application);
const address = await listening(listener);
await behaves("Express", async (it) => told(await fetch(`http://${address}/`, { headers: headers(it) })));
listener.close();
listener.closeAllConnections();

const viewerRequest = (authorization, method = "GET") => ({
  method,
  uri: "/orders",
  headers: authorization === undefined ? {} : { authorization: [].concat(authorization).map((value) => ({ value })) },
});
const edge = createHandler(scoped);
const onLambda = (request) => edge({ Records: [{ cf: { request } }] });
await behaves("Lambda@Edge", async (it) => {
  const request = viewerRequest(it);
  const answer = await onLambda(request);
  if (answer === request) return { status: 200, body: sub };
  const value = (name) => answer.headers[name]?.[0].value;
  return { status: Number(answer.status), challenge: value("www-authenticate"), type: value("content-type"), body: answer.body };
});

test("Lambda@Edge: a request passes unchanged, a preflight passes, and two tokens are none", async () => {
  const request = viewerRequest(`Bearer ${good}`);
  const before = structuredClone(request);
  assert.equal(await onLambda(request), request);
  assert.deepEqual(request, before);
  const preflight = viewerRequest(undefined, "OPTIONS");
  assert.equal(await onLambda(preflight), preflight);
  assert.equal((await onLambda(viewerRequest([`Bearer ${good}`, `Bearer ${good}`]))).status, "401");
});

test("an issuer that is down is 503, and a fault of our own stays one", async () => {
  const fetch = async () => Promise.reject(new TypeError("fetch failed"));
  const down = make({ jwks: undefined, fetch });
  const request = new Request("https://api.example.com/", { headers: headers(`Bearer ${good}`) });
  const answer = await protect(down, () => assert.fail())(request);
  assert.deepEqual([answer.status, answer.headers.get("retry-after")], [503, "5"]);
  const broken = { ...scoped, authenticate: () => Promise.reject(new RangeError("a fault")) };
  await assert.rejects(protect(broken, () => assert.fail())(request), RangeError);
  let passed;
  await forExpress(broken)({ headers: {} }, {}, (error) => { passed = error; });
  assert.ok(passed instanceof RangeError);
});

test("ED-14 workerd: a hundred requests at once fetch the key set once", async () => {
  let fetches = 0;
  const issuer = createServer((_, response) => {
    fetches += 1;
    response.setHeader("content-type", "application/json").end(JSON.stringify(corpus.jwks));
  });
  const running = await start(new URL("worker.js", import.meta.url), { external: { ISSUER: await listening(issuer) } });
  try {
    const ask = () => fetch(`http://127.0.0.1:${running.port}/`, { headers: headers(`Bearer ${good}`) });
    const statuses = await Promise.all(Array.from({ length: 100 }, async () => (await ask()).status));
    assert.deepEqual([...new Set(statuses)], [200]);
    assert.equal(fetches, 1);
  } finally {
    await running.stop();
    issuer.close();
    issuer.closeAllConnections();
  }
});
