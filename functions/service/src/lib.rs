//! The service itself: how it is, and what its tokens verify with.

pub mod health;
pub mod jwks;
pub mod openid_configuration;
pub mod preflight;
pub mod ready;
pub mod related_origins;

wardgate::area!["service":
    health,
    jwks,
    openid_configuration,
    preflight,
    ready,
    related_origins,
];
