//! Password hashing and wrapping, sealed tokens, key rings and their rotation, access tokens, second factors.

pub mod access_token;
pub mod base32;
pub mod client_secret;
pub mod enrolment_token;
pub mod foreign_hash;
pub mod id_token;
pub mod key_ring;
pub mod logout_token;
pub mod mail_token;
pub mod oauth_token;
pub mod passkey_challenge;
pub mod password_hasher;
pub mod password_wrap;
pub mod public_key;
pub mod recovery_code;
pub mod rotation;
pub mod sealed_token;
pub mod secret_bytes;
pub mod totp;
pub mod totp_wrap;
pub mod webauthn;
pub mod wrap;
