// Asks examples/node-lambda, as `make node-lambda` runs it and as it is built, with tokens of a running Wardgate, by the lines of
// docs/start/node-lambda.md.
// Usage: node node_lambda.mjs <api>

import assert from "node:assert/strict";
import { done, freePorts, hasTried, shell, shownOn, typed } from "./verb.mjs";

const [issuer] = process.argv.slice(2);
const [port] = await freePorts(1);
const base = `http://localhost:${port}`;
// What the page's addresses are here.
const at = { "http://localhost:3004": base, "http://localhost:8080": issuer };
const PAGE = "http://localhost:3002";
const lambda = (command, env = {}) =>
  typed(command, { ready: /is on http/, env: { PORT: String(port), ISSUER: issuer, ...env }, at });
const ask = (headers = {}, method = "GET", path = "/orders") => fetch(base + path, { method, headers });
const code = async (answer) => [answer.status, (await answer.json()).code];

const lines = await shownOn("node-lambda", "sh");
const line = (part) => lines.find((it) => it.includes(part));
const login = [line("/v1/login"), line("Authorization: Bearer")];
const access = (await shell([login[0], 'printf %s "$ACCESS"'], at)).trim();

let example = await lambda("make node-lambda");
try {
  const refused = await shell([line("curl -si")], at);
  assert.match(refused, /^HTTP\/1.1 401 /);
  assert.match(refused, /www-authenticate: Bearer\r\n/);
  // The token of a session is for another API.
  assert.deepEqual(await code(await ask({ authorization: `Bearer ${access}` })), [401, "invalid_token"]);
  assert.equal((await ask({}, "GET", "/nothing")).status, 404);
  // API Gateway answers a browser's first question, and marks what the page may read.
  for (const [origin, allowed] of [[PAGE, PAGE], ["http://localhost:3999", null]]) {
    const preflight = await ask({ origin, "access-control-request-method": "GET" }, "OPTIONS");
    assert.deepEqual([preflight.status, preflight.headers.get("access-control-allow-origin")], [204, allowed]);
    const answer = await ask({ origin });
    assert.deepEqual([answer.status, answer.headers.get("access-control-allow-origin")], [401, allowed]);
  }
} finally {
  await example.end();
}
console.log("ok as it is");

await done("npm run build --prefix examples/node-lambda");
for (const [command, env] of [
  [line("AUDIENCE="), {}],
  [line("HANDLER="), { AUDIENCE: issuer, SCOPE: "account" }],
]) {
  example = await lambda(command, env);
  try {
    const answer = JSON.parse(await shell(login, at));
    assert.match(answer.user, /^usr_/);
    assert.deepEqual([answer.application, answer.orders], ["wardgate", []]);
    const another = access.replace(/.$/, (last) => (last === "A" ? "Q" : "A"));
    for (const token of [another, `${access}.`, ""]) {
      assert.deepEqual(await code(await ask({ authorization: `Bearer ${token}` })), [401, "invalid_token"], token);
    }
  } finally {
    await example.end();
  }
}
// A scope that people do not have.
example = await lambda("make node-lambda", { AUDIENCE: issuer, SCOPE: "payouts", HANDLER: "dist/app.mjs" });
try {
  assert.deepEqual(await code(await ask({ authorization: `Bearer ${access}` })), [403, "insufficient_scope"]);
} finally {
  await example.end();
}
// The page is started by react.mjs.
await hasTried("node-lambda", { also: ["make react"], code: { js: ["node-lambda/src/app.js"] } });
console.log("ok as it is built");
