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
    /// The password, and a passkey.
    PasswordAndPasskey,
    /// A code from a mail, and a passkey.
    MailAndPasskey,
    /// A passkey that has verified its user, and nothing else.
    Passkey,
}

impl Shown {
    /// What somebody has shown who was signed in in these ways, and shows a second factor.
    pub fn beside(amr: &[String], passkey: bool) -> Self {
        match (amr.iter().any(|method| method == "pwd"), passkey) {
            (true, true) => Self::PasswordAndPasskey,
            (true, false) => Self::PasswordAndCode,
            (false, true) => Self::MailAndPasskey,
            (false, false) => Self::MailAndCode,
        }
    }

    /// In the words of RFC 8176.
    pub fn amr(self) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Password => &["pwd"],
            Self::Mail => &["otp"],
            Self::PasswordAndCode => &["pwd", "otp", MULTIPLE],
            Self::MailAndCode => &["otp", MULTIPLE],
            Self::PasswordAndPasskey => &["pwd", KEY, "user", MULTIPLE],
            Self::MailAndPasskey => &["otp", KEY, "user", MULTIPLE],
            Self::Passkey => &[KEY, "user", MULTIPLE],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }
}

/// A second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A key that a device, a security key or a manager of passwords holds (WebAuthn).
    Passkey,
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
    /// There is another passkey.
    PasskeyAdded,
    /// A passkey is gone.
    PasskeyRemoved,
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
    pub const ALL: [Self; 9] = [
        Self::TotpAdded,
        Self::TotpRemoved,
        Self::PasskeyAdded,
        Self::PasskeyRemoved,
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
            Self::PasskeyAdded => "passkey_added",
            Self::PasskeyRemoved => "passkey_removed",
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

    /// With an app that shows codes.
    #[must_use]
    pub fn with_totp(&self, rp_id: &str) -> Self {
        self.grown(Self { totp: true, ..self.clone() }, rp_id)
    }

    /// With another passkey for this RP ID.
    #[must_use]
    pub fn with_passkey(&self, rp_id: &str) -> Self {
        let mut passkeys = self.passkeys.clone();
        *passkeys.entry(rp_id.to_owned()).or_default() += 1;
        self.grown(Self { passkeys, ..self.clone() }, rp_id)
    }

    /// A sign-in asks for them from the first factor on.
    fn grown(&self, to: Self, rp_id: &str) -> Self {
        let is_first = self.level(rp_id) == Level::One;
        let version = self.version + 1;
        let (second_factor, since) = if is_first { (true, version) } else { (self.second_factor, self.since) };
        Self { second_factor, version, since, ..to }
    }

    /// Without the app.
    #[must_use]
    pub fn without_totp(&self, rp_id: &str) -> Self {
        self.shrunk(Self { totp: false, ..self.clone() }, rp_id)
    }

    /// With one passkey less of those for `its_rp_id`.
    #[must_use]
    pub fn without_passkey(&self, its_rp_id: &str, rp_id: &str) -> Self {
        let mut passkeys = self.passkeys.clone();
        if let Some(count) = passkeys.get_mut(its_rp_id) {
            *count = count.saturating_sub(1);
        }
        passkeys.retain(|_, count| *count > 0);
        self.shrunk(Self { passkeys, ..self.clone() }, rp_id)
    }

    /// A sign-in asks for nothing that is not there.
    fn shrunk(&self, to: Self, rp_id: &str) -> Self {
        let second_factor = to.second_factor && to.level(rp_id) == Level::Two;
        Self { second_factor, version: self.version + 1, ..to }
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

    /// What can be shown at this RP ID, strongest first. Recovery codes come with the first factor, and go with the last.
    pub fn methods(&self, rp_id: &str) -> &'static [Method] {
        match (self.has_passkey(rp_id), self.totp) {
            (true, true) => &[Method::Passkey, Method::Totp, Method::RecoveryCode],
            (true, false) => &[Method::Passkey, Method::RecoveryCode],
            (false, true) => &[Method::Totp, Method::RecoveryCode],
            (false, false) => &[],
        }
    }

    /// Whether there is a passkey for this RP ID (MF-19).
    pub fn has_passkey(&self, rp_id: &str) -> bool {
        self.passkeys.get(rp_id).is_some_and(|count| *count > 0)
    }

    /// How many passkeys there are, for whichever RP ID.
    pub fn passkeys(&self) -> usize {
        self.passkeys.values().map(|count| usize::try_from(*count).unwrap_or(usize::MAX)).fold(0, usize::saturating_add)
    }

    /// How many factors there are but for recovery codes, also those that are of no use here.
    pub fn count(&self) -> usize {
        self.passkeys().saturating_add(usize::from(self.totp))
    }

    /// Whether there is anything, also what is of no use here.
    pub fn has_any(&self) -> bool {
        self.count() > 0
    }

    /// What an account has to have been shown for what is delicate (MF-07).
    pub fn level(&self, rp_id: &str) -> Level {
        if self.methods(rp_id).is_empty() { Level::One } else { Level::Two }
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

    const RP_ID: &str = "example.com";

    #[test]
    fn sec_mf_19_passkeys_of_another_relying_party_do_not_raise_an_account() {
        let factors = Factors::default().with_passkey(RP_ID).with_passkey(RP_ID);
        assert_eq!((factors.level(RP_ID), factors.passkeys()), (Level::Two, 2));
        assert_eq!((factors.level("example.org"), factors.has_any()), (Level::One, true));
        assert_eq!(Factors { totp: true, ..Factors::default() }.level("example.org"), Level::Two);
        let one = factors.without_passkey(RP_ID, RP_ID);
        assert_eq!((one.level(RP_ID), one.second_factor), (Level::Two, true));
        let none = one.without_passkey(RP_ID, RP_ID);
        assert_eq!((none.level(RP_ID), none.second_factor, none.has_any()), (Level::One, false, false));
        assert_eq!(none.without_passkey(RP_ID, RP_ID).passkeys(), 0);
    }

    #[test]
    fn factors_are_named_strongest_first_and_asked_for_from_the_first_on() {
        let app = Factors::default().with_totp(RP_ID);
        let both = app.with_passkey(RP_ID);
        assert_eq!(both.methods(RP_ID), [Method::Passkey, Method::Totp, Method::RecoveryCode]);
        assert_eq!(both.without_totp(RP_ID).methods(RP_ID), [Method::Passkey, Method::RecoveryCode]);
        assert_eq!(app.methods(RP_ID), [Method::Totp, Method::RecoveryCode]);
        assert_eq!((app.second_factor, app.since, both.since, both.version), (true, 1, 1, 2));
        // Who has switched it off has done so for those that follow, too.
        assert!(!app.asked(false).with_passkey(RP_ID).second_factor);
    }
}
