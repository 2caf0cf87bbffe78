// The deny list of `make edge`. On AWS, changes of the table are to fill it; here it asks Wardgate about each session that the
// gateway has let through, by `GET /v1/me`, which looks at the session.

import { createServer } from "node:http";

/** How long an entry outlives the last token of its session: a token's life and what clocks may differ. */
const KEPT = 365;
/** A token so close to its end says nothing about its session. */
const MARGIN = 10;

/** Of a token that the gateway has verified. Whoever else sends one that cannot be read sends nothing. */
function claimsOf(token) {
  try {
    return JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());
  } catch {
    return {};
  }
}

/**
 * Serves `GET /denied/<key>` and `POST /watched` to the gateway, on a loopback port of its own.
 * @param {{ server: string, milliseconds?: number, now?: () => number, log?: (line: string) => void }} options
 */
export async function serveSessions({ server, milliseconds = 1000, now = () => Date.now() / 1000, log = () => {} }) {
  const denied = new Map();
  const watched = new Map();

  async function look() {
    for (const [key, until] of denied) if (until <= now()) denied.delete(key);
    for (const [sid, { token, exp }] of watched) {
      // Whoever uses the session again brings a newer token.
      if (now() >= exp - MARGIN) {
        watched.delete(sid);
        continue;
      }
      const answer = await fetch(`${server}/v1/me`, { headers: { authorization: `Bearer ${token}` } }).catch(() => undefined);
      await answer?.body?.cancel();
      if (answer?.status === 401 && now() < exp - MARGIN) {
        denied.set(sid, Math.floor(now()) + KEPT);
        watched.delete(sid);
        log(`${sid} has ended: refused from now on`);
      }
    }
  }

  const listener = createServer((request, response) => {
    const key = decodeURIComponent(/^\/denied\/(.+)$/.exec(request.url)?.[1] ?? "");
    if (request.method === "GET" && key) {
      if (denied.has(key)) response.end(String(denied.get(key)));
      else response.writeHead(404).end();
      return;
    }
    const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
    if (request.method === "POST" && request.url === "/watched" && token) {
      const { sid, exp } = claimsOf(token);
      if (sid && !denied.has(sid) && !(watched.get(sid)?.exp >= exp)) watched.set(sid, { token, exp });
      response.writeHead(204).end();
      return;
    }
    response.writeHead(404).end();
  });
  await new Promise((resolve) => listener.listen(0, "127.0.0.1", resolve));

  let timer;
  let isOver = false;
  const again = async () => {
    await look();
    if (!isOver) timer = setTimeout(again, milliseconds);
  };
  timer = setTimeout(again, milliseconds);
  return {
    address: `127.0.0.1:${listener.address().port}`,
    look,
    stop() {
      isOver = true;
      clearTimeout(timer);
      listener.close();
      listener.closeAllConnections();
    },
  };
}
