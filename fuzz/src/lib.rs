//! Fuzz targets: functions from any bytes that panic where a promise is broken. `fuzz/README.md` says how to run them.

#![expect(
    clippy::expect_used,
    reason = "a target that cannot be set up has to fail as loudly as one that finds something"
)]

mod authenticator_data;
mod authorize;
mod body;
mod cbor;
mod claims;
mod client_data;
mod client_proof;
mod config;
mod cookies;
mod email;
mod event;
mod id;
mod jwt;
mod key_set;
mod name;
mod password;
mod redirect_uri;
mod sealed_token;
mod sender;

/// A target.
pub type Target = fn(&[u8]);

/// Every target by its name, which is also the name of its folder in `fuzz/corpus`.
pub const TARGETS: [(&str, Target); 19] = [
    ("authenticator_data", authenticator_data::run),
    ("authorize", authorize::run),
    ("body", body::run),
    ("cbor", cbor::run),
    ("claims", claims::run),
    ("client_data", client_data::run),
    ("client_proof", client_proof::run),
    ("config", config::run),
    ("cookies", cookies::run),
    ("email", email::run),
    ("event", event::run),
    ("id", id::run),
    ("jwt", jwt::run),
    ("key_set", key_set::run),
    ("name", name::run),
    ("password", password::run),
    ("redirect_uri", redirect_uri::run),
    ("sealed_token", sealed_token::run),
    ("sender", sender::run),
];

/// What stands for a secret in the seeds: no message may hold it.
const CANARY: &str = "s3cret-canary";

/// The part of `data` before the first byte that is not UTF-8.
fn text(data: &[u8]) -> &str {
    data.utf8_chunks().next().map_or("", |chunk| chunk.valid())
}

#[cfg(test)]
mod tests;
