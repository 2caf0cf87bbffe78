//! Signing in to applications: OAuth 2.1 and OpenID Connect.

pub mod authorize;
pub mod token;
pub mod userinfo;

wardgate::area!["oauth":
    authorize,
    token,
    userinfo,
];
