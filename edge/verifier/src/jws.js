// The compact serialization of a JWS (RFC 7515 section 7.1) and its header, read strictly.

import { VerifyError } from "./errors.js";
import { decode, parseMembers } from "./members.js";

/** In bytes. API Gateway caps all headers of a request together at 10,240 bytes. */
const MAX_TOKEN_BYTES = 8192;

// They bring a key along, change how the signature is computed, or ask for a feature that we do not have (TK-02).
const FORBIDDEN = ["crit", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "b64", "zip"];

/** What a key can be pinned to. No other name is looked at, least of all `none` and `HS256`. */
export const ALGORITHMS = ["RS256", "ES256", "EdDSA"];

/**
 * A key's identifier is opaque and bounded (TK-03): visible ASCII cannot break a log line either.
 * @param {unknown} kid
 * @returns {kid is string}
 */
export const isKid = (kid) => typeof kid === "string" && /^[!-~]{1,128}$/.test(kid);

/**
 * Takes a token apart. Its payload stays undecoded.
 * @param {unknown} token
 * @returns {{ algorithm: string, kid: string, payload: string }}
 */
export function parseCompact(token) {
  if (typeof token !== "string") throw new VerifyError("malformed");
  if (token.length > MAX_TOKEN_BYTES || new TextEncoder().encode(token).length > MAX_TOKEN_BYTES) {
    throw new VerifyError("too_long");
  }
  const parts = token.split(".");
  const [header, payload, signature] = parts;
  if (parts.length !== 3 || payload === "" || !decode(signature)?.length) throw new VerifyError("malformed");
  const bytes = decode(header);
  const members = bytes && parseMembers(bytes);
  if (!members) throw new VerifyError("malformed");
  return { ...readHeader(members.value), payload };
}

/** @param {Record<string, unknown>} header */
function readHeader(header) {
  const forbidden = FORBIDDEN.find((name) => Object.hasOwn(header, name));
  if (forbidden !== undefined) throw new VerifyError("header_not_allowed", forbidden);
  /** @param {string} name */
  const text = (name) => {
    if (!Object.hasOwn(header, name)) return undefined;
    const value = header[name];
    if (typeof value !== "string" || value === "") throw new VerifyError("malformed");
    return value;
  };
  const algorithm = text("alg");
  if (algorithm === undefined || !ALGORITHMS.includes(algorithm)) throw new VerifyError("unsupported_algorithm");
  const typ = text("typ");
  // RFC 9068 section 4. An ID token says `JWT`, or nothing.
  if (typ === undefined || !/^(application\/)?at\+jwt$/i.test(typ)) throw new VerifyError("wrong_type");
  const kid = text("kid");
  if (kid === undefined) throw new VerifyError("missing_kid");
  if (!isKid(kid)) throw new VerifyError("malformed");
  return { algorithm, kid };
}
