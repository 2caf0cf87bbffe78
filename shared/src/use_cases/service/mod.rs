//! The service itself: how it is, and what its tokens verify with.

pub mod health;
pub mod jwks;
