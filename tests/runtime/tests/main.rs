//! The real function binaries, run as Lambda runs them.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]
#![expect(unreachable_pub, reason = "nobody imports a test binary")]

mod gateway;
mod line;
mod world;

mod configuration;
mod faults;
mod golden_events;
mod lifecycle;
mod shapes;
