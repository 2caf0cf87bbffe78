//! Registrations that wait for their address to be verified.

use crate::domain::audit::AuditEntry;
use crate::domain::registration::Registration;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::transaction::{Part, Transaction};

impl Store {
    /// Writes a registration, or the notice that stands in for one where the address is taken: the same write either
    /// way (EN-04). It replaces no earlier one (OT-10).
    pub async fn add_registration(&self, registration: &Registration, audit: &AuditEntry) -> Result<(), StoreError> {
        let key = Key::registration(&registration.email.key(), registration.id);
        let put = self.put_new(&key, registration, Some(registration.expires_at.unix_seconds()))?;
        match self.transact([Part::Put(put)], audit).await? {
            // Its id is random: what is there already is this one, from a try whose answer was lost.
            Transaction::Committed | Transaction::Refused(_) => Ok(()),
        }
    }
}
