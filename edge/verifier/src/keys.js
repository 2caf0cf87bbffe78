// Where keys come from: given once, or fetched and kept (TK-03, TK-04).

import { KeysUnavailableError } from "./errors.js";
import { parseKeySet } from "./key-set.js";

/** Longest and shortest time, in seconds, that a fetched set is taken without asking again. */
const FRESH = { most: 300, least: 30 };
/** How long it is taken while the issuer does not answer. */
const STALE = 3600;
/** How often an unknown identifier may cause a fetch. */
const UNKNOWN = 60;
/** How soon it is tried again after a failure. */
const RETRY = 5;
/** How long one fetch may take. */
const TIMEOUT = 5;

/** @typedef {{ get: (kid: string) => Promise<import("./key-set.js").PinnedKey | undefined> }} Keys */

/** @param {object} jwks @returns {Keys} */
export function givenKeys(jwks) {
  const parsed = parseKeySet(new TextEncoder().encode(JSON.stringify(jwks)));
  // Whoever verifies first is told; nobody has to listen before.
  parsed.catch(() => {});
  return { get: async (kid) => (await parsed).get(kid) };
}

/**
 * @param {string} url
 * @param {() => number} now
 * @param {typeof globalThis.fetch} fetch
 * @returns {Keys}
 */
export function fetchedKeys(url, now, fetch) {
  /** @type {Map<string, import("./key-set.js").PinnedKey> | undefined} */
  let keys;
  let freshUntil = -Infinity;
  let staleUntil = -Infinity;
  let asked = -Infinity;
  let failed = -Infinity;
  /** @type {{ began: number, done: Promise<void> } | undefined} */
  let running;

  async function ask() {
    const began = now();
    asked = began;
    try {
      // No redirects: the keys are those of this address. Not every runtime knows `error`.
      const signal = AbortSignal.timeout(TIMEOUT * 1000);
      const response = await fetch(url, { redirect: "manual", headers: { accept: "application/json" }, signal });
      if (response.status !== 200) throw new KeysUnavailableError(`${url} answered ${response.status}`);
      keys = await parseKeySet(new Uint8Array(await response.arrayBuffer()));
      const maxAge = Number(/(?:^|[\s,])max-age=(\d{1,9})/i.exec(response.headers.get("cache-control") ?? "")?.[1] ?? FRESH.most);
      freshUntil = began + Math.min(Math.max(maxAge, FRESH.least), FRESH.most);
      staleUntil = began + STALE;
      failed = -Infinity;
    } catch (cause) {
      failed = began;
      throw new KeysUnavailableError(`the key set of ${url} cannot be had`, { cause });
    }
  }

  /** One fetch for all who wait. One that hangs, because whoever began it has gone, is not waited for again. */
  function refresh() {
    const began = now();
    if (running && began - running.began <= TIMEOUT) return running.done;
    const mine = { began, done: ask() };
    running = mine;
    const over = () => void (running === mine && (running = undefined));
    mine.done.then(over, over);
    return mine.done;
  }

  return {
    async get(kid) {
      const begin = now();
      if (begin >= freshUntil) {
        if (begin - failed >= RETRY || running) {
          const failure = await refresh().then(() => undefined, (error) => error);
          if (failure && begin >= staleUntil) throw failure;
        } else if (begin >= staleUntil) {
          throw new KeysUnavailableError(`the key set of ${url} could not be had a moment ago`);
        }
      }
      const known = keys?.get(kid);
      if (known || begin - asked < UNKNOWN) return known;
      // Keys that are there stay good if this fails.
      await refresh().catch(() => {});
      return keys?.get(kid);
    },
  };
}
