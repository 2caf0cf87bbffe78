//! A file for each endpoint of the area `pages`.

use crate::permissions::Drive;

mod page_confirm_email_change;
mod page_keep_account;
mod page_login;
mod page_reset_password;
mod page_show;
mod page_sign_in;
mod page_undo_email_change;
mod page_verify_email;

/// What drives its endpoint's branches by itself.
pub const DRIVES: &[Drive] = &[|observer| Box::pin(page_login::drive(observer))];
