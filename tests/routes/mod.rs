//! One file per endpoint.

mod health;
mod jwks;
mod login;
mod logout;
mod me;
mod me_activity;
mod me_delete;
mod me_export;
mod me_keep;
mod me_update;
mod openid_configuration;
mod ready;
mod register;
mod session_end;
mod sessions_end_others;
mod sessions_list;
mod token_refresh;
