//! Registrations that wait for their address to be verified.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use futures::future::try_join_all;

use crate::domain::audit::AuditEntry;
use crate::domain::email::EmailKey;
use crate::domain::id::RegistrationId;
use crate::domain::registration::{Registration, RegistrationKind};
use crate::domain::timestamp::Timestamp;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::one_time::CodeBond;
use crate::store::read::first_page;
use crate::store::write::{Put, Write};

/// How many of an address's newest registrations are looked at.
const REGISTRATIONS: i32 = 25;
/// How many registrations are deleted at a time.
const DELETED_AT_ONCE: usize = 25;

impl Store {
    /// Writes a registration, or the notice that stands in for one where the address is taken: the same write either
    /// way (EN-04). It replaces no earlier one (OT-10).
    pub async fn add_registration(&self, registration: &Registration, audit: &AuditEntry) -> Result<(), StoreError> {
        // Its id is random: what is there already is this one, from a try whose answer was lost.
        self.transact([self.registration_put(registration)?.into()], audit).await.map(drop)
    }

    /// A new registration as a part of a transaction.
    pub(in crate::store) fn registration_put(&self, registration: &Registration) -> Result<Write<Put>, StoreError> {
        let key = Key::registration(&registration.email.key(), registration.id);
        self.put_new(&key, registration, Some(registration.expires_at.unix_seconds()))
    }

    /// Reads a registration, strongly consistent.
    pub async fn read_registration(
        &self,
        email: &EmailKey,
        id: RegistrationId,
    ) -> Result<Option<Registration>, StoreError> {
        self.read(&Key::registration(email, id)).await
    }

    /// Counts a try of a registration's code, and gives the registration to compare with. `None` where there is no such
    /// registration of the flow whose secret has this hash, or none that still takes codes (OT-11).
    pub async fn reserve_verification_attempt(
        &self,
        email: &EmailKey,
        id: RegistrationId,
        flow_hash: &str,
        now: Timestamp,
    ) -> Result<Option<Registration>, StoreError> {
        self.count_attempt(&Key::registration(email, id), CodeBond::Flow(flow_hash), now).await
    }

    /// Drops what else waits for the address to be verified (OT-10). The used one stays, so that a replay is recognised
    /// (OT-02), and so do notices, whose mail may not have gone out.
    pub async fn drop_other_registrations(&self, email: &EmailKey, used: RegistrationId) -> Result<(), StoreError> {
        // One page: a megabyte of them is more than an address can get in a link's life.
        let mut registrations: Vec<Registration> = first_page(self.registrations(email)).await?;
        registrations.retain(|other| other.kind == RegistrationKind::Verification && other.id != used);
        for some in registrations.chunks(DELETED_AT_ONCE) {
            let deletions =
                some.iter().map(|other| self.delete(&Key::registration(email, other.id)).send(&self.client));
            try_join_all(deletions).await?;
        }
        Ok(())
    }

    /// An address's newest registration that a link can still activate, strongly consistent. `mailed` asks for one
    /// whose link has a key already.
    pub async fn newest_registration(
        &self,
        email: &EmailKey,
        mailed: bool,
        now: Timestamp,
    ) -> Result<Option<Registration>, StoreError> {
        let query = self.registrations(email).scan_index_forward(false).limit(REGISTRATIONS);
        let registrations: Vec<Registration> = first_page(query).await?;
        let mut pending = registrations.into_iter().filter(|registration| registration.is_pending(now));
        Ok(pending.find(|registration| !mailed || registration.mailing.mac_kid.is_some()))
    }

    /// A query of an address's registrations.
    pub(in crate::store) fn registrations(&self, email: &EmailKey) -> QueryFluentBuilder {
        self.beginning_with(&Key::registrations(email))
    }
}
