//! The one list of endpoints: the router, the API description and the tests that hold everything else to it.

use std::sync::LazyLock;

use wardgate::http::area::Area;
use wardgate::http::endpoint::Endpoint;
use wardgate::http::openapi::{self, Operation};

/// Every area.
pub const AREAS: [Area; 5] = [accounts::AREA, oauth::AREA, pages::AREA, service::AREA, sign_in::AREA];

/// Every endpoint with what the API description says of it, by name.
pub static ENDPOINTS: LazyLock<Vec<(Endpoint, &Operation)>> = LazyLock::new(|| {
    let mut endpoints: Vec<_> = AREAS.iter().flat_map(|area| area.endpoints.iter().cloned()).collect();
    endpoints.sort_by_key(|(endpoint, _)| endpoint.name);
    endpoints
});

/// The functions that answer other events than requests of our own API.
pub const EVENT_FUNCTIONS: &[&str] = &[
    "audit-watch",
    "authorizer",
    "edge-sync",
    "eraser",
    "events",
    "logout-notifier",
    "mailer",
    "migrate",
    "restore-sweep",
    "rotate-keys",
    "smoke",
];

/// The API description, as it is served and as `docs/api/openapi.json` has it.
pub fn openapi() -> serde_json::Value {
    openapi::document(&ENDPOINTS)
}
