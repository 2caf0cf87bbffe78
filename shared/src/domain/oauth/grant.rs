//! A grant: what a person lets a client have. Its code, what that is exchanged for and its tombstone are one item, so that
//! single use, reuse and revocation need no second place.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::id::{GrantId, SessionId, UserId};
use crate::domain::oauth::client::ClientId;
use crate::domain::oauth::resource::ResourceUri;
use crate::domain::session::Presented;
use crate::domain::timestamp::Timestamp;

/// How long a code works (OC-07).
pub const CODE_LIFE: Duration = Duration::from_mins(1);
/// How long a grant lives that outlives its session, without a refresh.
pub const OFFLINE_IDLE: Duration = Duration::from_hours(90 * 24);
/// The same, however often it is refreshed.
pub const OFFLINE_LIFE: Duration = Duration::from_hours(365 * 24);
/// How long the table keeps a grant after the last thing that it gave: who comes too late is recognised until then.
pub const KEPT: Duration = Duration::from_hours(1);

/// How far a grant has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// Its code is out.
    Code,
    /// Its code was exchanged.
    Live,
}

/// The item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Part of the item's key.
    pub id: GrantId,
    /// Whose it is.
    pub user_id: UserId,
    /// The session that it came of, and ends with.
    pub session_id: SessionId,
    /// Who has it.
    pub client_id: ClientId,
    /// How far it is.
    pub state: GrantState,
    /// SHA-256 of the code's random bits, in hex.
    pub code_hash: String,
    /// From then on the code does nothing.
    pub code_expires_at: Timestamp,
    /// SHA-256 of the URI that the code went to, in hex.
    pub redirect_uri_hash: String,
    /// What a verifier has to be the SHA-256's source of (RFC 7636).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<String>,
    /// What the ID token repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// What the client may do.
    pub scopes: BTreeSet<String>,
    /// The APIs that it may ask tokens for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceUri>,
    /// When the person had signed in.
    pub authenticated_at: Timestamp,
    /// How (RFC 8176).
    pub amr: Vec<String>,
    /// When it was given.
    pub created_at: Timestamp,
    /// When the code was exchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redeemed_at: Option<Timestamp>,
    /// By which attempt, so that one whose answer was lost knows its own work again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redeemed_by: Option<String>,
    /// Set when it was ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// Of a grant that outlives its session (`offline_access`): the account's credentials that it was given under. The
    /// release before this one lets it end with the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline_version: Option<u64>,
    /// What its client refreshes with, if it may.
    #[serde(flatten)]
    pub refresh: Option<GrantRefresh>,
}

/// The family of refresh tokens of a grant. As a session, it names the current generation and holds no token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRefresh {
    /// How often its token has changed. Only that of this generation is current.
    pub generation: u32,
    /// SHA-256 of the family's random bits, in hex.
    pub refresh_hash: String,
    /// The MAC key of the current generation.
    pub mac_kid: String,
    /// When the current generation came to be.
    pub rotated_at: Timestamp,
    /// Dead from then on unless refreshed.
    pub idle_expires_at: Timestamp,
}

/// A refresh token of a client, as far as the table has a say in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshProof {
    /// The generation that is shown.
    pub generation: u32,
    /// SHA-256 of its random bits, in hex.
    pub refresh_hash: String,
    /// Who asks, and has shown so.
    pub client_id: ClientId,
}

/// What somebody shows who exchanges a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeProof {
    /// SHA-256 of the code's random bits, in hex.
    pub code_hash: String,
    /// Who asks, and has shown so.
    pub client_id: ClientId,
    /// SHA-256 of the URI that the code came to, in hex.
    pub redirect_uri_hash: String,
    /// What the verifier makes of it, if one was sent.
    pub challenge: Option<String>,
}

/// What a code is that could not be exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpentCode {
    /// Not this client's, not for this URI or verifier, too late, or none of ours: nothing is used up.
    Refused,
    /// It was exchanged a moment ago by whoever knows the verifier, which nobody but the client does: pages in development
    /// send twice.
    Repeated,
    /// It was exchanged before: a copy is about, and the grant has to end (OC-08).
    Reused,
}

impl Grant {
    /// Judges a code whose exchange failed. The item is the one that the failed condition returned.
    pub fn judge(&self, proof: &CodeProof, grace: Duration, now: Timestamp) -> SpentCode {
        // Of a client that is none of this grant's, or with random bits that are none of the code's, nothing is believed.
        if self.code_hash != proof.code_hash || self.client_id != proof.client_id {
            return SpentCode::Refused;
        }
        let Some(redeemed_at) = self.redeemed_at else { return SpentCode::Refused };
        let is_own = self.challenge.is_some() && self.challenge == proof.challenge;
        if is_own && now < redeemed_at.plus(grace) { SpentCode::Repeated } else { SpentCode::Reused }
    }

    /// Judges a refresh token whose write failed, as [`crate::domain::session::Session::judge`] does those of `/v1`. Another
    /// client's attempt, and one with other random bits, ends nothing (OC-12).
    pub fn judge_refresh(&self, proof: &RefreshProof, grace: Duration, longer: Duration, now: Timestamp) -> Presented {
        let Some(refresh) = &self.refresh else { return Presented::Dead };
        let is_family = refresh.refresh_hash == proof.refresh_hash && self.client_id == proof.client_id;
        let longer = if self.offline_version.is_some() { longer } else { Duration::ZERO };
        if !is_family || !self.is_live() || now >= refresh.idle_expires_at.plus(longer) {
            return Presented::Dead;
        }
        let in_window = now < refresh.rotated_at.plus(grace);
        if proof.generation == refresh.generation && in_window {
            Presented::Current
        } else if proof.generation.checked_add(1) == Some(refresh.generation) && in_window {
            Presented::Replayed
        } else {
            Presented::Reused
        }
    }

    /// Whether it still gives anything; session and account have a say, too.
    pub fn is_live(&self) -> bool {
        self.state == GrantState::Live && self.revoked_at.is_none()
    }

    /// Whether its time is over, if it has one of its own: most end with their session.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.offline_version.is_some() && now >= self.created_at.plus(OFFLINE_LIFE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(10);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn grant(challenge: Option<&str>, redeemed_at: Option<i64>) -> Grant {
        Grant {
            id: GrantId::new(at(0), 1),
            user_id: UserId::new(at(0), 1),
            session_id: SessionId::new(at(0), 1),
            client_id: ClientId::parse("a").unwrap(),
            state: if redeemed_at.is_some() { GrantState::Live } else { GrantState::Code },
            code_hash: "code".to_owned(),
            code_expires_at: at(60),
            redirect_uri_hash: "uri".to_owned(),
            challenge: challenge.map(str::to_owned),
            nonce: None,
            scopes: BTreeSet::new(),
            resources: Vec::new(),
            authenticated_at: at(0),
            amr: vec!["pwd".to_owned()],
            created_at: at(0),
            redeemed_at: redeemed_at.map(at),
            redeemed_by: None,
            revoked_at: None,
            offline_version: None,
            refresh: None,
        }
    }

    fn proof(code: &str, client: &str, challenge: Option<&str>) -> CodeProof {
        CodeProof {
            code_hash: code.to_owned(),
            client_id: ClientId::parse(client).unwrap(),
            redirect_uri_hash: "uri".to_owned(),
            challenge: challenge.map(str::to_owned),
        }
    }

    #[test]
    fn sec_oc_08_only_the_same_verifier_within_the_window_ends_nothing() {
        let redeemed = grant(Some("c"), Some(5));
        let judge = |proof: &CodeProof, seconds| redeemed.judge(proof, GRACE, at(seconds));
        assert_eq!(judge(&proof("code", "a", Some("c")), 14), SpentCode::Repeated);
        assert_eq!(judge(&proof("code", "a", Some("c")), 15), SpentCode::Reused);
        assert_eq!(judge(&proof("code", "a", Some("x")), 6), SpentCode::Reused);
        assert_eq!(judge(&proof("code", "a", None), 6), SpentCode::Reused);
        // Whoever has no challenge to know has nothing to show that he is the same.
        assert_eq!(grant(None, Some(5)).judge(&proof("code", "a", None), GRACE, at(6)), SpentCode::Reused);
    }

    #[test]
    fn sec_oc_07_what_is_wrong_about_a_code_that_was_not_exchanged_uses_nothing_up() {
        for wrong in [proof("code", "a", Some("x")), proof("code", "b", Some("c")), proof("other", "a", Some("c"))] {
            assert_eq!(grant(Some("c"), None).judge(&wrong, GRACE, at(1)), SpentCode::Refused);
        }
        // Neither does another client's attempt, or a forged code, at one that was.
        for wrong in [proof("code", "b", Some("c")), proof("other", "a", Some("c"))] {
            assert_eq!(grant(Some("c"), Some(5)).judge(&wrong, GRACE, at(100)), SpentCode::Refused);
        }
    }

    #[test]
    fn sec_oc_10_a_refresh_token_is_judged_as_a_sessions_is_and_another_client_ends_nothing() {
        let refresh = GrantRefresh {
            generation: 5,
            refresh_hash: "hash".to_owned(),
            mac_kid: "k1".to_owned(),
            rotated_at: at(100),
            idle_expires_at: at(1000),
        };
        let live = Grant { refresh: Some(refresh), ..grant(Some("c"), Some(5)) };
        let judge = |generation, hash: &str, client: &str, seconds| {
            let client_id = ClientId::parse(client).unwrap();
            let proof = RefreshProof { generation, refresh_hash: hash.to_owned(), client_id };
            live.judge_refresh(&proof, GRACE, Duration::from_secs(500), at(seconds))
        };
        assert_eq!(judge(5, "hash", "a", 109), Presented::Current);
        assert_eq!(judge(4, "hash", "a", 109), Presented::Replayed);
        for (generation, seconds) in [(4, 110), (3, 105), (6, 105), (0, 105)] {
            assert_eq!(judge(generation, "hash", "a", seconds), Presented::Reused, "{generation} {seconds}");
        }
        for (hash, client, seconds) in [("other", "a", 105), ("hash", "b", 105), ("hash", "a", 1000)] {
            assert_eq!(judge(3, hash, client, seconds), Presented::Dead, "{hash} {client} {seconds}");
        }
        let proof = RefreshProof { generation: 5, refresh_hash: "hash".to_owned(), client_id: live.client_id.clone() };
        let longer = Duration::from_secs(500);
        let revoked = Grant { revoked_at: Some(at(6)), ..live.clone() };
        assert_eq!(revoked.judge_refresh(&proof, GRACE, longer, at(105)), Presented::Dead);
        // One that outlives its session does so without a refresh, for so much longer.
        let offline = Grant { offline_version: Some(1), ..live.clone() };
        assert_eq!(offline.judge_refresh(&proof, GRACE, longer, at(1499)), Presented::Reused);
        assert_eq!(offline.judge_refresh(&proof, GRACE, longer, at(1500)), Presented::Dead);
    }
}
