// The claims of an access token (TK-01, RFC 9068 section 2.2), and what is demanded of them (TK-07).

import { VerifyError } from "./errors.js";

const I64_MAX = 2n ** 63n - 1n;
/** RFC 6749 section 3.3, so that no separator but one space can hide a scope or make one up. */
const SCOPE = /^([!#-[\]-~]+( [!#-[\]-~]+)*)?$/;

/** @typedef {NonNullable<ReturnType<typeof import("./members.js").parseMembers>>} Members */

/**
 * Reads a payload whose signature holds.
 * @param {Members} members
 * @returns {import("./index.d.ts").AccessToken}
 */
export function readClaims(members) {
  const { value } = members;
  /** @template T @param {string} name @param {(value: unknown) => T | undefined} read @returns {T | undefined} */
  const optional = (name, read) => {
    if (!Object.hasOwn(value, name)) return undefined;
    const claim = read(value[name]);
    if (claim === undefined) throw new VerifyError("invalid_claim", name);
    return claim;
  };
  /** @template T @param {string} name @param {(value: unknown) => T | undefined} read @returns {T} */
  const required = (name, read) => {
    const claim = optional(name, read);
    if (claim === undefined) throw new VerifyError("missing_claim", name);
    return claim;
  };
  /** @param {string} name */
  const time = (name) => () => readTime(members.numbers.get(name));

  const iss = required("iss", readText);
  const sub = required("sub", readText);
  const aud = required("aud", (it) => readTexts(typeof it === "string" ? [it] : it));
  // For nobody.
  if (aud.length === 0) throw new VerifyError("missing_claim", "aud");
  return {
    iss,
    sub,
    aud,
    exp: required("exp", time("exp")),
    iat: required("iat", time("iat")),
    nbf: optional("nbf", time("nbf")),
    jti: required("jti", readText),
    client_id: required("client_id", readText),
    scope: required("scope", (it) => (typeof it === "string" && SCOPE.test(it) ? it : undefined)),
    sid: optional("sid", readText),
    auth_time: optional("auth_time", time("auth_time")),
    amr: optional("amr", readTexts) ?? [],
    acr: optional("acr", readText),
    roles: optional("roles", readTexts) ?? [],
  };
}

/**
 * Expired comes last: such a token is right in all else.
 * @param {import("./index.d.ts").AccessToken} token
 * @param {{ issuer: string, audiences: string[], scopes: string[], acrs: string[], leeway: number }} demanded
 * @param {number} now
 */
export function judge(token, demanded, now) {
  if (token.iss !== demanded.issuer) throw new VerifyError("wrong_issuer");
  if (!token.aud.some((aud) => demanded.audiences.includes(aud))) throw new VerifyError("wrong_audience");
  const latestStart = now + demanded.leeway;
  if (token.iat > latestStart || (token.nbf ?? 0) > latestStart) throw new VerifyError("not_yet_valid");
  const granted = token.scope.split(" ");
  if (!demanded.scopes.every((scope) => granted.includes(scope))) throw new VerifyError("missing_scope");
  const isSure = demanded.acrs.length === 0 || (token.acr !== undefined && demanded.acrs.includes(token.acr));
  if (!isSure) throw new VerifyError("insufficient_user_authentication");
  if (now >= token.exp + demanded.leeway) throw new VerifyError("expired");
}

/** @param {unknown} value */
const readText = (value) => (typeof value === "string" && value !== "" ? value : undefined);

/** @param {unknown} value @returns {string[] | undefined} */
const readTexts = (value) =>
  Array.isArray(value) && value.every((it) => readText(it) !== undefined) ? value : undefined;

/**
 * Whole seconds, not before 1970: a fraction would have to be rounded, and rounding moves a boundary.
 * @param {string | undefined} written
 */
const readTime = (written) =>
  written !== undefined && /^(0|[1-9]\d{0,18})$/.test(written) && BigInt(written) <= I64_MAX ? Number(written) : undefined;
