//! A session: one sign-in on one device, and the family of refresh tokens that grows from it (SE-02).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::id::{SessionId, UserId};
use crate::domain::oauth::client::ClientId;
use crate::domain::timestamp::Timestamp;

/// How long sessions and their refresh tokens live.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SessionPolicy {
    /// A session that is not refreshed for so long is over (SE-01).
    pub idle_seconds: u64,
    /// A session is over so long after its sign-in (SE-01).
    pub absolute_seconds: u64,
    /// How long a refresh may be repeated with the same answer.
    pub grace_seconds: u64,
}

impl SessionPolicy {
    /// The idle limit.
    pub fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_seconds)
    }

    /// The absolute limit.
    pub fn absolute(&self) -> Duration {
        Duration::from_secs(self.absolute_seconds)
    }

    /// The grace window.
    pub fn grace(&self) -> Duration {
        Duration::from_secs(self.grace_seconds)
    }
}

/// The session item. It names the current generation but holds no token: the random bits that a token needs are in
/// the tokens alone, and only their hash is here (OT-09).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Part of the item's key.
    pub id: SessionId,
    /// Whose session it is.
    pub user_id: UserId,
    /// How often it was refreshed. Only the token of this generation is current.
    pub generation: u32,
    /// SHA-256 of the session's 128 random bits, in hex.
    pub secret_hash: String,
    /// The MAC key of the current generation, so that its token can be computed again after a key rotation.
    pub mac_kid: String,
    /// The account's credentials that it was made under: a change of them ends it (SE-04). A session that the release
    /// before this one made has none, and is judged by its time alone; the last of those is over
    /// `sessions.absolute_seconds` after that release is gone, and then this is always there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cred_version: Option<u64>,
    /// When the person signed in.
    pub created_at: Timestamp,
    /// When the person last proved who they are (`auth_time`).
    pub authenticated_at: Timestamp,
    /// How the person proved it (RFC 8176): `pwd`, `otp`.
    #[serde(default = "password_alone")]
    pub amr: Vec<String>,
    /// When the current generation came to be.
    pub rotated_at: Timestamp,
    /// Dead from then on unless refreshed.
    pub idle_expires_at: Timestamp,
    /// Dead from then on.
    pub expires_at: Timestamp,
    /// Set when the session was ended or revoked; the item stays as a tombstone until `expires_at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// The address of the last sign-in or refresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The user agent of the last sign-in or refresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The clients that are told when it ends (OC-41). A session begins without any, and each is added by itself.
    #[serde(default, skip_serializing)]
    pub told_clients: Vec<ClientId>,
}

/// The most clients that are told of one session's end.
pub const MOST_TOLD: usize = 200;

fn password_alone() -> Vec<String> {
    vec!["pwd".to_owned()]
}

/// What a refresh token that could not rotate its session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented {
    /// The current token, younger than the grace window: it is its own answer.
    Current,
    /// The immediate parent inside the window: the answer was lost, and is given again.
    Replayed,
    /// Any other generation of a live session: a copy is in use somewhere.
    Reused,
    /// The session has ended, has expired, or never had this secret.
    Dead,
}

impl Session {
    /// Whether the session itself is alive at `now`; the user has a say too ([`crate::domain::user::User::admits`]).
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.idle_expires_at && now < self.expires_at
    }

    /// Whether it is over for whatever came of it, too. Its idle time ends only what the browser keeps: an application in daily
    /// use never asks the browser.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.revoked_at.is_some() || now >= self.expires_at
    }

    /// Judges a token of `generation` that failed the condition of a rotation (SE-02). The item is the one that the
    /// failed condition returned, so the judgement is about the very state that refused it.
    pub fn judge(&self, generation: u32, secret_hash: &str, grace: Duration, now: Timestamp) -> Presented {
        // A token with a right MAC but the wrong secret was forged with a leaked key. It must not end the session.
        if self.secret_hash != secret_hash || !self.is_live(now) {
            return Presented::Dead;
        }
        let in_window = now < self.rotated_at.plus(grace);
        if generation == self.generation && in_window {
            Presented::Current
        } else if generation.checked_add(1) == Some(self.generation) && in_window {
            Presented::Replayed
        } else {
            Presented::Reused
        }
    }

    /// Whether a request from here differs from where the session was last used (SE-02).
    pub fn is_elsewhere(&self, address: Option<&str>, user_agent: Option<&str>) -> bool {
        self.address.as_deref() != address || self.user_agent.as_deref() != user_agent
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(10);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    /// A session for tests of other modules.
    pub(crate) fn session(generation: u32) -> Session {
        Session {
            id: SessionId::new(at(0), 1),
            user_id: UserId::new(at(0), 1),
            generation,
            secret_hash: "hash".to_owned(),
            mac_kid: "k1".to_owned(),
            cred_version: None,
            created_at: at(0),
            authenticated_at: at(0),
            amr: password_alone(),
            rotated_at: at(100),
            idle_expires_at: at(1000),
            expires_at: at(2000),
            revoked_at: None,
            address: None,
            user_agent: None,
            told_clients: Vec::new(),
        }
    }

    #[test]
    fn sec_se_02_a_young_current_token_is_its_own_answer() {
        assert_eq!(session(5).judge(5, "hash", GRACE, at(109)), Presented::Current);
    }

    #[test]
    fn sec_se_02_the_parent_is_answered_inside_the_window_only() {
        assert_eq!(session(5).judge(4, "hash", GRACE, at(109)), Presented::Replayed);
        assert_eq!(session(5).judge(4, "hash", GRACE, at(110)), Presented::Reused);
    }

    #[test]
    fn sec_se_02_older_and_future_generations_are_reuse() {
        for generation in [0, 1, 3, 6, 7, u32::MAX] {
            assert_eq!(session(5).judge(generation, "hash", GRACE, at(105)), Presented::Reused, "{generation}");
        }
    }

    #[test]
    fn sec_ot_09_a_forged_secret_cannot_revoke_the_family() {
        assert_eq!(session(5).judge(1, "other", GRACE, at(105)), Presented::Dead);
    }

    #[test]
    fn sec_se_01_sessions_end_by_idle_and_by_absolute_limit() {
        assert!(session(0).is_live(at(999)));
        assert!(!session(0).is_live(at(1000)));
        let busy = Session { idle_expires_at: at(5000), ..session(0) };
        assert!(busy.is_live(at(1999)));
        assert!(!busy.is_live(at(2000)));
        assert_eq!(session(5).judge(5, "hash", GRACE, at(1000)), Presented::Dead);
        assert!(!session(0).is_over(at(1999)) && session(0).is_over(at(2000)));
        assert!(Session { revoked_at: Some(at(1)), ..session(0) }.is_over(at(2)));
    }
}
