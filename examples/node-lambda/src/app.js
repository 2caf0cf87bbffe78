// The function: an HTTP API's route whose callers show an access token of Wardgate.

import { createVerifier } from "@wardgate/verifier";

// Once for all requests that this instance answers: it keeps the issuer's keys.
const verifier = createVerifier({
  issuer: process.env.ISSUER,
  audience: process.env.AUDIENCE,
  requiredScopes: [process.env.SCOPE],
});

/** An event of an HTTP API, payload format 2.0. */
export async function handler(event) {
  let caller;
  try {
    caller = await verifier.authenticate(event.headers.authorization);
  } catch (error) {
    // For the log alone: which check it was. Nothing of the token is in it.
    console.warn(JSON.stringify({ refused: error.code ?? error.name, request: event.requestContext.requestId }));
    const { status, headers, body } = verifier.refuse(error);
    return { statusCode: status, headers, body };
  }
  // Keep `sub` with your data: it never changes, and an address may.
  return json(200, { route: event.routeKey, user: caller.sub, application: caller.client_id, orders: [] });
}

const json = (statusCode, value) => ({
  statusCode,
  headers: { "cache-control": "no-store", "content-type": "application/json" },
  body: JSON.stringify(value),
});
