//! What can be done: one file a verb, by area; what several areas share, and what no route leads to, stands here. Nothing
//! here knows of HTTP.

pub mod accounts;
pub mod allow_recovery;
pub mod audit_watch;
pub mod authenticate;
pub mod authorizer;
pub mod choose_password;
pub mod clients;
pub mod edge_sync;
pub mod eraser;
pub mod events;
#[cfg(feature = "backchannel")]
pub mod logout_notifier;
pub mod mailed_link;
pub mod mailer;
pub mod migrate;
pub mod oauth;
pub mod passkey;
pub mod password_check;
pub mod restore_sweep;
pub mod rotate_keys;
pub mod second_factor;
pub mod service;
pub mod sign_in;
#[cfg(feature = "smoke")]
pub mod smoke;

mod audit_line;
mod counted;
pub mod factors_change;
mod known_device;
mod mailed_item;
mod order_mail;
mod reserve;
