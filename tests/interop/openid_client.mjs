// Signs people in with openid-client, as an application on a server and as one that keeps no secret does.
//
// openid_client.mjs ISSUER EMAIL PASSWORD, with one {"id": …, "secret": …, "redirect_uri": …, "method": …} a line on standard
// input. Prints one line a client and exits 0 only if each got its tokens and its person.

import { request } from "node:http";
import { text } from "node:stream/consumers";
import * as client from "openid-client";

const [issuer, email, password] = process.argv.slice(2);

/** A browser without JavaScript: it keeps cookies, follows redirects, and fills in the form that it is shown. */
class Browser {
  cookies = new Map();

  /** Not by fetch, which says that it is a script: pages refuse that. */
  ask(url, { method = "GET", body = "", headers = {} } = {}) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const sent = { accept: "text/html", ...headers, ...(cookie && { cookie }) };
    return new Promise((resolve, reject) => {
      const asked = request(url, { method, headers: sent }, (answer) => {
        for (const set of answer.headers["set-cookie"] ?? []) {
          const [name, value] = set.split(";")[0].split("=");
          this.cookies.set(name, value);
        }
        resolve({ status: answer.statusCode, location: answer.headers.location, text: () => text(answer) });
      });
      asked.on("error", reject);
      asked.end(body);
    });
  }

  /** Goes on until it is sent to the application; gives the address. */
  async signIn(url, redirectUri) {
    let answer = await this.ask(url);
    for (let steps = 0; steps < 10; steps += 1) {
      const { location } = answer;
      if (location) {
        if (location.startsWith(redirectUri)) return new URL(location);
        answer = await this.ask(new URL(location, issuer));
        continue;
      }
      const html = await answer.text();
      if (answer.status !== 200) throw new Error(`${answer.status}: ${html}`);
      const fields = new URLSearchParams();
      for (const [, name, value] of html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)) {
        fields.set(name, value);
      }
      fields.set("email", email);
      fields.set("password", password);
      const [, action] = html.match(/<form method="post" action="([^"]*)"/);
      answer = await this.ask(new URL(action, issuer), {
        method: "POST",
        body: fields.toString(),
        headers: { origin: issuer, "content-type": "application/x-www-form-urlencoded" },
      });
    }
    throw new Error("it is sent around in circles");
  }
}

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

const browser = new Browser();
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
