//! The challenge of a passkey's ceremony: a sealed token, whose text is what the authenticator signs. Asking for one costs no
//! store request, and since its time is signed too, an old answer stays old (MF-15).

use std::time::Duration;

use ring::digest::{SHA256, digest};

use crate::crypto::key_ring::{MacKey, Ring};
use crate::crypto::sealed_token::{InvalidToken, TokenSecret, open, seal};
use crate::domain::hex;
use crate::domain::id::UserId;
use crate::domain::timestamp::Timestamp;

const KIND: &str = "wc";

/// How long a ceremony may take.
pub const CEREMONY_LIFE: Duration = Duration::from_mins(5);

/// What a ceremony is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CeremonyPurpose {
    /// A passkey is registered. The subject is the session that asks.
    Registration,
    /// The second step of a sign-in. The subject is its [`crate::domain::second_factor::Challenge`].
    SecondStep,
    /// A person shows again who they are. The subject is their session.
    StepUp,
    /// A sign-in by the passkey alone. There is no subject, and nobody is known.
    SignIn,
}

impl CeremonyPurpose {
    const fn byte(self) -> u8 {
        match self {
            Self::Registration => 1,
            Self::SecondStep => 2,
            Self::StepUp => 3,
            Self::SignIn => 4,
        }
    }
}

/// What a ceremony belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ceremony {
    /// What it is for.
    pub purpose: CeremonyPurpose,
    /// Whose passkey.
    pub user_id: UserId,
    /// What asked for it: a session's or a challenge's id.
    pub subject: [u8; 16],
}

impl Ceremony {
    /// A sign-in of whoever the passkey says.
    pub const SIGN_IN: Self =
        Self { purpose: CeremonyPurpose::SignIn, user_id: UserId::from_bytes([0; 16]), subject: [0; 16] };

    /// The challenge's text under `key` (from the login ring). The bytes of the text are what WebAuthn calls the challenge.
    pub fn seal(&self, issued_at: Timestamp, random: TokenSecret, key: &MacKey) -> String {
        let parts = [
            &[self.purpose.byte()][..],
            &self.user_id.to_bytes(),
            &self.subject,
            &issued_at.millis().to_be_bytes(),
            &random,
        ];
        seal(KIND, key, &parts.concat())
    }

    /// Whether a challenge is of this ceremony and still young: it says when it was issued, and who has it answered says what
    /// it was issued for.
    pub fn verify(&self, challenge: &[u8], ring: &Ring<MacKey>, now: Timestamp) -> Result<(), InvalidToken> {
        let text = std::str::from_utf8(challenge).map_err(|_| InvalidToken)?;
        let payload = open(KIND, ring, text, now)?;
        let own = [&[self.purpose.byte()][..], &self.user_id.to_bytes(), &self.subject].concat();
        let rest = payload.strip_prefix(own.as_slice()).ok_or(InvalidToken)?;
        let (issued_at, random) = rest.split_first_chunk().ok_or(InvalidToken)?;
        let issued_at = Timestamp::from_millis(i64::from_be_bytes(*issued_at));
        let is_whole = random.len() == size_of::<TokenSecret>();
        if is_whole && now < issued_at.plus(CEREMONY_LIFE) { Ok(()) } else { Err(InvalidToken) }
    }
}

/// What says that a challenge was answered.
pub fn challenge_hash(challenge: &[u8]) -> String {
    hex(digest(&SHA256, challenge).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::key_ring::tests::mac_key;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn ceremony() -> Ceremony {
        Ceremony { purpose: CeremonyPurpose::StepUp, user_id: UserId::from_bytes([1; 16]), subject: [2; 16] }
    }

    #[test]
    fn sec_mf_15_a_challenge_is_good_for_its_ceremony_alone_and_for_five_minutes() {
        let key = || mac_key("k1", 0, i64::MAX, i64::MAX);
        let (key, ring) = (key(), Ring { keys: vec![key()] });
        let text = ceremony().seal(NOW, [3; 16], &key);
        let later = |seconds: u64| NOW.plus(Duration::from_secs(seconds));
        assert_eq!(ceremony().verify(text.as_bytes(), &ring, later(299)), Ok(()));
        assert_eq!(ceremony().verify(text.as_bytes(), &ring, later(300)), Err(InvalidToken));
        for other in [
            Ceremony { purpose: CeremonyPurpose::SecondStep, ..ceremony() },
            Ceremony { purpose: CeremonyPurpose::Registration, ..ceremony() },
            Ceremony::SIGN_IN,
            Ceremony { user_id: UserId::from_bytes([4; 16]), ..ceremony() },
            Ceremony { subject: [4; 16], ..ceremony() },
        ] {
            assert_eq!(other.verify(text.as_bytes(), &ring, NOW), Err(InvalidToken), "{other:?}");
        }
        for forged in [&b""[..], b"wc_k1.x.y", &[0xff; 40], &text.as_bytes()[1..]] {
            assert_eq!(ceremony().verify(forged, &ring, NOW), Err(InvalidToken));
        }
        assert_ne!(text, ceremony().seal(NOW, [4; 16], &key));
    }
}
