// Signs people in with oauth4webapi, which looks at the form of each answer: its status, its media type, what it must say and
// what it must not; also of the answers that refuse.
//
// oauth4webapi.mjs ISSUER EMAIL PASSWORD, with one {"id": …, "secret": …, "redirect_uri": …, "method": …} a line on
// standard input. Prints one line a client and exits 0 only if each got its tokens and its person.

import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import * as oauth from "oauth4webapi";
import { Browser } from "./browser.mjs";

const [issuer, email, password] = process.argv.slice(2);
/** The server of a test has no certificate. Nothing else is relaxed. */
const plain = { [oauth.allowInsecureRequests]: true };

/** The one challenge of an answer with 401. */
async function challenged(promise) {
  const refusal = await promise.then(() => assert.fail("not refused"), (reason) => reason);
  assert.ok(refusal instanceof oauth.WWWAuthenticateChallengeError, refusal.stack);
  assert.deepEqual([refusal.status, refusal.cause.length], [401, 1]);
  return refusal.cause[0];
}

async function application({ id, secret, redirect_uri: redirectUri, method }, browser) {
  // The two documents are one.
  const found = await oauth.discoveryRequest(new URL(issuer), plain);
  const as = await oauth.processDiscoveryResponse(new URL(issuer), found);
  const alike = await oauth.discoveryRequest(new URL(issuer), { ...plain, algorithm: "oauth2" });
  assert.deepEqual(await oauth.processDiscoveryResponse(new URL(issuer), alike), as);
  const client = { client_id: id, require_auth_time: true };
  const auth = {
    basic: () => oauth.ClientSecretBasic(secret),
    post: () => oauth.ClientSecretPost(secret),
    none: () => oauth.None(),
  }[method]();

  /** A code, with what belongs to it. */
  const authorize = async (more = {}) => {
    const verifier = oauth.generateRandomCodeVerifier();
    const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
    const url = new URL(as.authorization_endpoint);
    url.search = new URLSearchParams({
      client_id: id, redirect_uri: redirectUri, response_type: "code", scope: "openid email", state, nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256", ...more,
    });
    const back = await browser.signIn(url.href, redirectUri);
    return { back, state, nonce, verifier };
  };
  const exchange = (parameters, verifier, by = auth) => (
    oauth.authorizationCodeGrantRequest(as, client, by, parameters, redirectUri, verifier, plain));
  const refuses = async (promise, error, status) => {
    const refusal = await promise.then(() => assert.fail(`not refused: ${error}`), (reason) => reason);
    assert.ok(refusal instanceof oauth.ResponseBodyError, refusal.stack);
    assert.deepEqual([refusal.error, refusal.status], [error, status]);
    assert.ok(refusal.error_description);
  };

  // An error comes back with state and issuer, too.
  const silent = await authorize({ prompt: "none", scope: "phone" });
  assert.throws(() => oauth.validateAuthResponse(as, client, silent.back, silent.state), (error) => {
    assert.ok(error instanceof oauth.AuthorizationResponseError);
    return error.error === "invalid_scope";
  });

  const { back, state, nonce, verifier } = await authorize({ max_age: "3600" });
  const parameters = oauth.validateAuthResponse(as, client, back, state);
  // What does not belong to a code uses nothing up.
  const foreign = await exchange(parameters, oauth.generateRandomCodeVerifier());
  await refuses(oauth.processAuthorizationCodeResponse(as, client, foreign), "invalid_grant", 400);
  const answer = await exchange(parameters, verifier);
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, answer, {
    expectedNonce: nonce, maxAge: 3600, requireIdToken: true,
  });
  await oauth.validateApplicationLevelSignature(as, answer, plain);
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  assert.ok(claims.at_hash && claims.sid && claims.acr && claims.amr, JSON.stringify(claims));
  assert.deepEqual([claims.azp, claims.nbf, claims.aud], [undefined, undefined, id]);
  assert.equal(tokens.scope.split(" ").sort().join(" "), "email openid");

  const told = await oauth.userInfoRequest(as, client, tokens.access_token, plain);
  const person = await oauth.processUserInfoResponse(as, client, claims.sub, told);
  assert.equal(person.email, email);
  const forged = await oauth.userInfoRequest(as, client, `${tokens.access_token}A`, plain);
  const challenge = await challenged(oauth.processUserInfoResponse(as, client, oauth.skipSubjectCheck, forged));
  assert.deepEqual([challenge.scheme, challenge.parameters.error], ["bearer", "invalid_token"]);

  const renewed = await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token, plain);
  const later = await oauth.processRefreshTokenResponse(as, client, renewed);
  await oauth.validateApplicationLevelSignature(as, renewed, plain);
  const again = oauth.getValidatedIdTokenClaims(later);
  assert.deepEqual([again.sub, again.auth_time, again.nonce, again.sid], [claims.sub, claims.auth_time, undefined, claims.sid]);
  // That of a client that keeps a secret stays.
  assert.equal((later.refresh_token ?? tokens.refresh_token) === tokens.refresh_token, method !== "none");
  const none = await oauth.refreshTokenGrantRequest(as, client, auth, `${tokens.refresh_token}A`, plain);
  await refuses(oauth.processRefreshTokenResponse(as, client, none), "invalid_grant", 400);

  // Somebody else shows nothing, or something else.
  const wrong = method === "post" ? oauth.ClientSecretPost("wrong") : oauth.ClientSecretBasic("wrong");
  const second = await authorize();
  const secondly = oauth.validateAuthResponse(as, client, second.back, second.state);
  const stranger = await exchange(secondly, second.verifier, wrong);
  assert.equal(stranger.status, 401);
  if (method === "post") {
    assert.equal(stranger.headers.get("www-authenticate"), null);
    await refuses(oauth.processAuthorizationCodeResponse(as, client, stranger), "invalid_client", 401);
  } else {
    assert.equal((await challenged(oauth.processAuthorizationCodeResponse(as, client, stranger))).scheme, "basic");
  }
  const typed = new URLSearchParams({ username: "x" });
  const other = await oauth.genericTokenEndpointRequest(as, client, auth, "password", typed, plain);
  await refuses(oauth.processGenericTokenEndpointResponse(as, client, other), "unsupported_grant_type", 400);
  // Neither cost the code anything.
  const taken = await exchange(secondly, second.verifier);
  await oauth.processAuthorizationCodeResponse(as, client, taken, { expectedNonce: second.nonce, requireIdToken: true });
  // A code that comes once more is refused.
  const twice = await exchange(secondly, second.verifier);
  await refuses(oauth.processAuthorizationCodeResponse(as, client, twice), "invalid_grant", 400);
}

const browser = new Browser(issuer, email, password);
let wrong = 0;
const lines = (await text(process.stdin)).split("\n").filter((line) => line.trim());
for (const one of lines.map((line) => JSON.parse(line))) {
  try {
    await application(one, browser);
    console.log(`ok ${one.id} by ${one.method}`);
  } catch (error) {
    wrong += 1;
    console.log(`FAIL ${one.id} by ${one.method}: ${error.stack} ${JSON.stringify(error.cause ?? "")}`);
  }
}
// Connections that are kept would keep the process.
process.exit(wrong > 0 || lines.length === 0 ? 1 : 0);
