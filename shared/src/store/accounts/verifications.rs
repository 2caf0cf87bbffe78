//! What a mailed link or code makes of a registration (OT-10).

use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::audit::AuditEntry;
use crate::domain::credential::Credential;
use crate::domain::one_time::OneTime;
use crate::domain::registration::Registration;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::User;
use crate::store::Store;
use crate::store::attributes::{number, string};
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::one_time::Used;
use crate::store::write::{Part, Update, Write};

/// A registration that is to be used up.
#[derive(Debug)]
pub struct Verification<'a> {
    /// The registration.
    pub registration: &'a Registration,
    /// Sets the account's password, where the registration's own is not to be its password.
    pub reset: Option<&'a OneTime>,
}

/// What became of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressVerification {
    /// The address is verified.
    Verified,
    /// The registration was used or has expired, or the address has another account: nothing was written.
    Superseded,
}

impl Store {
    /// Begins the account of a registration.
    pub async fn activate_registration(
        &self,
        verification: &Verification<'_>,
        user: &User,
        credential: &Credential,
        audit: &AuditEntry,
    ) -> Result<AddressVerification, StoreError> {
        let unique_address = self.credential_put(credential, audit.at)?;
        let profile = self.put_new(&Key::user(user.id), user, None)?;
        self.use_registration(verification, [unique_address.into(), profile.into()], audit).await
    }

    /// Verifies the address of an account that began without (only where configuration lets one), on condition that it
    /// is as its credential was read. The sessions that there are end, and those that are about to begin; with a reset, the password and the name go too: a
    /// stranger may have chosen both.
    pub async fn verify_account(
        &self,
        verification: &Verification<'_>,
        credential: &Credential,
        audit: &AuditEntry,
    ) -> Result<AddressVerification, StoreError> {
        let reset = verification.reset.is_some();
        let next = credential.cred_version + 1;
        let parts = [
            self.verified_credential(credential, next, reset).into(),
            self.verified_user(credential, next, reset, audit.at).into(),
        ];
        self.use_registration(verification, parts, audit).await
    }

    async fn use_registration(
        &self,
        verification: &Verification<'_>,
        parts: [Part; 2],
        audit: &AuditEntry,
    ) -> Result<AddressVerification, StoreError> {
        let registration = verification.registration;
        let key = Key::registration(&registration.email.key(), registration.id);
        let nonce = &registration.mailing.nonce;
        let used = Used { nonce, by: registration.used_by.as_deref(), session: None };
        let used = self.use_up_at(&key, &used, audit.at);
        let reset = verification.reset.map(|item| self.one_time_put(item)).transpose()?;
        let parts = parts.into_iter().chain([used.into()]).chain(reset.map(Part::from));
        let (verified, superseded) = (AddressVerification::Verified, AddressVerification::Superseded);
        Ok(self.transact(parts, audit).await?.either(verified, superseded))
    }

    fn verified_credential(&self, credential: &Credential, next: u64, reset: bool) -> Write<Update> {
        let remove = if reset { " REMOVE password" } else { "" };
        let verify = format!("SET email_verified = :true, cred_version = :next{remove}");
        self.update_credential(&credential.email_key, (credential.user_id, credential.cred_version), verify)
            .and("email_verified = :false")
            .with([
                (":true", AttributeValue::Bool(true)),
                (":false", AttributeValue::Bool(false)),
                (":next", number(next)),
            ])
    }

    fn verified_user(&self, credential: &Credential, next: u64, reset: bool, now: Timestamp) -> Write<Update> {
        let name = if reset { ", #name" } else { "" };
        let verify = format!(
            "SET email_verified = :true, cred_version = :next, sessions_not_before = :now \
             REMOVE kept_sid{name} ADD version :one"
        );
        self.update(&Key::user(credential.user_id), verify).given("#status = :active AND cred_version = :version").with(
            [
                (":active", string("active")),
                (":true", AttributeValue::Bool(true)),
                (":next", number(next)),
                (":now", number(now.millis())),
                (":one", number(1)),
                (":version", number(credential.cred_version)),
            ],
        )
    }
}
