//! The real binary over the store of a data folder; people sign in through the real HTTP API afterwards.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "operate/harness.rs"]
mod harness;

#[path = "operate/clients.rs"]
mod clients;
#[path = "operate/encrypted.rs"]
mod encrypted;
#[path = "operate/files.rs"]
mod files;
#[path = "operate/interrupted.rs"]
mod interrupted;
#[path = "operate/own_store.rs"]
mod own_store;
#[path = "operate/passwords.rs"]
mod passwords;
#[path = "operate/recovery.rs"]
mod recovery;
#[path = "operate/refused.rs"]
mod refused;
#[path = "operate/rings.rs"]
mod rings;
#[path = "operate/seeds.rs"]
mod seeds;
#[path = "operate/sources.rs"]
mod sources;
#[path = "operate/stages.rs"]
mod stages;
#[path = "operate/switches.rs"]
mod switches;
