//! Verifying an assertion: WebAuthn, section 7.2.

use ring::digest::{SHA256, digest};

use crate::crypto::webauthn::authenticator_data::AuthenticatorData;
use crate::crypto::webauthn::client_data::{Ceremony, ClientData};
use crate::crypto::webauthn::cose::PublicKey;
use crate::crypto::webauthn::errors::CeremonyError;
use crate::crypto::webauthn::expected::{RelyingParty, UserVerification, claimed_user};
use crate::domain::id::UserId;
use crate::domain::passkey::CredentialRecord;

/// What a browser answers to request options.
#[derive(Debug, Clone, Copy)]
pub struct AssertionResponse<'a> {
    /// `rawId`.
    pub credential_id: &'a [u8],
    /// `response.clientDataJSON`.
    pub client_data_json: &'a [u8],
    /// `response.authenticatorData`.
    pub authenticator_data: &'a [u8],
    /// `response.signature`.
    pub signature: &'a [u8],
    /// `response.userHandle`.
    pub user_handle: Option<&'a [u8]>,
}

/// Whether somebody was known before the credential signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identified {
    /// By another factor or a session: the response may name the same user again.
    Before,
    /// The response alone says who it is, and has to.
    ByHandle,
}

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub struct ExpectedAssertion<'a> {
    /// The challenge.
    pub challenge: &'a [u8],
    /// Whether the user has to be verified: wherever no other factor stands beside the passkey.
    pub user_verification: UserVerification,
    /// Whether somebody was known before.
    pub identified: Identified,
}

/// What an assertion says of the credential as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assertion {
    /// The counter, to be stored.
    pub sign_count: u32,
    /// What the counter tells.
    pub counter: Counter,
    /// Whether the credential is backed up, to be stored.
    pub backup_state: bool,
    /// Whether the user was verified. After another factor this may be stored as
    /// [`CredentialRecord::uv_initialized`], and nowhere else.
    pub user_verified: bool,
}

/// What a signature counter tells. It never refuses (MF-16): managers of passkeys send 0, and without an attestation it
/// proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// It went up, is not used, or is of a credential that several devices have.
    Plausible,
    /// A credential that only one device can have was counted behind what was stored: it may have a copy.
    Regressed,
}

/// Judges an assertion by the credential's record, which belongs to `owner`. What is left to the caller is whether the
/// challenge was answered before (MF-15).
pub fn verify_assertion(
    response: &AssertionResponse<'_>,
    expected: &ExpectedAssertion<'_>,
    relying_party: &RelyingParty<'_>,
    record: &CredentialRecord,
    owner: UserId,
) -> Result<Assertion, CeremonyError> {
    if response.credential_id != record.id {
        return Err(CeremonyError::CredentialId);
    }
    match (response.user_handle, expected.identified) {
        (Some(handle), _) if claimed_user(handle) != Some(owner) => return Err(CeremonyError::UserHandle),
        (None, Identified::ByHandle) => return Err(CeremonyError::NoUserHandle),
        _ => {}
    }
    if !record.is_usable_at(relying_party.id) {
        return Err(CeremonyError::RpId);
    }
    let client_data = ClientData::parse(response.client_data_json)?;
    client_data.verify(Ceremony::Authentication, expected.challenge, relying_party)?;
    let data = AuthenticatorData::parse(response.authenticator_data)?;
    data.verify(relying_party, expected.user_verification)?;
    // Else who steals a key without a PIN sets one, and has both factors.
    if expected.user_verification == UserVerification::Required && !record.uv_initialized {
        return Err(CeremonyError::NeverVerified);
    }
    if data.flags.backup_eligible() != record.backup_eligible {
        return Err(CeremonyError::BackupEligibility);
    }
    let hash = digest(&SHA256, response.client_data_json);
    let signed = [response.authenticator_data, hash.as_ref()].concat();
    let key = PublicKey::parse(&record.public_key)?;
    key.verify(&signed, response.signature).map_err(|_| CeremonyError::Signature)?;
    Ok(Assertion {
        sign_count: data.sign_count,
        counter: judge(data.sign_count, record),
        backup_state: data.flags.backup_state(),
        user_verified: data.flags.user_verified(),
    })
}

const fn judge(sign_count: u32, record: &CredentialRecord) -> Counter {
    let is_counted = sign_count != 0 || record.sign_count != 0;
    if !record.backup_eligible && is_counted && sign_count <= record.sign_count {
        Counter::Regressed
    } else {
        Counter::Plausible
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_mf_16_a_counter_is_judged_where_one_device_counts_and_never_refuses() {
        let judged = |stored: u32, new: u32, backup_eligible: bool| {
            let record = CredentialRecord {
                id: vec![1],
                public_key: Vec::new(),
                rp_id: String::new(),
                sign_count: stored,
                uv_initialized: true,
                backup_eligible,
                backup_state: false,
                transports: Vec::new(),
                aaguid: [0; 16],
            };
            judge(new, &record)
        };
        for (stored, new, expected) in [
            (0, 0, Counter::Plausible),
            (0, 1, Counter::Plausible),
            (7, 8, Counter::Plausible),
            (7, u32::MAX, Counter::Plausible),
            (7, 7, Counter::Regressed),
            (7, 6, Counter::Regressed),
            (7, 0, Counter::Regressed),
        ] {
            assert_eq!(judged(stored, new, false), expected, "{stored} {new}");
            assert_eq!(judged(stored, new, true), Counter::Plausible, "{stored} {new}");
        }
    }
}
