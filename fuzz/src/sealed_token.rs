//! Opaque tokens: what opens was sealed here, and has one spelling (OT-09).

use wardgate::crypto::key_ring::{MacKey, Ring, Validity};
use wardgate::crypto::sealed_token::{DeviceToken, FlowToken, RefreshToken};
use wardgate::crypto::secret_bytes::SecretBytes;
use wardgate::domain::email::EmailKey;
use wardgate::domain::id::{DeviceId, RegistrationId, SessionId, UserId};
use wardgate::domain::timestamp::Timestamp;

const NOW: Timestamp = Timestamp::from_millis(50);

/// The input is opened as a token; and its bytes make a token and then an edit of it, which must not open.
pub(crate) fn run(data: &[u8]) {
    let ring = ring();
    open(crate::text(data), &ring);
    if let Some((fields, edit)) = data.split_first_chunk::<52>() {
        let token = refresh_token(fields);
        for key in &ring.keys {
            let text = token.seal(key);
            let opened = RefreshToken::open(&text, &ring, NOW);
            let accepted = key.validity.is_published(NOW);
            assert_eq!(opened.is_ok_and(|opened| opened == token), accepted, "{text} and the key's time");
            refuse_edited(&text, edit, &ring);

            let flow = FlowToken {
                registration_id: RegistrationId::from_bytes(token.user_id.to_bytes()),
                secret: token.secret,
            };
            let text = flow.seal(key);
            let opened = FlowToken::open(&text, &ring, NOW);
            assert_eq!(opened.is_ok_and(|opened| opened == flow), accepted, "{text} and the key's time");
            assert!(RefreshToken::open(&text, &ring, NOW).is_err(), "{text} is of another kind");

            let device = device_token(&token);
            let text = device.seal(key);
            let opened = DeviceToken::open(&text, &ring, NOW);
            assert_eq!(opened.is_ok_and(|opened| opened == device), accepted, "{text} and the key's time");
            assert!(RefreshToken::open(&text, &ring, NOW).is_err(), "{text} is of another kind");
        }
    }
}

fn open(text: &str, ring: &Ring<MacKey>) {
    let seal = |seal: &dyn Fn(&MacKey) -> String| ring.keys.iter().any(|key| seal(key) == text);
    if let Ok(token) = RefreshToken::open(text, ring, NOW) {
        assert!(seal(&|key| token.seal(key)), "{text} is a second spelling");
    }
    if let Ok(token) = FlowToken::open(text, ring, NOW) {
        assert!(seal(&|key| token.seal(key)), "{text} is a second spelling");
    }
    if let Ok(token) = DeviceToken::open(text, ring, NOW) {
        assert!(seal(&|key| token.seal(key)), "{text} is a second spelling");
    }
}

/// Puts a character in the place of another, or inserts it: first byte where and how, second byte which.
fn refuse_edited(text: &str, edit: &[u8], ring: &Ring<MacKey>) {
    let [place, character, ..] = edit else { return };
    let (at, character) = (usize::from(place >> 1) % text.len(), char::from(*character));
    let (head, tail) = text.split_at(at);
    let kept = if place & 1 == 0 { tail } else { tail.get(1..).unwrap_or_default() };
    let edited = format!("{head}{character}{kept}");
    assert!(edited == text || RefreshToken::open(&edited, ring, NOW).is_err(), "{edited} was never sealed");
    assert!(FlowToken::open(&edited, ring, NOW).is_err(), "{edited} is of another kind");
    assert!(DeviceToken::open(&edited, ring, NOW).is_err(), "{edited} is of another kind");
}

fn refresh_token(fields: &[u8; 52]) -> RefreshToken {
    let field = |at: usize| fields.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default();
    let generation = fields.last_chunk::<4>().copied().unwrap_or_default();
    RefreshToken {
        user_id: UserId::from_bytes(field(0)),
        session_id: SessionId::from_bytes(field(16)),
        generation: u32::from_be_bytes(generation),
        secret: field(32),
    }
}

/// A device token of the same bits.
fn device_token(token: &RefreshToken) -> DeviceToken {
    let mut email_key = [0; 32];
    for (at, byte) in email_key.iter_mut().zip(token.user_id.to_bytes().into_iter().chain(token.secret)) {
        *at = byte;
    }
    DeviceToken {
        email_key: EmailKey::from_bytes(&email_key),
        device_id: DeviceId::from_bytes(token.session_id.to_bytes()),
        secret: token.secret,
    }
}

/// Two keys that are accepted and one that no longer is.
fn ring() -> Ring<MacKey> {
    let key = |kid: &str, publish_until| MacKey {
        kid: kid.to_owned(),
        secret: SecretBytes::new(kid.repeat(16).into_bytes()),
        validity: Validity {
            sign_from: Timestamp::from_millis(0),
            sign_until: Timestamp::from_millis(100),
            publish_until: Timestamp::from_millis(publish_until),
        },
    };
    Ring { keys: vec![key("k1", 1000), key("k-2", 1000), key("old", 10)] }
}

/// The seed has to stay genuine, or refusing everything would pass.
#[cfg(test)]
pub(crate) fn assert_that_it_opens(seed: &str) {
    let genuine = refresh_token(&[7; 52]).seal(&ring().keys[0]);
    assert_eq!(seed, genuine, "the token's layout has changed: this is the seed now");
}
