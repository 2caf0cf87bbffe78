//! Signing in and out, and the sessions that come of it.

pub mod browser_session;
pub mod login;
pub mod login_email_code;
pub mod login_email_code_verify;
pub mod login_in_browser;
pub mod login_mfa;
pub mod login_mfa_lost;
pub mod login_mfa_options;
pub mod logout;
pub mod passkey_login;
pub mod passkey_login_options;
pub mod second_step;
pub mod session;
pub mod session_end;
pub mod sessions_end_others;
pub mod sessions_list;
pub mod step_up;
pub mod step_up_options;
pub mod token_refresh;
