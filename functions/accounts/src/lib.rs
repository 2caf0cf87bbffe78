//! Accounts: registering, addresses, passwords, the profile, and the end of an account.

pub mod email_change;
pub mod email_change_confirm;
pub mod email_change_undo;
pub mod email_verify;
pub mod email_verify_resend;
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
pub mod passkey_add;
pub mod passkey_options;
pub mod passkey_remove;
pub mod passkey_update;
pub mod password_change;
pub mod password_forgot;
pub mod password_remove;
pub mod password_reset;
pub mod register;

wardgate::area!["accounts":
    email_change,
    email_change_confirm,
    email_change_undo,
    email_verify,
    email_verify_resend,
    me,
    me_activity,
    me_delete,
    me_export,
    me_keep,
    me_update,
    mfa_recovery_codes,
    mfa_show,
    mfa_totp,
    mfa_totp_confirm,
    mfa_totp_remove,
    mfa_update,
    passkey_add,
    passkey_options,
    passkey_remove,
    passkey_update,
    password_change,
    password_forgot,
    password_remove,
    password_reset,
    register,
];
