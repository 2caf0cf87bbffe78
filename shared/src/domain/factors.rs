//! What an account can be opened with beside its password or mailbox, and how much a person has shown (RFC 9470).

mod change;
mod shown;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::change::FactorChange;
pub use self::shown::{Level, ONE_FACTOR, PHISHING_RESISTANT, Shown, TWO_FACTORS, Wanted, acr};
use crate::domain::password::PasswordPolicy;

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

/// What an account's password is good for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
// Not by the names of its variants: a reader of those costs a sign-in's function 4 KiB.
#[serde(rename_all = "snake_case", from = "String")]
pub enum PasswordKind {
    /// It may open the account alone, where its owner wants that.
    #[default]
    Sufficient,
    /// It is shorter than that: a second factor is always asked for (PW-03, MF-22).
    Short,
    /// There is none: a passkey opens the account, or a mailed code and a second factor (MF-21).
    None,
}

impl From<String> for PasswordKind {
    /// What another release knows needs a second factor in any case.
    fn from(word: String) -> Self {
        match word.as_str() {
            "sufficient" => Self::Sufficient,
            "none" => Self::None,
            _ => Self::Short,
        }
    }
}

impl PasswordKind {
    /// Whether it is what it always was, which nobody writes down.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
    fn is_sufficient(&self) -> bool {
        *self == Self::Sufficient
    }
}

/// Why a change of an account's factors is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needed {
    /// The password is too short to open the account alone (MF-22).
    BesidePassword,
    /// There is no password: nothing else would open the account (MF-21).
    InPlaceOfPassword,
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
    /// What the password is good for.
    #[serde(skip_serializing_if = "PasswordKind::is_sufficient")]
    pub password: PasswordKind,
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

    /// With another password, or without one. `None` where nothing of them changes by that.
    #[must_use]
    pub fn with_password(&self, password: PasswordKind) -> Option<Self> {
        let second_factor = self.second_factor || password == PasswordKind::None;
        (self.password != password).then(|| Self { password, second_factor, version: self.version + 1, ..self.clone() })
    }

    /// What the password needs that these do not have: sign-ins that ask for a second factor, and without a password a passkey.
    pub fn needed(&self, rp_id: &str) -> Option<Needed> {
        match self.password {
            PasswordKind::Short if !self.second_factor => Some(Needed::BesidePassword),
            PasswordKind::None if !(self.second_factor && self.has_passkey(rp_id)) => Some(Needed::InPlaceOfPassword),
            _ => None,
        }
    }

    /// How long the next password has to be (PW-03).
    pub fn password_policy(&self, rp_id: &str) -> PasswordPolicy {
        if self.second_factor && self.level(rp_id) == Level::Two {
            PasswordPolicy::WithMfa
        } else {
            PasswordPolicy::OnlyFactor
        }
    }

    /// With nothing, and a password that may open the account alone, or is to be taken away.
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

    #[test]
    fn sec_mf_21_sec_mf_22_what_a_password_needs_beside_it_stays() {
        let app = Factors::default().with_totp(RP_ID);
        let (short, none) = (PasswordKind::Short, PasswordKind::None);
        let short = app.with_password(short).unwrap();
        assert_eq!((short.version, short.needed(RP_ID)), (2, None));
        assert_eq!(short.with_password(PasswordKind::Short), None);
        for without in [short.asked(false), short.without_totp(RP_ID)] {
            assert_eq!(without.needed(RP_ID), Some(Needed::BesidePassword));
        }
        assert_eq!(short.removed().password, PasswordKind::Sufficient);
        let long = short.with_password(PasswordKind::Sufficient).unwrap();
        assert_eq!(long.asked(false).needed(RP_ID), None);

        let quiet = app.with_passkey(RP_ID).asked(false);
        let passwordless = quiet.with_password(none).unwrap();
        assert_eq!((passwordless.second_factor, passwordless.needed(RP_ID)), (true, None));
        for without in [passwordless.asked(false), passwordless.without_passkey(RP_ID, RP_ID)] {
            assert_eq!(without.needed(RP_ID), Some(Needed::InPlaceOfPassword));
        }
        assert_eq!(passwordless.needed("example.org"), Some(Needed::InPlaceOfPassword));
    }

    #[test]
    fn sec_pw_03_a_password_may_be_shorter_only_where_a_second_factor_is_asked_for() {
        let app = Factors::default().with_totp(RP_ID);
        let key = Factors::default().with_passkey(RP_ID);
        for (factors, rp_id, policy) in [
            (&Factors::default(), RP_ID, PasswordPolicy::OnlyFactor),
            (&app, RP_ID, PasswordPolicy::WithMfa),
            (&app.asked(false), RP_ID, PasswordPolicy::OnlyFactor),
            (&key, RP_ID, PasswordPolicy::WithMfa),
            (&key, "example.org", PasswordPolicy::OnlyFactor),
        ] {
            assert_eq!(factors.password_policy(rp_id), policy, "{factors:?}");
        }
    }
}
