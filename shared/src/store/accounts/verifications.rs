//! What a mailed link or code makes of a registration (OT-10).

use aws_sdk_dynamodb::types::{AttributeValue, Update};

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
use crate::store::transaction::{Part, Transaction};

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
        self.use_registration(verification, [Part::Put(unique_address), Part::Put(profile)], audit).await
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
            Part::Update(self.verified_credential(credential, next, reset)?),
            Part::Update(self.verified_user(credential, next, reset, audit.at)?),
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
        let used = self.use_up_at(&key, &used, audit.at)?;
        let reset = verification.reset.map(|item| self.one_time_put(item)).transpose()?;
        let parts = parts.into_iter().chain([Part::Update(used)]).chain(reset.map(Part::Put));
        Ok(match self.transact(parts, audit).await? {
            Transaction::Committed => AddressVerification::Verified,
            Transaction::Refused(_) => AddressVerification::Superseded,
        })
    }

    fn verified_credential(&self, credential: &Credential, next: u64, reset: bool) -> Result<Update, StoreError> {
        let key = Key::credential(&credential.email_key);
        let remove = if reset { " REMOVE password" } else { "" };
        Update::builder()
            .table_name(&self.table)
            .key("pk", key.pk())
            .key("sk", key.sk())
            .update_expression(format!("SET email_verified = :true, cred_version = :next{remove}"))
            .condition_expression(
                "user_id = :user AND cred_version = :version AND email_verified = :false \
                 AND attribute_not_exists(reserved_until)",
            )
            .expression_attribute_values(":true", AttributeValue::Bool(true))
            .expression_attribute_values(":false", AttributeValue::Bool(false))
            .expression_attribute_values(":next", number(next))
            .expression_attribute_values(":user", string(credential.user_id))
            .expression_attribute_values(":version", number(credential.cred_version))
            .build()
            .map_err(|_| StoreError::Incomplete("an update without table or key"))
    }

    fn verified_user(
        &self,
        credential: &Credential,
        next: u64,
        reset: bool,
        now: Timestamp,
    ) -> Result<Update, StoreError> {
        let key = Key::user(credential.user_id);
        let (remove, name) = if reset { (", #name", Some("name")) } else { ("", None) };
        let update = Update::builder()
            .table_name(&self.table)
            .key("pk", key.pk())
            .key("sk", key.sk())
            .update_expression(format!(
                "SET email_verified = :true, cred_version = :next, sessions_not_before = :now \
                 REMOVE kept_sid{remove} ADD version :one"
            ))
            .condition_expression("#status = :active AND cred_version = :version")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":active", string("active"))
            .expression_attribute_values(":true", AttributeValue::Bool(true))
            .expression_attribute_values(":next", number(next))
            .expression_attribute_values(":now", number(now.millis()))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":version", number(credential.cred_version));
        let update = name.into_iter().fold(update, |update, name| update.expression_attribute_names("#name", name));
        update.build().map_err(|_| StoreError::Incomplete("an update without table or key"))
    }
}
