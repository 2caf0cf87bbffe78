//! Links and codes that travel by mail (OT-01, OT-09, OT-11): computed from an item and a key of the mail ring, so that
//! the mailer can make them, and nothing usable waits in the table or in a queue.

use ctutils::CtEq as _;
use ring::hmac;

use crate::crypto::base32::{CROCKFORD, as_typed};
use crate::crypto::key_ring::{MacKey, Ring};
use crate::crypto::sealed_token::{InvalidToken, mac_input, open, seal};
use crate::domain::email::EmailKey;
use crate::domain::nonce::Nonce;
pub use crate::domain::one_time::MailToken;
use crate::domain::one_time::Purpose;
use crate::domain::timestamp::Timestamp;

/// The codes that 32 bits can be cut to without favouring any.
const UNBIASED: u32 = u32::MAX - u32::MAX % VERIFICATION_CODES;
/// Eight digits.
const VERIFICATION_CODES: u32 = 100_000_000;

impl MailToken {
    /// The token's text under `key` (from the mail ring).
    pub fn seal(&self, key: &MacKey) -> String {
        seal(kind(self.purpose), key, &self.payload())
    }

    /// Reads a token of this purpose that one of the mail ring's keys made.
    pub fn open(text: &str, purpose: Purpose, ring: &Ring<MacKey>, now: Timestamp) -> Result<Self, InvalidToken> {
        let payload = open(kind(purpose), ring, text, now)?;
        let (email_key, rest) = payload.split_first_chunk().ok_or(InvalidToken)?;
        let (id, rest) = rest.split_first_chunk().ok_or(InvalidToken)?;
        let nonce = rest.try_into().map_err(|_| InvalidToken)?;
        Ok(Self { purpose, email_key: EmailKey::from_bytes(email_key), id: *id, nonce: Nonce::new(nonce) })
    }

    /// The code that stands for a sign-in token: eight characters of base32, 40 bits (OT-11).
    pub fn sign_in_code(&self, key: &MacKey) -> String {
        let tag = self.code_tag(key);
        // Five bits of eight bytes each: every character is as likely as any other.
        let digit = |byte: &u8| CROCKFORD.get(usize::from(byte & 31)).map_or('0', |digit| char::from(*digit));
        tag.as_ref().iter().take(8).map(digit).collect()
    }

    /// The code that stands for a verification token: eight digits (OT-11).
    pub fn verification_code(&self, key: &MacKey) -> String {
        let tag = self.code_tag(key);
        let (words, _) = tag.as_ref().as_chunks::<4>();
        let mut words = words.iter().map(|word| u32::from_be_bytes(*word));
        // One word in 45 is not used; that all eight are not is one case in 10^13.
        let word = words.find(|word| *word < UNBIASED).unwrap_or_default();
        format!("{:08}", word % VERIFICATION_CODES)
    }

    fn code_tag(&self, key: &MacKey) -> hmac::Tag {
        let input = mac_input("code", &key.kid, &[kind(self.purpose).as_bytes(), &self.payload()].concat());
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.secret.expose()), &input)
    }

    fn payload(&self) -> Vec<u8> {
        [&self.email_key.to_bytes()[..], &self.id, &self.nonce.to_bytes()].concat()
    }
}

/// Whether what a person typed is this code, read as [`as_typed`] does. Compares in constant time.
pub fn code_matches(typed: &str, code: &str) -> bool {
    as_typed(typed).as_bytes().ct_eq(code.as_bytes()).to_bool()
}

const fn kind(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Verification => "vt",
        Purpose::PasswordReset => "pr",
        Purpose::EmailCode => "ec",
        Purpose::EmailChange => "cc",
        Purpose::EmailUndo => "cu",
        Purpose::KeepAccount => "ka",
        Purpose::FactorUndo => "uf",
        Purpose::KeepFactors => "kf",
        Purpose::RemoveFactors => "rf",
        // Nothing to prove: their mails have no link of their own.
        Purpose::Resend
        | Purpose::PasswordChanged
        | Purpose::NewDevice
        | Purpose::SessionReused
        | Purpose::FactorsChanged
        | Purpose::SecondFactorFailed
        | Purpose::PasskeyCounterRegressed
        | Purpose::RecoveryCodeUsed => "no",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::key_ring::Validity;
    use crate::crypto::secret_bytes::SecretBytes;
    use crate::domain::email::Email;

    const NOW: Timestamp = Timestamp::from_millis(1_772_368_200_000);

    fn key(secret: u8) -> MacKey {
        let validity =
            Validity { sign_from: Timestamp::EPOCH, sign_until: NOW, publish_until: Timestamp::from_millis(i64::MAX) };
        MacKey { kid: "m1".to_owned(), secret: SecretBytes::new(vec![secret; 32]), validity }
    }

    fn token(purpose: Purpose, nonce: u8) -> MailToken {
        let email_key = Email::parse("ada@example.com").unwrap().key();
        MailToken { purpose, email_key, id: [7; 16], nonce: Nonce::new([nonce; 16]) }
    }

    #[test]
    fn sec_ot_09_a_token_opens_for_its_own_purpose_and_key_alone() {
        let sealed = token(Purpose::PasswordReset, 1).seal(&key(1));
        let ring = Ring { keys: vec![key(1)] };
        assert_eq!(MailToken::open(&sealed, Purpose::PasswordReset, &ring, NOW), Ok(token(Purpose::PasswordReset, 1)));
        assert_eq!(MailToken::open(&sealed, Purpose::EmailChange, &ring, NOW), Err(InvalidToken));
        let stranger = Ring { keys: vec![key(2)] };
        assert_eq!(MailToken::open(&sealed, Purpose::PasswordReset, &stranger, NOW), Err(InvalidToken));
    }

    #[test]
    fn sec_ot_11_codes_have_the_promised_shape_and_depend_on_key_purpose_and_nonce() {
        let code = token(Purpose::EmailCode, 1).sign_in_code(&key(1));
        assert_eq!(code.len(), 8);
        assert!(code.bytes().all(|byte| CROCKFORD.contains(&byte)));
        assert_ne!(code, token(Purpose::EmailCode, 2).sign_in_code(&key(1)));
        assert_ne!(code, token(Purpose::EmailCode, 1).sign_in_code(&key(2)));
        let digits = token(Purpose::Verification, 1).verification_code(&key(1));
        assert_eq!(digits.len(), 8);
        assert!(digits.bytes().all(|byte| byte.is_ascii_digit()));
        assert_ne!(digits, token(Purpose::Verification, 2).verification_code(&key(1)));
    }

    #[test]
    fn sec_ot_11_every_character_of_a_code_is_as_likely_as_any_other() {
        let mut counts = std::collections::BTreeMap::new();
        for nonce in 0..4096_u128 {
            let token = MailToken { nonce: Nonce::new(nonce.to_be_bytes()), ..token(Purpose::EmailCode, 0) };
            for character in token.sign_in_code(&key(1)).chars() {
                *counts.entry(character).or_insert(0_u32) += 1;
            }
        }
        // 1,024 expected of each; six standard deviations are 189.
        assert_eq!(counts.len(), 32);
        assert!(counts.values().all(|count| (835..=1213).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        assert!(code_matches("0o1l-abcd", "0011ABCD"));
        assert!(code_matches(" 123 456 ", "123456"));
        assert!(!code_matches("123457", "123456"));
        assert!(!code_matches("12345", "123456"));
        assert!(!code_matches("", "123456"));
    }
}
