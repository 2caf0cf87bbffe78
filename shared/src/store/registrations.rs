//! Registrations that wait for their address to be verified.

use aws_sdk_dynamodb::types::TransactWriteItem;

use crate::domain::audit::AuditEntry;
use crate::domain::registration::Registration;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::keys::Key;

impl Store {
    /// Writes a registration, or the notice that stands in for one where the address is taken: the same write either
    /// way (EN-04). It replaces no earlier one (OT-10).
    pub async fn add_registration(&self, registration: &Registration, audit: &AuditEntry) -> Result<(), StoreError> {
        let key = Key::registration(&registration.email.key(), registration.id);
        let put = self.put_new(&key, registration, Some(registration.expires_at.unix_seconds()))?;
        let write = self
            .client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().put(put).build())
            .transact_items(self.audit_put(audit)?);
        write.send().await.map(|_| ()).map_err(StoreError::from)
    }
}
