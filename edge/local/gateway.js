// What `make edge` runs in workerd. `/api/` is a protected application behind two gates: edge/deny.js, as CloudFront would run
// it, and the verifier. Everything else goes to Wardgate itself, which needs no gate.

import { handler as deny } from "../deny.js";
import { protect } from "../verifier/adapters/workers.js";
import { createVerifier } from "../verifier/src/index.js";
import { notes } from "./notes.js";

let protectedNotes;

/** What of a request CloudFront shows to a function. */
function viewerRequest(request) {
  const headers = Object.fromEntries([...request.headers].map(([name, value]) => [name, { value }]));
  const uri = new URL(request.url).pathname;
  const sent = { method: request.method, uri, headers };
  return { version: "1.0", context: { eventType: "viewer-request" }, viewer: {}, request: sent };
}

export default {
  async fetch(request, env, context) {
    if (!new URL(request.url).pathname.startsWith("/api/")) {
      return env.SERVER.fetch(new Request(request, { redirect: "manual" }));
    }
    const { statusCode, headers, body } = await deny(viewerRequest(request));
    if (statusCode) {
      const values = Object.entries(headers).map(([name, { value }]) => [name, value]);
      return new Response(body.data, { status: statusCode, headers: [...values, ["x-refused-by", "deny.js"]] });
    }
    protectedNotes ??= protect(
      createVerifier({
        issuer: env.ISSUER,
        audience: env.AUDIENCE,
        fetch: (input, init) => env.SERVER.fetch(input, init),
      }),
      notes,
    );
    return protectedNotes(request, env, context);
  },
};
