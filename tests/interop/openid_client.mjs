// Signs people in with openid-client, as an application on a server and as one that keeps no secret does.
//
// openid_client.mjs ISSUER EMAIL PASSWORD, with one {"id": …, "secret": …, "redirect_uri": …, "method": …} a line on standard
// input. Prints one line a client and exits 0 only if each got its tokens and its person.

import { text } from "node:stream/consumers";
import * as client from "openid-client";
import { Browser } from "./browser.mjs";

const [issuer, email, password] = process.argv.slice(2);

async function application({ id, secret, redirect_uri: redirectUri, method }, browser) {
  const how = {
    basic: () => client.ClientSecretBasic(secret),
    post: () => client.ClientSecretPost(secret),
    none: () => client.None(),
  }[method]();
  const options = { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] };
  const config = await client.discovery(new URL(issuer), id, undefined, how, options);
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: "openid email",
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
    max_age: "3600",
  });
  const back = await browser.signIn(url, redirectUri);
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, maxAge: 3600 };
  const tokens = await client.authorizationCodeGrant(config, back, { ...checks, idTokenExpected: true });
  const person = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
  if (person.email !== email) throw new Error(`another person: ${JSON.stringify(person)}`);
  // What it may not do twice.
  const again = await client.authorizationCodeGrant(config, back, checks).catch((error) => error);
  if (again.error !== "invalid_grant") throw new Error(`the code was taken twice: ${again}`);
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
