/** @type {typeof import("./hono.d.ts").accessToken} */
export function accessToken(verifier) {
  return async (context, next) => {
    let claims;
    try {
      claims = await verifier.authenticate(context.req.header("authorization"));
    } catch (error) {
      const { status, headers, body } = verifier.refuse(error);
      return new Response(body, { status, headers });
    }
    context.set("auth", claims);
    await next();
    return undefined;
  };
}
