// Against a running server, WARDGATE, whose demo user is there: `make run`, or what the tests start.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { createClient, isMfaRequired, isProblem, type Problem, type Session, type SessionStore } from "@wardgate/client";

const baseUrl = process.env["WARDGATE"] ?? "http://localhost:8080";
const DEMO = { email: "demo@example.com", password: "tulips lean over quiet canals" };

/** A store that can be looked into, and a client that counts what it asks. */
function begin({ answers }: { answers?: (request: Request) => Response | undefined } = {}) {
  let kept: Session | undefined;
  const session: SessionStore = { read: () => kept, write: (next) => void (kept = next) };
  const asked: string[] = [];
  const client = createClient({
    baseUrl,
    session,
    fetch: async (request) => {
      asked.push(`${request.method} ${new URL(request.url).pathname}`);
      return answers?.(request) ?? fetch(request);
    },
  });
  const expire = () => {
    assert.ok(kept);
    kept = { ...kept, accessToken: `${kept.accessToken.slice(0, -8)}AAAAAAAA` };
  };
  return { client, asked, expire, kept: () => kept, put: (next: Session | undefined) => void (kept = next) };
}

test("who signs in is known from then on, until signing out", async () => {
  const { client, asked, kept } = begin();
  const before = await client.GET("/v1/me");
  assert.equal(before.response.status, 401);
  assert.equal((before.error satisfies Problem | undefined)?.code, "authentication_required");
  const { data, error } = await client.POST("/v1/login", { body: DEMO });
  assert.equal(error, undefined);
  assert.ok(data && !isMfaRequired(data));
  assert.equal(kept()?.accessToken, data.access_token);
  const me = await client.GET("/v1/me");
  assert.deepEqual([me.data?.email, me.data?.email_verified], [DEMO.email, true]);
  const id = data.session_id;
  const sessions = await client.GET("/v1/sessions");
  assert.ok(sessions.data?.items.some((it) => it.id === id && it.current));
  // Who shows the password again has another access token of the same session.
  const shown = await client.POST("/v1/step-up", { body: { password: DEMO.password } });
  assert.deepEqual(kept(), { accessToken: shown.data?.access_token, refreshToken: data.refresh_token });
  await client.POST("/v1/logout", { body: {} });
  assert.equal(kept(), undefined);
  assert.equal((await client.GET("/v1/me")).response.status, 401);
  assert.ok(!asked.includes("POST /v1/token/refresh"), `${asked}`);
});

test("who has a second factor is known from the second step on", async () => {
  const { client, asked, kept } = begin();
  const person = { email: `ada.${Date.now()}@example.com`, password: "analytical engines hum" };
  const registered = await client.POST("/v1/register", { body: person });
  const flow_token = registered.data?.flow_token ?? "";
  await client.POST("/v1/email/verify", { body: { email: person.email, code: await mailedCode(person.email), flow_token } });
  await client.POST("/v1/login", { body: person });
  const begun = await client.POST("/v1/mfa/totp");
  assert.ok(begun.data, JSON.stringify(begun.error));
  const { enrolment_token, secret } = begun.data;
  const { data: confirmed } = await client.POST("/v1/mfa/totp/confirm", { body: { enrolment_token, code: totp(secret) } });
  const [one = "", another = ""] = confirmed?.recovery_codes ?? [];
  await client.POST("/v1/logout", { body: {} });

  const { data: first } = await client.POST("/v1/login", { body: person });
  assert.ok(first && isMfaRequired(first));
  assert.deepEqual(first.methods, ["totp", "recovery_code"]);
  assert.equal(kept(), undefined);
  const { mfa_token } = first;
  const wrong = await client.POST("/v1/login/mfa", { body: { mfa_token, method: "totp", code: "000000" } });
  assert.equal(wrong.error?.code, "invalid_second_factor");
  assert.equal(kept(), undefined);
  const second = await client.POST("/v1/login/mfa", { body: { mfa_token, method: "recovery_code", code: one } });
  assert.equal(second.data?.recovery_codes_left, 9);
  assert.deepEqual(kept(), { accessToken: second.data.access_token, refreshToken: second.data.refresh_token });
  // A first step beside a session leaves it alone.
  const before = kept();
  await client.POST("/v1/login", { body: person });
  assert.deepEqual(kept(), before);
  const body = { password: person.password, method: "recovery_code", code: another } as const;
  const shown = await client.POST("/v1/step-up", { body });
  assert.equal(kept()?.accessToken, shown.data?.access_token);
  assert.equal((await client.DELETE("/v1/mfa/totp")).response.status, 204);
  await client.POST("/v1/logout", { body: {} });
  assert.ok(!asked.includes("POST /v1/token/refresh"), `${asked}`);
});

/** From the newest mail, as a person would read it. */
async function mailedCode(email: string): Promise<string> {
  for (let tries = 0; tries < 100; tries += 1) {
    const mails = await (await fetch(`${baseUrl}/dev/outbox?to=${encodeURIComponent(email)}`)).json() as { text: string }[];
    const code = mails.at(-1)?.text.match(/\b\d{8}\b/)?.[0];
    if (code) return code;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no mail to ${email}`);
}

/** What an authenticator app shows now (RFC 6238). */
function totp(secret: string): string {
  const bits = [...secret].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const hash = createHmac("sha1", key).update(step).digest();
  const number = hash.readUInt32BE((hash.at(-1) ?? 0) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

test("an access token that has run out is renewed once for all that wait, and bodies are sent again", async () => {
  const { client, asked, expire, kept } = begin();
  await client.POST("/v1/login", { body: DEMO });
  const first = kept();
  expire();
  asked.length = 0;
  const [me, sessions, named] = await Promise.all([
    client.GET("/v1/me"),
    client.GET("/v1/sessions", { params: { query: { limit: 5 } } }),
    client.PATCH("/v1/me", { body: { name: "Demo User" } }),
  ]);
  assert.deepEqual([me.error, sessions.error, named.error], [undefined, undefined, undefined]);
  assert.equal(named.data?.name, "Demo User");
  assert.equal(asked.filter((it) => it === "POST /v1/token/refresh").length, 1);
  assert.notEqual(kept()?.refreshToken, first?.refreshToken);
  await client.DELETE("/v1/sessions");
  await client.POST("/v1/logout", { body: {} });
});

test("a session that has ended is told as 401, and its tokens go", async () => {
  const { client, asked, expire, kept } = begin();
  const other = begin();
  await client.POST("/v1/login", { body: DEMO });
  await other.client.POST("/v1/login", { body: DEMO });
  await other.client.DELETE("/v1/sessions");
  const over = await client.GET("/v1/me");
  assert.equal(over.response.status, 401);
  assert.ok(isProblem(over.error));
  assert.equal(kept(), undefined);
  assert.deepEqual(asked.slice(1), ["GET /v1/me", "POST /v1/token/refresh"]);
  // And where nobody is signed in, nothing is sent.
  asked.length = 0;
  assert.equal((await client.GET("/v1/me")).response.status, 401);
  assert.deepEqual(asked, ["GET /v1/me"]);
  assert.throws(expire);
  await other.client.POST("/v1/logout", { body: {} });
});

test("a service that is busy costs nobody the session", async () => {
  let busy = false;
  const problem = { type: "urn:wardgate:problem:temporarily_unavailable", title: "", status: 503, detail: "", code: "temporarily_unavailable" };
  const answers = (request: Request) => (busy && request.url.endsWith("/refresh") ? Response.json(problem, { status: 503 }) : undefined);
  const { client, expire, kept } = begin({ answers });
  await client.POST("/v1/login", { body: DEMO });
  expire();
  busy = true;
  const [one, another] = await Promise.all([client.GET("/v1/me"), client.GET("/v1/me")]);
  for (const { response, error } of [one, another]) {
    assert.equal(response.status, 503);
    assert.ok(isProblem(error) && error.code === "temporarily_unavailable");
  }
  assert.notEqual(kept(), undefined);
  busy = false;
  assert.equal((await client.GET("/v1/me")).response.status, 200);
  await client.POST("/v1/logout", { body: {} });
});

test("problems say which member is at fault, and what a proxy answers is none", async () => {
  const { client } = begin();
  const { error, response } = await client.POST("/v1/register", { body: { email: "grace@example.com", password: "short" } });
  assert.equal(response.status, 400);
  assert.ok(isProblem(error));
  assert.deepEqual([error.status, error.errors?.map(({ member }) => member)], [400, ["password"]]);
  const page = () => new Response("<h1>Bad gateway</h1>", { status: 502 });
  assert.equal(isProblem((await begin({ answers: page }).client.GET("/v1/me")).error), false);
  for (const nothing of [undefined, null, "", {}, { code: "x" }, { type: "about:blank", code: "x" }]) assert.ok(!isProblem(nothing));
});

test("which paths take a token and which answer with one is what the description says", async () => {
  type Operation = { security?: object[]; responses: Record<string, object> };
  const text = await readFile(new URL("../../../docs/api/openapi.json", import.meta.url), "utf8");
  const paths = Object.entries((JSON.parse(text) as { paths: Record<string, Record<string, Operation>> }).paths);
  const of = (is: (operation: Operation) => boolean) =>
    paths.filter(([path, methods]) => path.startsWith("/v1/") && Object.values(methods).some(is)).map(([path]) => path).sort();
  const source = await readFile(new URL("../src/index.ts", import.meta.url), "utf8");
  const named = (name: string) =>
    [...(new RegExp(`const ${name}[^=]*= new Set\\(\\[([^\\]]*)\\]`).exec(source)?.[1] ?? "").matchAll(/"([^"]+)"/g)].map(([, path]) => path).sort();
  assert.deepEqual(named("WITH_TOKEN"), of(({ security }) => JSON.stringify(security ?? []).includes("bearer")));
  assert.deepEqual(named("SIGNS_IN"), of(({ responses }) => /Sign(ed)?InReply"/.test(JSON.stringify(responses["200"] ?? {}))));
});

test("what is no path, no method of a path or no body does not compile", async () => {
  const { client } = begin({ answers: () => Response.json({}, { status: 404 }) });
  // @ts-expect-error: there is no such path.
  await client.GET("/v1/nothing");
  // @ts-expect-error: one signs in by POST.
  await client.GET("/v1/login");
  // @ts-expect-error: a password is needed.
  await client.POST("/v1/login", { body: { email: DEMO.email } });
  const { data } = await client.GET("/v1/me");
  // @ts-expect-error: there may be no answer, because there is an error.
  assert.throws(() => data.email);
});
