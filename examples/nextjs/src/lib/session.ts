// The session of this application: sealed into a cookie of its own, so that it is wherever the browser is, on every instance
// of the server, and no table is needed. Scripts cannot read the cookie, and nobody can look into it without the key.

import { createHash } from "node:crypto";
import { EncryptJWT, jwtDecrypt, type JWTPayload } from "jose";
import { ADDRESS, IS_SECURE } from "./settings";

export interface Session {
  sub: string;
  name?: string;
  email: string;
  emailVerified: boolean;
  /** When the person signed in to Wardgate, in seconds since 1970. */
  signedInAt: number;
  access: string;
  refresh: string;
  /** When the access token has run out, in milliseconds since 1970. */
  until: number;
}

/** What a sign-in begins with and the callback compares. */
export interface Started {
  state: string;
  nonce: string;
  verifier: string;
}

interface Kinds {
  session: Session;
  started: Started;
}

// Names of this application alone: on localhost, cookies of all ports meet. Safari takes no Secure cookie on http://localhost,
// and no browser takes one with this prefix that is not Secure.
const prefix = IS_SECURE ? "__Host-demo-nextjs" : "demo-nextjs";
export const NAMES = { session: prefix, started: `${prefix}-started` } as const;
const SECONDS = { session: 12 * 60 * 60, started: 10 * 60 } as const;

export const cookie = <Kind extends keyof Kinds>(kind: Kind, value: string) => ({
  name: NAMES[kind],
  value,
  httpOnly: true,
  secure: IS_SECURE,
  path: "/",
  // Lax and not Strict: the callback comes from Wardgate's page, and has to find what the sign-in began with.
  sameSite: "lax" as const,
  maxAge: value ? SECONDS[kind] : 0,
});

function key(): Uint8Array {
  const { SESSION_KEY } = process.env;
  if (SESSION_KEY) {
    const bytes = Buffer.from(SESSION_KEY, "base64");
    if (bytes.length !== 32) throw new Error("SESSION_KEY is not 32 bytes in base64: openssl rand -base64 32");
    return bytes;
  }
  if (!ADDRESS.startsWith("http://localhost:")) throw new Error("SESSION_KEY is missing: openssl rand -base64 32");
  return createHash("sha256").update("for a laptop alone").digest();
}

export async function seal<Kind extends keyof Kinds>(kind: Kind, value: Kinds[Kind]) {
  const sealed = await new EncryptJWT(value as unknown as JWTPayload)
    .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
    // One kind is never taken for the other.
    .setAudience(kind)
    .setExpirationTime(Math.floor(Date.now() / 1000) + SECONDS[kind])
    .encrypt(key());
  // Browsers drop a cookie of more than 4096 bytes without a word.
  if (sealed.length > 3900) throw new Error(`the ${kind} has become ${sealed.length} bytes: keep it in a table`);
  return cookie(kind, sealed);
}

/** Nothing, if it is not ours, has run out, or was sealed with another key. */
export async function open<Kind extends keyof Kinds>(kind: Kind, value: string | undefined): Promise<Kinds[Kind] | undefined> {
  if (!value) return undefined;
  try {
    const { payload } = await jwtDecrypt(value, key(), {
      audience: kind, keyManagementAlgorithms: ["dir"], contentEncryptionAlgorithms: ["A256GCM"],
    });
    return payload as unknown as Kinds[Kind];
  } catch {
    return undefined;
  }
}
