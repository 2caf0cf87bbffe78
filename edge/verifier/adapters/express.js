/** @type {typeof import("./express.d.ts").accessToken} */
export function accessToken(verifier) {
  return async (request, response, next) => {
    try {
      request.auth = await verifier.authenticate(request.headers.authorization);
    } catch (error) {
      let refusal;
      try {
        refusal = verifier.refuse(error);
      } catch (fault) {
        next(fault);
        return;
      }
      response.writeHead(refusal.status, refusal.headers).end(refusal.body);
      return;
    }
    next();
  };
}
