// `make edge`: a gateway in workerd before the server of `make run`.

import { pathToFileURL } from "node:url";
import { start } from "./workerd.js";

/** What to paste into another terminal. A test runs it. */
export function tour(base) {
  const bearer = `-H "Authorization: Bearer $ACCESS"`;
  const status = `curl -s -o /dev/null -w '%{http_code}\\n'`;
  return `# sign in, through the edge, and keep the access token
SIGNED_IN=$(curl -s ${base}/v1/login -H 'Content-Type: application/json' -d '{"email":"demo@example.com","password":"tulips lean over quiet canals"}')
ACCESS=$(echo "$SIGNED_IN" | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')

# write and read a note: the application behind the edge has checked nothing itself
${status} ${base}/api/notes ${bearer} -d 'water the tulips'
curl -s ${base}/api/notes ${bearer}; echo

# without a token
curl -s ${base}/api/notes; echo

# sign out, and wait until the edge has heard of it: the token itself would be good for minutes
${status} -X POST ${base}/v1/logout ${bearer}
until curl -s -o /dev/null -D - ${base}/api/notes ${bearer} | grep -i '^x-refused-by'; do sleep 0.2; done
curl -s ${base}/api/notes ${bearer}; echo
`;
}

/** Starts the gateway before a server that runs. */
export async function startEdge({ server, port }) {
  const discovery = await fetch(`${server}/.well-known/openid-configuration`).catch(() => undefined);
  if (!discovery?.ok) throw new Error(`Nothing answers on ${server}: start \`make run\` in another terminal first.`);
  const { issuer } = await discovery.json();
  // On a laptop the service is its own audience: config/development.toml.
  const gateway = await start(new URL("gateway.js", import.meta.url), {
    port,
    external: { SERVER: new URL(server).host },
    variables: { ISSUER: issuer, AUDIENCE: issuer },
  });
  return { base: `http://localhost:${gateway.port}`, stop: gateway.stop, ended: gateway.ended };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const server = `http://localhost:${process.env.AUTH__HTTP__PORT || 8080}`;
  try {
    const edge = await startEdge({ server, port: Number(process.env.EDGE_PORT || 8081) });
    console.log(`The edge is on ${edge.base}, before ${server}. Paste these lines into another terminal; Ctrl-C ends it.\n`);
    console.log(tour(edge.base));
    const stop = (code) => edge.stop().then(() => process.exit(code));
    process.once("SIGINT", () => stop(0)).once("SIGTERM", () => stop(0));
    await edge.ended;
    await stop(1);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
