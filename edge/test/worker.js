// The verifier in workerd, for the tests.

import * as jose from "jose";
import corpus from "../corpus.json";
import { protect } from "../verifier/adapters/workers.js";
import { createVerifier } from "../verifier/src/index.js";
import { repeat, verdictsOf } from "./corpus.js";

let guarded;

export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/verdicts") return Response.json(await verdictsOf(corpus));
    if (pathname === "/repeat") {
      await repeat(corpus, jose, searchParams.get("name"), searchParams.get("how"), Number(searchParams.get("times")));
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
