//! A file for each endpoint of the area `oauth`.

use crate::permissions::Drive;

mod authorize;
mod token;
mod userinfo;

/// What drives its endpoint's branches by itself.
pub const DRIVES: &[Drive] = &[
    |observer| Box::pin(authorize::drive(observer)),
    |observer| Box::pin(token::drive(observer)),
    |observer| Box::pin(userinfo::drive(observer)),
];
