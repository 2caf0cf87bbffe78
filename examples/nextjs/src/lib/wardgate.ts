// What this application asks of Wardgate.

import * as client from "openid-client";
import type { Session, Started } from "./session";
import { CLIENT_ID, CLIENT_SECRET, ISSUER, REDIRECT_URI } from "./settings";

let found: Promise<client.Configuration> | undefined;

/** It is asked once where everything is, when somebody first needs it. */
function wardgate(): Promise<client.Configuration> {
  const isLaptop = /^http:\/\/(localhost|127\.0\.0\.1)(:|$)/.test(ISSUER);
  const options = isLaptop ? { execute: [client.allowInsecureRequests] } : undefined;
  found ??= client.discovery(new URL(ISSUER), CLIENT_ID, CLIENT_SECRET, undefined, options).catch((error: unknown) => {
    found = undefined;
    throw error;
  });
  return found;
}

/** Where the browser goes, and what has to be there when it is back. */
export async function begin(more: Record<string, string>): Promise<{ url: URL; started: Started }> {
  const config = await wardgate();
  const started = { state: client.randomState(), nonce: client.randomNonce(), verifier: client.randomPKCECodeVerifier() };
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT_URI,
    scope: "openid profile email",
    code_challenge: await client.calculatePKCECodeChallenge(started.verifier),
    code_challenge_method: "S256",
    state: started.state,
    nonce: started.nonce,
    ...more,
  });
  return { url, started };
}

/** The session of whoever comes back with such an answer. */
export async function finish(answer: URLSearchParams, { state, nonce, verifier }: Started): Promise<Session> {
  const config = await wardgate();
  const tokens = await client.authorizationCodeGrant(config, new URL(`${REDIRECT_URI}?${answer}`), {
    pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true,
  });
  const { sub, auth_time: signedInAt } = tokens.claims()!;
  return described(tokens, { sub, signedInAt: signedInAt as number });
}

/** The same session with another access token and the person as she is now. Wardgate looks whether its own session still lives. */
export async function renew({ sub, signedInAt, refresh }: Session): Promise<Session> {
  const tokens = await client.refreshTokenGrant(await wardgate(), refresh);
  // Of a client with a secret the refresh token stays: two instances that renew at once do not end each other's.
  return described(tokens, { sub, signedInAt, refresh });
}

async function described(
  tokens: client.TokenEndpointResponse & client.TokenEndpointResponseHelpers,
  kept: { sub: string; signedInAt: number; refresh?: string },
): Promise<Session> {
  const person = await client.fetchUserInfo(await wardgate(), tokens.access_token, kept.sub);
  return {
    sub: kept.sub,
    signedInAt: kept.signedInAt,
    ...(person.name !== undefined && { name: person.name }),
    email: person.email ?? "",
    emailVerified: person.email_verified === true,
    access: tokens.access_token,
    refresh: tokens.refresh_token ?? kept.refresh ?? "",
    until: Date.now() + (tokens.expiresIn() ?? 0) * 1000,
  };
}

/** Ends what the session's tokens are good for. */
export async function revoke({ refresh }: Session): Promise<void> {
  await client.tokenRevocation(await wardgate(), refresh);
}

/** Signed out everywhere, another password, an account that is gone: refused for good. Anything else may pass. */
export function isOver(error: unknown): boolean {
  if (error instanceof client.ResponseBodyError) return error.error === "invalid_grant";
  return error instanceof client.WWWAuthenticateChallengeError && error.cause.some(({ scheme }) => scheme === "bearer");
}

/** Why there is no session: one of the texts of src/app/page.tsx. */
export function why(error: unknown): "cancelled" | "refused" | "unreachable" {
  if (error instanceof client.AuthorizationResponseError && error.error === "access_denied") return "cancelled";
  console.error(error);
  const { cause } = error as { cause?: { code?: string; cause?: { code?: string } } };
  return [cause?.code, cause?.cause?.code].includes("ECONNREFUSED") ? "unreachable" : "refused";
}
