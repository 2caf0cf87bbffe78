// The deny list: docs/edge.md has its keys. The same rules as edge/deny.js, over any store that has a `get`.

const ID = /^(ses|usr)_[0-9a-hjkmnp-tv-z]{26}$/;
/** A store that is slower than this is not waited for, in milliseconds. */
const PATIENCE = 1000;

/** @param {string} value */
const seconds = (value) => (/^\d{1,15}$/.test(value) ? Number(value) : -1);

/**
 * Whether the list holds a token that is good otherwise. A store that fails lets through: the list makes revocation quick, and
 * whoever answers behind it decides.
 * @param {import("./index.d.ts").DenyList} list
 * @param {import("./index.d.ts").AccessToken} token
 * @param {string} kid
 * @param {((error: unknown) => void) | undefined} failed
 */
export async function isDenied(list, token, kid, failed) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const patience = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("the deny list did not answer in time")), PATIENCE);
  });
  try {
    return await Promise.race([ask(list, token, kid), patience]);
  } catch (error) {
    failed?.(error);
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/** @param {import("./index.d.ts").DenyList} list @param {import("./index.d.ts").AccessToken} token @param {string} kid */
async function ask(list, token, kid) {
  /** @param {string | undefined} id @param {string} kind */
  const entry = async (id, kind) =>
    id !== undefined && id.startsWith(kind) && ID.test(id) ? list.get(id) : undefined;
  const [all, session, user] = await Promise.all([list.get("all"), entry(token.sid, "ses_"), entry(token.sub, "usr_")]);
  if (typeof session === "string") return true;
  if (typeof all === "string") {
    const [notBefore, ...retired] = all.split(" ");
    // Where many keys were retired, they are known by how their ids end.
    const isRetired = retired.some((word) => word === kid || (word.startsWith("~") && kid.endsWith(word.slice(1))));
    if (token.iat <= seconds(notBefore) || isRetired) return true;
  }
  if (typeof user === "string") {
    const [notBefore, ...spared] = user.split(" ");
    return token.iat <= seconds(notBefore) && !(token.sid !== undefined && spared.includes(token.sid));
  }
  return false;
}
