//! The pages that mails and applications link to, for people with a browser.

pub mod page_confirm_email_change;
pub mod page_keep_account;
pub mod page_login;
pub mod page_reset_password;
pub mod page_show;
pub mod page_sign_in;
pub mod page_undo_email_change;
pub mod page_verify_email;

wardgate::area!["pages":
    page_confirm_email_change,
    page_keep_account,
    page_login,
    page_reset_password,
    page_show,
    page_sign_in,
    page_undo_email_change,
    page_verify_email,
];
