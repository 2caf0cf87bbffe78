//! What becomes of second factors.

use serde::{Deserialize, Serialize};

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
    /// The password is gone: a passkey opens the account.
    PasswordRemoved,
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
    pub const ALL: [Self; 10] = [
        Self::TotpAdded,
        Self::TotpRemoved,
        Self::PasskeyAdded,
        Self::PasskeyRemoved,
        Self::RecoveryCodesMade,
        Self::SecondFactorOn,
        Self::SecondFactorOff,
        Self::PasswordRemoved,
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
            Self::PasswordRemoved => "password_removed",
            Self::Lost => "lost",
            Self::Undone => "undone",
            Self::Other => "other",
        }
    }
}
