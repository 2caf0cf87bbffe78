// Wardgate's API as its OpenAPI description has it, and a session that renews itself.

import createFetchClient from "openapi-fetch";
import type { Client, Middleware } from "openapi-fetch";
import type { components, paths } from "./schema.js";

export type { components, paths } from "./schema.js";

/** What went wrong, as `application/problem+json` (RFC 9457). `code` is stable and for programs; `detail` is for people. */
export type Problem = components["schemas"]["Problem"];
/** What a sign-in and a refresh answer. */
export type SignedIn = components["schemas"]["SignedInReply"];
/** What the first step of a sign-in answers where the account has a second factor: nobody is signed in yet. */
export type MfaRequired = components["schemas"]["MfaRequiredReply"];
/** What the first step of a sign-in answers. `isMfaRequired` tells which. */
export type SignInStep = components["schemas"]["SignInReply"];
/** A second factor. */
export type Method = components["schemas"]["Method"];
/** What a step-up answers. */
export type SteppedUp = components["schemas"]["SteppedUpReply"];
/** `GET`, `POST` and the other methods, each for the paths that have it. */
export type Wardgate = Client<paths>;

/** The tokens of a person who is signed in. */
export interface Session {
  accessToken: string;
  /** There is none in cookie mode: the browser keeps it where scripts cannot read it. */
  refreshToken?: string;
}

/** Where tokens are kept. Whoever can read it is the person. */
export interface SessionStore {
  read(): Session | undefined | Promise<Session | undefined>;
  /** Nothing: the person is signed out. */
  write(session: Session | undefined): void | Promise<void>;
}

export interface Options {
  /** Wardgate's address, such as `https://auth.example.com`. */
  baseUrl: string;
  /** In memory if left out: gone when the page or the program ends. */
  session?: SessionStore;
  /** `include` in cookie mode, so that a browser sends its cookie to another host. */
  credentials?: RequestCredentials;
  /** For tests, and for runtimes that fetch in another way. */
  fetch?: (request: Request) => Promise<Response>;
}

/** Paths that take an access token of `/v1`, and those that answer with one. Tests hold both to the description. */
const WITH_TOKEN: ReadonlySet<string> = new Set([
  "/v1/email/change",
  "/v1/logout",
  "/v1/me",
  "/v1/me/activity",
  "/v1/me/export",
  "/v1/mfa",
  "/v1/mfa/recovery-codes",
  "/v1/mfa/totp",
  "/v1/mfa/totp/confirm",
  "/v1/passkeys/registration",
  "/v1/passkeys/registration/options",
  "/v1/passkeys/{id}",
  "/v1/password",
  "/v1/password/change",
  "/v1/sessions",
  "/v1/sessions/{id}",
  "/v1/step-up",
  "/v1/step-up/options",
]);
const SIGNS_IN: ReadonlySet<string> = new Set([
  "/v1/login",
  "/v1/login/email-code/verify",
  "/v1/login/mfa",
  "/v1/passkeys/login",
  "/v1/token/refresh",
]);
const STEPS_UP = "/v1/step-up";
const SIGNS_OUT = "/v1/logout";

/** A client that keeps the tokens of whoever signs in by it, sends the access token, and renews it once it has run out. */
export function createClient({ baseUrl, session = inMemory(), credentials, fetch }: Options): Wardgate {
  const send = fetch ?? ((request: Request) => globalThis.fetch(request));
  const shared = credentials ? { credentials } : {};
  const client = createFetchClient<paths>({ baseUrl, fetch: send, ...shared });

  let refreshing: Promise<Response | undefined> | undefined;

  /** Gives the answer that it was refused with, if it was. */
  async function refresh(): Promise<Response | undefined> {
    const refreshToken = (await session.read())?.refreshToken;
    const response = await send(new Request(`${baseUrl.replace(/\/+$/, "")}/v1/token/refresh`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
      ...shared,
    }));
    if (response.ok) {
      await session.write(sessionOf(await response.json() as SignedIn));
      return undefined;
    }
    // The session has ended. Anything else may pass.
    if (response.status === 401) await session.write(undefined);
    return response;
  }

  /** By request: the same again, in case its token has run out. A body can be read once. */
  const spare = new Map<string, Request>();

  const keeping: Middleware = {
    async onRequest({ id, request, schemaPath }) {
      if (!WITH_TOKEN.has(schemaPath) || request.headers.has("authorization")) return undefined;
      const current = await session.read();
      if (!current) return undefined;
      request.headers.set("authorization", `Bearer ${current.accessToken}`);
      if (schemaPath !== SIGNS_OUT) spare.set(id, request.clone());
      return request;
    },
    async onResponse({ id, response, schemaPath, options }) {
      const again = spare.get(id);
      spare.delete(id);
      if (response.ok && SIGNS_IN.has(schemaPath)) {
        const step = await response.clone().json() as SignInStep;
        // Whoever was signed in stays so until the second step.
        if (!isMfaRequired(step)) await session.write(sessionOf(step));
      }
      if (response.ok && schemaPath === STEPS_UP) {
        const { access_token: accessToken } = await response.clone().json() as SteppedUp;
        await session.write({ ...await session.read(), accessToken });
      }
      if (response.ok && schemaPath === SIGNS_OUT) await session.write(undefined);
      if (!again || response.status !== 401 || !(await hasRunOut(response))) return undefined;
      // Requests that come at once share one refresh: the second would show a token that the first has spent.
      if ((await session.read())?.accessToken === bearerOf(again)) {
        refreshing ??= refresh().finally(() => (refreshing = undefined));
        const refused = await refreshing;
        // Whoever reads 401 signs in again, and whoever reads 503 tries later. The others that wait for it read it, too.
        if (refused) return refused.status === 401 ? undefined : refused.clone();
      }
      const renewed = await session.read();
      if (!renewed) return undefined;
      again.headers.set("authorization", `Bearer ${renewed.accessToken}`);
      return options.fetch(again);
    },
    onError({ id }) {
      spare.delete(id);
    },
  };
  client.use(keeping);
  return client;
}

/** Whether an error is a problem of Wardgate's, and not what a proxy on the way has answered. */
export function isProblem(error: unknown): error is Problem {
  const { type, code } = (error ?? {}) as Partial<Record<keyof Problem, unknown>>;
  return typeof code === "string" && type === `urn:wardgate:problem:${code}`;
}

/** Whether a sign-in waits for its second factor: `POST /v1/login/mfa`, with its `mfa_token`. */
export function isMfaRequired(step: SignInStep): step is MfaRequired {
  return step.status === "mfa_required";
}

function inMemory(): SessionStore {
  let kept: Session | undefined;
  return { read: () => kept, write: (session) => void (kept = session) };
}

const sessionOf = ({ access_token, refresh_token }: SignedIn): Session => ({
  accessToken: access_token,
  ...(refresh_token != null && { refreshToken: refresh_token }),
});

const bearerOf = (request: Request) => request.headers.get("authorization")?.replace(/^Bearer /, "");

/** Of an answer, which can still be read afterwards. */
async function hasRunOut(response: Response): Promise<boolean> {
  const error: unknown = await response.clone().json().catch(() => undefined);
  return isProblem(error) && error.code === "invalid_token";
}
