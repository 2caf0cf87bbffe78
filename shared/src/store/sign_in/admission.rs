//! What a write asks of a session and of its account: what was read before may be otherwise by then.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::session::Session;
use crate::store::attributes::{number, string};
use crate::store::write::Write;

/// The condition that a session lives, at the time `:at`.
pub(in crate::store) const LIVES: &str =
    "secret_hash = :secret AND attribute_not_exists(revoked_at) AND idle_expires_at > :at AND expires_at > :at";

/// The condition that the account still lets a session live, as [`crate::domain::user::User::admits`] has it: what a
/// session asks for must not bring it back to life. [`admitted`] has its values.
pub(in crate::store) fn admits(session: &Session) -> String {
    let present = if session.cred_version.is_some() { " AND cred_version = :made_under" } else { "" };
    format!(
        "(kept_sid = :kept OR (attribute_not_exists(sessions_not_before) OR sessions_not_before < :created){present})"
    )
}

/// What [`admits`] compares with.
pub(in crate::store) fn admitted(session: &Session) -> impl Iterator<Item = (&'static str, AttributeValue)> {
    let version = session.cred_version.map(|version| (":made_under", number(version)));
    [(":kept", string(session.id)), (":created", number(session.created_at.millis()))].into_iter().chain(version)
}

/// On condition that a user's factors are still those of a version: what has read others must not commit (MF-01).
pub(in crate::store) fn same_factors<Act>(write: Write<Act>, version: u64) -> Write<Act> {
    if version == 0 {
        // An account that never had one.
        return write.and("attribute_not_exists(factors)");
    }
    write.and("factors.version = :factors_version").with([(":factors_version", number(version))])
}
