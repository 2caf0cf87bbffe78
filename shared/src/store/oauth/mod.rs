//! Signing in to applications.

pub mod grants;
