//! Signing in and out, and the sessions that come of it.

pub mod login;
pub mod login_email_code;
pub mod login_email_code_verify;
pub mod login_mfa;
pub mod login_mfa_lost;
pub mod logout;
pub mod session_end;
pub mod sessions_end_others;
pub mod sessions_list;
pub mod step_up;
pub mod token_refresh;

wardgate::area!["sign-in":
    login,
    login_email_code,
    login_email_code_verify,
    login_mfa,
    login_mfa_lost,
    logout,
    session_end,
    sessions_end_others,
    sessions_list,
    step_up,
    token_refresh,
];
