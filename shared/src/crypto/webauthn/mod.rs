//! Passkeys: the checks of WebAuthn Level 3, sections 7.1 and 7.2, and the options of its ceremonies (MF-09 to MF-12).
//! Why they are our own: docs/decisions/0091-webauthn-of-our-own.md.
//!
//! Nothing in here asks a store or makes a challenge: what is expected is given, and what a response claims is judged.

pub mod assertion;
pub mod authenticator_data;
pub mod cbor;
pub mod client_data;
pub mod cose;
pub mod errors;
pub mod expected;
pub mod options;
pub mod registration;

#[cfg(test)]
mod tests;
