import { compactVerify, errors } from "jose";
import { judge, readClaims } from "./claims.js";
import { isDenied } from "./denied.js";
import { KeysUnavailableError, KeySetError, VerifyError } from "./errors.js";
import { parseCompact } from "./jws.js";
import { fetchedKeys, givenKeys } from "./keys.js";
import { decode, parseMembers } from "./members.js";

/** Longest leeway, in seconds (TK-07). */
const MAX_LEEWAY = 5;

/**
 * What a service demands of an access token. The checks are those of the Rust crate `wardgate-verify`, in its order: shape and
 * header, key, signature, claims; then the deny list.
 * @type {typeof import("./index.d.ts").createVerifier}
 */
export function createVerifier(options) {
  const { issuer, leewaySeconds = MAX_LEEWAY, requiredScopes = [], requiredAcr = [], denied, onDenyListError } = options;
  const audiences = typeof options.audience === "string" ? [options.audience] : [...(options.audience ?? [])];
  const now = options.now ?? (() => Math.floor(Date.now() / 1000));
  const isText = (/** @type {unknown} */ it) => typeof it === "string" && it !== "";
  if (!isText(issuer)) throw new TypeError("issuer is missing");
  if (audiences.length === 0 || !audiences.every(isText)) throw new TypeError("audience is missing");
  if (!(leewaySeconds >= 0 && leewaySeconds <= MAX_LEEWAY)) throw new TypeError("leewaySeconds is not from 0 to 5");
  const isWord = (/** @type {string} */ it) => isText(it) && !it.includes(" ");
  if (!requiredScopes.every(isWord)) throw new TypeError("a required scope is impossible");
  if (!requiredAcr.every(isWord)) throw new TypeError("a required acr is impossible");
  if (options.jwks && options.jwksUri) throw new TypeError("jwks and jwksUri exclude each other");
  const keys = options.jwks
    ? givenKeys(options.jwks)
    : fetchedKeys(
        options.jwksUri ?? `${issuer.replace(/\/$/, "")}/.well-known/jwks.json`,
        now,
        // As a method of nothing: some runtimes refuse another `this`.
        options.fetch ?? ((/** @type {RequestInfo | URL} */ input, /** @type {RequestInit | undefined} */ init) => globalThis.fetch(input, init)),
      );
  const demanded = { issuer, audiences, scopes: [...requiredScopes], acrs: [...requiredAcr], leeway: leewaySeconds };

  /** @param {string} token */
  async function verify(token) {
    const { algorithm, kid, payload } = parseCompact(token);
    const pinned = await keys.get(kid);
    if (!pinned) throw new VerifyError("unknown_key");
    if (pinned.algorithm !== algorithm) throw new VerifyError("algorithm_mismatch");
    if (!pinned.key) throw new VerifyError("bad_signature");
    await checkSignature(token, pinned.key, algorithm);
    const bytes = decode(payload);
    const members = bytes && parseMembers(bytes);
    if (!members) throw new VerifyError("malformed");
    const claims = readClaims(members);
    judge(claims, demanded, now());
    if (denied && (await isDenied(denied, claims, kid, onDenyListError))) throw new VerifyError("denied");
    return claims;
  }

  return {
    verify,
    async authenticate(authorization) {
      const [scheme, ...rest] = (authorization ?? "").trim().split(/ +/);
      if (scheme.toLowerCase() !== "bearer") throw new VerifyError("no_token");
      if (rest.length !== 1) throw new VerifyError("malformed");
      return verify(rest[0]);
    },
    refuse: (error) => refuse(error, demanded),
  };
}

/** @param {string} token @param {CryptoKey | Uint8Array} key @param {string} algorithm */
async function checkSignature(token, key, algorithm) {
  try {
    await compactVerify(token, key, { algorithms: [algorithm] });
  } catch (error) {
    // What it says after the signature, about the payload's form, is said again by us.
    if (error instanceof errors.JWSInvalid) return;
    if (error instanceof errors.JWSSignatureVerificationFailed) throw new VerifyError("bad_signature");
    throw error;
  }
}

/** @type {Record<string, { status: number, code: string, title: string, detail: string }>} */
const PROBLEMS = {
  missing_scope: {
    status: 403,
    code: "insufficient_scope",
    title: "Not allowed.",
    detail: "The access token was not granted a scope that this needs.",
  },
  insufficient_user_authentication: {
    status: 401,
    code: "insufficient_user_authentication",
    title: "Not sure enough who you are.",
    detail: "This needs another factor than the sign-in has shown. Show it, and come with a new access token.",
  },
  unavailable: {
    status: 503,
    code: "temporarily_unavailable",
    title: "Temporarily unavailable.",
    detail: "Tokens cannot be checked at the moment. Try again after Retry-After.",
  },
  no_token: {
    status: 401,
    code: "invalid_token",
    title: "The token is not accepted.",
    detail: "An access token is needed: Authorization: Bearer.",
  },
  other: {
    status: 401,
    code: "invalid_token",
    title: "The token is not accepted.",
    detail: "The access token is invalid or has expired. Refresh it or sign in again.",
  },
};

/**
 * The answer to a client (RFC 6750 section 3, RFC 9470 section 3, RFC 9457): one and the same for all that is wrong with a token
 * but its scope and its level.
 * @param {unknown} error
 * @param {{ scopes: string[], acrs: string[] }} demanded
 * @returns {import("./index.d.ts").Refusal}
 */
function refuse(error, demanded) {
  const isUnavailable = error instanceof KeysUnavailableError || error instanceof KeySetError;
  if (!isUnavailable && !(error instanceof VerifyError)) throw error;
  const kind = isUnavailable ? "unavailable" : Object.hasOwn(PROBLEMS, error.code) ? error.code : "other";
  const { status, code, title, detail } = PROBLEMS[kind];
  /** @type {Record<string, string>} */
  const headers = { "content-type": "application/problem+json", "cache-control": "no-store" };
  if (status === 503) headers["retry-after"] = "5";
  else if (kind === "no_token") headers["www-authenticate"] = "Bearer";
  else headers["www-authenticate"] = `Bearer error="${code}"${wanted(kind, demanded)}`;
  const body = JSON.stringify({ type: `urn:wardgate:problem:${code}`, title, status, detail, code });
  return { status, headers, body };
}

/** @param {string} kind @param {{ scopes: string[], acrs: string[] }} demanded */
function wanted(kind, { scopes, acrs }) {
  if (kind === "missing_scope") return `, scope="${scopes.join(" ")}"`;
  return kind === "insufficient_user_authentication" ? `, acr_values="${acrs.join(" ")}"` : "";
}
