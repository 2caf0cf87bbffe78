// The types as a customer meets them. Only the compiler reads it.

import express from "express";
import { Hono } from "hono";
import { createVerifier, VerifyError, type AccessToken, type RefusalCode } from "@wardgate/verifier";
import { accessToken as forExpress } from "@wardgate/verifier/express";
import { accessToken as forHono } from "@wardgate/verifier/hono";
import { createHandler } from "@wardgate/verifier/lambda-edge";
import { protect } from "@wardgate/verifier/workers";

const verifier = createVerifier({
  issuer: "https://auth.example.com",
  audience: ["https://api.example.com"],
  requiredScopes: ["orders:read"],
  requiredAcr: ["urn:wardgate:2fa", "phr"],
  denied: { get: async (key) => (key === "all" ? "0" : null) },
});

express().use(forExpress(verifier));

const hono = new Hono<{ Variables: { auth: AccessToken } }>();
hono.use(forHono(verifier));
hono.get("/", (context) => context.text(context.get("auth").sub));

export const handler = createHandler(verifier);
export default {
  fetch: protect<{ STORE: string }>(verifier, (_request, claims, env) => new Response(claims.sid ?? env.STORE)),
};

export async function codeOf(token: string): Promise<RefusalCode | undefined> {
  try {
    await verifier.verify(token);
  } catch (error) {
    if (error instanceof VerifyError) return error.code;
  }
  return undefined;
}

// @ts-expect-error: the audience cannot be left out.
createVerifier({ issuer: "https://auth.example.com" });
// @ts-expect-error: a misspelt option is none.
createVerifier({ issuer: "https://auth.example.com", audience: "a", scopes: [] });
