/** The claims of an access token (RFC 9068). All times are whole seconds since 1970. */
export interface AccessToken {
  iss: string;
  /** The user, or the client itself in a client-credentials token. */
  sub: string;
  /** Never empty. A lone string is read as a list of one. */
  aud: string[];
  exp: number;
  iat: number;
  nbf?: number | undefined;
  jti: string;
  client_id: string;
  /** Single spaces between the scopes; empty when none was granted. */
  scope: string;
  /** The session; absent from client-credentials tokens. */
  sid?: string | undefined;
  auth_time?: number | undefined;
  amr: string[];
  /** `urn:wardgate:1fa`, `urn:wardgate:2fa` or `phr`. */
  acr?: string | undefined;
  roles: string[];
}

/** Why a token was refused: the names of the Rust crate's `VerifyError`, and two that only an edge has. */
export type RefusalCode =
  | "malformed"
  | "too_long"
  | "unsupported_algorithm"
  | "algorithm_mismatch"
  | "header_not_allowed"
  | "wrong_type"
  | "missing_kid"
  | "unknown_key"
  | "bad_signature"
  | "missing_claim"
  | "invalid_claim"
  | "wrong_issuer"
  | "wrong_audience"
  | "not_yet_valid"
  | "missing_scope"
  | "insufficient_user_authentication"
  | "expired"
  | "no_token"
  | "denied";

export class VerifyError extends Error {
  constructor(code: RefusalCode, detail?: string);
  readonly code: RefusalCode;
  /** The claim or header parameter that it is about. */
  readonly detail: string | undefined;
}

/** The issuer's keys cannot be had: that says nothing of the token. */
export class KeysUnavailableError extends Error {}

/** The issuer's key set is not one that this verifier takes. */
export class KeySetError extends Error {}

/** A store of ended sessions. Whatever fails or takes longer than a second lets through. */
export interface DenyList {
  get(key: string): string | null | undefined | Promise<string | null | undefined>;
}

export interface VerifierOptions {
  /** The issuer's URL, compared letter by letter. */
  issuer: string;
  /** Your API, as tokens name it; of several, one has to match. */
  audience: string | string[];
  /** All of them are demanded. */
  requiredScopes?: string[];
  /** One of them is demanded: `["urn:wardgate:2fa", "phr"]` is a second factor, `["phr"]` a passkey. */
  requiredAcr?: string[];
  /** The issuer's key set, where it cannot be fetched. */
  jwks?: object;
  /** Where the key set is, if not at `/.well-known/jwks.json` of the issuer. */
  jwksUri?: string;
  /** From 0 to 5, which is the default. */
  leewaySeconds?: number;
  denied?: DenyList;
  /** Told when the deny list could not be asked and a token was let through. */
  onDenyListError?: (error: unknown) => void;
  /** Seconds since 1970. */
  now?: () => number;
  /** For the key set. */
  fetch?: typeof globalThis.fetch;
}

/** An answer to a client, by RFC 6750 and RFC 9457. */
export interface Refusal {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export interface Verifier {
  /** The claims of a bare token. Throws `VerifyError`, or `KeysUnavailableError` and `KeySetError`. */
  verify(token: string): Promise<AccessToken>;
  /** The claims of the token in an `Authorization` header. */
  authenticate(authorization: string | null | undefined): Promise<AccessToken>;
  /** What to answer to an error of the other two. Throws whatever else it is given. */
  refuse(error: unknown): Refusal;
}

export function createVerifier(options: VerifierOptions): Verifier;
