//! A file for each endpoint of the area `accounts`.

use crate::permissions::Drive;

mod email_change;
mod email_change_confirm;
mod email_change_undo;
mod email_verify;
mod email_verify_resend;
mod me;
mod me_activity;
mod me_delete;
mod me_export;
mod me_keep;
mod me_update;
mod password_change;
mod password_forgot;
mod password_reset;
mod register;

/// What drives its endpoint's branches by itself.
pub const DRIVES: &[Drive] = &[];
