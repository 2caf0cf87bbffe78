// What stands around a verdict: options, headers, answers, and the deny list's failures.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifier, KeysUnavailableError, VerifyError } from "../verifier/src/index.js";
import { corpus } from "./runtimes.js";

const good = corpus.tokens.find(({ name }) => name === "good RS256").parts.join(".");
const options = { issuer: corpus.issuer, audience: corpus.audience, jwks: corpus.jwks, now: () => corpus.now };

test("issuer and audience are mandatory, and what could never hold is refused at once", () => {
  const wrong = [
    { issuer: "" },
    { issuer: undefined },
    { audience: undefined },
    { audience: [] },
    { audience: ["a", ""] },
    { leewaySeconds: 6 },
    { leewaySeconds: -1 },
    { leewaySeconds: Number.NaN },
    { requiredScopes: [""] },
    { requiredScopes: ["a b"] },
    { requiredAcr: [""] },
    { requiredAcr: ["urn:wardgate:2fa phr"] },
    { jwksUri: "https://auth.example.com/keys" },
  ];
  for (const it of wrong) assert.throws(() => createVerifier({ ...options, ...it }), TypeError, JSON.stringify(it));
});

test("claims are those of the token, and no others", async () => {
  const claims = await createVerifier(options).verify(good);
  const payload = JSON.parse(Buffer.from(good.split(".")[1], "base64url").toString());
  assert.deepEqual(JSON.parse(JSON.stringify(claims)), payload);
});

test("an Authorization header has one token behind one scheme", async () => {
  const verifier = createVerifier(options);
  for (const header of [`Bearer ${good}`, `bearer   ${good}`, ` BEARER ${good} `]) await verifier.authenticate(header);
  for (const header of [undefined, null, "", good, `Basic ${good}`, `Bearer,${good}`]) {
    await assert.rejects(verifier.authenticate(header), new VerifyError("no_token"), String(header));
  }
  for (const header of ["Bearer", "Bearer ", `Bearer ${good} ${good}`, `Bearer ${good}, Bearer ${good}`]) {
    await assert.rejects(verifier.authenticate(header), new VerifyError("malformed"), header);
  }
});

test("a client learns no more than whether a token, another token or a scope is needed", () => {
  const { refuse } = createVerifier({ ...options, requiredScopes: ["orders:read", "orders:write"] });
  const answers = ["malformed", "expired", "denied", "unknown_key", "bad_signature"].map((it) => refuse(new VerifyError(it)));
  for (const answer of answers) assert.deepEqual(answer, answers[0]);
  assert.equal(answers[0].status, 401);
  assert.equal(answers[0].headers["www-authenticate"], 'Bearer error="invalid_token"');
  assert.equal(answers[0].headers["content-type"], "application/problem+json");
  assert.equal(answers[0].headers["cache-control"], "no-store");
  assert.equal(JSON.parse(answers[0].body).status, 401);
  const none = refuse(new VerifyError("no_token"));
  assert.deepEqual([none.status, none.headers["www-authenticate"]], [401, "Bearer"]);
  const scope = refuse(new VerifyError("missing_scope"));
  const challenge = 'Bearer error="insufficient_scope", scope="orders:read orders:write"';
  assert.deepEqual([scope.status, scope.headers["www-authenticate"]], [403, challenge]);
  const down = refuse(new KeysUnavailableError("the issuer is down"));
  assert.deepEqual([down.status, down.headers["retry-after"]], [503, "5"]);
  assert.ok(!down.body.includes("the issuer is down"));
});

test("an error that is none of ours is not taken for a refusal", () => {
  const fault = new TypeError("a mistake");
  assert.throws(() => createVerifier(options).refuse(fault), fault);
});

test("ED-09 a deny list that fails or hangs lets through, and somebody is told", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const told = [];
  const failing = { ...options, onDenyListError: (error) => told.push(error.message) };
  await createVerifier({ ...failing, denied: { get: () => Promise.reject(new Error("gone")) } }).verify(good);
  await createVerifier({ ...failing, denied: { get: () => { throw new Error("gone at once"); } } }).verify(good);
  let asked;
  const isAsked = new Promise((resolve) => { asked = resolve; });
  const denied = { get: () => { asked(); return new Promise(() => {}); } };
  const hanging = createVerifier({ ...failing, denied }).verify(good);
  await isAsked;
  context.mock.timers.tick(1000);
  await hanging;
  assert.deepEqual(told, ["gone", "gone at once", "the deny list did not answer in time"]);
});

test("the deny list is asked about good tokens alone, and only for keys of its own kinds", async () => {
  const asked = [];
  const denied = { get: (key) => void asked.push(key) };
  const verdict = (token) => createVerifier({ ...options, denied }).verify(token).catch((error) => error.code);
  for (const { parts, verdict: right, at, scopes, acr } of corpus.tokens) {
    asked.length = 0;
    await verdict(parts.join("."));
    if (right !== "ok" && right !== "denied" && !at && !scopes && !acr) assert.deepEqual(asked, []);
    assert.ok(asked.every((key) => /^(all|(ses|usr)_[0-9a-hjkmnp-tv-z]{26})$/.test(key)), asked.join());
  }
});

test("MF-07 what a level lacks is demanded, and the answer says what would do", async () => {
  const verifier = createVerifier({ ...options, requiredAcr: ["urn:wardgate:2fa", "phr"] });
  const of = (name) => corpus.tokens.find((it) => it.name === name).parts.join(".");
  const claims = await verifier.verify(of("a level demanded and shown"));
  assert.equal(claims.acr, "phr");
  const { status, headers, body } = await verifier.verify(of("good ES256")).catch(verifier.refuse);
  const challenge = 'Bearer error="insufficient_user_authentication", acr_values="urn:wardgate:2fa phr"';
  assert.deepEqual([status, headers["www-authenticate"]], [401, challenge]);
  assert.equal(JSON.parse(body).code, "insufficient_user_authentication");
});
