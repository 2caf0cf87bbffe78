//! The pages that mails and applications link to, for people with a browser.

mod flow;
pub mod page_account;
pub mod page_account_credentials;
pub mod page_account_factors;
pub mod page_confirm_email_change;
pub mod page_consent;
pub mod page_forgot;
pub mod page_keep_account;
pub mod page_keep_factors;
pub mod page_login;
pub mod page_login_code;
pub mod page_passkey;
pub mod page_register;
pub mod page_remove_factors;
pub mod page_reset_password;
pub mod page_second_factor;
pub mod page_show;
pub mod page_sign_in;
pub mod page_sign_out;
pub mod page_undo_email_change;
pub mod page_undo_factor;
pub mod page_verify_email;

wardgate::area!["pages":
    page_account,
    page_account_credentials,
    page_account_factors,
    page_confirm_email_change,
    page_consent,
    page_forgot,
    page_keep_account,
    page_keep_factors,
    page_login,
    page_login_code,
    page_passkey,
    page_register,
    page_remove_factors,
    page_reset_password,
    page_second_factor,
    page_show,
    page_sign_in,
    page_sign_out,
    page_undo_email_change,
    page_undo_factor,
    page_verify_email,
];
