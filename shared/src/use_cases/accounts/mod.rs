//! Accounts: registering, addresses, passwords, the profile, and the end of an account.

pub mod account_overview;
pub mod email_change;
pub mod email_change_confirm;
pub mod email_change_undo;
pub mod email_verify;
pub mod email_verify_resend;
pub mod factors_keep;
pub mod factors_removal;
pub mod me;
pub mod me_activity;
pub mod me_delete;
pub mod me_export;
pub mod me_keep;
pub mod me_update;
pub mod mfa_recovery_codes;
pub mod mfa_show;
pub mod mfa_totp;
pub mod mfa_totp_confirm;
pub mod mfa_totp_remove;
pub mod mfa_update;
pub mod password_change;
pub mod password_forgot;
pub mod password_reset;
pub mod register;
