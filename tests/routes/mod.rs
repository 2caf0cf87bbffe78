//! One file per endpoint.

mod email_change;
mod email_change_confirm;
mod email_change_undo;
mod email_verify;
mod email_verify_resend;
mod health;
mod jwks;
mod login;
mod logout;
mod me;
mod openid_configuration;
mod password_change;
mod password_forgot;
mod password_reset;
mod ready;
mod register;
mod session_end;
mod sessions_end_others;
mod sessions_list;
mod token_refresh;
