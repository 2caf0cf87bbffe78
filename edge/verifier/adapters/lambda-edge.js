// Lambda@Edge, for a viewer request or an origin request.

/** @type {Record<number, string>} */
const DESCRIPTIONS = { 401: "Unauthorized", 403: "Forbidden", 503: "Service Unavailable" };

/** @type {typeof import("./lambda-edge.d.ts").createHandler} */
export function createHandler(verifier) {
  return async (event) => {
    const { request } = event.Records[0].cf;
    // A browser asks first, and without a token.
    if (request.method === "OPTIONS") return request;
    const sent = request.headers.authorization ?? [];
    try {
      // Two are as bad as one that is malformed.
      await verifier.authenticate(sent.length > 1 ? "Bearer" : sent[0]?.value);
      return request;
    } catch (error) {
      const { status, headers, body } = verifier.refuse(error);
      return {
        status: String(status),
        statusDescription: DESCRIPTIONS[status],
        headers: Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, [{ key, value }]])),
        body,
      };
    }
  };
}
