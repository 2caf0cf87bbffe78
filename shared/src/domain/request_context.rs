//! What use cases know of the request that they serve.

use crate::domain::language::Language;
use crate::domain::origin::Origin;
use crate::domain::timestamp::Timestamp;

/// One request, as far as use cases care.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// When it came in: one request has one time.
    pub now: Timestamp,
    /// Where it came from.
    pub origin: Origin,
    /// What its sender reads.
    pub language: Language,
    /// Its id in logs and in the audit trail.
    pub request_id: String,
}
