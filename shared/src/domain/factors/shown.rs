//! How much a person has shown, and how tokens say it (RFC 8176, RFC 9470).

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
}
