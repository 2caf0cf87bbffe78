//! What is kept of a passkey: a credential record, in the words of WebAuthn, section 4.

use serde::{Deserialize, Serialize};

use crate::domain::hex;
use crate::domain::id::FactorId;
use crate::domain::timestamp::Timestamp;

/// Transports of a credential that are kept.
const MAX_TRANSPORTS: usize = 8;
/// Bytes of a transport's name.
const MAX_TRANSPORT: usize = 32;

/// How many passkeys an account may have (MF-13).
pub const MOST_PASSKEYS: usize = 20;

/// A passkey of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    /// Names it in paths and in the trail.
    pub id: FactorId,
    /// What its owner calls it.
    pub name: String,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// What it is judged by.
    #[serde(flatten)]
    pub record: CredentialRecord,
}

/// What a credential's id is found by: ids can be too long for a key.
pub fn credential_hash(credential_id: &[u8]) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, credential_id).as_ref())
}

/// A registered credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialRecord {
    /// What authenticators know it by: 1 to 1023 bytes.
    #[serde(rename = "credential_id", with = "crate::domain::blob")]
    pub id: Vec<u8>,
    /// Its public key in COSE, as it came.
    #[serde(with = "crate::domain::blob")]
    pub public_key: Vec<u8>,
    /// The relying party that it was made for, and works for alone.
    pub rp_id: String,
    /// How often the authenticator had signed when it was last seen, or 0.
    pub sign_count: u32,
    /// Whether it verified its user at registration, or later beside another factor (MF-17).
    pub uv_initialized: bool,
    /// Whether it can be on several devices. It never changes.
    pub backup_eligible: bool,
    /// Whether it was when it was last seen.
    pub backup_state: bool,
    /// How it can be reached, for the browser to know what to ask for.
    pub transports: Vec<String>,
    /// The model of the authenticator that made it, as that claims; zeros where it does not.
    #[serde(with = "crate::domain::blob")]
    pub aaguid: [u8; 16],
}

impl CredentialRecord {
    /// Whether it can sign in at this relying party (MF-19).
    pub fn is_usable_at(&self, rp_id: &str) -> bool {
        self.rp_id == rp_id
    }
}

/// The transports that are kept of those that a client gave. Names that we do not know may be the next ones; what is no
/// name is left out.
pub fn known_transports(given: &[String]) -> Vec<String> {
    let is_name = |name: &str| {
        (1..=MAX_TRANSPORT).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let mut kept: Vec<String> = Vec::new();
    for name in given {
        if kept.len() < MAX_TRANSPORTS && is_name(name) && !kept.contains(name) {
            kept.push(name.clone());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transports_are_kept_as_they_are_named_and_within_bounds() {
        let given = ["internal", "hybrid", "smart-card", "internal", "Usb", "", "a b", &"x".repeat(33)];
        assert_eq!(known_transports(&given.map(str::to_owned)), ["internal", "hybrid", "smart-card"]);
        let many: Vec<String> = (0..100).map(|number| format!("t{number}")).collect();
        assert_eq!(known_transports(&many), many[..MAX_TRANSPORTS]);
    }
}
