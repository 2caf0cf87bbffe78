//! What can be done: one file a verb. Nothing here knows of HTTP.

pub mod authenticate;
pub mod authorize;
pub mod choose_letter;
pub mod choose_password;
pub mod email_change;
pub mod email_change_confirm;
pub mod email_change_undo;
pub mod email_verify;
pub mod email_verify_resend;
pub mod end_other_sessions;
pub mod end_session;
pub mod erase_accounts;
pub mod fault;
pub mod health;
pub mod jwks;
pub mod list_activity;
pub mod list_sessions;
pub mod login;
pub mod login_email_code;
pub mod login_email_code_verify;
pub mod logout;
pub mod me;
pub mod me_delete;
pub mod me_export;
pub mod me_keep;
pub mod me_update;
pub mod migrate;
pub mod password_change;
pub mod password_check;
pub mod password_forgot;
pub mod password_reset;
pub mod publish_changes;
pub mod register;
pub mod rotate_keys;
pub mod send_mail;
pub mod sign_in;
#[cfg(feature = "smoke")]
pub mod smoke;
pub mod sweep_restored;
pub mod token_refresh;
pub mod watch_audit;

mod known_device;
mod order_mail;
mod repeat;
mod reserve;
