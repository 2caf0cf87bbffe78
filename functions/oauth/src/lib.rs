//! Signing in to applications: OAuth 2.1 and OpenID Connect.

pub mod authorize;
pub mod end_session;
pub mod introspect;
pub mod revoke;
pub mod token;
pub mod userinfo;

wardgate::area!["oauth":
    authorize,
    end_session,
    introspect,
    revoke,
    token,
    userinfo,
];
