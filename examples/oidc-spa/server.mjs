// Serves the page; whatever serves files will do instead. It adds the policy that lets the page talk to Wardgate alone.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

const PORT = Number(process.env.PORT ?? 3001);
const ISSUER = process.env.ISSUER ?? "http://localhost:8080";

const file = (path) => readFile(new URL(path, import.meta.url));
const library = "node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js";
const files = {
  "/": ["text/html", await file("index.html")],
  "/style.css": ["text/css", await file("style.css")],
  "/app.js": ["text/javascript", await file("app.js")],
  "/oidc-client-ts.min.js": ["text/javascript", await file(library)],
  "/settings.json": ["application/json", JSON.stringify({ issuer: ISSUER })],
};

createServer((request, response) => {
  const [type, content] = files[request.url.split("?")[0]] ?? [];
  response.writeHead(content ? 200 : 404, {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; " +
      `connect-src 'self' ${ISSUER}; form-action 'none'; base-uri 'none'; frame-ancestors 'none'`,
    "Content-Type": `${type ?? "text/plain"}; charset=utf-8`,
    // The address has a code in it for a moment.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
  });
  response.end(content ?? "There is no such file.\n");
}).on("error", (error) => {
  console.error(`The example cannot listen on port ${PORT}: ${error.message}`);
  process.exit(1);
}).listen(PORT, "localhost", () => {
  console.log(`The example is on http://localhost:${PORT}; \`make run\` has to run, too. Ctrl-C ends it.`);
});
