// What API Gateway does around the function, as far as this example needs it: events of payload format 2.0, the routes of
// template.yaml, and CORS for one origin. HANDLER is another module with the same `handler`, such as dist/app.mjs.

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

const PORT = Number(process.env.PORT ?? 3004);
const ALLOWED_ORIGIN = process.env.ALLOWED_ORIGIN ?? "http://localhost:3002";
// The function reads these when it is loaded, as it does on Lambda.
process.env.ISSUER ??= "http://localhost:8080";
process.env.AUDIENCE ??= "http://localhost:3004";
process.env.SCOPE ??= "orders:read";
const { handler } = await import(new URL(process.env.HANDLER ?? "src/app.js", import.meta.url).href);

const ROUTES = ["GET /orders"];

async function answer(request) {
  const { pathname, searchParams } = new URL(request.url, "http://local");
  const isAllowed = request.headers.origin === ALLOWED_ORIGIN;
  const cors = isAllowed ? { "access-control-allow-origin": ALLOWED_ORIGIN, vary: "origin" } : {};
  if (request.method === "OPTIONS") {
    const preflight = { "access-control-allow-headers": "authorization", "access-control-allow-methods": "GET" };
    return { status: 204, headers: isAllowed ? { ...cors, ...preflight } : cors, body: "" };
  }
  const routeKey = `${request.method} ${pathname}`;
  if (!ROUTES.includes(routeKey)) return { status: 404, headers: cors, body: '{"message":"Not Found"}' };
  const result = await handler({
    version: "2.0",
    routeKey,
    rawPath: pathname,
    rawQueryString: String(searchParams),
    headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
    requestContext: { requestId: randomUUID(), http: { method: request.method, path: pathname } },
    body: await text(request),
    isBase64Encoded: false,
  });
  return { status: result.statusCode, headers: { ...result.headers, ...cors }, body: result.body };
}

createServer(async (request, response) => {
  const { status, headers, body } = await answer(request).catch((error) => {
    console.error(error);
    return { status: 500, headers: {}, body: '{"message":"Internal Server Error"}' };
  });
  response.writeHead(status, headers).end(body);
}).on("error", (error) => {
  console.error(`The example cannot listen on port ${PORT}: ${error.message}`);
  process.exit(1);
}).listen(PORT, "localhost", () => {
  console.log(`The example is on http://localhost:${PORT}/orders; \`make run\` has to run, too. Ctrl-C ends it.`);
});
