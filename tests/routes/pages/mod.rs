//! A file for each endpoint of the area `pages`.

use crate::permissions::Drive;

mod page_account;
mod page_account_credentials;
mod page_account_factors;
mod page_confirm_email_change;
mod page_consent;
mod page_forgot;
mod page_keep_account;
mod page_keep_factors;
mod page_login;
mod page_login_code;
mod page_register;
mod page_remove_factors;
mod page_reset_password;
mod page_second_factor;
mod page_show;
mod page_sign_in;
mod page_sign_out;
mod page_undo_email_change;
mod page_undo_factor;
mod page_verify_email;

/// What drives its endpoint's branches by itself.
pub const DRIVES: &[Drive] = &[
    |observer| Box::pin(page_account::drive(observer)),
    |observer| Box::pin(page_account_credentials::drive(observer)),
    |observer| Box::pin(page_account_factors::drive(observer)),
    |observer| Box::pin(page_consent::drive(observer)),
    |observer| Box::pin(page_forgot::drive(observer)),
    |observer| Box::pin(page_keep_factors::drive(observer)),
    |observer| Box::pin(page_login::drive(observer)),
    |observer| Box::pin(page_login_code::drive(observer)),
    |observer| Box::pin(page_register::drive(observer)),
    |observer| Box::pin(page_remove_factors::drive(observer)),
    |observer| Box::pin(page_second_factor::drive(observer)),
    |observer| Box::pin(page_undo_factor::drive(observer)),
];
