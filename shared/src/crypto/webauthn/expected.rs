//! What a response is held against.

use ring::digest::{SHA256, digest};

use crate::crypto::webauthn::authenticator_data::AuthenticatorData;
use crate::crypto::webauthn::errors::CeremonyError;
use crate::domain::id::UserId;

/// Who we are to browsers and authenticators: all of it is configured, nothing comes from a request.
#[derive(Debug, Clone, Copy)]
pub struct RelyingParty<'a> {
    /// The RP ID: a host. Passkeys belong to it for good.
    pub id: &'a str,
    /// The origins of our pages, and of apps as `android:apk-key-hash:…`: exactly as clients name them.
    pub origins: &'a [String],
    /// The origins of our pages at domains that the RP ID is no part of (section 5.11).
    pub related_origins: &'a [String],
    /// The origins of pages that may have one of ours in a frame (MF-10).
    pub top_origins: &'a [String],
}

/// Whether the authenticator has to have verified its user, by PIN, finger or face.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserVerification {
    /// It has to.
    Required,
    /// It may: another factor stands beside it.
    Preferred,
}

impl UserVerification {
    /// The word in options.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Preferred => "preferred",
        }
    }
}

impl AuthenticatorData<'_> {
    /// What both ceremonies ask of authenticator data.
    pub(super) fn verify(
        &self,
        relying_party: &RelyingParty<'_>,
        verification: UserVerification,
    ) -> Result<(), CeremonyError> {
        if self.rp_id_hash != digest(&SHA256, relying_party.id.as_bytes()).as_ref() {
            return Err(CeremonyError::RpIdHash);
        }
        if !self.flags.user_present() {
            return Err(CeremonyError::UserPresence);
        }
        if verification == UserVerification::Required && !self.flags.user_verified() {
            return Err(CeremonyError::UserVerification);
        }
        if self.flags.backup_state() && !self.flags.backup_eligible() {
            return Err(CeremonyError::BackupState);
        }
        Ok(())
    }
}

/// What authenticators know a user by: the bytes of the id, and nothing that says who it is (MF-18).
pub const fn user_handle(user_id: UserId) -> [u8; 16] {
    user_id.to_bytes()
}

/// Whose handle this claims to be.
pub fn claimed_user(handle: &[u8]) -> Option<UserId> {
    handle.try_into().ok().map(UserId::from_bytes)
}
