// What the verifier says of each token of the corpus. Runs in Node.js and, bundled, in workerd.

import { createVerifier } from "../verifier/src/index.js";

export async function verdictsOf(corpus) {
  const verdicts = {};
  for (const { name, parts, at, scopes, acr, list } of corpus.tokens) {
    const verifier = createVerifier({
      issuer: corpus.issuer,
      audience: corpus.audience,
      requiredScopes: scopes,
      requiredAcr: acr,
      jwks: corpus.jwks,
      denied: { get: (key) => corpus.lists[list ?? "nothing"][key] },
      now: () => at ?? corpus.now,
    });
    verdicts[name] = await verifier.verify(parts.join(".")).then(() => "ok", (error) => error.message);
  }
  return verdicts;
}

/** Verifies one token again and again, by the verifier or by `jose` with nothing around it. */
export async function repeat(corpus, jose, name, how, times) {
  const token = corpus.tokens.find((it) => it.name === name).parts.join(".");
  const verifier = createVerifier({ issuer: corpus.issuer, audience: corpus.audience, jwks: corpus.jwks, now: () => corpus.now });
  const { kid, alg } = jose.decodeProtectedHeader(token);
  const key = await jose.importJWK(corpus.jwks.keys.find((it) => it.kid === kid), alg);
  const options = { issuer: corpus.issuer, audience: corpus.audience, currentDate: new Date(corpus.now * 1000) };
  for (let i = 0; i < times; i += 1) {
    if (how === "verifier") await verifier.verify(token);
    else await jose.jwtVerify(token, key, options);
  }
}
