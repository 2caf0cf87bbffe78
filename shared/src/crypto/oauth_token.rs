//! The sealed tokens of sign-in for applications (OT-09): of the browser's session, of a sign-in in progress, and codes.

use crate::crypto::key_ring::{MacKey, Ring};
use crate::crypto::sealed_token::{InvalidToken, TokenSecret, open, seal};
use crate::domain::id::{GrantId, SessionId, UserId};
use crate::domain::timestamp::Timestamp;

/// What a browser keeps of a session that was begun on a page. It names the same item as a refresh token, but no generation:
/// it never rotates, since five restored tabs ask at once.
#[derive(Clone, PartialEq, Eq)]
pub struct BrowserSessionToken {
    /// Whose session it is.
    pub user_id: UserId,
    /// The session.
    pub session_id: SessionId,
    /// The session's random bits.
    pub secret: TokenSecret,
}

impl BrowserSessionToken {
    const KIND: &'static str = "ss";

    /// The token's text under `key` (from the session ring).
    pub fn seal(&self, key: &MacKey) -> String {
        seal(Self::KIND, key, &[self.user_id.to_bytes(), self.session_id.to_bytes(), self.secret].concat())
    }

    /// Reads a token that one of the session ring's keys made.
    pub fn open(token: &str, ring: &Ring<MacKey>, now: Timestamp) -> Result<Self, InvalidToken> {
        let payload = open(Self::KIND, ring, token, now)?;
        let ([user_id, session_id, secret], []) = payload.as_chunks::<16>() else { return Err(InvalidToken) };
        Ok(Self {
            user_id: UserId::from_bytes(*user_id),
            session_id: SessionId::from_bytes(*session_id),
            secret: *secret,
        })
    }
}

/// When a request first came, sealed: by it `prompt` and `max_age` are met once, and neither by an older sign-in nor for
/// ever (OC-14).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowMark {
    /// The first visit.
    pub began_at: Timestamp,
    /// SHA-256 of the request that it belongs to (OC-28).
    pub request: [u8; 32],
}

impl FlowMark {
    const KIND: &'static str = "lf";

    /// The mark's text under `key` (from the login ring).
    pub fn seal(&self, key: &MacKey) -> String {
        seal(Self::KIND, key, &[&self.began_at.millis().to_be_bytes()[..], &self.request].concat())
    }

    /// Reads a mark that one of the login ring's keys made.
    pub fn open(token: &str, ring: &Ring<MacKey>, now: Timestamp) -> Result<Self, InvalidToken> {
        let payload = open(Self::KIND, ring, token, now)?;
        let (began_at, request) = payload.split_first_chunk().ok_or(InvalidToken)?;
        Ok(Self {
            began_at: Timestamp::from_millis(i64::from_be_bytes(*began_at)),
            request: request.try_into().map_err(|_| InvalidToken)?,
        })
    }
}

/// An authorization code.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorizationCode {
    /// Whose grant it is.
    pub user_id: UserId,
    /// The grant.
    pub grant_id: GrantId,
    /// The session that the grant came of, so that both can be read at once.
    pub session_id: SessionId,
    /// The code's random bits.
    pub secret: TokenSecret,
}

impl AuthorizationCode {
    const KIND: &'static str = "ac";

    /// The code's text under `key` (from the login ring).
    pub fn seal(&self, key: &MacKey) -> String {
        let parts = [self.user_id.to_bytes(), self.grant_id.to_bytes(), self.session_id.to_bytes(), self.secret];
        seal(Self::KIND, key, &parts.concat())
    }

    /// Reads a code that one of the login ring's keys made.
    pub fn open(token: &str, ring: &Ring<MacKey>, now: Timestamp) -> Result<Self, InvalidToken> {
        let payload = open(Self::KIND, ring, token, now)?;
        let ([user_id, grant_id, session_id, secret], []) = payload.as_chunks::<16>() else { return Err(InvalidToken) };
        Ok(Self {
            user_id: UserId::from_bytes(*user_id),
            grant_id: GrantId::from_bytes(*grant_id),
            session_id: SessionId::from_bytes(*session_id),
            secret: *secret,
        })
    }
}

/// The refresh token of one generation of a client's grant. As a session's, its successor is computed and never stored.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientRefreshToken {
    /// Whose grant it is.
    pub user_id: UserId,
    /// The grant.
    pub grant_id: GrantId,
    /// The session that the grant came of, so that both can be read at once.
    pub session_id: SessionId,
    /// Which refresh it came from.
    pub generation: u32,
    /// The family's random bits: the same in each generation.
    pub secret: TokenSecret,
}

impl ClientRefreshToken {
    /// Never `rt`: no release takes one for a person's session (OC-04).
    const KIND: &'static str = "or";

    /// The token's text under `key` (from the session ring).
    pub fn seal(&self, key: &MacKey) -> String {
        let mut payload = Vec::with_capacity(68);
        for part in [self.user_id.to_bytes(), self.grant_id.to_bytes(), self.session_id.to_bytes()] {
            payload.extend_from_slice(&part);
        }
        payload.extend_from_slice(&self.generation.to_be_bytes());
        payload.extend_from_slice(&self.secret);
        seal(Self::KIND, key, &payload)
    }

    /// Reads a token that one of the session ring's keys made.
    pub fn open(token: &str, ring: &Ring<MacKey>, now: Timestamp) -> Result<Self, InvalidToken> {
        let payload = open(Self::KIND, ring, token, now)?;
        let (generation, secret) = payload.get(48..).and_then(<[u8]>::split_first_chunk).ok_or(InvalidToken)?;
        let ([user_id, grant_id, session_id, ..], _) = payload.as_chunks::<16>() else { return Err(InvalidToken) };
        Ok(Self {
            user_id: UserId::from_bytes(*user_id),
            grant_id: GrantId::from_bytes(*grant_id),
            session_id: SessionId::from_bytes(*session_id),
            generation: u32::from_be_bytes(*generation),
            secret: secret.try_into().map_err(|_| InvalidToken)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::key_ring::tests::{at, mac_key};
    use crate::crypto::sealed_token::RefreshToken;

    fn ring() -> Ring<MacKey> {
        Ring { keys: vec![mac_key("k1", 0, 100, 1000)] }
    }

    #[test]
    fn sec_ot_09_each_opens_as_itself_alone() {
        let (ring, now) = (ring(), at(5));
        let key = &ring.keys[0];
        let (user_id, session_id) = (UserId::new(at(1), 1), SessionId::new(at(2), 2));
        let session = BrowserSessionToken { user_id, session_id, secret: [7; 16] };
        let mark = FlowMark { began_at: at(3), request: [9; 32] };
        let code = AuthorizationCode { user_id, grant_id: GrantId::new(at(4), 4), session_id, secret: [7; 16] };
        let grant_id = GrantId::new(at(4), 4);
        let refresh = ClientRefreshToken { user_id, grant_id, session_id, generation: 7, secret: [8; 16] };
        let texts = [session.seal(key), mark.seal(key), code.seal(key), refresh.seal(key)];
        assert!(ClientRefreshToken::open(&texts[3], &ring, now) == Ok(refresh));
        assert!(BrowserSessionToken::open(&texts[0], &ring, now) == Ok(session));
        assert_eq!(FlowMark::open(&texts[1], &ring, now), Ok(mark));
        assert!(AuthorizationCode::open(&texts[2], &ring, now) == Ok(code));
        for text in &texts {
            let (_, rest) = text.split_once('_').unwrap();
            let as_kind = |kind: &str| format!("{kind}_{rest}");
            let opens = [
                BrowserSessionToken::open(&as_kind("ss"), &ring, now).is_ok(),
                FlowMark::open(&as_kind("lf"), &ring, now).is_ok(),
                AuthorizationCode::open(&as_kind("ac"), &ring, now).is_ok(),
                ClientRefreshToken::open(&as_kind("or"), &ring, now).is_ok(),
                RefreshToken::open(&as_kind("rt"), &ring, now).is_ok(),
            ];
            assert_eq!(opens.iter().filter(|opens| **opens).count(), 1, "{text}");
        }
    }

    #[test]
    fn sec_oc_04_a_browsers_session_is_no_refresh_token() {
        let ring = ring();
        let of = |secret| BrowserSessionToken {
            user_id: UserId::new(at(1), 1),
            session_id: SessionId::new(at(2), 2),
            secret,
        };
        let text = of([7; 16]).seal(&ring.keys[0]);
        assert!(RefreshToken::open(&text, &ring, at(5)).is_err());
        assert!(RefreshToken::open(&text.replacen("ss_", "rt_", 1), &ring, at(5)).is_err());
    }
}
