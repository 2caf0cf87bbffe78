//! What the smoke test does to its own users beside what everybody does (PL-08): it takes one of them for itself, finds
//! what it registered, and clears away what there is of it.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::Update;

use crate::domain::attempts::WindowLimit;
use crate::domain::audit::AuditEntry;
use crate::domain::credential::Credential;
use crate::domain::name::DisplayName;
use crate::domain::registration::{Registration, RegistrationKind};
use crate::domain::synthetic::Synthetic;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::User;
use crate::store::Store;
use crate::store::accounts::verifications::AddressVerification;
use crate::store::attributes::{number, string};
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::limits::Scope;
use crate::store::transaction::{Part, Transaction};

/// Whether a synthetic user can be played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// By the one who asked, until the lease ends.
    Taken,
    /// Another run plays it.
    Busy,
}

impl Store {
    /// Takes a synthetic user until a time, unless another run has it: one that was killed has it no longer than its
    /// lease lasts.
    pub async fn lease_synthetic(
        &self,
        user: &Synthetic,
        holder: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Lease, StoreError> {
        let lease = self
            .update(&Key::smoke_lease(user))
            .update_expression("SET holder = :holder, held_until = :until, #ttl = :ttl")
            .condition_expression("attribute_not_exists(pk) OR held_until <= :now OR holder = :holder")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":holder", string(holder))
            .expression_attribute_values(":until", number(until.millis()))
            .expression_attribute_values(":ttl", number(until.unix_seconds()))
            .expression_attribute_values(":now", number(now.millis()));
        match lease.send().await {
            Ok(_) => Ok(Lease::Taken),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(Lease::Busy),
                _ => Err(error.into()),
            },
        }
    }

    /// Gives a synthetic user back, if it is still the holder's.
    pub async fn release_synthetic(&self, user: &Synthetic, holder: &str) -> Result<(), StoreError> {
        let key = Key::smoke_lease(user);
        let delete = self.client.delete_item().table_name(&self.table).key("pk", key.pk()).key("sk", key.sk());
        let delete =
            delete.condition_expression("holder = :holder").expression_attribute_values(":holder", string(holder));
        match delete.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The registration that has this name, which strangers cannot know.
    pub async fn synthetic_registration(
        &self,
        user: &Synthetic,
        name: &DisplayName,
    ) -> Result<Option<Registration>, StoreError> {
        let items = self.registrations(&user.email_key()).send().await?.items.unwrap_or_default();
        let mut registrations: Vec<Registration> = serde_dynamo::from_items(items)?;
        let own = registrations.iter().position(|registration| registration.name.as_ref() == Some(name));
        Ok(own.map(|index| registrations.swap_remove(index)))
    }

    /// Begins the account of a synthetic user's registration. As a link would, but for the mail: whether one went out is
    /// not asked, since mails are counted and delayed, and who holds no mail key cannot make a link.
    pub async fn activate_synthetic(
        &self,
        user: &Synthetic,
        registration: &Registration,
        account: (&User, &Credential),
        audit: &AuditEntry,
    ) -> Result<AddressVerification, StoreError> {
        let key = Key::registration(&user.email_key(), registration.id);
        let used = Update::builder()
            .table_name(&self.table)
            .key("pk", key.pk())
            .key("sk", key.sk())
            .update_expression("SET used_at = :now")
            .condition_expression(
                "nonce = :nonce AND kind = :kind AND attribute_not_exists(used_at) AND expires_at > :now",
            )
            .expression_attribute_values(":now", number(audit.at.millis()))
            .expression_attribute_values(":nonce", string(registration.mailing.nonce.as_str()))
            .expression_attribute_values(":kind", serde_dynamo::to_attribute_value(RegistrationKind::Verification)?)
            .build()
            .map_err(|_| StoreError::Incomplete("an update without table or key"))?;
        let (account, credential) = account;
        let unique_address = self.credential_put(credential, audit.at)?;
        let profile = self.put_new(&Key::user(user.user_id()), account, None)?;
        let parts = [Part::Put(unique_address), Part::Put(profile), Part::Update(used)];
        Ok(match self.transact(parts, audit).await? {
            Transaction::Committed => AddressVerification::Verified,
            Transaction::Refused(_) => AddressVerification::Superseded,
        })
    }

    /// Forgets what was counted in a window against a synthetic user: strangers may have, to keep the test from it, and a
    /// deploy tests more often than a person registers.
    pub async fn forget_window(
        &self,
        scope: Scope,
        subject: &str,
        limit: &WindowLimit,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let key = Key::window(scope.name(), subject, limit.window_start(now));
        let delete = self.client.delete_item().table_name(&self.table).key("pk", key.pk()).key("sk", key.sk());
        delete.send().await.map(|_| ()).map_err(StoreError::from)
    }

    /// Deletes everything that a synthetic user has. What earlier runs and strangers have left goes as well.
    pub async fn erase_synthetic(&self, user: &Synthetic) -> Result<(), StoreError> {
        for key in [Key::credential(&user.email_key()), Key::user(user.user_id())] {
            self.delete_under(&self.table, &key.pk()).await?;
        }
        Ok(())
    }
}
