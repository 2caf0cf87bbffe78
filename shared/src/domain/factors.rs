//! What an account can be opened with beside its password or mailbox, and how much a person has shown (RFC 9470).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many factors a person has shown, or an account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// One: a password, or a code from a mail.
    One,
    /// Two, or one that is itself locked with another, as a passkey that has verified its user.
    Two,
}

impl Level {
    /// As a number, for programs.
    pub const fn number(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }

    /// What a sign-in was that was done in these ways (RFC 8176).
    pub fn of(amr: &[String]) -> Self {
        if amr.iter().any(|method| method == MULTIPLE) { Self::Two } else { Self::One }
    }
}

/// The word of RFC 8176 for more than one factor.
const MULTIPLE: &str = "mfa";
/// The word of RFC 8176 for a key that its holder has used.
const KEY: &str = "pop";

/// One factor, as clients ask for it and tokens say it (`acr`).
pub const ONE_FACTOR: &str = "urn:wardgate:1fa";
/// Two factors.
pub const TWO_FACTORS: &str = "urn:wardgate:2fa";
/// Two, and one of them cannot be phished (OpenID Connect Extended Authentication Profile).
pub const PHISHING_RESISTANT: &str = "phr";

/// What a sign-in says of itself that was done in these ways: its `acr`.
pub fn acr(amr: &[String]) -> &'static str {
    match (Level::of(amr), amr.iter().any(|method| method == KEY)) {
        (Level::One, _) => ONE_FACTOR,
        (Level::Two, false) => TWO_FACTORS,
        (Level::Two, true) => PHISHING_RESISTANT,
    }
}

/// What a sign-in is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A session: the second step is its owner's choice.
    Session,
    /// What is done with every factor that the account has alone (SE-10, MF-07).
    EveryFactor,
}

/// How a person has shown who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The password.
    Password,
    /// A code or a link from a mail.
    Mail,
    /// The password, and a code that an app shows or that was kept.
    PasswordAndCode,
    /// A code from a mail, and one that an app shows or that was kept.
    MailAndCode,
}

impl Shown {
    /// In the words of RFC 8176.
    pub fn amr(self) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Password => &["pwd"],
            Self::Mail => &["otp"],
            Self::PasswordAndCode => &["pwd", "otp", MULTIPLE],
            Self::MailAndCode => &["otp", MULTIPLE],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }
}

/// A second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A code that an app shows.
    Totp,
    /// A code that was kept for the day on which everything else is lost.
    RecoveryCode,
}

/// What has become of an account's second factors: its owner is told of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactorChange {
    /// There is an app that shows codes, or another one.
    TotpAdded,
    /// The app is gone.
    TotpRemoved,
    /// There are new recovery codes, and the ones before are dead.
    RecoveryCodesMade,
    /// A sign-in asks for a second factor.
    SecondFactorOn,
    /// It does not any more.
    SecondFactorOff,
    /// They were lost, and taken away.
    Lost,
    /// The first factor was taken away again, by the link of the mail that told of it.
    Undone,
    /// Something that another release knows.
    #[serde(other)]
    Other,
}

impl FactorChange {
    /// Each, but for what is not known here.
    pub const ALL: [Self; 7] = [
        Self::TotpAdded,
        Self::TotpRemoved,
        Self::RecoveryCodesMade,
        Self::SecondFactorOn,
        Self::SecondFactorOff,
        Self::Lost,
        Self::Undone,
    ];

    /// The word that a mail's text is chosen by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TotpAdded => "totp_added",
            Self::TotpRemoved => "totp_removed",
            Self::RecoveryCodesMade => "recovery_codes_made",
            Self::SecondFactorOn => "second_factor_on",
            Self::SecondFactorOff => "second_factor_off",
            Self::Lost => "lost",
            Self::Undone => "undone",
            Self::Other => "other",
        }
    }
}

/// What an account has beside its password, as its user's item has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Factors {
    /// Whether there is an app that shows codes.
    pub totp: bool,
    /// How many passkeys there are, by the RP ID that they are for (MF-19).
    pub passkeys: BTreeMap<String, u32>,
    /// Whether a sign-in asks for one of them. Else they are for what needs one alone (SE-10).
    pub second_factor: bool,
    /// Grows with each change of them: a sign-in that has read others does not commit (MF-01).
    pub version: u64,
    /// The version that followed one with nothing: what undoes the first factor is for those since then.
    pub since: u64,
}

impl Factors {
    /// Whether there is nothing at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// With an app that shows codes. A sign-in asks for it from the first factor on.
    #[must_use]
    pub fn with_totp(&self) -> Self {
        let is_first = self.level() == Level::One;
        let version = self.version + 1;
        let (second_factor, since) = if is_first { (true, version) } else { (self.second_factor, self.since) };
        Self { totp: true, second_factor, version, since, ..self.clone() }
    }

    /// Without it. A sign-in asks for nothing that is not there.
    #[must_use]
    pub fn without_totp(&self) -> Self {
        let left = Self { totp: false, version: self.version + 1, ..self.clone() };
        let second_factor = left.second_factor && left.level() == Level::Two;
        Self { second_factor, ..left }
    }

    /// As they are, but for whether a sign-in asks for them.
    #[must_use]
    pub fn asked(&self, second_factor: bool) -> Self {
        Self { second_factor, version: self.version + 1, ..self.clone() }
    }

    /// With nothing.
    #[must_use]
    pub fn removed(&self) -> Self {
        Self { version: self.version + 1, ..Self::default() }
    }

    /// What can be shown, strongest first. Recovery codes come with the first factor, and go with the last.
    pub const fn methods(&self) -> &'static [Method] {
        if self.totp { &[Method::Totp, Method::RecoveryCode] } else { &[] }
    }

    /// What an account has to have been shown for what is delicate (MF-07).
    pub fn level(&self) -> Level {
        if self.methods().is_empty() { Level::One } else { Level::Two }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_says_how_sure_it_is() {
        for (amr, level, expected) in [
            (&["pwd"][..], Level::One, ONE_FACTOR),
            (&["otp"], Level::One, ONE_FACTOR),
            (&[], Level::One, ONE_FACTOR),
            (&["pop"], Level::One, ONE_FACTOR),
            (&["pwd", "otp", "mfa"], Level::Two, TWO_FACTORS),
            (&["otp", "mfa"], Level::Two, TWO_FACTORS),
            (&["pop", "user", "mfa"], Level::Two, PHISHING_RESISTANT),
        ] {
            let amr: Vec<String> = amr.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!((Level::of(&amr), acr(&amr)), (level, expected), "{amr:?}");
        }
        assert_eq!(acr(&Shown::PasswordAndCode.amr()), TWO_FACTORS);
        assert_eq!(acr(&Shown::MailAndCode.amr()), TWO_FACTORS);
        assert_eq!(acr(&Shown::Mail.amr()), ONE_FACTOR);
        assert!(Level::Two > Level::One);
    }

    #[test]
    fn sec_mf_19_passkeys_of_which_nothing_is_asked_yet_do_not_raise_an_account() {
        let passkeys = BTreeMap::from([("example.com".to_owned(), 2)]);
        let factors = Factors { passkeys, ..Factors::default() };
        assert_eq!((factors.level(), factors.is_empty()), (Level::One, false));
        assert_eq!(Factors { totp: true, ..Factors::default() }.level(), Level::Two);
    }
}
