// A small application on a server whose people sign in with Wardgate: node:http, openid-client, jose, and nothing else.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { createRemoteJWKSet, jwtVerify } from "jose";
import * as client from "openid-client";
import { problem, signedIn, signedOut } from "./pages.mjs";
import { browsers, endEach, inMinutes } from "./sessions.mjs";

const PORT = Number(process.env.PORT ?? 3000);
// Where browsers find this application; behind a proxy that is not where it listens.
const ADDRESS = process.env.ADDRESS ?? `http://localhost:${PORT}`;
const ISSUER = process.env.ISSUER ?? "http://localhost:8080";
const CLIENT_ID = process.env.CLIENT_ID ?? "demo-web";
const CLIENT_SECRET = process.env.CLIENT_SECRET ?? "wgcs_demo-web-of-stage-development";
const REDIRECT_URI = `${ADDRESS}/callback`;
const browserOf = browsers("demo-web", { secure: ADDRESS.startsWith("https:") });
const STYLE = await readFile(new URL("style.css", import.meta.url));

const START = { again: "/", label: "Go to the start" };

/** What is told to the person, with where a second try begins. */
class Refused extends Error {
  constructor(status, title, message, { again = "/sign-in", label = "Try again", code } = {}) {
    super(message);
    Object.assign(this, { status, title, again, label, code });
  }
}

// --- Wardgate

// It is asked once where everything is, when somebody first needs it: this application may be started before it.
let configuration;
async function wardgate() {
  const options = ISSUER.startsWith("http://localhost") ? { execute: [client.allowInsecureRequests] } : undefined;
  configuration ??= await client.discovery(new URL(ISSUER), CLIENT_ID, CLIENT_SECRET, undefined, options);
  return configuration;
}

async function signIn({ query, browser }) {
  const config = await wardgate();
  const session = browser.session ?? browser.begin({ until: inMinutes(10), started: new Map() });
  const [state, nonce, verifier] = [client.randomState(), client.randomNonce(), client.randomPKCECodeVerifier()];
  // By state, because a person may have begun in two tabs.
  session.started.set(state, { nonce, verifier });
  if (session.started.size > 20) session.started.delete(session.started.keys().next().value);
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT_URI,
    scope: "openid profile email",
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
    // Asks for a password although somebody is signed in: it may be somebody else.
    ...(query.get("as") === "another" && { prompt: "login" }),
  });
  return { status: 303, location: url.href };
}

async function callback({ url, query, browser }) {
  const { session } = browser;
  const state = query.get("state");
  const started = session?.started.get(state);
  if (!started) {
    // Reloaded, for example, or opened a second time by the button "back".
    if (session?.tokens) return { status: 303, location: "/" };
    throw new Refused(400, "That took too long", "This browser has not begun this sign-in, or did so too long ago.");
  }
  session.started.delete(state);
  const config = await wardgate();
  const tokens = await client.authorizationCodeGrant(config, url, {
    pkceCodeVerifier: started.verifier,
    expectedState: state,
    expectedNonce: started.nonce,
    idTokenExpected: true,
  });
  const claims = tokens.claims();
  const person = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
  // Another id than before, which somebody else could have put into this browser.
  browser.begin({
    until: inMinutes(12 * 60),
    started: session.started,
    person,
    signedInAt: new Date(claims.auth_time * 1000),
    sid: claims.sid,
    tokens: kept(tokens),
  });
  return { status: 303, location: "/" };
}

/** What of an answer is needed later. A refresh token that is not sent again is still good. */
const kept = (answer, before) => ({
  access: answer.access_token,
  refresh: answer.refresh_token ?? before?.refresh,
  until: Date.now() + answer.expiresIn() * 1000,
});

const LOGOUT = "http://schemas.openid.net/event/backchannel-logout";
let keys;

/** Wardgate tells that a session has ended (OpenID Connect Back-Channel Logout 1.0): so does the one here that came of it. */
async function backchannelLogout({ request }) {
  const metadata = (await wardgate()).serverMetadata();
  keys ??= createRemoteJWKSet(new URL(metadata.jwks_uri));
  let said;
  try {
    const token = new URLSearchParams(await text(request)).get("logout_token") ?? "";
    const expected = { issuer: metadata.issuer, audience: CLIENT_ID, typ: "logout+jwt", maxTokenAge: "2 minutes" };
    ({ payload: said } = await jwtVerify(token, keys, { ...expected, clockTolerance: 5 }));
    if (!said.events?.[LOGOUT] || "nonce" in said) throw new Error("not a logout token");
  } catch (error) {
    console.error(error);
    return { status: 400, html: "" };
  }
  endEach(({ sid, person }) => (said.sid ? sid === said.sid : person?.sub === said.sub));
  return { status: 200, html: "" };
}

/** When the access token has run out, gets another, and looks at who it is now. Requests that come at once share it. */
async function freshen(session) {
  // A moment earlier than it is refused, so that it lasts for what it is used for.
  if (Date.now() < session.tokens.until - 10_000) return;
  session.freshening ??= (async () => {
    const config = await wardgate();
    session.tokens = kept(await client.refreshTokenGrant(config, session.tokens.refresh), session.tokens);
    session.person = await client.fetchUserInfo(config, session.tokens.access, session.person.sub);
  })().finally(() => (session.freshening = undefined));
  await session.freshening;
}

/** Signed out everywhere, another password, an account that is gone: Wardgate has ended what the tokens were for. */
function isOver(error) {
  // The token endpoint says the first, userinfo the second.
  if (error.error === "invalid_grant") return true;
  return error instanceof client.WWWAuthenticateChallengeError && error.cause.some(({ scheme }) => scheme === "bearer");
}

// --- Pages

async function home({ browser }) {
  const { session } = browser;
  if (!session?.tokens) return { status: 200, html: signedOut() };
  try {
    await freshen(session);
  } catch (error) {
    if (isOver(error)) {
      browser.end();
      const message = "Your sign-in has ended. Please sign in again.";
      throw new Refused(401, "You have been signed out", message, { label: "Sign in" });
    }
    throw Object.assign(error, { again: "/" });
  }
  return { status: 200, html: signedIn(session) };
}

function signOut({ request, browser }) {
  // Of this application's own pages alone.
  if (request.headers.origin !== ADDRESS) {
    throw new Refused(403, "You are still signed in", "Another site's page asked to sign you out.", START);
  }
  browser.end();
  return { status: 303, location: "/signed-out" };
}

const routes = {
  "GET /": home,
  "GET /sign-in": signIn,
  "GET /callback": callback,
  "POST /sign-out": signOut,
  "POST /backchannel-logout": backchannelLogout,
  "GET /signed-out": () => ({ status: 200, html: signedOut({ just: true }) }),
  "GET /style.css": () => ({ status: 200, css: STYLE }),
};

/** What a person reads about an error; whoever runs this application reads the rest in the log. */
function told(error) {
  if (error instanceof Refused) return error;
  if (error instanceof client.AuthorizationResponseError) {
    const message = error.error === "access_denied" ? "The sign-in was cancelled." : "You have not been signed in.";
    return new Refused(400, "You are not signed in", error.error_description ?? message, { code: error.error });
  }
  console.error(error);
  const { again } = error;
  if ([client.ResponseBodyError, client.WWWAuthenticateChallengeError].some((kind) => error instanceof kind)) {
    const message = "Wardgate has refused what this application asked for.";
    return new Refused(502, "That did not work", message, { again, code: error.error });
  }
  if (error.cause?.code === "ECONNREFUSED") {
    const message = `Nobody answers at ${ISSUER}. Is “make run” running?`;
    return new Refused(502, "Wardgate does not answer", message, { again });
  }
  return new Refused(500, "That did not work", "Something went wrong. Please try again.", { again });
}

// --- Requests

createServer(async (request, response) => {
  const browser = browserOf(request);
  let answer;
  try {
    const url = new URL(ADDRESS + request.url);
    const route = routes[`${request.method} ${url.pathname}`];
    if (!route) throw new Refused(404, "There is no such page", "The address may be misspelt.", START);
    answer = await route({ request, url, query: url.searchParams, browser });
  } catch (error) {
    const refused = told(error);
    answer = { status: refused.status, html: problem(refused) };
  }
  response.writeHead(answer.status, {
    "Cache-Control": "no-store",
    "Content-Security-Policy":
      "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Content-Type": `text/${answer.css ? "css" : "html"}; charset=utf-8`,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    ...(answer.location && { Location: answer.location }),
    ...(browser.setCookie && { "Set-Cookie": browser.setCookie }),
  });
  response.end(answer.css ?? answer.html);
}).on("error", (error) => {
  console.error(`The example cannot listen on port ${PORT}: ${error.message}`);
  process.exit(1);
}).listen(PORT, "localhost", () => {
  console.log(`The example is on ${ADDRESS}; \`make run\` has to run, too. Ctrl-C ends it.`);
});
