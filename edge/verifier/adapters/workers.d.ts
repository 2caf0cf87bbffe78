import type { AccessToken, Verifier } from "../src/index.d.ts";

/** A fetch handler that passes requests with a good token on, with its claims. */
export function protect<Env = unknown, Context = unknown>(
  verifier: Verifier,
  handler: (request: Request, claims: AccessToken, env: Env, context: Context) => Response | Promise<Response>,
): (request: Request, env: Env, context: Context) => Promise<Response>;
