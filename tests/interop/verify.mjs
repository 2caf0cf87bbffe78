// Verifies access tokens with jose, from the JWKS URL alone.
//
// verify.mjs JWKS_URL ISSUER AUDIENCE, with one {"name": …, "token": …, "accept": true|false} a line on standard input.
// Prints one line a token and exits 0 only if each was accepted or refused as expected.

import { text } from "node:stream/consumers";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";

const [url, issuer, audience] = process.argv.slice(2);
const keys = createRemoteJWKSet(new URL(url));
const rules = {
  issuer,
  audience,
  typ: "at+jwt",
  algorithms: ["RS256", "ES256"],
  // RFC 9068, section 2.2.
  requiredClaims: ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"],
};

/** Why the token is refused, or null. */
async function refusal(token) {
  try {
    await jwtVerify(token, keys, rules);
    return null;
  } catch (error) {
    // Not being able to ask is no refusal: those errors are jose's time-out, its unnamed one, and fetch's own.
    const unasked = ["ERR_JWKS_TIMEOUT", "ERR_JOSE_GENERIC"];
    if (!(error instanceof errors.JOSEError) || unasked.includes(error.code)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

const lines = (await text(process.stdin)).split("\n").filter((line) => line.trim());
let wrong = 0;
for (const { name, token, accept } of lines.map((line) => JSON.parse(line))) {
  const reason = await refusal(token);
  const asExpected = (reason === null) === accept;
  if (!asExpected) wrong += 1;
  console.log(`${asExpected ? "ok" : "FAIL"} ${name}: ${reason === null ? "accepted" : `refused, ${reason}`}`);
}
if (lines.length === 0) console.error("FAIL no tokens on standard input");
process.exitCode = wrong > 0 || lines.length === 0 ? 1 : 0;
