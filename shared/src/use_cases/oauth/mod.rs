//! Signing people in to applications: OAuth 2.1 and OpenID Connect.

pub mod admitted;
pub mod asking_client;
pub mod authorize;
pub(in crate::use_cases) mod by_code;
mod by_refresh;
pub mod client_authentication;
pub mod consent;
pub mod end_application;
pub mod end_session;
pub mod exchange;
pub mod introspect;
mod issue;
pub(in crate::use_cases) mod live_grant;
pub mod logout_orders;
pub mod revoke;
mod shown_token;
pub mod token;
pub mod userinfo;
