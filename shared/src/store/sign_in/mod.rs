//! Sessions, and what counts and knows those who sign in.

pub mod devices;
pub mod failures;
pub mod rotation;
pub mod sessions;
