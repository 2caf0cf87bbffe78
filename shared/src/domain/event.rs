//! What happened to accounts and sessions, for whoever listens: no personal data, only ids and times
//! (docs/events.md).

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::credential::Credential;
use crate::domain::id::{SessionId, UserId};
use crate::domain::mail_order::MailOrder;
use crate::domain::session::Session;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::{User, UserStatus};

/// The version of [`EventDetail`]. Members may be added to a version; anything else makes a new one.
pub const VERSION: u32 = 1;

/// Every event's `source`.
pub const SOURCE: &str = "wardgate";

macro_rules! kinds {
    ($($kind:ident, $name:literal, $meaning:literal;)*) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum EventKind {
            $(#[doc = $meaning] $kind,)*
        }

        impl EventKind {
            /// Every kind, with what it means.
            pub const ALL: &'static [(Self, &'static str)] = &[$((Self::$kind, $meaning),)*];

            /// The event's `detail-type`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }
        }
    };
}

kinds![
    AccountCreated, "account.created", "An account exists.";
    AccountVerified, "account.verified", "The account's owner has shown that its address is theirs.";
    AccountEmailChanged, "account.email_changed", "The account has another address.";
    AccountDisabled, "account.disabled", "The account cannot be used any more.";
    AccountEnabled, "account.enabled", "A disabled account can be used again.";
    AccountDeletionScheduled, "account.deletion_scheduled", "The account's owner has deleted it: it is erased after the grace period.";
    AccountDeletionCancelled, "account.deletion_cancelled", "The account's owner keeps it after all.";
    AccountErased, "account.erased", "The account is gone: delete what you hold about it.";
    PasswordChanged, "password.changed", "The account has another password, changed or reset.";
    SessionStarted, "session.started", "Somebody has signed in; `session_id` is the new session.";
    SessionEnded, "session.ended", "The session `session_id` was ended, revoked or erased, or it expired.";
    SessionsEnded, "sessions.ended", "All sessions that began before this are dead, except `session_id` where there is one.";
];

/// An event's `detail`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EventDetail {
    /// 1.
    pub version: u32,
    /// The same for each delivery of one event: remember it to take each event once.
    pub id: String,
    /// When it happened (RFC 3339, UTC).
    pub time: String,
    /// Whose account or session it is: `usr_…`.
    #[schemars(with = "String")]
    pub user_id: UserId,
    /// Which session: `ses_…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub session_id: Option<SessionId>,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// To whom, and when.
    pub detail: EventDetail,
}

/// What changed in the table, as far as anybody outside cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// An account.
    Profile {
        /// Before.
        old: Option<Box<User>>,
        /// After.
        new: Option<Box<User>>,
    },
    /// A session.
    Session {
        /// Before.
        old: Option<Box<Session>>,
        /// After.
        new: Option<Box<Session>>,
    },
    /// A credential that was there before and after.
    Credential {
        /// Before.
        old: Box<Credential>,
        /// After.
        new: Box<Credential>,
    },
    /// An item whose mail has not gone out.
    MailOrder(MailOrder),
    /// Nobody's affair.
    Other,
}

impl Change {
    /// What there is to tell about it. `change_id` names the change and is the same for each delivery of it.
    pub fn events(&self, change_id: &str, at: Timestamp) -> Vec<Event> {
        let kinds = match self {
            Self::Profile { old, new } => profile(old.as_deref(), new.as_deref()),
            Self::Session { old, new } => session(old.as_deref(), new.as_deref()),
            Self::Credential { old, new } => credential(old, new),
            Self::MailOrder(_) | Self::Other => Vec::new(),
        };
        let event = |(kind, user_id, session_id): (EventKind, UserId, Option<SessionId>)| Event {
            kind,
            detail: EventDetail {
                version: VERSION,
                id: format!("{change_id}.{}", kind.name()),
                time: at.rfc3339(),
                user_id,
                session_id,
            },
        };
        kinds.into_iter().map(event).collect()
    }
}

type Told = (EventKind, UserId, Option<SessionId>);

fn profile(old: Option<&User>, new: Option<&User>) -> Vec<Told> {
    let (id, kinds) = match (old, new) {
        (None, None) => return Vec::new(),
        (None, Some(new)) => {
            let verified = new.email_verified.then_some(EventKind::AccountVerified);
            (new.id, [Some(EventKind::AccountCreated), verified].into_iter().flatten().collect())
        }
        (Some(old), None) => (old.id, vec![EventKind::AccountErased]),
        (Some(old), Some(new)) => (new.id, modified(old, new)),
    };
    let kept = new.and_then(|user| user.kept_sid);
    let told = |kind: EventKind| (kind, id, kept.filter(|_| kind == EventKind::SessionsEnded));
    kinds.into_iter().map(told).collect()
}

fn modified(old: &User, new: &User) -> Vec<EventKind> {
    let status = match (old.status, new.status) {
        (UserStatus::Active | UserStatus::Leaving, UserStatus::Disabled) => Some(EventKind::AccountDisabled),
        (UserStatus::Active | UserStatus::Disabled, UserStatus::Leaving) => Some(EventKind::AccountDeletionScheduled),
        (UserStatus::Leaving, UserStatus::Active) => Some(EventKind::AccountDeletionCancelled),
        (UserStatus::Disabled, UserStatus::Active) => Some(EventKind::AccountEnabled),
        _ => None,
    };
    let changed = |changed: bool, kind: EventKind| changed.then_some(kind);
    let moved = old.email.canonical() != new.email.canonical();
    [
        changed(!old.email_verified && new.email_verified, EventKind::AccountVerified),
        changed(moved, EventKind::AccountEmailChanged),
        status,
        changed(new.sessions_not_before > old.sessions_not_before, EventKind::SessionsEnded),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn session(old: Option<&Session>, new: Option<&Session>) -> Vec<Told> {
    let told = match (old, new) {
        (None, Some(new)) => Some((EventKind::SessionStarted, new)),
        (old, new) => ended_session(old, new).map(|session| (EventKind::SessionEnded, session)),
    };
    told.into_iter().map(|(kind, session)| (kind, session.user_id, Some(session.id))).collect()
}

/// The session that a change ended: it was ended or revoked, or its item is gone.
pub fn ended_session<'a>(old: Option<&'a Session>, new: Option<&'a Session>) -> Option<&'a Session> {
    let is_revoked = |session: &Session| session.revoked_at.is_some();
    match (old, new) {
        (Some(old), Some(new)) if !is_revoked(old) && is_revoked(new) => Some(new),
        (Some(old), None) if !is_revoked(old) => Some(old),
        _ => None,
    }
}

/// A hash that is replaced under the same `cred_version` is the same password, hashed or wrapped anew (PW-01, PW-02).
fn credential(old: &Credential, new: &Credential) -> Vec<Told> {
    let changed = old.user_id == new.user_id && old.password != new.password && old.cred_version < new.cred_version;
    if changed { vec![(EventKind::PasswordChanged, new.user_id, None)] } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::email::Email;
    use crate::domain::user::tests::ada;

    fn names(old: Option<User>, new: Option<User>) -> Vec<&'static str> {
        let change = Change::Profile { old: old.map(Box::new), new: new.map(Box::new) };
        change.events("e1", Timestamp::EPOCH).into_iter().map(|event| event.kind.name()).collect()
    }

    #[test]
    fn an_accounts_life_is_told() {
        let (verified, moved) = (
            User { email_verified: true, ..ada() },
            User { email: Email::parse("bob@example.com").unwrap(), email_verified: true, ..ada() },
        );
        let with = |status| User { status, ..ada() };
        assert_eq!(names(None, Some(ada())), ["account.created"]);
        assert_eq!(names(None, Some(verified.clone())), ["account.created", "account.verified"]);
        assert_eq!(names(Some(ada()), Some(verified.clone())), ["account.verified"]);
        assert_eq!(names(Some(verified), Some(moved)), ["account.email_changed"]);
        assert_eq!(names(Some(ada()), Some(with(UserStatus::Disabled))), ["account.disabled"]);
        assert_eq!(names(Some(with(UserStatus::Disabled)), Some(ada())), ["account.enabled"]);
        assert_eq!(names(Some(ada()), Some(with(UserStatus::Leaving))), ["account.deletion_scheduled"]);
        assert_eq!(names(Some(with(UserStatus::Leaving)), Some(ada())), ["account.deletion_cancelled"]);
        assert_eq!(names(Some(with(UserStatus::Leaving)), None), ["account.erased"]);
        assert_eq!(names(Some(ada()), Some(User { version: 9, ..ada() })), Vec::<&str>::new());
    }

    #[test]
    fn a_repeated_delivery_has_the_same_id_and_two_kinds_have_two() {
        let change = Change::Profile { old: None, new: Some(Box::new(User { email_verified: true, ..ada() })) };
        let (first, again) = (change.events("e1", Timestamp::EPOCH), change.events("e1", Timestamp::EPOCH));
        assert_eq!(first, again);
        assert_ne!(first[0].detail.id, first[1].detail.id);
    }

    #[test]
    fn sec_pl_02_an_event_holds_ids_and_times_alone() {
        let user = User { email: Email::parse("canary@example.com").unwrap(), ..ada() };
        let change = Change::Profile { old: None, new: Some(Box::new(user)) };
        let text = serde_json::to_string(&change.events("e1", Timestamp::EPOCH)[0].detail).unwrap();
        assert!(!text.contains("canary") && !text.contains('@'), "{text}");
    }
}
