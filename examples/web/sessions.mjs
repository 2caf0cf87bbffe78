// The application's own sessions, and the cookie that says which one a browser has. They are in memory: of several servers,
// keep them where all find them.

import { randomBytes } from "node:crypto";

const sessions = new Map();

export const inMinutes = (minutes) => Date.now() + minutes * 60_000;

setInterval(() => {
  for (const [id, { until }] of sessions) if (until < Date.now()) sessions.delete(id);
}, 60_000).unref();

/** Ends those that this is true of, whichever browsers have them. */
export function endEach(isMeant) {
  for (const [id, session] of sessions) if (isMeant(session)) sessions.delete(id);
}

/** Gives what a request's browser is found by. */
export function browsers(name, { secure }) {
  const cookie = secure ? `__Host-${name}` : name;
  // Lax and not Strict: the callback comes from Wardgate's page, and has to find what the sign-in began with.
  const attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`;
  return (request) => {
    const cookies = (request.headers.cookie ?? "").split("; ").map((it) => it.split("="));
    return new Browser(cookies.find(([found]) => found === cookie)?.[1], cookie, attributes);
  };
}

class Browser {
  /** What the answer has to set, if anything. */
  setCookie;
  #id;
  #cookie;
  #attributes;

  constructor(id, cookie, attributes) {
    [this.#id, this.#cookie, this.#attributes] = [id, cookie, attributes];
  }

  get session() {
    const session = sessions.get(this.#id);
    return session?.until > Date.now() ? session : undefined;
  }

  /** Always with a new id. */
  begin(session) {
    sessions.delete(this.#id);
    this.#id = randomBytes(32).toString("base64url");
    sessions.set(this.#id, session);
    this.setCookie = `${this.#cookie}=${this.#id}; ${this.#attributes}`;
    return session;
  }

  end() {
    sessions.delete(this.#id);
    this.setCookie = `${this.#cookie}=; Max-Age=0; ${this.#attributes}`;
  }
}
