//! The real binary over the store of a data folder; people sign in through the real HTTP API afterwards.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "transfer/harness.rs"]
mod harness;

#[path = "transfer/encrypted.rs"]
mod encrypted;
#[path = "transfer/files.rs"]
mod files;
#[path = "transfer/interrupted.rs"]
mod interrupted;
#[path = "transfer/passwords.rs"]
mod passwords;
#[path = "transfer/refused.rs"]
mod refused;
#[path = "transfer/seeds.rs"]
mod seeds;
#[path = "transfer/sources.rs"]
mod sources;
#[path = "transfer/stages.rs"]
mod stages;
#[path = "transfer/switches.rs"]
mod switches;
