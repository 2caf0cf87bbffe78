//! Typed ids: lower-case ULIDs with a kind prefix, such as `usr_01j9…`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;
use ulid::Ulid;

use crate::domain::timestamp::Timestamp;

/// A string that is not an id of the wanted kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not an id of this kind")]
pub struct InvalidId;

fn parse_ulid(text: &str, prefix: &str) -> Result<Ulid, InvalidId> {
    let body = text.strip_prefix(prefix).ok_or(InvalidId)?;
    // Crockford's alphabet allows several spellings of one value; only ours may name an item.
    let ulid = Ulid::from_string(body).map_err(|_| InvalidId)?;
    if ulid.to_string().to_ascii_lowercase() == body { Ok(ulid) } else { Err(InvalidId) }
}

macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Ulid);

        impl $name {
            /// A new id from the time and 80 of these random bits.
            pub fn new(now: Timestamp, random: u128) -> Self {
                Self(Ulid::from_parts(now.millis().unsigned_abs(), random))
            }

            /// Reads an id in its one canonical spelling.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                parse_ulid(text, $prefix).map(Self)
            }

            /// When it was made.
            pub fn made_at(self) -> Timestamp {
                Timestamp::from_millis(i64::try_from(self.0.timestamp_ms()).unwrap_or(i64::MAX))
            }

            /// The 16 bytes that sealed tokens carry.
            pub const fn to_bytes(self) -> [u8; 16] {
                self.0.to_bytes()
            }

            /// From the 16 bytes of a sealed token.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Ulid::from_bytes(bytes))
            }

            /// When it was made.
            pub fn created_at(self) -> Timestamp {
                Timestamp::from_millis(i64::try_from(self.0.timestamp_ms()).unwrap_or(i64::MAX))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, self.0.to_string().to_ascii_lowercase())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

typed_id!(
    /// A person with an account.
    UserId,
    "usr_"
);
typed_id!(
    /// One sign-in on one device: a refresh token family.
    SessionId,
    "ses_"
);
typed_id!(
    /// What a person lets an OAuth client have.
    GrantId,
    "grt_"
);
typed_id!(
    /// A device that a person has signed in from.
    DeviceId,
    "dev_"
);
typed_id!(
    /// A registration that waits for its address to be verified.
    RegistrationId,
    "reg_"
);
typed_id!(
    /// An item that a mail is sent from.
    OneTimeId,
    "otp_"
);
typed_id!(
    /// A second factor.
    FactorId,
    "fac_"
);
typed_id!(
    /// A sign-in that waits for its second factor.
    ChallengeId,
    "chl_"
);
typed_id!(
    /// A line of the audit trail.
    AuditId,
    "aud_"
);
typed_id!(
    /// One import of a file, from its first row to its last.
    ImportId,
    "imp_"
);
typed_id!(
    /// The unique `jti` of an access token.
    TokenId,
    "jti_"
);
typed_id!(
    /// One HTTP request, where the host has no id of its own for it.
    RequestId,
    "req_"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = UserId::new(Timestamp::from_millis(1_772_368_200_250), 0x1234_5678_9abc);
        let text = id.to_string();
        assert_eq!(UserId::parse(&text), Ok(id));
        assert_eq!(UserId::parse(&text.to_uppercase()), Err(InvalidId));
        assert_eq!(UserId::parse(&text.replace("usr_", "ses_")), Err(InvalidId));
        assert_eq!(UserId::parse("usr_"), Err(InvalidId));
        // Crockford reads `i` and `l` as 1 and `o` as 0: another name for the same item.
        assert!(text.contains('0'));
        assert_eq!(UserId::parse(&text.replacen('0', "o", 1)), Err(InvalidId));
    }

    #[test]
    fn bytes_round_trip() {
        let id = SessionId::new(Timestamp::from_millis(7), u128::MAX);
        assert_eq!(SessionId::from_bytes(id.to_bytes()), id);
        assert_eq!(id.created_at(), Timestamp::from_millis(7));
    }
}
