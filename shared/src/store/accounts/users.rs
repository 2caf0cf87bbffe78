//! Users and their credentials.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

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
use crate::store::outcome::Outcome;
use crate::store::write::{Part, Put, Update, Write};

/// What became of a new account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountCreation {
    /// It exists.
    Created,
    /// The address has an account; nothing was written.
    EmailTaken,
}

impl Store {
    /// Reads the credential of an address, strongly consistent.
    pub async fn read_credential(&self, email: &EmailKey) -> Result<Option<Credential>, StoreError> {
        self.read(&Key::credential(email)).await
    }

    /// Whether a user has ended the sessions of `since` or before; whoever is not there has. Strongly consistent. It takes no more of
    /// the item than that: a sign-in links nothing else that reads users.
    pub async fn has_ended_sessions_of(&self, id: UserId, since: Timestamp) -> Result<bool, StoreError> {
        let Some(item) = self.read_item(&Key::user(id)).await? else { return Ok(true) };
        let Some(ended) = item.get("sessions_not_before") else { return Ok(false) };
        let millis = ended.as_n().ok().and_then(|text| text.parse::<i64>().ok());
        let ended = millis.ok_or(StoreError::Incomplete("a time that is none"))?;
        Ok(ended >= since.millis())
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
        let mut parts: Vec<Part> = vec![unique_address.into(), profile.into()];
        if let Some(registration) = registration {
            parts.push(self.registration_put(registration)?.into());
        }
        match self.transact(parts, audit).await? {
            Outcome::Written(()) => Ok(AccountCreation::Created),
            // A retry whose first try had gone through after all meets its own item.
            Outcome::Refused(refusal)
                if refusal.met(0).and_then(|item| item.get("user_id")) == Some(&string(user.id)) =>
            {
                Ok(AccountCreation::Created)
            }
            Outcome::Refused(_) => Ok(AccountCreation::EmailTaken),
        }
    }

    /// Replaces a hash by one of the same password, if it is still the one that was verified (PW-01).
    pub async fn replace_hash(
        &self,
        email: &EmailKey,
        verified: &WrappedHash,
        replacement: &WrappedHash,
    ) -> Result<(), StoreError> {
        let update = self
            .update(&Key::credential(email), "SET password.sealed = :new, password.key_version = :version")
            .given("password.sealed = :old")
            .with([
                (":new", blob(replacement)),
                (":version", number(replacement.key_version)),
                (":old", blob(verified)),
            ]);
        // Where it is refused, somebody changed the password meanwhile: theirs stays.
        update.send(&self.client).await.map(drop)
    }

    /// A change of an account's credential, on condition that it is as it was read and not only kept for an undo.
    pub(in crate::store) fn update_credential(
        &self,
        email: &EmailKey,
        (user, version): (UserId, u64),
        expression: impl Into<String>,
    ) -> Write<Update> {
        self.update(&Key::credential(email), expression)
            .given("user_id = :user AND cred_version = :version AND attribute_not_exists(reserved_until)")
            .with([(":user", string(user)), (":version", number(version))])
    }

    /// The put that makes an address unique: it must not meet a credential, unless one that was only kept for an undo
    /// and is no longer (OT-12).
    pub(in crate::store) fn credential_put(
        &self,
        credential: &Credential,
        now: Timestamp,
    ) -> Result<Write<Put>, StoreError> {
        Ok(self
            .put(&Key::credential(&credential.email_key), credential, None)?
            .given("attribute_not_exists(pk) OR reserved_until <= :now")
            .with([(":now", number(now.millis()))])
            .showing_met())
    }
}

fn blob(hash: &WrappedHash) -> AttributeValue {
    AttributeValue::B(Blob::new(hash.sealed.clone()))
}
