//! Opaque tokens: `<kind>_<kid>.<payload>.<mac>` (OT-01, OT-09).
//!
//! A forged or damaged token is refused here, with no access to the store. The table never holds one: it holds the
//! hash of the random bits inside.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::{digest, hmac};
use thiserror::Error;

use crate::crypto::key_ring::{MacKey, Ring};
use crate::domain::email::EmailKey;
use crate::domain::hex;
use crate::domain::id::{ChallengeId, DeviceId, OneTimeId, RegistrationId, SessionId, UserId};
use crate::domain::timestamp::Timestamp;

/// Longer than any token that we issue.
const MAX_TOKEN: usize = 512;
/// Separates our MACs from any other use of a key, and this layout from later ones.
const CONTEXT: &[u8] = b"wardgate sealed token";
const VERSION: u8 = 1;

/// The random bits that a token carries and whose hash the table holds.
pub type TokenSecret = [u8; 16];

/// A string that is not a token of the wanted kind, made with a key that is still accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a valid token of this kind")]
pub struct InvalidToken;

/// SHA-256 of a token's secret in hex: what the table holds and conditions on.
pub fn secret_hash(secret: &TokenSecret) -> String {
    hex(digest::digest(&digest::SHA256, secret).as_ref())
}

/// The refresh token of one generation of a session. Its successor is computed, never stored: the same session,
/// generation and key always give the same token, byte for byte.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// Whose session it is.
    pub user_id: UserId,
    /// The session.
    pub session_id: SessionId,
    /// Which refresh it came from; 0 for the sign-in's own.
    pub generation: u32,
    /// The session's random bits: the same in each generation.
    pub secret: TokenSecret,
}

impl RefreshToken {
    const KIND: &'static str = "rt";

    /// The token's text under `key` (from the session ring).
    pub fn seal(&self, key: &MacKey) -> String {
        let mut payload = Vec::with_capacity(52);
        payload.extend_from_slice(&self.user_id.to_bytes());
        payload.extend_from_slice(&self.session_id.to_bytes());
        payload.extend_from_slice(&self.generation.to_be_bytes());
        payload.extend_from_slice(&self.secret);
        seal(Self::KIND, key, &payload)
    }

    /// Reads a token that one of the session ring's keys made.
    pub fn open(token: &str, ring: &Ring<MacKey>, now: Timestamp) -> Result<Self, InvalidToken> {
        let payload = open(Self::KIND, ring, token, now)?;
        let (user_id, rest) = payload.split_first_chunk().ok_or(InvalidToken)?;
        let (session_id, rest) = rest.split_first_chunk().ok_or(InvalidToken)?;
        let (generation, rest) = rest.split_first_chunk().ok_or(InvalidToken)?;
        Ok(Self {
            user_id: UserId::from_bytes(*user_id),
            session_id: SessionId::from_bytes(*session_id),
            generation: u32::from_be_bytes(*generation),
            secret: rest.try_into().map_err(|_| InvalidToken)?,
        })
    }
}

/// What a registration answers with: only together with it does the mailed link activate the password that was chosen
/// (OT-10).
#[derive(Clone, PartialEq, Eq)]
pub struct FlowToken {
    /// The registration it belongs to.
    pub registration_id: RegistrationId,
    /// The flow's random bits.
    pub secret: TokenSecret,
}

impl FlowToken {
    const KIND: &'static str = "ft";

    /// The token's text under `key` (from the login ring).
    pub fn seal(&self, key: &MacKey) -> String {
        seal(Self::KIND, key, &[self.registration_id.to_bytes(), self.secret].concat())
    }

    /// Reads a token that one of the login ring's keys made.
    pub fn open(token: &str, ring: &Ring<MacKey>, now: Timestamp) -> Result<Self, InvalidToken> {
        Self::read(&open(Self::KIND, ring, token, now)?)
    }

    /// Reads a token without its proof, for those who have no key and believe nothing because of it.
    pub fn claimed(token: &str) -> Result<Self, InvalidToken> {
        Self::read(&parts(Self::KIND, token)?.payload)
    }

    fn read(payload: &[u8]) -> Result<Self, InvalidToken> {
        let (registration_id, rest) = payload.split_first_chunk().ok_or(InvalidToken)?;
        Ok(Self {
            registration_id: RegistrationId::from_bytes(*registration_id),
            secret: rest.try_into().map_err(|_| InvalidToken)?,
        })
    }
}

/// What an order for a sign-in code answers with: the code works only together with it (OT-11).
#[derive(Clone, PartialEq, Eq)]
pub struct CodeFlowToken {
    /// The code's item.
    pub one_time_id: OneTimeId,
    /// The flow's random bits.
    pub secret: TokenSecret,
}

impl CodeFlowToken {
    const KIND: &'static str = "cf";

    /// The token's text under `key` (from the login ring).
    pub fn seal(&self, key: &MacKey) -> String {
        seal(Self::KIND, key, &[self.one_time_id.to_bytes(), self.secret].concat())
    }

    /// Reads a token that one of the login ring's keys made.
    pub fn open(token: &str, ring: &Ring<MacKey>, now: Timestamp) -> Result<Self, InvalidToken> {
        let payload = open(Self::KIND, ring, token, now)?;
        let (one_time_id, rest) = payload.split_first_chunk().ok_or(InvalidToken)?;
        Ok(Self {
            one_time_id: OneTimeId::from_bytes(*one_time_id),
            secret: rest.try_into().map_err(|_| InvalidToken)?,
        })
    }
}

/// What a device that has signed in before shows at its next sign-in (EN-02). It signs nobody in.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceToken {
    /// The address that signed in.
    pub email_key: EmailKey,
    /// The device.
    pub device_id: DeviceId,
    /// The device's random bits.
    pub secret: TokenSecret,
}

impl DeviceToken {
    const KIND: &'static str = "dt";

    /// The token's text under `key` (from the session ring).
    pub fn seal(&self, key: &MacKey) -> String {
        let payload = [&self.email_key.to_bytes()[..], &self.device_id.to_bytes(), &self.secret].concat();
        seal(Self::KIND, key, &payload)
    }

    /// Reads a token that one of the session ring's keys made.
    pub fn open(token: &str, ring: &Ring<MacKey>, now: Timestamp) -> Result<Self, InvalidToken> {
        let payload = open(Self::KIND, ring, token, now)?;
        let (email_key, rest) = payload.split_first_chunk().ok_or(InvalidToken)?;
        let (device_id, rest) = rest.split_first_chunk().ok_or(InvalidToken)?;
        Ok(Self {
            email_key: EmailKey::from_bytes(email_key),
            device_id: DeviceId::from_bytes(*device_id),
            secret: rest.try_into().map_err(|_| InvalidToken)?,
        })
    }
}

/// What a sign-in answers with that waits for its second factor (MF-02).
#[derive(Clone, PartialEq, Eq)]
pub struct MfaToken {
    /// Who signs in.
    pub user_id: UserId,
    /// The address that signs in.
    pub email_key: EmailKey,
    /// The challenge.
    pub challenge_id: ChallengeId,
    /// The challenge's random bits.
    pub secret: TokenSecret,
}

impl MfaToken {
    const KIND: &'static str = "mt";

    /// The token's text under `key` (from the login ring).
    pub fn seal(&self, key: &MacKey) -> String {
        let parts =
            [&self.user_id.to_bytes()[..], &self.email_key.to_bytes(), &self.challenge_id.to_bytes(), &self.secret];
        seal(Self::KIND, key, &parts.concat())
    }

    /// Reads a token that one of the login ring's keys made.
    pub fn open(token: &str, ring: &Ring<MacKey>, now: Timestamp) -> Result<Self, InvalidToken> {
        let payload = open(Self::KIND, ring, token, now)?;
        let (user_id, rest) = payload.split_first_chunk().ok_or(InvalidToken)?;
        let (email_key, rest) = rest.split_first_chunk().ok_or(InvalidToken)?;
        let (challenge_id, rest) = rest.split_first_chunk().ok_or(InvalidToken)?;
        Ok(Self {
            user_id: UserId::from_bytes(*user_id),
            email_key: EmailKey::from_bytes(email_key),
            challenge_id: ChallengeId::from_bytes(*challenge_id),
            secret: rest.try_into().map_err(|_| InvalidToken)?,
        })
    }
}

pub(super) fn seal(kind: &str, key: &MacKey, payload: &[u8]) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.secret.expose()), &mac_input(kind, &key.kid, payload));
    format!("{kind}_{}.{}.{}", key.kid, URL_SAFE_NO_PAD.encode(payload), URL_SAFE_NO_PAD.encode(tag))
}

struct Parts<'a> {
    kid: &'a str,
    payload: Vec<u8>,
    mac: Vec<u8>,
}

fn parts<'a>(kind: &str, token: &'a str) -> Result<Parts<'a>, InvalidToken> {
    if token.len() > MAX_TOKEN {
        return Err(InvalidToken);
    }
    let rest = token.strip_prefix(kind).and_then(|rest| rest.strip_prefix('_')).ok_or(InvalidToken)?;
    let (kid, rest) = rest.split_once('.').ok_or(InvalidToken)?;
    let (payload, mac) = rest.split_once('.').ok_or(InvalidToken)?;
    // The engine refuses padding and stray trailing bits, so one token has one spelling.
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| InvalidToken)?;
    let mac = URL_SAFE_NO_PAD.decode(mac).map_err(|_| InvalidToken)?;
    Ok(Parts { kid, payload, mac })
}

pub(super) fn open(kind: &str, ring: &Ring<MacKey>, token: &str, now: Timestamp) -> Result<Vec<u8>, InvalidToken> {
    let Parts { kid, payload, mac } = parts(kind, token)?;
    let key = ring.find(kid, now).ok_or(InvalidToken)?;
    // Compares in constant time, and the whole tag or nothing.
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, key.secret.expose()), &mac_input(kind, kid, &payload), &mac)
        .map_err(|_| InvalidToken)?;
    Ok(payload)
}

/// Every part with its length before it: no two different tokens have the same input.
pub(super) fn mac_input(kind: &str, kid: &str, payload: &[u8]) -> Vec<u8> {
    let mut input = Vec::with_capacity(128);
    for part in [CONTEXT, &[VERSION], kind.as_bytes(), kid.as_bytes(), payload] {
        input.extend_from_slice(&(part.len() as u64).to_be_bytes());
        input.extend_from_slice(part);
    }
    input
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::key_ring::tests::{at, mac_key};

    fn ring() -> Ring<MacKey> {
        Ring { keys: vec![mac_key("k1", 0, 100, 1000), mac_key("k2", 100, 1000, 1000)] }
    }

    fn token(generation: u32, secret: TokenSecret) -> RefreshToken {
        RefreshToken { user_id: UserId::new(at(1), 1), session_id: SessionId::new(at(2), 2), generation, secret }
    }

    fn sealed() -> String {
        token(3, [7; 16]).seal(&ring().keys[0])
    }

    #[test]
    fn sec_ot_09_the_text_has_kind_kid_payload_and_mac() {
        assert!(sealed().starts_with("rt_k1."));
        assert_eq!(sealed().split('.').count(), 3);
        assert!(RefreshToken::open(&sealed(), &ring(), at(5)).is_ok());
    }

    #[test]
    fn sec_ot_09_a_token_of_another_kind_or_key_is_refused() {
        let as_flow = sealed().replacen("rt_", "ft_", 1);
        assert_eq!(FlowToken::open(&as_flow, &ring(), at(5)).err(), Some(InvalidToken));
        let as_code_flow = sealed().replacen("rt_", "cf_", 1);
        assert_eq!(CodeFlowToken::open(&as_code_flow, &ring(), at(5)).err(), Some(InvalidToken));
        let as_device = sealed().replacen("rt_", "dt_", 1);
        assert_eq!(DeviceToken::open(&as_device, &ring(), at(5)).err(), Some(InvalidToken));
        let as_k2 = sealed().replacen("k1", "k2", 1);
        assert_eq!(RefreshToken::open(&as_k2, &ring(), at(5)).err(), Some(InvalidToken));
    }

    #[test]
    fn sec_tk_04_a_retired_key_no_longer_opens() {
        assert!(RefreshToken::open(&sealed(), &ring(), at(999)).is_ok());
        assert_eq!(RefreshToken::open(&sealed(), &ring(), at(1000)).err(), Some(InvalidToken));
    }

    #[test]
    fn sec_ot_09_a_truncated_mac_is_refused() {
        let token = sealed();
        let (head, mac) = token.rsplit_once('.').unwrap();
        for length in 0..mac.len() {
            let cut = format!("{head}.{}", &mac[..length]);
            assert!(RefreshToken::open(&cut, &ring(), at(5)).is_err(), "{length}");
        }
    }

    #[test]
    fn sec_ot_09_another_spelling_of_the_same_bytes_is_refused() {
        // The MAC's 32 bytes leave 2 unused bits in its last character: three siblings decode alike where unchecked.
        let token = sealed();
        let (head, last) = token.split_at(token.len() - 1);
        let siblings = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=";
        let opened = siblings.chars().filter(|c| RefreshToken::open(&format!("{head}{c}"), &ring(), at(5)).is_ok());
        assert_eq!(opened.collect::<String>(), last);
        assert!(RefreshToken::open(&format!("{token}="), &ring(), at(5)).is_err());
    }

    proptest! {
        #[test]
        fn sec_ot_09_what_is_sealed_opens_and_is_the_same_each_time(generation: u32, secret: [u8; 16]) {
            let token = token(generation, secret);
            let text = token.seal(&ring().keys[0]);
            prop_assert_eq!(&text, &token.seal(&ring().keys[0]));
            let opened = RefreshToken::open(&text, &ring(), at(5)).unwrap();
            prop_assert!(opened == token);
        }

        #[test]
        fn sec_ot_09_a_device_token_opens_as_itself_alone(email_key: [u8; 32], device_id: [u8; 16], secret: [u8; 16]) {
            let token = DeviceToken {
                email_key: EmailKey::from_bytes(&email_key),
                device_id: DeviceId::from_bytes(device_id),
                secret,
            };
            let text = token.seal(&ring().keys[0]);
            prop_assert!(DeviceToken::open(&text, &ring(), at(5)).unwrap() == token);
            prop_assert!(RefreshToken::open(&text.replacen("dt_", "rt_", 1), &ring(), at(5)).is_err());
        }

        #[test]
        fn sec_ot_09_what_waits_for_a_second_factor_opens_as_itself_alone(ids: [[u8; 16]; 2], email: [u8; 32], secret: [u8; 16]) {
            let token = MfaToken {
                user_id: UserId::from_bytes(ids[0]),
                email_key: EmailKey::from_bytes(&email),
                challenge_id: ChallengeId::from_bytes(ids[1]),
                secret,
            };
            let text = token.seal(&ring().keys[0]);
            prop_assert!(MfaToken::open(&text, &ring(), at(5)).unwrap() == token);
            prop_assert!(DeviceToken::open(&text.replacen("mt_", "dt_", 1), &ring(), at(5)).is_err());
        }

        #[test]
        fn sec_ot_09_the_flow_token_of_a_code_is_none_of_a_registration(id: [u8; 16], secret: [u8; 16]) {
            let token = CodeFlowToken { one_time_id: OneTimeId::from_bytes(id), secret };
            let text = token.seal(&ring().keys[0]);
            prop_assert!(CodeFlowToken::open(&text, &ring(), at(5)).unwrap() == token);
            prop_assert!(FlowToken::open(&text, &ring(), at(5)).is_err());
            prop_assert!(FlowToken::open(&text.replacen("cf_", "ft_", 1), &ring(), at(5)).is_err());
        }

        #[test]
        fn sec_ot_09_no_changed_character_is_accepted(index in 0..200_usize, replacement in "[A-Za-z0-9_.=-]") {
            let mut text = sealed();
            let index = index % text.len();
            prop_assume!(text[index..=index] != replacement);
            text.replace_range(index..=index, &replacement);
            prop_assert!(RefreshToken::open(&text, &ring(), at(5)).is_err());
        }

        #[test]
        fn sec_ot_09_arbitrary_text_is_refused_without_a_panic(text in "\\PC{0,600}|rt_k1\\.[A-Za-z0-9_-]{0,90}\\.[A-Za-z0-9_-]{43}") {
            prop_assert!(RefreshToken::open(&text, &ring(), at(5)).is_err());
            prop_assert!(FlowToken::open(&text, &ring(), at(5)).is_err());
            prop_assert!(CodeFlowToken::open(&text, &ring(), at(5)).is_err());
        }
    }
}
