//! Codes of authenticator apps: TOTP by RFC 6238 with SHA-1, six digits and 30 seconds, which all of them do (MF-03).

use ctutils::CtEq as _;
use ring::hmac;
use zeroize::Zeroizing;

use crate::crypto::base32;
use crate::domain::timestamp::Timestamp;
use crate::entropy::{Entropy, NoEntropy};

/// Seconds that a code is shown.
const STEP_SECONDS: i64 = 30;
/// Steps before and after now whose codes are taken: for clocks that are a little off, and for slow typing.
const WINDOW: u64 = 1;
/// Steps to look for the code of a clock that is far off: ten minutes either way.
const SKEW_WINDOW: u64 = 20;
/// Digits of a code, and what it is cut to.
const DIGITS: usize = 6;
const MODULUS: u32 = 1_000_000;

/// What app and server share: 160 bits, as RFC 4226 recommends.
#[derive(Clone)]
pub struct TotpSecret(Zeroizing<[u8; 20]>);

/// What a typed code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TotpMatch {
    /// That of this step, which has to be stored as the last one.
    Step(u64),
    /// That of a step at or before the last one: somebody has used it.
    Used,
    /// None of this time.
    None,
}

/// What the first code of an app is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnrolmentMatch {
    /// That of this step, which has to be stored as the last one: it signs nobody in.
    Step(u64),
    /// That of another time: the app's clock, or ours, is wrong by so many steps.
    ClockSkew(i64),
    /// None of any time near.
    None,
}

impl TotpSecret {
    /// A new one.
    pub fn mint(entropy: &dyn Entropy) -> Result<Self, NoEntropy> {
        entropy.bytes().map(Self::from_bytes)
    }

    /// One that was kept.
    pub fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, to be sealed.
    pub fn expose(&self) -> &[u8; 20] {
        &self.0
    }

    /// As people type it into an app that cannot scan: 32 characters.
    pub fn base32(&self) -> Zeroizing<String> {
        base32::encode(self.expose(), base32::RFC_4648)
    }

    /// What was typed into an app. `None` where it is none.
    pub fn parse(typed: &str) -> Option<Self> {
        let bytes = base32::decode(typed, base32::RFC_4648)?;
        Some(Self::from_bytes(bytes.as_slice().try_into().ok()?))
    }

    /// What an app shows at `now`.
    pub fn code(&self, now: Timestamp) -> Zeroizing<String> {
        code(&self.key(), step(now))
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.expose())
    }

    /// What an app scans: `otpauth://totp/…`. Without the service's name nobody could tell accounts apart.
    pub fn uri(&self, issuer: &str, account: &str) -> Zeroizing<String> {
        let (issuer, account) = (label(issuer), label(account));
        let secret = self.base32();
        Zeroizing::new(format!(
            "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}",
            *secret
        ))
    }

    /// What a typed code is at `now`, for whom `last_step` was the last one used. Which of the codes near now it is takes no
    /// different time.
    pub fn find(&self, typed: &str, now: Timestamp, last_step: Option<u64>) -> TotpMatch {
        let current = step(now);
        let is_new = |step: &u64| last_step.is_none_or(|last| *step > last);
        let steps = self.steps_of(typed, current, WINDOW);
        match (steps.iter().copied().find(is_new), steps.is_empty()) {
            (Some(step), _) => TotpMatch::Step(step),
            (None, false) => TotpMatch::Used,
            (None, true) => TotpMatch::None,
        }
    }

    /// What the first code of an app is at `now`. Only here is a wrong clock told of: to whoever has the secret anyway.
    pub fn find_at_enrolment(&self, typed: &str, now: Timestamp) -> EnrolmentMatch {
        if let TotpMatch::Step(step) = self.find(typed, now, None) {
            return EnrolmentMatch::Step(step);
        }
        let current = step(now);
        let skew = |step: &u64| step.wrapping_sub(current).cast_signed();
        let nearest =
            self.steps_of(typed, current, SKEW_WINDOW).iter().map(skew).min_by_key(|skew| skew.unsigned_abs());
        nearest.map_or(EnrolmentMatch::None, EnrolmentMatch::ClockSkew)
    }

    /// Each step within `window` whose code this is; as good as always none or one.
    fn steps_of(&self, typed: &str, current: u64, window: u64) -> Vec<u64> {
        let key = self.key();
        let typed: Zeroizing<String> = Zeroizing::new(typed.split_whitespace().collect());
        let steps = current.saturating_sub(window)..=current.saturating_add(window);
        steps.filter(|step| code(&key, *step).as_bytes().ct_eq(typed.as_bytes()).to_bool()).collect()
    }
}

/// The step that a time is in.
fn step(now: Timestamp) -> u64 {
    u64::try_from(now.unix_seconds().div_euclid(STEP_SECONDS)).unwrap_or_default()
}

/// The code of a step: RFC 4226, section 5.3.
fn code(key: &hmac::Key, step: u64) -> Zeroizing<String> {
    let tag = hmac::sign(key, &step.to_be_bytes());
    let offset = tag.as_ref().last().map_or(0, |last| usize::from(last & 0x0f));
    let word = tag.as_ref().get(offset..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
    let number = (u32::from_be_bytes(word) & 0x7fff_ffff) % MODULUS;
    Zeroizing::new(format!("{number:0DIGITS$}"))
}

/// A part of the label. Apps split it at the first colon, and some show a plus where a space was meant.
fn label(text: &str) -> String {
    let text = text.replace(':', " ");
    form_urlencoded::byte_serialize(text.trim().as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    /// The secret of RFC 6238, appendix B.
    fn secret() -> TotpSecret {
        TotpSecret::from_bytes(*b"12345678901234567890")
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn code_of(step: u64) -> Zeroizing<String> {
        code(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret().expose()), step)
    }

    /// RFC 6238, appendix B: its codes have eight digits, of which ours are the last six. RFC 4226, appendix D.
    #[test]
    fn sec_mf_03_codes_are_those_of_rfc_6238_and_rfc_4226() {
        let vectors = [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ];
        for (time, expected) in vectors {
            let step = step(at(time));
            assert_eq!(*code_of(step), expected[2..], "{time}");
            assert_eq!(secret().find(&expected[2..], at(time), None), TotpMatch::Step(step));
        }
        let counted =
            ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        for (counter, expected) in counted.into_iter().enumerate() {
            assert_eq!(*code_of(counter as u64), expected);
        }
    }

    #[test]
    fn sec_mf_03_a_code_is_taken_one_step_early_or_late_and_no_more() {
        let now = at(1_234_567_890);
        let current = step(now);
        for (offset, expected) in [
            (-2, TotpMatch::None),
            (-1, TotpMatch::Step(current - 1)),
            (0, TotpMatch::Step(current)),
            (1, TotpMatch::Step(current + 1)),
            (2, TotpMatch::None),
        ] {
            assert_eq!(secret().find(&code_of(current.strict_add_signed(offset)), now, None), expected, "{offset}");
        }
        // A step begins and ends with its thirty seconds.
        let first = at(30 * 41_152_263);
        assert_eq!(step(first.minus(std::time::Duration::from_millis(1))) + 1, step(first));
        assert_eq!(secret().find(&code_of(0), at(0), None), TotpMatch::Step(0));
    }

    #[test]
    fn sec_mf_03_a_step_at_or_before_the_last_one_is_used() {
        let now = at(1_234_567_890);
        let current = step(now);
        let find = |step: u64, last| secret().find(&code_of(step), now, Some(last));
        assert_eq!(find(current, current), TotpMatch::Used);
        assert_eq!(find(current - 1, current), TotpMatch::Used);
        assert_eq!(find(current + 1, current), TotpMatch::Step(current + 1));
        assert_eq!(find(current, current - 1), TotpMatch::Step(current));
        assert_eq!(find(current, current + 1), TotpMatch::Used);
        assert_eq!(secret().find("000000", now, Some(current)), TotpMatch::None);
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let now = at(1_234_567_890);
        let is_right = |typed: &str| secret().find(typed, now, None) != TotpMatch::None;
        assert!(is_right("005924") && is_right(" 005 924\n"));
        for wrong in ["", "5924", "05924", "0059240", "00592４", "89005924", "005-924", "+05924"] {
            assert!(!is_right(wrong), "{wrong}");
        }
    }

    #[test]
    fn enrolment_tells_of_a_clock_that_is_wrong_by_up_to_ten_minutes() {
        let now = at(1_234_567_890);
        let current = step(now);
        for offset in [-21, -20, -2, -1, 0, 1, 2, 20, 21_i64] {
            let found = secret().find_at_enrolment(&code_of(current.strict_add_signed(offset)), now);
            let expected = match offset.unsigned_abs() {
                0 | 1 => EnrolmentMatch::Step(current.strict_add_signed(offset)),
                2..=20 => EnrolmentMatch::ClockSkew(offset),
                _ => EnrolmentMatch::None,
            };
            assert_eq!(found, expected, "{offset}");
        }
        // At the beginning of time there is nothing before.
        assert_eq!(secret().find_at_enrolment(&code_of(7), at(0)), EnrolmentMatch::ClockSkew(7));
    }

    #[test]
    fn the_uri_says_whose_it_is_in_any_script() {
        let uri = |issuer: &str, account: &str| secret().uri(issuer, account).to_string();
        assert_eq!(
            uri("Wardgate", "ada@example.com"),
            "otpauth://totp/Wardgate:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Wardgate\
             &algorithm=SHA1&digits=6&period=30"
        );
        let uri = uri("Ä: B&C+D/日本", "a+b@x.example");
        assert!(
            uri.starts_with("otpauth://totp/%C3%84%20%20B%26C%2BD%2F%E6%97%A5%E6%9C%AC:a%2Bb%40x.example?"),
            "{uri}"
        );
        let read = url::Url::parse(&uri).unwrap();
        let issuer = read.query_pairs().find(|(name, _)| name == "issuer").unwrap().1.into_owned();
        assert_eq!(issuer, "Ä  B&C+D/日本");
    }

    #[test]
    fn each_secret_is_another() {
        let [one, other] = [(); 2].map(|()| TotpSecret::mint(&SystemEntropy).unwrap());
        assert_ne!(one.expose(), other.expose());
        assert_eq!(one.base32().len(), 32);
    }
}
