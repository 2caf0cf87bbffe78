//! What an authenticator signs: WebAuthn, section 6.1.

use crate::crypto::webauthn::cbor::Value;
use crate::crypto::webauthn::errors::{CeremonyError, KeyError};

/// An id is at most this long (section 7.1).
pub const MAX_CREDENTIAL_ID: usize = 1023;

/// The bits that say what was done and what the credential is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags(u8);

impl Flags {
    const USER_PRESENT: u8 = 0x01;
    const USER_VERIFIED: u8 = 0x04;
    const BACKUP_ELIGIBLE: u8 = 0x08;
    const BACKUP_STATE: u8 = 0x10;
    const CREDENTIAL: u8 = 0x40;
    const EXTENSIONS: u8 = 0x80;

    /// UP: somebody was there.
    pub const fn user_present(self) -> bool {
        self.0 & Self::USER_PRESENT != 0
    }

    /// UV: it was the authenticator's user.
    pub const fn user_verified(self) -> bool {
        self.0 & Self::USER_VERIFIED != 0
    }

    /// BE: the credential can be backed up, for all its life or never.
    pub const fn backup_eligible(self) -> bool {
        self.0 & Self::BACKUP_ELIGIBLE != 0
    }

    /// BS: it is backed up now.
    pub const fn backup_state(self) -> bool {
        self.0 & Self::BACKUP_STATE != 0
    }

    /// All of them.
    pub const fn bits(self) -> u8 {
        self.0
    }
}

/// Authenticator data, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticatorData<'a> {
    /// SHA-256 of the RP ID.
    pub rp_id_hash: &'a [u8; 32],
    /// The flags.
    pub flags: Flags,
    /// How often the authenticator has signed, or 0.
    pub sign_count: u32,
    /// The credential, at registration.
    pub credential: Option<AttestedCredential<'a>>,
    /// The extensions' outputs in CBOR, which nobody asked for.
    pub extensions: Option<&'a [u8]>,
}

/// A credential that has just been made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestedCredential<'a> {
    /// The authenticator's model; zeros where it does not say.
    pub aaguid: &'a [u8; 16],
    /// Its id, at most 1023 bytes.
    pub id: &'a [u8],
    /// Its public key in COSE: these very bytes.
    pub public_key: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    /// Takes it apart. Nothing may be left over.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, CeremonyError> {
        let short = CeremonyError::AuthenticatorData;
        let (rp_id_hash, rest) = bytes.split_first_chunk().ok_or(short)?;
        let ([flags], rest) = rest.split_first_chunk().ok_or(short)?;
        let (sign_count, rest) = rest.split_first_chunk().ok_or(short)?;
        let flags = Flags(*flags);
        let (credential, rest) = if flags.0 & Flags::CREDENTIAL == 0 {
            (None, rest)
        } else {
            let (credential, rest) = AttestedCredential::parse_first(rest)?;
            (Some(credential), rest)
        };
        let (extensions, rest) = if flags.0 & Flags::EXTENSIONS == 0 {
            (None, rest)
        } else {
            let Ok((Value::Map(_), after)) = Value::parse_first(rest) else { return Err(CeremonyError::Extensions) };
            (rest.get(..rest.len() - after.len()), after)
        };
        if !rest.is_empty() {
            return Err(CeremonyError::AuthenticatorData);
        }
        Ok(Self { rp_id_hash, flags, sign_count: u32::from_be_bytes(*sign_count), credential, extensions })
    }
}

impl<'a> AttestedCredential<'a> {
    fn parse_first(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), CeremonyError> {
        let short = CeremonyError::AuthenticatorData;
        let (aaguid, rest) = bytes.split_first_chunk().ok_or(short)?;
        let (length, rest) = rest.split_first_chunk().ok_or(short)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if length == 0 || length > MAX_CREDENTIAL_ID {
            return Err(CeremonyError::CredentialIdLength);
        }
        let (id, rest) = rest.split_at_checked(length).ok_or(short)?;
        let (_, after) = Value::parse_first(rest).map_err(KeyError::Cbor)?;
        let public_key = rest.get(..rest.len() - after.len()).unwrap_or_default();
        Ok((Self { aaguid, id, public_key }, after))
    }
}
