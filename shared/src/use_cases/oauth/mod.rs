//! Signing people in to applications: OAuth 2.1 and OpenID Connect.

pub mod authorize;
mod by_code;
mod by_refresh;
pub mod exchange;
mod issue;
pub(in crate::use_cases) mod live_grant;
pub mod token;
pub mod userinfo;
