//! Lambda without Lambda: the real binaries, started with Lambda's variables and fed through a stand-in for its Runtime
//! API. For tests and measurements: what goes wrong here panics.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test fails by panicking"
)]

pub mod authenticator;
pub mod binaries;
pub mod environment;
pub mod function;
pub mod golden;
pub mod phone_app;
pub mod runtime_api;
