//! An area: the same word for a folder of functions, of use cases, of store methods and of tests, and for a stack.

use crate::http::endpoint::Endpoint;
use crate::http::openapi::Operation;

/// The endpoints of one area: a crate that is a folder of functions, and a stack.
pub struct Area {
    /// The folder and the stack.
    pub name: &'static str,
    /// Each endpoint with what the API description says of it.
    pub endpoints: &'static [(Endpoint, &'static Operation)],
}

/// Lists the endpoints of an area, each by its module.
#[macro_export]
macro_rules! area {
    [$area:literal: $($endpoint:ident),* $(,)?] => {
        /// The area, for whoever hosts all of its endpoints.
        pub const AREA: $crate::http::area::Area = $crate::http::area::Area {
            name: $area,
            endpoints: &[$(($endpoint::ENDPOINT, &$endpoint::OPERATION)),*],
        };
    };
}
