//! A file for each endpoint of the area `sign-in`.

use crate::permissions::Drive;

mod login;
mod login_email_code;
mod login_email_code_verify;
mod login_mfa;
pub mod login_mfa_lost;
mod login_mfa_options;
mod logout;
mod passkey_login;
mod passkey_login_options;
mod session_end;
mod sessions_end_others;
mod sessions_list;
mod step_up;
mod step_up_options;
mod token_refresh;

/// What drives its endpoint's branches by itself.
pub const DRIVES: &[Drive] = &[
    |it| Box::pin(step_up::drive(it)),
    |it| Box::pin(login_mfa::drive(it)),
    |it| Box::pin(login_mfa_lost::drive(it)),
    |it| Box::pin(login_mfa_options::drive(it)),
    |it| Box::pin(step_up_options::drive(it)),
    |it| Box::pin(passkey_login_options::drive(it)),
    |it| Box::pin(passkey_login::drive(it)),
];
