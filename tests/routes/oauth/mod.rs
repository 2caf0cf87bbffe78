//! A file for each endpoint of the area `oauth`.

use crate::permissions::Drive;

mod authorize;
mod end_session;
mod introspect;
mod revoke;
mod token;
mod userinfo;

/// What drives its endpoint's branches by itself.
pub const DRIVES: &[Drive] = &[
    |observer| Box::pin(authorize::drive(observer)),
    |observer| Box::pin(end_session::drive(observer)),
    |observer| Box::pin(introspect::drive(observer)),
    |observer| Box::pin(revoke::drive(observer)),
    |observer| Box::pin(token::drive(observer)),
    |observer| Box::pin(userinfo::drive(observer)),
];
