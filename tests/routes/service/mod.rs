//! A file for each endpoint of the area `service`.

use crate::permissions::Drive;

mod health;
mod jwks;
mod openid_configuration;
mod preflight;
mod ready;
mod related_origins;

/// What drives its endpoint's branches by itself.
pub const DRIVES: &[Drive] = &[];
