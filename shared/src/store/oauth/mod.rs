//! Signing in to applications.

pub mod consents;
pub mod grants;
