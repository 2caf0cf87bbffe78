import type { AccessToken, Verifier } from "../src/index.d.ts";

/** What it needs of Hono's context. */
interface Context {
  req: { header(name: string): string | undefined };
  set(key: "auth", value: AccessToken): void;
}

/** Middleware that passes requests with a good token on; `context.get("auth")` has its claims. */
export function accessToken(
  verifier: Verifier,
): (context: Context, next: () => Promise<void>) => Promise<Response | undefined>;
