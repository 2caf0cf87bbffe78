//! Signing in and out, and the sessions that come of it.

pub mod login;
pub mod login_email_code;
pub mod login_email_code_verify;
pub mod login_mfa;
pub mod login_mfa_lost;
pub mod login_mfa_options;
pub mod logout;
pub mod passkey_login;
pub mod passkey_login_options;
pub mod session_end;
pub mod sessions_end_others;
pub mod sessions_list;
pub mod step_up;
pub mod step_up_options;
pub mod token_refresh;

wardgate::area!["sign-in":
    login,
    login_email_code,
    login_email_code_verify,
    login_mfa,
    login_mfa_lost,
    login_mfa_options,
    logout,
    passkey_login,
    passkey_login_options,
    session_end,
    sessions_end_others,
    sessions_list,
    step_up,
    step_up_options,
    token_refresh,
];
