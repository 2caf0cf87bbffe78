export { createVerifier } from "./verify.js";
export { KeysUnavailableError, KeySetError, VerifyError } from "./errors.js";
