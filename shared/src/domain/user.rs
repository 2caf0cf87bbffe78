//! A person with an account.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::email::{Email, EmailKey};
use crate::domain::factors::Factors;
use crate::domain::id::{SessionId, UserId};
use crate::domain::name::DisplayName;
use crate::domain::oauth::grant::Grant;
use crate::domain::session::Session;
use crate::domain::timestamp::Timestamp;

/// What an account may do, by name; the service itself gives no role a meaning yet.
pub type Roles = BTreeSet<String>;

/// The version of an account's credentials that nothing has changed yet.
pub const FIRST_CRED_VERSION: u64 = 1;

/// Whether an account may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// Can sign in.
    Active,
    /// Cannot sign in, and its sessions are dead.
    Disabled,
    /// To be erased at its owner's wish; until then as if disabled, and its owner can still keep it.
    Leaving,
    /// Being erased: nothing of it can be kept any more.
    Erasing,
}

/// An address that an account had before, kept for an undo (OT-12).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerAddress {
    /// The address.
    pub email_key: EmailKey,
    /// From then on it is anybody's.
    pub reserved_until: Timestamp,
}

/// The profile item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Never changes and is never reused.
    pub id: UserId,
    /// Where mail goes.
    pub email: Email,
    /// Whether the owner of `email` has shown that it is theirs.
    pub email_verified: bool,
    /// What the person calls themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<DisplayName>,
    /// Granted by administrators.
    #[serde(default)]
    pub roles: Roles,
    /// Whether the account may be used.
    pub status: UserStatus,
    /// When the account came to be.
    pub created_at: Timestamp,
    /// Grows with each change of credentials; copied to the credential (SE-04).
    pub cred_version: u64,
    /// Sessions created at or before this time are dead (SE-04).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions_not_before: Option<Timestamp>,
    /// The one session that `sessions_not_before` spares (SE-04: "end all others").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_sid: Option<SessionId>,
    /// The addresses that the account had and can go back to, oldest first (OT-12).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_addresses: Vec<FormerAddress>,
    /// What opens it beside its password; copied to the credential.
    #[serde(default, skip_serializing_if = "Factors::is_empty")]
    pub factors: Factors,
    /// When an account whose owner is leaving is erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erase_at: Option<Timestamp>,
    /// For optimistic locking of profile changes.
    pub version: u64,
}

impl User {
    /// A new, active account without roles.
    pub fn new(id: UserId, email: Email, name: Option<DisplayName>, now: Timestamp) -> Self {
        Self {
            id,
            email,
            email_verified: false,
            name,
            roles: Roles::new(),
            status: UserStatus::Active,
            created_at: now,
            cred_version: FIRST_CRED_VERSION,
            sessions_not_before: None,
            kept_sid: None,
            former_addresses: Vec::new(),
            factors: Factors::default(),
            erase_at: None,
            version: 1,
        }
    }

    /// The account after its owner has shown that `email` is theirs too: the address before is kept until
    /// `reserved_until`, and every session is dead (OT-12).
    #[must_use]
    pub fn moved_to(&self, email: Email, reserved_until: Timestamp, now: Timestamp) -> Self {
        let mut former = self.former_addresses.clone();
        former.retain(|address| address.reserved_until > now);
        former.push(FormerAddress { email_key: self.email.key(), reserved_until });
        Self { former_addresses: former, ..self.at(email, now) }
    }

    /// Until when the last change of address that still can be undone can be.
    pub fn address_can_be_undone_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.former_addresses.iter().map(|it| it.reserved_until).filter(|until| *until > now).max()
    }

    /// The account back at an address that it had before, and the addresses that this gives up: the present one, and
    /// those that came between. Whoever moved the account away must not be able to take it back by undoing a later move.
    /// `None` where the address is not kept for this account. A deletion that was asked for meanwhile is off: it may not
    /// have been the owner who asked.
    pub fn moved_back(&self, email: Email, now: Timestamp) -> Option<(Self, Vec<EmailKey>)> {
        if self.status == UserStatus::Erasing {
            return None;
        }
        let (key, former) = (email.key(), &self.former_addresses);
        let position = former.iter().position(|address| address.email_key == key && address.reserved_until > now)?;
        let (kept, later) = former.split_at_checked(position)?;
        let between = later.iter().skip(1).filter(|address| address.reserved_until > now);
        let given_up = between.map(|address| address.email_key.clone()).chain([self.email.key()]).collect();
        let status = if self.status == UserStatus::Leaving { UserStatus::Active } else { self.status };
        let erase_at = None;
        Some((Self { former_addresses: kept.to_vec(), status, erase_at, ..self.at(email, now) }, given_up))
    }

    fn at(&self, email: Email, now: Timestamp) -> Self {
        Self {
            email,
            email_verified: true,
            cred_version: self.cred_version + 1,
            sessions_not_before: Some(now),
            kept_sid: None,
            version: self.version + 1,
            ..self.clone()
        }
    }

    /// Whether this account, as it is now, lets a session live (SE-04). That it was made under the present credentials is
    /// no matter of time: a sign-in that has read the old ones may commit long after whatever replaced them began.
    pub fn admits(&self, session: &Session) -> bool {
        let is_later = self.sessions_not_before.is_none_or(|limit| session.created_at > limit);
        let is_present = session.cred_version.is_none_or(|version| version == self.cred_version);
        self.status == UserStatus::Active && (self.kept_sid == Some(session.id) || is_later && is_present)
    }

    /// Whether it lets a grant live that has outlived its session, by the same rules (OC-41).
    pub fn admits_offline(&self, grant: &Grant) -> bool {
        let is_later = self.sessions_not_before.is_none_or(|limit| grant.created_at > limit);
        let is_present = grant.offline_version == Some(self.cred_version);
        self.status == UserStatus::Active && (self.kept_sid == Some(grant.session_id) || is_later && is_present)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::session::tests::session;

    /// An account for tests of other modules.
    pub(crate) fn ada() -> User {
        let id = UserId::new(Timestamp::from_millis(1), 7);
        User::new(id, Email::parse("ada@example.com").unwrap(), None, Timestamp::from_millis(1))
    }

    #[test]
    fn sec_se_04_sessions_at_or_before_the_limit_are_dead_but_the_kept_one() {
        let limit = Timestamp::from_millis(100);
        let created = |number, created_at| {
            let created_at = Timestamp::from_millis(created_at);
            Session { id: SessionId::new(Timestamp::EPOCH, number), created_at, ..session(0) }
        };
        let user = User { sessions_not_before: Some(limit), kept_sid: Some(created(2, 1).id), ..ada() };
        assert!(!user.admits(&created(1, 100)));
        assert!(user.admits(&created(1, 101)));
        assert!(user.admits(&created(2, 100)));
    }

    #[test]
    fn sec_se_04_a_session_of_other_credentials_is_dead_however_late_it_came_but_the_kept_one() {
        let made = |cred_version| Session { cred_version, created_at: Timestamp::from_millis(500), ..session(0) };
        let user = User { cred_version: 2, sessions_not_before: Some(Timestamp::from_millis(100)), ..ada() };
        for other in [1, 3] {
            assert!(!user.admits(&made(Some(other))), "{other}");
        }
        assert!(user.admits(&made(Some(2))));
        assert!(user.admits(&made(None)), "of the release before, which is judged by its time");
        let keeping = User { kept_sid: Some(made(None).id), ..user };
        assert!(keeping.admits(&made(Some(1))));
    }

    #[test]
    fn sec_se_04_a_disabled_account_admits_no_session() {
        let user = User { status: UserStatus::Disabled, kept_sid: Some(session(0).id), ..ada() };
        assert!(!user.admits(&session(0)));
    }

    fn email(local: &str) -> Email {
        Email::parse(&format!("{local}@example.com")).unwrap()
    }

    #[test]
    fn sec_ot_12_going_back_gives_up_the_present_address_and_all_between() {
        let at = Timestamp::from_millis;
        let moved = ada().moved_to(email("b"), at(100), at(10)).moved_to(email("c"), at(110), at(20));
        let (back, given_up) = moved.moved_back(email("ada"), at(30)).unwrap();
        assert_eq!((back.email, back.former_addresses), (email("ada"), Vec::new()));
        assert_eq!(given_up, [email("b").key(), email("c").key()]);
        assert_eq!((back.cred_version, back.sessions_not_before), (moved.cred_version + 1, Some(at(30))));
        let (back, given_up) = moved.moved_back(email("b"), at(30)).unwrap();
        assert_eq!(given_up, [email("c").key()]);
        assert!(back.moved_back(email("ada"), at(31)).is_some(), "a later move undone first must not end this");
    }

    #[test]
    fn sec_ot_12_an_address_is_not_kept_for_longer() {
        let at = Timestamp::from_millis;
        let moved = ada().moved_to(email("b"), at(100), at(10));
        assert!(moved.moved_back(email("ada"), at(99)).is_some());
        assert_eq!(moved.moved_back(email("ada"), at(100)), None);
        assert_eq!(moved.moved_back(email("x"), at(50)), None);
        assert_eq!(moved.moved_to(email("c"), at(200), at(100)).former_addresses.len(), 1);
    }

    #[test]
    fn sec_ot_12_going_back_ends_a_deletion_but_not_a_disabling() {
        let at = Timestamp::from_millis;
        for (before, after) in [(UserStatus::Leaving, UserStatus::Active), (UserStatus::Disabled, UserStatus::Disabled)]
        {
            let moved = User { status: before, ..ada().moved_to(email("b"), at(100), at(10)) };
            assert_eq!(moved.moved_back(email("ada"), at(20)).unwrap().0.status, after);
        }
    }
}
