//! What accounts are made of, from registrations to erasures.

pub mod activity;
pub mod addresses;
pub mod deletions;
pub mod exports;
pub mod imports;
pub mod passwords;
pub mod profiles;
pub mod registrations;
pub mod users;
pub mod verifications;
