//! Sessions, and what counts and knows those who sign in.

pub(in crate::store) mod admission;
pub mod devices;
pub mod factor_losses;
pub mod failures;
pub mod passkeys;
pub mod rotation;
pub mod second_factors;
pub mod sessions;
