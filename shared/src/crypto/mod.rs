//! Password hashing and wrapping, sealed tokens, key rings and access tokens.

pub mod access_token;
pub mod foreign_hash;
pub mod key_ring;
pub mod mail_token;
pub mod password_hasher;
pub mod password_wrap;
pub mod sealed_token;
pub mod secret_bytes;
