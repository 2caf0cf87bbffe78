//! The HTTP edge: typed requests in, replies and problems out. Hosts turn their own events into [`edge::Incoming`].

pub mod activity;
pub mod area;
pub mod authorization_answer;
pub mod bearer;
pub mod browser;
pub mod cookies;
pub mod cors;
pub mod csrf;
pub mod edge;
pub mod edge_proof;
pub mod endpoint;
pub mod favicon;
pub mod json;
pub mod mail_order;
pub mod me;
pub mod members;
pub mod navigation;
pub mod oauth;
pub mod openapi;
pub mod page;
pub mod page_endpoint;
pub mod paging;
pub mod problem;
pub mod query;
pub mod reply;
pub mod request;
pub mod signed_in;
pub mod source_address;

mod email_code;
mod faults;
mod form;
mod media_type;
mod password_check;
mod redirect;
mod registration;
mod second_factor;
