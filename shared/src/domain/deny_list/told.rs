//! What a change in the table tells the deny list.

use crate::domain::deny_list::{DenyOrder, MARGIN_SECONDS};
use crate::domain::event::Change;
use crate::domain::session::Session;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::{User, UserStatus};

/// The orders that follow from a change made at `at`, while access tokens live for `access_seconds`. An item that the
/// table itself deleted, by its time to live, tells nothing: what it was about had ended before.
pub fn orders(change: &Change, at: Timestamp, by_the_table: bool, access_seconds: u64) -> Vec<DenyOrder> {
    let access = i64::try_from(access_seconds).unwrap_or(i64::MAX);
    let order = match change {
        _ if by_the_table => None,
        Change::Session { old, new } => session(old.as_deref(), new.as_deref(), at, access),
        Change::Profile { old, new } => profile(old.as_deref(), new.as_deref(), at, access),
        Change::Credential { .. } | Change::MailOrder(_) | Change::Other => None,
    };
    order.into_iter().collect()
}

fn session(old: Option<&Session>, new: Option<&Session>, at: Timestamp, access: i64) -> Option<DenyOrder> {
    if old.is_some_and(|old| old.revoked_at.is_some()) {
        return None;
    }
    let (session, ended) = match (old, new) {
        (_, Some(new)) => (new, new.revoked_at?),
        (Some(old), None) => (old, at),
        (None, None) => return None,
    };
    // A refresh may be repeated for the window of grace, at most 30 s, which is within the margin.
    let last_token = session.rotated_at.max(session.created_at).unix_seconds();
    let is_alive = ended.unix_seconds() <= last_token.saturating_add(access).saturating_add(MARGIN_SECONDS);
    is_alive.then(|| DenyOrder::session(session.id, session.user_id, ended.unix_seconds(), access))
}

fn profile(old: Option<&User>, new: Option<&User>, at: Timestamp, access: i64) -> Option<DenyOrder> {
    let old = old?;
    let is_active = |user: &User| user.status == UserStatus::Active;
    // The stream's times are of whole seconds, and this one's may be the second that has not passed yet.
    let at = at.unix_seconds().saturating_add(1);
    let Some(new) = new else {
        let limit = old.sessions_not_before.map_or(0, Timestamp::unix_seconds);
        let may_have_tokens = is_active(old) || at <= limit.saturating_add(access).saturating_add(MARGIN_SECONDS);
        return may_have_tokens.then(|| DenyOrder::user(old.id, None, at, access));
    };
    if is_active(old) && !is_active(new) {
        return Some(DenyOrder::user(new.id, None, at, access));
    }
    let limit = new.sessions_not_before.filter(|limit| old.sessions_not_before.is_none_or(|before| *limit > before))?;
    Some(DenyOrder::user(new.id, new.kept_sid, limit.unix_seconds(), access))
}
