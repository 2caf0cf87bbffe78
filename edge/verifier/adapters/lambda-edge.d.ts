import type { Verifier } from "../src/index.d.ts";

interface Headers {
  [name: string]: { key?: string; value: string }[];
}

interface EdgeRequest {
  method: string;
  headers: Headers;
}

interface EdgeEvent<Request extends EdgeRequest> {
  Records: { cf: { request: Request } }[];
}

interface EdgeResponse {
  status: string;
  statusDescription: string | undefined;
  headers: Headers;
  body: string;
}

/** A handler that passes a request with a good token on, unchanged: the origin has to verify the token again. */
export function createHandler(
  verifier: Verifier,
): <Request extends EdgeRequest>(event: EdgeEvent<Request>) => Promise<Request | EdgeResponse>;
