//! Devices that a person has signed in from (EN-02), and what to call them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::credential::Credential;
use crate::domain::email::EmailKey;
use crate::domain::id::{DeviceId, UserId};
use crate::domain::timestamp::Timestamp;
use crate::domain::user::FIRST_CRED_VERSION;

/// What a device without a recognisable browser or system is called.
const UNKNOWN: &str = "Unknown device";

/// A known device. Its token signs nobody in: it only gives its owner a counter that strangers cannot exhaust.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Part of the item's key.
    pub id: DeviceId,
    /// The address that signed in: part of the item's key.
    pub email_key: EmailKey,
    /// Whose device it is.
    pub user_id: UserId,
    /// The account's credentials when it signed in: a change of them ends it (SE-04). A device that the release before
    /// this one made has none until it signs in again; the last of those expires `sessions.absolute_seconds` after that
    /// release is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cred_version: Option<u64>,
    /// SHA-256 of the 128 random bits that the device's token carries, in hex (OT-09).
    pub secret_hash: String,
    /// Attempts reserved since the last completed sign-in.
    pub failures: u32,
    /// When the last attempt was reserved.
    pub last_at: Timestamp,
    /// When a person has shown both factors on it, and wished not to be asked for the second again (MF-23).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remembered_at: Option<Timestamp>,
    /// The version of the account's factors then: each change of them ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remembered_version: Option<u64>,
    /// When it first signed in.
    pub created_at: Timestamp,
    /// Unknown from then on, unless it signs in again.
    pub expires_at: Timestamp,
}

/// The most devices that an account has: each token bounds guesses of its own.
pub const MOST_DEVICES: usize = 20;

impl Device {
    /// Whether it is the account's, under the credentials that it has now. One that names no version was made under the
    /// first, if there has been no other.
    pub fn is_known_to(&self, credential: &Credential) -> bool {
        let version = self.cred_version.unwrap_or(FIRST_CRED_VERSION);
        self.user_id == credential.user_id && version == credential.cred_version
    }

    /// When the second factor was shown on it for which it stands, if that was not longer ago than it lasts and the account's
    /// factors are the same (MF-23).
    pub fn remembered_since(&self, credential: &Credential, lasting: Duration, now: Timestamp) -> Option<Timestamp> {
        let found = self.remembered_at.filter(|_| self.remembered_version == Some(credential.factors.version));
        found.filter(|at| now < at.plus(lasting) && self.is_known_to(credential))
    }
}

/// What a person calls the device that a user agent describes: "Firefox on Linux".
pub fn device_name(user_agent: Option<&str>) -> String {
    let Some(found) = user_agent.and_then(|agent| woothee::parser::Parser::new().parse(agent)) else {
        return UNKNOWN.to_owned();
    };
    let known = |part: &str| !part.is_empty() && part != "UNKNOWN";
    // The parser's names for two systems are not the ones that their owners know.
    let system = match found.os {
        "Mac OSX" => "macOS",
        "Windows 10" => "Windows",
        other => other,
    };
    match (known(found.name), known(system)) {
        (true, true) => format!("{} on {system}", found.name),
        (true, false) => found.name.to_owned(),
        (false, true) => system.to_owned(),
        (false, false) => UNKNOWN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_called_what_people_call_it() {
        for (agent, name) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
                "Chrome on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            ("phone", UNKNOWN),
            ("", UNKNOWN),
        ] {
            assert_eq!(device_name(Some(agent)), name, "{agent}");
        }
        assert_eq!(device_name(None), UNKNOWN);
    }

    #[test]
    fn a_name_holds_nothing_that_the_client_chose() {
        let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 <script>s3cret</script> Firefox/s3cret";
        assert!(!device_name(Some(agent)).contains("s3cret"));
    }
}
