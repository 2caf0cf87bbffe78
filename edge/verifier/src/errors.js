/**
 * Why a token was refused. `code` is the name of the same refusal in the Rust crate `wardgate-verify`; `detail` names the
 * claim or the header parameter. Nothing of it comes out of the token.
 */
export class VerifyError extends Error {
  /** @param {import("./index.d.ts").RefusalCode} code @param {string} [detail] */
  constructor(code, detail) {
    super(detail === undefined ? code : `${code} ${detail}`);
    this.name = "VerifyError";
    this.code = code;
    this.detail = detail;
  }
}

/** The issuer's keys cannot be had: that says nothing of the token. */
export class KeysUnavailableError extends Error {
  /** @param {string} message @param {ErrorOptions} [options] */
  constructor(message, options) {
    super(message, options);
    this.name = "KeysUnavailableError";
  }
}

/** The issuer's key set is not one that this verifier takes. Names the key, never shows its material. */
export class KeySetError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = "KeySetError";
  }
}
