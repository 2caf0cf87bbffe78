// A key set (RFC 7517), one algorithm pinned to each identifier (TK-02).

import { importJWK } from "jose";
import { KeySetError } from "./errors.js";
import { ALGORITHMS, isKid } from "./jws.js";
import { decode, parseMembers } from "./members.js";

const MAX_BYTES = 64 * 1024;
// RFC 7518 section 6, and `priv` of the post-quantum `AKP` keys.
const PRIVATE = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];
/** @type {Record<string, string>} */
const KINDS = { RS256: "RSA", ES256: "EC", EdDSA: "OKP" };

/** @typedef {{ algorithm: string, key: CryptoKey | Uint8Array | undefined }} PinnedKey */

/**
 * Parses a key set. Keys of other algorithms are skipped, so that an issuer can publish new kinds; one bad key of ours refuses
 * the whole set.
 * @param {Uint8Array} bytes
 * @returns {Promise<Map<string, PinnedKey>>}
 */
export async function parseKeySet(bytes) {
  if (bytes.length > MAX_BYTES) throw new KeySetError("the key set is longer than 64 KiB");
  const document = parseMembers(bytes, 3)?.value;
  const jwks = document?.keys;
  if (!Array.isArray(jwks)) throw new KeySetError("the key set is no JSON object with an array `keys`");
  const seen = new Set();
  const keys = new Map();
  for (const [index, jwk] of jwks.entries()) {
    if (jwk === null || typeof jwk !== "object" || Array.isArray(jwk)) throw new KeySetError(`key ${index} is no object`);
    if (PRIVATE.some((name) => Object.hasOwn(jwk, name))) throw new KeySetError(`key ${index} has private members`);
    if (!isKid(jwk.kid)) throw new KeySetError(`key ${index} has no usable kid`);
    if (seen.has(jwk.kid)) throw new KeySetError(`two keys have the kid ${jwk.kid}`);
    seen.add(jwk.kid);
    const key = await pin(jwk);
    if (key) keys.set(jwk.kid, key);
  }
  return keys;
}

/** @param {Record<string, any> & { kid: string }} jwk @returns {Promise<PinnedKey | undefined>} */
async function pin(jwk) {
  /** @param {string} reason */
  const unusable = (reason) => new KeySetError(`key ${jwk.kid}: ${reason}`);
  const { alg, kty } = jwk;
  if (typeof kty !== "string" || kty === "") throw unusable("kty is missing or not a string");
  if (!Object.hasOwn(jwk, "alg") && !Object.values(KINDS).includes(kty)) return undefined;
  if (typeof alg !== "string") throw unusable("alg is missing or not a string");
  if (!ALGORITHMS.includes(alg)) return undefined;
  if (Object.hasOwn(jwk, "use") && jwk.use !== "sig") throw unusable("use is not sig");
  if (Object.hasOwn(jwk, "key_ops") && !(Array.isArray(jwk.key_ops) && jwk.key_ops.includes("verify"))) {
    throw unusable("key_ops lacks verify");
  }
  if (KINDS[alg] !== kty) throw unusable("kty does not agree with alg");
  /** @param {string} name */
  const octets = (name) => {
    const value = typeof jwk[name] === "string" ? decode(jwk[name]) : undefined;
    if (!value?.length) throw unusable(`${name} is not base64url`);
    return value;
  };
  /** @type {Record<string, string>} */
  const bare = { kty };
  if (alg === "RS256") {
    const n = octets("n");
    const bits = n.length === 256 ? n[0] >= 0x80 : n.length > 256 && n.length <= 1024 && n[0] !== 0;
    if (!bits || octets("e").join() !== "1,0,1") throw unusable("RSA key is not 2048 to 8192 bits with e = 65537");
    Object.assign(bare, { n: jwk.n, e: jwk.e });
  } else {
    const curve = alg === "ES256" ? "P-256" : "Ed25519";
    const coordinates = alg === "ES256" ? ["x", "y"] : ["x"];
    if (jwk.crv !== curve) throw unusable("crv does not agree with alg");
    if (coordinates.some((name) => octets(name).length !== 32)) throw unusable("coordinates are not 32 octets");
    Object.assign(bare, { crv: curve }, Object.fromEntries(coordinates.map((name) => [name, jwk[name]])));
  }
  // A point that is not on its curve: no signature of such a key ever verifies.
  const key = await importJWK(bare, alg).catch(() => undefined);
  return { algorithm: alg, key };
}
