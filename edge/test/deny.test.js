// edge/deny.js: what it is made of, and what it does in njs.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import store from "./key-value-store.js";
import { Missing, corpus, njs } from "./runtimes.js";

const source = await readFile(new URL("../deny.js", import.meta.url), "utf8");
/** Without comments, texts and regular expressions. */
const code = source
  .replace(/^\s*\/\/.*$/gm, "")
  .replace(/'(?:[^'\\]|\\.)*'/g, "''")
  .replace(/(?<=[(=|]\s*)\/(?:[^/\\\n]|\\.)+\/[a-z]*/g, "''");

test("deny.js has room in CloudFront's 10,240 bytes", () => {
  assert.ok(Buffer.byteLength(source) <= 10_240, `${Buffer.byteLength(source)} bytes`);
});

test("deny.js uses nothing that cloudfront-js-2.0 lacks", () => {
  const lacking = {
    "for … of": /\bfor\s*(await\s*)?\([^;)]*\bof\b/,
    class: /\bclass\b/,
    "optional chaining": /\?\.(?!\d)/,
    "nullish coalescing": /\?\?/,
    destructuring: /\b(const|let|var)\s*[[{]/,
    spread: /\.\.\./,
    "default values of parameters": /(function\s*\w*|\))\s*\([^()]*=[^=]/,
    generators: /\bfunction\s*\*|\byield\b/,
    "async arrow functions": /\basync\s*\(|\basync\s+\w+\s*=>/,
    "await among arguments": /[(,]\s*await\b/,
    "await outside of a function": /^await\b/m,
    eval: /\beval\b|\bnew\s+Function\b/,
    timers: /\bset(Timeout|Interval|Immediate)\b/,
    network: /\bfetch\b|\bXMLHttpRequest\b/,
    "promise combinators": /\bPromise\b|\.then\b|\.catch\(/,
    "modules but cloudfront": /\bimport\b(?!\s+cf\s+from\s+'')|\brequire\b/,
    exports: /\bexport\b/,
    "logical assignment": /(\?\?|\|\||&&)=/,
    "big numbers": /\b\d+n\b|\bBigInt\b/,
  };
  for (const [name, pattern] of Object.entries(lacking)) assert.doesNotMatch(code, pattern, name);
  assert.match(source, /^import cf from 'cloudfront';$/m);
});

test("the stand-in of the store refuses what CloudFront's refuses", async () => {
  store.put({ all: "0" });
  const kvs = store.kvs();
  assert.equal(await kvs.exists("all"), true);
  assert.equal(await kvs.exists("toString"), false);
  assert.equal(await kvs.get("all"), "0");
  await assert.rejects(kvs.get("missing"));
  await assert.rejects(kvs.get("x".repeat(513)));
  await assert.rejects(kvs.exists(undefined));
  await assert.rejects(kvs.get("all", { format: "xml" }));
  assert.throws(() => store.put({ all: "x".repeat(1025) }));
  store.breakDown(true);
  await assert.rejects(kvs.exists("all"));
  store.breakDown(false);
});

const [strict, lenient] = await Promise.all([njs(true), njs(false)]).catch((error) => {
  if (!(error instanceof Missing) || process.env.REQUIRE_INTEROP) throw error;
  return [];
});
const inNjs = { skip: strict ? false : "njs is missing" };

test("ED-08 every token that is good and that no list holds passes", inNjs, () => {
  const good = corpus.tokens.filter(({ verdict }) => verdict === "ok");
  assert.ok(good.length >= 30);
  for (const { name } of good) assert.equal(lenient.verdicts[name], "through", name);
});

test("every token that a list holds is refused, strict or not", inNjs, () => {
  const denied = corpus.tokens.filter(({ verdict }) => verdict === "denied");
  assert.ok(denied.length >= 8);
  for (const { name } of denied) assert.deepEqual([strict.verdicts[name], lenient.verdicts[name]], ["refuse", "refuse"], name);
});

test("without STRICT only expired and denied tokens are refused", inNjs, () => {
  for (const { name, verdict, parts } of corpus.tokens) {
    if (lenient.verdicts[name] !== "refuse" || verdict === "denied") continue;
    const { exp } = JSON.parse(Buffer.from(parts[1], "base64url").toString());
    const at = corpus.tokens.find((it) => it.name === name).at ?? corpus.now;
    assert.ok(at >= exp + 5, name);
  }
});

test("ED-09 a store that is gone lets through what it would have refused, and nothing else changes", inNjs, () => {
  for (const { name, verdict } of corpus.tokens) {
    const expected = verdict === "denied" ? "through" : strict.verdicts[name];
    assert.equal(strict.broken[name], expected, name);
  }
});

test("it looks up at most three keys, and reads two of them", inNjs, () => {
  assert.equal(strict.most, 5);
});

test("schemes, headers and preflights", inNjs, () => {
  const passes = { bearer: "refuse", "bearer in lower case": "refuse", dpop: "refuse", basic: "through" };
  const none = { "two headers": "through", "no header": "through", preflight: "through" };
  assert.deepEqual(lenient.expired, { ...passes, ...none });
  const refused = { basic: "refuse", "two headers": "refuse", "no header": "refuse" };
  assert.deepEqual(strict.expired, { ...passes, ...none, ...refused });
});

test("a refusal is the verifier's answer, readable by pages of any origin, and is not kept", inNjs, () => {
  const { statusCode, headers, body } = strict.refusal;
  assert.equal(statusCode, 401);
  assert.equal(headers["www-authenticate"].value, 'Bearer error="invalid_token"');
  assert.equal(headers["cache-control"].value, "no-store");
  assert.equal(headers["access-control-allow-origin"].value, "*");
  assert.equal(JSON.parse(body.data).status, 401);
});
