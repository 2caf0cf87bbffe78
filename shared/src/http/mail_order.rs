//! What the endpoints have in common that order a mail: they tell nothing about the address (EN-04).

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::problem::Problem;
use crate::http::reply::Reply;

/// What such an endpoint can refuse.
pub const PROBLEMS: &[(u16, &str)] =
    &[(400, "A member is missing or breaks a rule."), (503, "Busy; try again after Retry-After.")];

/// What everybody is answered, whatever the address.
#[derive(Serialize, JsonSchema)]
pub struct MailOrdered {
    /// `accepted`.
    pub status: &'static str,
}

/// The answer, whatever the address.
pub fn taken() -> Result<Reply, Problem> {
    Reply::json(StatusCode::ACCEPTED, &MailOrdered { status: "accepted" })
}
