//! What the smoke test does to its own users beside what everybody does (PL-08): it takes one of them for itself, finds
//! what it registered, and clears away what there is of it.

use std::time::Duration;

use crate::domain::attempts::WindowLimit;
use crate::domain::audit::AuditEntry;
use crate::domain::credential::Credential;
use crate::domain::name::DisplayName;
use crate::domain::oauth::client::Client;
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
use crate::store::read::first_page;

/// The client of a run that was killed goes by itself, should no other run play its user.
const CLIENT_LIFE: Duration = Duration::from_hours(1);

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
            .update(&Key::smoke_lease(user), "SET holder = :holder, held_until = :until, #ttl = :ttl")
            .given("attribute_not_exists(pk) OR held_until <= :now OR holder = :holder")
            .with([
                (":holder", string(holder)),
                (":until", number(until.millis())),
                (":ttl", number(until.unix_seconds())),
                (":now", number(now.millis())),
            ]);
        Ok(lease.send(&self.client).await?.either(Lease::Taken, Lease::Busy))
    }

    /// Gives a synthetic user back, if it is still the holder's.
    pub async fn release_synthetic(&self, user: &Synthetic, holder: &str) -> Result<(), StoreError> {
        let delete = self.delete(&Key::smoke_lease(user)).given("holder = :holder").with([(":holder", string(holder))]);
        delete.send(&self.client).await.map(drop)
    }

    /// The registration that has this name, which strangers cannot know.
    pub async fn synthetic_registration(
        &self,
        user: &Synthetic,
        name: &DisplayName,
    ) -> Result<Option<Registration>, StoreError> {
        let mut registrations: Vec<Registration> = first_page(self.registrations(&user.email_key())).await?;
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
        let used = self
            .update(&Key::registration(&user.email_key(), registration.id), "SET used_at = :now")
            .given("nonce = :nonce AND kind = :kind AND attribute_not_exists(used_at) AND expires_at > :now")
            .with([
                (":now", number(audit.at.millis())),
                (":nonce", string(registration.mailing.nonce.as_str())),
                (":kind", serde_dynamo::to_attribute_value(RegistrationKind::Verification)?),
            ]);
        let (account, credential) = account;
        let unique_address = self.credential_put(credential, audit.at)?;
        let profile = self.put_new(&Key::user(user.user_id()), account, None)?;
        let parts = [unique_address.into(), profile.into(), used.into()];
        let (verified, superseded) = (AddressVerification::Verified, AddressVerification::Superseded);
        Ok(self.transact(parts, audit).await?.either(verified, superseded))
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
        self.delete(&key).send(&self.client).await.map(drop)
    }

    /// Registers the client that a synthetic user signs in to. It is in no list, and no file has it.
    pub async fn keep_synthetic_client(
        &self,
        user: &Synthetic,
        client: &Client,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let put = self.put(&Key::client(&user.client_id()), client, Some(now.plus(CLIENT_LIFE).unix_seconds()))?;
        put.send(&self.client).await.map(drop)
    }

    /// Deletes everything that a synthetic user has. What earlier runs and strangers have left goes as well.
    pub async fn erase_synthetic(&self, user: &Synthetic) -> Result<(), StoreError> {
        for key in [Key::credential(&user.email_key()), Key::user(user.user_id())] {
            self.delete_partition(&key).await?;
        }
        self.delete(&Key::client(&user.client_id())).send(&self.client).await.map(drop)
    }
}
