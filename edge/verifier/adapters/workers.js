// Cloudflare Workers, workerd, and whatever else answers a Request with a Response.

/** @type {typeof import("./workers.d.ts").protect} */
export function protect(verifier, handler) {
  return async (request, env, context) => {
    let claims;
    try {
      claims = await verifier.authenticate(request.headers.get("authorization"));
    } catch (error) {
      const { status, headers, body } = verifier.refuse(error);
      return new Response(body, { status, headers });
    }
    return handler(request, claims, env, context);
  };
}
