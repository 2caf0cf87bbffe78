//! Passwords as their owners choose them and as they are typed at a sign-in (PW-03 to PW-05).

use std::fmt;

use serde::Serialize;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::domain::blocklist::{self, fold};
use crate::domain::nfc;

/// The most code points a password may have after NFC.
const MAXIMUM: usize = 256;
/// The most bytes that are looked at. A code point of an NFC string can stand for at most four typed ones of four bytes,
/// so that everything longer is over [`MAXIMUM`] anyway: the bound saves work and refuses nothing else.
const MAX_RAW: usize = MAXIMUM * 4 * 4;
/// UTF-8 grows at most threefold under NFC.
const NFC_GROWTH: usize = 3;
/// The fewest code points that must remain once what an account gives away is taken out.
const LEAST_OF_ITS_OWN: usize = 8;
/// Words shorter than this are not looked for: "al" or "co" is in too many passwords that have nothing to do with them.
const SHORTEST_WORD: usize = 3;

/// A password in NFC: chosen by its owner and accepted by the policy, or typed at a sign-in.
///
/// It is wiped when dropped, and can be neither copied nor serialised nor printed.
pub struct Password {
    nfc: Zeroizing<String>,
    /// As it was typed, where that is not NFC.
    typed: Option<Zeroizing<String>>,
}

/// How long a password has to be for the account it is chosen for (PW-03). There are no composition rules (PW-04).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PasswordPolicy {
    /// The password alone opens the account.
    #[default]
    OnlyFactor,
    /// The account asks for a second factor as well.
    WithMfa,
}

/// What is known about the account, or can be guessed from it, and therefore protects nothing inside its password.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The address before the `@`.
    pub email_local: &'a str,
    /// The address after the `@`.
    pub email_domain: &'a str,
    /// The person's name, where the account has one.
    pub name: Option<&'a str>,
    /// What the service calls itself.
    pub service_name: &'a str,
}

/// A kind of word that an account gives away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContextWord {
    /// The address before the `@`, or a part of it.
    EmailAddress,
    /// A label of the domain after the `@`.
    EmailDomain,
    /// The person's name, or a part of it.
    Name,
    /// The service's name, or a part of it.
    ServiceName,
}

/// Why a password was refused. It never holds the password or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", self.detail())]
pub enum PasswordRejection {
    /// Fewer code points than the policy's minimum.
    TooShort {
        /// The policy's minimum.
        minimum: usize,
        /// How many code points it has after NFC.
        length: usize,
    },
    /// More code points than any password may have. It is never truncated.
    TooLong {
        /// The most code points a password may have.
        maximum: usize,
    },
    /// It is on the list of common passwords.
    Common,
    /// It is known from a breach somewhere.
    Breached,
    /// Too little remains of it beside words from the account and separators.
    ContextWords {
        /// The kinds of words found in it; none where it is merely separators.
        leaned_on: Vec<ContextWord>,
    },
}

impl Password {
    /// Accepts a password that its owner chooses, or says why not.
    pub fn parse(raw: &str, policy: PasswordPolicy, context: &Context<'_>) -> Result<Self, PasswordRejection> {
        let password = Self::attempt(raw).ok_or(PasswordRejection::TooLong { maximum: MAXIMUM })?;
        let length = password.length();
        let minimum = policy.minimum();
        if length < minimum {
            return Err(PasswordRejection::TooShort { minimum, length });
        }
        if blocklist::is_common(password.expose()) {
            return Err(PasswordRejection::Common);
        }
        context.admit(password.expose())?;
        Ok(password)
    }

    /// Reads what was typed at a sign-in. Only the maximum applies: a policy that was tightened since, or a list that
    /// has grown, must not lock anybody out. `None` where it is longer than any password can be.
    pub fn attempt(raw: &str) -> Option<Self> {
        if raw.len() > MAX_RAW {
            return None;
        }
        // Sized up front: growing would leave copies behind that nothing wipes.
        let mut nfc = Zeroizing::new(String::with_capacity(raw.len() * NFC_GROWTH));
        nfc.extend(nfc::composed(raw.chars()));
        let typed = (nfc.as_str() != raw).then(|| Zeroizing::new(raw.to_owned()));
        let password = Self { nfc, typed };
        (password.length() <= MAXIMUM).then_some(password)
    }

    /// The password in NFC, for the hasher alone.
    pub fn expose(&self) -> &str {
        &self.nfc
    }

    /// The password as it was typed, for hashes of systems that did not normalise (PW-07).
    pub fn typed(&self) -> &str {
        self.typed.as_ref().unwrap_or(&self.nfc)
    }

    /// Whether it is long enough to open an account alone (PW-03).
    pub fn suffices_alone(&self) -> bool {
        self.length() >= PasswordPolicy::OnlyFactor.minimum()
    }

    fn length(&self) -> usize {
        self.nfc.chars().count()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(<redacted>)")
    }
}

impl PasswordPolicy {
    /// The fewest code points after NFC.
    pub fn minimum(self) -> usize {
        match self {
            Self::OnlyFactor => 15,
            Self::WithMfa => 8,
        }
    }
}

impl Context<'_> {
    fn admit(&self, password: &str) -> Result<(), PasswordRejection> {
        let own = own_characters(password);
        // Words may overlap, and none must hide another: positions are marked rather than cut out.
        let mut taken = vec![false; own.len()];
        let mut leaned_on = Vec::new();
        for (kind, text) in self.words() {
            if mark(&own, text, &mut taken) && !leaned_on.contains(&kind) {
                leaned_on.push(kind);
            }
        }
        let remaining = taken.iter().filter(|taken| !**taken).count();
        if remaining < LEAST_OF_ITS_OWN {
            return Err(PasswordRejection::ContextWords { leaned_on });
        }
        Ok(())
    }

    /// Every text as a whole, since separators inside it do not count, and then its parts.
    fn words(&self) -> impl Iterator<Item = (ContextWord, &str)> {
        [
            (ContextWord::EmailAddress, self.email_local),
            (ContextWord::EmailDomain, self.email_domain),
            (ContextWord::Name, self.name.unwrap_or_default()),
            (ContextWord::ServiceName, self.service_name),
        ]
        .into_iter()
        .flat_map(|(kind, text)| std::iter::once(text).chain(text.split(is_separator)).map(move |word| (kind, word)))
    }
}

impl ContextWord {
    fn describe(self) -> &'static str {
        match self {
            Self::EmailAddress => "your email address",
            Self::EmailDomain => "your email address's domain",
            Self::Name => "your name",
            Self::ServiceName => "the service's name",
        }
    }
}

impl PasswordRejection {
    /// A stable name for the reason.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooShort { .. } => "too_short",
            Self::TooLong { .. } => "too_long",
            Self::Common => "too_common",
            Self::Breached => "breached",
            Self::ContextWords { .. } => "too_close_to_account",
        }
    }

    /// Tells the person why, and what to do about it.
    pub fn detail(&self) -> String {
        match self {
            Self::TooShort { minimum, length } => format!(
                "This password has {length} characters and needs at least {minimum}. \
                 Several unrelated words make a long one that is easy to remember."
            ),
            Self::TooLong { maximum } => {
                format!("This password is too long: it can have at most {maximum} characters.")
            }
            Self::Common => "This password is one of the most common ones, which are the first to be guessed. \
                             Choose one that nobody else is likely to use."
                .to_owned(),
            Self::Breached => "This password is known from a data breach elsewhere, so it will be tried. \
                               Choose one that you have used nowhere else."
                .to_owned(),
            Self::ContextWords { leaned_on } if leaned_on.is_empty() => format!(
                "This password is mostly spaces and separators. \
                 Use at least {LEAST_OF_ITS_OWN} other characters."
            ),
            Self::ContextWords { leaned_on } => format!(
                "This password leans on {}, which is easy to guess. Without that and separators, \
                 at least {LEAST_OF_ITS_OWN} characters must remain.",
                enumerate(leaned_on)
            ),
        }
    }
}

fn enumerate(words: &[ContextWord]) -> String {
    let words: Vec<_> = words.iter().map(|word| word.describe()).collect();
    match words.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// What joins words rather than being one. Other symbols count: a random password may be full of them.
fn is_separator(character: char) -> bool {
    character.is_whitespace() || "-_.,:;+@/\\|".contains(character)
}

/// The folded text without separators.
fn own_characters(text: &str) -> Zeroizing<Vec<char>> {
    let folded = fold(text);
    let mut own = Zeroizing::new(Vec::with_capacity(folded.len()));
    own.extend(folded.chars().filter(|character| !is_separator(*character)));
    own
}

/// Marks every place where `word` stands in `own`, and says whether there is one.
fn mark(own: &[char], word: &str, taken: &mut [bool]) -> bool {
    let word = own_characters(word);
    if word.len() < SHORTEST_WORD {
        return false;
    }
    let mut found = false;
    for (start, window) in own.windows(word.len()).enumerate() {
        if window == word.as_slice() {
            found = true;
            taken.iter_mut().skip(start).take(word.len()).for_each(|taken| *taken = true);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    const CONTEXT: Context<'_> = Context {
        email_local: "Jane.Doe+shop",
        email_domain: "mail.example.com",
        name: Some("Jane Ångström"),
        service_name: "Blue Harbour",
    };

    fn alone(raw: &str) -> Result<Password, PasswordRejection> {
        Password::parse(raw, PasswordPolicy::OnlyFactor, &CONTEXT)
    }

    fn with_mfa(raw: &str) -> Result<Password, PasswordRejection> {
        Password::parse(raw, PasswordPolicy::WithMfa, &CONTEXT)
    }

    fn leaned_on(raw: &str) -> Vec<ContextWord> {
        match with_mfa(raw) {
            Err(PasswordRejection::ContextWords { leaned_on }) => leaned_on,
            other => panic!("{raw}: {other:?}"),
        }
    }

    /// Unlisted text of exactly this many code points.
    fn text(length: usize) -> String {
        "zq7xk3vw9j".chars().cycle().take(length).collect()
    }

    #[test]
    fn sec_pw_03_minimum_is_15_alone_and_8_with_mfa() {
        assert_eq!(alone(&text(14)).unwrap_err(), PasswordRejection::TooShort { minimum: 15, length: 14 });
        assert!(alone(&text(15)).is_ok());
        assert_eq!(with_mfa(&text(7)).unwrap_err(), PasswordRejection::TooShort { minimum: 8, length: 7 });
        assert!(with_mfa(&text(8)).is_ok());
    }

    #[test]
    fn sec_pw_03_minimum_is_counted_in_code_points_after_nfc() {
        let decomposed = "zu\u{308}qe\u{301}ro\u{300}k";
        assert_eq!(decomposed.chars().count(), 10);
        assert_eq!(with_mfa(decomposed).unwrap_err(), PasswordRejection::TooShort { minimum: 8, length: 7 });
        assert!(with_mfa(&format!("{decomposed}v")).is_ok());
        assert!(with_mfa("🦊🌊🪁🧭🎻🧊🪵🌾").is_ok());
        assert!(with_mfa("🦊🌊🪁🧭🎻🧊🪵").is_err());
    }

    #[test]
    fn sec_pw_03_256_code_points_are_accepted_in_whatever_form_they_are_typed() {
        assert!(alone(&text(256)).is_ok());
        assert!(alone(&"🦊".repeat(256)).is_ok());
        // Four code points and nine bytes typed for each one that counts.
        let typed = "\u{3c9}\u{313}\u{300}\u{345}".repeat(256);
        let password = alone(&typed).unwrap();
        assert_eq!(password.expose(), "\u{1fa2}".repeat(256));
    }

    #[test]
    fn sec_pw_03_257_code_points_are_rejected_not_truncated() {
        let too_long = PasswordRejection::TooLong { maximum: 256 };
        assert_eq!(alone(&text(257)).unwrap_err(), too_long);
        assert_eq!(alone(&text(100_000)).unwrap_err(), too_long);
        assert!(Password::attempt(&text(257)).is_none());
        assert_eq!(alone(&text(256)).unwrap().expose().len(), 256);
    }

    #[test]
    fn sec_pw_03_raw_bound_refuses_nothing_that_is_short_enough() {
        let longest = (char::MIN..=char::MAX).map(|character| UnicodeNormalization::nfd(character).count()).max();
        assert_eq!(longest, Some(4));
        assert_eq!(MAX_RAW, 256 * 4 * char::MAX.len_utf8());
    }

    #[test]
    fn sec_pw_03_password_is_kept_in_nfc_and_otherwise_as_typed() {
        let password = alone("  Zoe\u{308}'s Quiet\tKettle  ").unwrap();
        assert_eq!(password.expose(), "  Zoë's Quiet\tKettle  ");
    }

    #[test]
    fn sec_pw_04_no_composition_rules() {
        for password in [
            "quietkettlemarshes",
            "QUIETKETTLEMARSHES",
            "quiet kettle marshes",
            "730194628850713924",
            "夜の図書館で見つけた青い地図たち",
            "$%&!?=*#~^§°<>(){}",
            "quiet\u{7}kettle\u{0}marshes",
        ] {
            assert!(alone(password).is_ok(), "{password}");
        }
    }

    #[test]
    fn sec_pw_05_listed_passwords_are_refused_in_any_case() {
        for password in ["password123", "PassWord123", "IloveYou", "12345678"] {
            assert_eq!(with_mfa(password).unwrap_err(), PasswordRejection::Common, "{password}");
        }
        assert_eq!(alone("1QAZ2WSX3edc4rfv").unwrap_err(), PasswordRejection::Common);
    }

    #[test]
    fn sec_pw_05_account_words_and_separators_do_not_count() {
        use ContextWord::{EmailAddress, EmailDomain, Name, ServiceName};
        assert_eq!(leaned_on("JANE.doe+SHOP 1234567"), [EmailAddress, Name]);
        assert_eq!(leaned_on("janedoeshop-1234567"), [EmailAddress, Name]);
        assert_eq!(leaned_on("d.o.e / 1 2 3 4 5 6 7"), [EmailAddress]);
        assert_eq!(leaned_on("mail_example_com_2024"), [EmailDomain]);
        assert_eq!(leaned_on("a\u{30a}ngström 1234567"), [Name]);
        assert_eq!(leaned_on("BlueHarbour2024!"), [ServiceName]);
        assert_eq!(leaned_on("harbour-harbour-1234567"), [ServiceName]);
        assert_eq!(leaned_on("doe@example Ångström Blue Harbour"), [EmailAddress, EmailDomain, Name, ServiceName]);
    }

    #[test]
    fn sec_pw_05_separators_alone_do_not_make_a_password() {
        assert_eq!(leaned_on(&" ".repeat(40)), []);
        assert_eq!(leaned_on("a-b-c-d-e-f-g-"), []);
    }

    #[test]
    fn sec_pw_05_eight_code_points_of_its_own_are_enough() {
        assert!(with_mfa("blue harbour zq7xk3vw").is_ok());
        assert_eq!(leaned_on("blue harbour zq7xk3v"), [ContextWord::ServiceName]);
    }

    #[test]
    fn sec_pw_05_overlapping_words_do_not_hide_each_other() {
        let context = Context { email_local: "janet", service_name: "network", ..CONTEXT };
        let refused = Password::parse("janetwork1234567", PasswordPolicy::OnlyFactor, &context);
        assert_eq!(
            refused.unwrap_err(),
            PasswordRejection::ContextWords {
                leaned_on: vec![ContextWord::EmailAddress, ContextWord::Name, ContextWord::ServiceName]
            }
        );
    }

    #[test]
    fn sec_pw_05_words_of_two_letters_are_not_looked_for() {
        let context = Context { email_local: "a", email_domain: "x.co", name: None, service_name: "" };
        assert!(Password::parse("acoxaco7", PasswordPolicy::WithMfa, &context).is_ok());
    }

    #[test]
    fn sec_pw_05_answer_says_why_and_never_repeats_the_password() {
        for (raw, code, reason) in [
            ("zq7xk3v", "too_short", "needs at least 8"),
            (text(300).as_str(), "too_long", "at most 256"),
            ("sunshine", "too_common", "most common"),
            ("harbour-jane-77", "too_close_to_account", "your email address, your name and the service's name"),
            ("- - - - - - - -", "too_close_to_account", "spaces and separators"),
        ] {
            let rejection = with_mfa(raw).unwrap_err();
            assert_eq!(rejection.code(), code);
            assert!(rejection.detail().contains(reason), "{rejection}");
            assert!(!format!("{rejection} {rejection:?}").contains(raw), "{rejection}");
        }
    }

    #[test]
    fn an_attempt_knows_no_policy() {
        for raw in ["", "a", "password", "Jane.Doe"] {
            assert_eq!(Password::attempt(raw).unwrap().expose(), raw);
        }
        assert_eq!(Password::attempt("e\u{301}").unwrap().expose(), "é");
    }

    #[test]
    fn sec_pw_07_what_was_typed_is_kept_beside_nfc() {
        assert_eq!(Password::attempt("e\u{301}").unwrap().typed(), "e\u{301}");
        assert_eq!(Password::attempt("\u{e9}").unwrap().typed(), "\u{e9}");
    }

    #[test]
    fn debug_output_is_redacted() {
        assert_eq!(format!("{:?}", alone(&text(20)).unwrap()), "Password(<redacted>)");
    }

    proptest! {
        #[test]
        fn sec_pw_03_parse_never_panics_and_accepts_only_lengths_within_bounds(
            raw in any::<String>(),
            local in any::<String>(),
            domain in any::<String>(),
            name in any::<Option<String>>(),
            service_name in any::<String>(),
        ) {
            let context = Context {
                email_local: &local,
                email_domain: &domain,
                name: name.as_deref(),
                service_name: &service_name,
            };
            for policy in [PasswordPolicy::OnlyFactor, PasswordPolicy::WithMfa] {
                if let Ok(password) = Password::parse(&raw, policy, &context) {
                    let length = password.expose().nfc().count();
                    prop_assert!((policy.minimum()..=256).contains(&length));
                    prop_assert!(password.expose().chars().eq(raw.nfc()));
                }
            }
        }

        #[test]
        fn sec_pw_05_a_password_made_of_its_account_is_refused(
            local in "[a-z]{3,20}", service_name in "[a-z]{3,20}", filler in "[0-9]{0,7}",
        ) {
            let context = Context {
                email_local: &local,
                email_domain: "example.com",
                name: None,
                service_name: &service_name,
            };
            let raw = format!("{local}-{service_name} {filler}");
            prop_assert!(Password::parse(&raw, PasswordPolicy::WithMfa, &context).is_err());
        }

        #[test]
        fn normalising_never_outgrows_the_first_buffer(raw in any::<String>()) {
            prop_assert!(raw.nfc().map(char::len_utf8).sum::<usize>() <= raw.len() * NFC_GROWTH);
        }
    }
}
