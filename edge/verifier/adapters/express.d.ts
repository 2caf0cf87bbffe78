import type { IncomingHttpHeaders } from "node:http";
import type { AccessToken, Verifier } from "../src/index.d.ts";

interface AuthRequest {
  headers: IncomingHttpHeaders;
  auth?: AccessToken;
}

interface PlainResponse {
  writeHead(status: number, headers: Record<string, string>): { end(body: string): unknown };
}

/** Middleware that passes requests with a good token on; `request.auth` has its claims. */
export function accessToken(
  verifier: Verifier,
): (request: AuthRequest, response: PlainResponse, next: (error?: unknown) => void) => Promise<void>;
