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
mod mfa_recovery_codes;
mod mfa_show;
mod mfa_totp;
mod mfa_totp_confirm;
mod mfa_totp_remove;
mod mfa_update;
pub mod passkey_add;
mod passkey_options;
mod passkey_remove;
mod passkey_update;
mod password_change;
mod password_forgot;
mod password_remove;
mod password_reset;
mod register;

/// What drives its endpoint's branches by itself.
pub const DRIVES: &[Drive] = &[
    |it| Box::pin(mfa_show::drive(it)),
    |it| Box::pin(mfa_update::drive(it)),
    |it| Box::pin(mfa_totp::drive(it)),
    |it| Box::pin(mfa_totp_confirm::drive(it)),
    |it| Box::pin(mfa_totp_remove::drive(it)),
    |it| Box::pin(mfa_recovery_codes::drive(it)),
    |it| Box::pin(passkey_options::drive(it)),
    |it| Box::pin(passkey_add::drive(it)),
    |it| Box::pin(passkey_update::drive(it)),
    |it| Box::pin(passkey_remove::drive(it)),
    |it| Box::pin(password_remove::drive(it)),
];
