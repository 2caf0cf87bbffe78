//! What an app that shows codes is set up by (MF-08): the secret itself, which its owner's client has anyway, and whose it is.
//! Nothing of it is stored before the first code.

use crate::crypto::key_ring::{MacKey, Ring};
use crate::crypto::sealed_token::{InvalidToken, open, seal};
use crate::crypto::totp::TotpSecret;
use crate::domain::id::{SessionId, UserId};
use crate::domain::timestamp::Timestamp;

const KIND: &str = "te";

/// An app that is being set up.
pub struct EnrolmentToken {
    /// Whose.
    pub user_id: UserId,
    /// In which session.
    pub session_id: SessionId,
    /// When that began.
    pub issued_at: Timestamp,
    /// What app and server will share.
    pub secret: TotpSecret,
}

impl EnrolmentToken {
    /// The token's text under `key` (from the login ring).
    pub fn seal(&self, key: &MacKey) -> String {
        let parts = [
            &self.user_id.to_bytes()[..],
            &self.session_id.to_bytes(),
            &self.issued_at.millis().to_be_bytes(),
            self.secret.expose(),
        ];
        seal(KIND, key, &parts.concat())
    }

    /// Reads a token that one of the login ring's keys made.
    pub fn open(token: &str, ring: &Ring<MacKey>, now: Timestamp) -> Result<Self, InvalidToken> {
        let payload = open(KIND, ring, token, now)?;
        let (user_id, rest) = payload.split_first_chunk().ok_or(InvalidToken)?;
        let (session_id, rest) = rest.split_first_chunk().ok_or(InvalidToken)?;
        let (issued_at, rest) = rest.split_first_chunk().ok_or(InvalidToken)?;
        Ok(Self {
            user_id: UserId::from_bytes(*user_id),
            session_id: SessionId::from_bytes(*session_id),
            issued_at: Timestamp::from_millis(i64::from_be_bytes(*issued_at)),
            secret: TotpSecret::from_bytes(rest.try_into().map_err(|_| InvalidToken)?),
        })
    }
}
