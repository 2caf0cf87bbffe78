//! Every endpoint in one process. With the feature `dev` it brings its own store and keys ([`dev`]); without, it is
//! what the container image runs.

pub mod check;
pub mod endpoints;
pub mod env_file;
pub mod host;
pub mod ops;
pub mod preflight;
pub mod router;
pub mod serve;
pub mod store_gate;

#[cfg(feature = "dev")]
pub mod dev;
#[cfg(feature = "standalone")]
pub mod jobs;

mod body;
mod memory_limit;
mod metrics;
