// How keys are fetched and kept: TK-03, TK-04.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifier, KeySetError, KeysUnavailableError, VerifyError } from "../verifier/src/index.js";
import { corpus } from "./runtimes.js";

const good = corpus.tokens.find(({ name }) => name === "good EdDSA").parts.join(".");
const unknown = corpus.tokens.find(({ name }) => name === "header: kid is a path").parts.join(".");
const far = corpus.tokens.find(({ name }) => name === "exp is the largest that there is").parts.join(".");

/** A verifier whose issuer and clock the test moves. */
function stage({ maxAge = 300, jwks = corpus.jwks } = {}) {
  const it = { now: corpus.now, fetches: 0, jwks, isDown: false, pending: undefined };
  it.fetch = async (url) => {
    it.fetches += 1;
    it.url = url;
    await it.pending;
    if (it.isDown) throw new TypeError("fetch failed");
    return Response.json(it.jwks, { headers: { "cache-control": `public, max-age=${maxAge}, stale-if-error=3600` } });
  };
  it.verifier = createVerifier({ issuer: corpus.issuer, audience: corpus.audience, now: () => it.now, fetch: it.fetch });
  it.code = (token) => it.verifier.verify(token).then(() => "ok", (error) => error.code ?? error.name);
  return it;
}

test("ED-14 a hundred requests at once fetch the key set once, from the issuer's address", async () => {
  const it = stage();
  const codes = await Promise.all(Array.from({ length: 100 }, () => it.code(good)));
  assert.deepEqual([...new Set(codes)], ["ok"]);
  assert.equal(it.fetches, 1);
  assert.equal(it.url, "https://auth.example.com/.well-known/jwks.json");
});

test("a set is taken for as long as the issuer says, and never for more than five minutes", async () => {
  for (const [maxAge, fresh] of [[60, 60], [300, 300], [86_400, 300], [0, 30]]) {
    const it = stage({ maxAge });
    await it.code(good);
    it.now += fresh - 1;
    await it.code(good);
    assert.equal(it.fetches, 1, `${maxAge}`);
    it.now += 1;
    await it.code(good);
    assert.equal(it.fetches, 2, `${maxAge}`);
  }
});

test("ED-14, TK-03: an unknown kid fetches at most once a minute", async () => {
  const it = stage();
  assert.equal(await it.code(good), "ok");
  it.now += 59;
  for (let i = 0; i < 10; i += 1) assert.equal(await it.code(unknown), "unknown_key");
  assert.equal(it.fetches, 1);
  it.now += 1;
  await Promise.all(Array.from({ length: 10 }, () => it.code(unknown)));
  assert.equal(it.fetches, 2);
  for (let i = 0; i < 10; i += 1) await it.code(unknown);
  assert.equal(it.fetches, 2);
});

test("a key that was published since is found", async () => {
  const it = stage({ jwks: { keys: corpus.jwks.keys.filter(({ kid }) => kid !== "ed-1") } });
  assert.equal(await it.code(good), "unknown_key");
  it.jwks = corpus.jwks;
  it.now += 61;
  assert.equal(await it.code(good), "ok");
});

test("ED-14, TK-04: keys are taken for an hour while the issuer is down, and not for longer", async () => {
  const it = stage();
  assert.equal(await it.code(far), "ok");
  it.isDown = true;
  it.now += 3599;
  assert.equal(await it.code(far), "ok");
  assert.equal(await it.code(far), "ok");
  assert.equal(it.fetches, 2, "a fetch that failed is not tried again by each request");
  it.now += 1;
  assert.equal(await it.code(far), "KeysUnavailableError");
  it.isDown = false;
  it.now += 5;
  assert.equal(await it.code(far), "ok");
});

test("without any keys a request is told so, and five seconds later asks again", async () => {
  const it = stage();
  it.isDown = true;
  for (let i = 0; i < 3; i += 1) assert.equal(await it.code(good), "KeysUnavailableError");
  assert.equal(it.fetches, 1);
  it.now += 5;
  it.isDown = false;
  assert.equal(await it.code(good), "ok");
});

test("a fetch whose request has gone is not waited for for ever", async () => {
  const it = stage();
  it.pending = new Promise(() => {});
  void it.code(good);
  it.pending = undefined;
  it.now += 6;
  assert.equal(await it.code(good), "ok");
});

test("a set with one bad key is refused whole, and so is one with a private key", async () => {
  const [rsa, ec, ed] = corpus.jwks.keys;
  const sets = {
    private: [{ ...ed, d: "AA" }],
    "no kid": [{ ...ed, kid: undefined }],
    "one kid twice": [ec, { ...ed, kid: ec.kid }],
    "another use": [{ ...ed, use: "enc" }],
    "alg and kty": [{ ...ec, alg: "RS256" }],
    "alg missing": [{ ...ec, alg: undefined }],
    "short coordinate": [{ ...ec, x: "AA" }],
    "small exponent": [{ ...rsa, e: "Aw" }],
    "short modulus": [{ ...rsa, n: rsa.n.slice(0, 170) }],
    "no key": [1],
  };
  for (const [name, keys] of Object.entries(sets)) {
    const verifier = createVerifier({ issuer: corpus.issuer, audience: corpus.audience, jwks: { keys } });
    await assert.rejects(verifier.verify(good), KeySetError, name);
  }
  const none = createVerifier({ issuer: corpus.issuer, audience: corpus.audience, jwks: { keys: "none" } });
  await assert.rejects(none.verify(good), KeySetError);
});

test("keys of kinds that nobody knows yet are skipped, and points off their curve verify nothing", async () => {
  const [, ec, ed] = corpus.jwks.keys;
  const jwks = { keys: [{ kty: "AKP", alg: "ML-DSA-44", kid: "new", pub: "AA" }, { kty: "new", kid: "newer" }, { ...ec, y: ec.x }, ed] };
  const now = () => corpus.now;
  const verifier = createVerifier({ issuer: corpus.issuer, audience: corpus.audience, jwks, now });
  await verifier.verify(good);
  const es256 = corpus.tokens.find(({ name }) => name === "good ES256").parts.join(".");
  await assert.rejects(verifier.verify(es256), new VerifyError("bad_signature"));
});

test("an answer that is no key set, and one that leads elsewhere, are no keys", async () => {
  const answers = [
    new Response("<html>", { status: 200 }),
    new Response('{"keys":[],"keys":[]}', { status: 200 }),
    new Response("{}", { status: 302, headers: { location: "https://evil.example" } }),
    Response.json(corpus.jwks, { status: 500 }),
    new Response(`{"keys":[],"x":"${"x".repeat(65_536)}"}`),
  ];
  for (const answer of answers) {
    const verifier = createVerifier({ issuer: corpus.issuer, audience: corpus.audience, fetch: async () => answer });
    await assert.rejects(verifier.verify(good), KeysUnavailableError);
  }
});
