//! Users and their credentials.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, Put, ReturnValuesOnConditionCheckFailure};
use serde::Serialize;

use crate::domain::audit::AuditEntry;
use crate::domain::credential::{Credential, WrappedHash};
use crate::domain::email::EmailKey;
use crate::domain::id::UserId;
use crate::domain::registration::Registration;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::User;
use crate::store::Store;
use crate::store::attributes::{number, string};
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::transaction::{Part, Transaction};

/// What became of a new account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountCreation {
    /// It exists.
    Created,
    /// The address has an account; nothing was written.
    EmailTaken,
}

/// An item with its keys, as it is written.
#[derive(Serialize)]
pub(in crate::store) struct Keyed<'a, T> {
    pub(in crate::store) pk: &'a str,
    pub(in crate::store) sk: &'a str,
    #[serde(flatten)]
    pub(in crate::store) item: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::store) ttl: Option<i64>,
}

impl Store {
    /// Reads the credential of an address, strongly consistent.
    pub async fn read_credential(&self, email: &EmailKey) -> Result<Option<Credential>, StoreError> {
        self.read(&Key::credential(email)).await
    }

    /// Reads a user, strongly consistent.
    pub async fn read_user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.read(&Key::user(id)).await
    }

    /// Creates the user and the credential, which makes the address unique, in one transaction.
    pub async fn create_account(
        &self,
        user: &User,
        credential: &Credential,
        audit: &AuditEntry,
    ) -> Result<AccountCreation, StoreError> {
        self.create(user, credential, None, audit).await
    }

    /// As [`Store::create_account`], together with the registration whose mailed link will verify the address.
    pub async fn create_unverified_account(
        &self,
        user: &User,
        credential: &Credential,
        registration: &Registration,
        audit: &AuditEntry,
    ) -> Result<AccountCreation, StoreError> {
        self.create(user, credential, Some(registration), audit).await
    }

    async fn create(
        &self,
        user: &User,
        credential: &Credential,
        registration: Option<&Registration>,
        audit: &AuditEntry,
    ) -> Result<AccountCreation, StoreError> {
        let unique_address = self.credential_put(credential, audit.at)?;
        let profile = self.put_new(&Key::user(user.id), user, None)?;
        let mut parts = vec![Part::Put(unique_address), Part::Put(profile)];
        if let Some(registration) = registration {
            parts.push(Part::Put(self.registration_put(registration)?));
        }
        match self.transact(parts, audit).await? {
            Transaction::Committed => Ok(AccountCreation::Created),
            // A retry whose first try had gone through after all meets its own item.
            Transaction::Refused(refusal)
                if refusal.met(0).and_then(|item| item.get("user_id")) == Some(&string(user.id)) =>
            {
                Ok(AccountCreation::Created)
            }
            Transaction::Refused(_) => Ok(AccountCreation::EmailTaken),
        }
    }

    /// Replaces a hash by one of the same password, if it is still the one that was verified (PW-01).
    pub async fn replace_hash(
        &self,
        email: &EmailKey,
        verified: &WrappedHash,
        replacement: &WrappedHash,
    ) -> Result<(), StoreError> {
        let key = Key::credential(email);
        let update = self
            .update(&key)
            .update_expression("SET password.sealed = :new, password.key_version = :version")
            .condition_expression("password.sealed = :old")
            .expression_attribute_values(":new", blob(replacement))
            .expression_attribute_values(":version", number(replacement.key_version))
            .expression_attribute_values(":old", blob(verified));
        match update.send().await {
            Ok(_) => Ok(()),
            // Somebody changed the password meanwhile: theirs stays.
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    pub(in crate::store) async fn read<T: serde::de::DeserializeOwned>(
        &self,
        key: &Key,
    ) -> Result<Option<T>, StoreError> {
        let get = self.client.get_item().table_name(&self.table).key("pk", key.pk()).key("sk", key.sk());
        let item = get.consistent_read(true).send().await?.item;
        Ok(item.map(serde_dynamo::from_item).transpose()?)
    }

    /// The put that makes an address unique: it must not meet a credential, unless one that was only kept for an undo
    /// and is no longer (OT-12).
    pub(in crate::store) fn credential_put(&self, credential: &Credential, now: Timestamp) -> Result<Put, StoreError> {
        let key = Key::credential(&credential.email_key);
        let (pk, sk) = key.parts();
        Put::builder()
            .table_name(&self.table)
            .set_item(Some(serde_dynamo::to_item(Keyed { pk, sk, item: credential, ttl: None })?))
            .condition_expression("attribute_not_exists(pk) OR reserved_until <= :now")
            .expression_attribute_values(":now", number(now.millis()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|_| StoreError::Incomplete("a put without table or item"))
    }

    /// A put that must not meet an existing item.
    pub(in crate::store) fn put_new<T: Serialize>(
        &self,
        key: &Key,
        item: &T,
        ttl: Option<i64>,
    ) -> Result<Put, StoreError> {
        let (pk, sk) = key.parts();
        Put::builder()
            .table_name(&self.table)
            .set_item(Some(serde_dynamo::to_item(Keyed { pk, sk, item, ttl })?))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|_| StoreError::Incomplete("a put without table or item"))
    }
}

fn blob(hash: &WrappedHash) -> AttributeValue {
    AttributeValue::B(Blob::new(hash.sealed.clone()))
}
