//! One file for each endpoint, by area.

mod accounts;
mod oauth;
mod pages;
mod service;
mod sign_in;

use crate::permissions::Drive;

/// What drives its endpoint's branches by itself, in each area. Older endpoints are driven in `permissions/`, where one
/// story has several.
pub const DRIVES: [&[Drive]; 5] = [accounts::DRIVES, oauth::DRIVES, pages::DRIVES, service::DRIVES, sign_in::DRIVES];
