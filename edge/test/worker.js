// The verifier in workerd, for the tests.

import * as jose from "jose";
import store from "cloudfront";
import corpus from "../corpus.json";
import { handler as deny } from "../deny.js";
import { protect } from "../verifier/adapters/workers.js";
import { createVerifier } from "../verifier/src/index.js";
import { repeat, verdictsOf } from "./corpus.js";

let guarded;

/** One decision of deny.js after the other, each with all of its look-ups. */
async function decide(times) {
  const { parts, list } = corpus.tokens.find(({ name }) => name === "list of user-but-this");
  const headers = { authorization: { value: `Bearer ${parts.join(".")}` } };
  const sent = { method: "GET", uri: "/", querystring: {}, headers, cookies: {} };
  store.put(corpus.lists[list]);
  Date.now = () => corpus.now * 1000;
  for (let i = 0; i < times; i += 1) {
    const answer = await deny({ version: "1.0", context: { eventType: "viewer-request" }, viewer: {}, request: sent });
    if (answer !== sent) throw new Error("a good token is refused");
  }
}

export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/verdicts") return Response.json(await verdictsOf(corpus));
    if (pathname === "/repeat") {
      await repeat(corpus, jose, searchParams.get("name"), searchParams.get("how"), Number(searchParams.get("times")));
      return new Response();
    }
    if (pathname === "/decide") {
      await decide(Number(searchParams.get("times")));
      return new Response();
    }
    guarded ??= protect(
      createVerifier({
        issuer: corpus.issuer,
        audience: corpus.audience,
        now: () => corpus.now,
        fetch: (input, init) => env.ISSUER.fetch(input, init),
      }),
      (_, claims) => Response.json(claims),
    );
    return guarded(request);
  },
};
