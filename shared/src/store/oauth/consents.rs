//! What people have let clients have: an item for each client.

use crate::domain::audit::AuditEntry;
use crate::domain::id::UserId;
use crate::domain::oauth::client::ClientId;
use crate::domain::oauth::consent::GivenConsent;
use crate::domain::timestamp::Timestamp;
use crate::store::Store;
use crate::store::attributes::number;
use crate::store::clients::Saved;
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::read::Pages;

impl Store {
    /// Reads what a person has let a client have, strongly consistent.
    pub async fn read_consent(
        &self,
        user_id: UserId,
        client_id: &ClientId,
    ) -> Result<Option<GivenConsent>, StoreError> {
        self.read(&Key::consent(user_id, client_id)).await
    }

    /// Writes it, where nobody has since it was read: `read_at` is when it was given last, as it was read.
    pub async fn save_consent(
        &self,
        consent: &GivenConsent,
        read_at: Option<Timestamp>,
        audit: &AuditEntry,
    ) -> Result<Saved, StoreError> {
        let put = self.put(&Key::consent(consent.user_id, &consent.client_id), consent, None)?;
        let put = match read_at {
            None => put.given_none(),
            Some(at) => put.given("#at = :read").with([(":read", number(at.millis()))]),
        };
        Ok(self.transact([put.into()], audit).await?.either(Saved::Saved, Saved::ChangedMeanwhile))
    }

    /// Forgets what a person has let a client have, if there is anything.
    pub async fn delete_consent(
        &self,
        user_id: UserId,
        client_id: &ClientId,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let delete = self.delete(&Key::consent(user_id, client_id)).given("attribute_exists(pk)");
        self.transact([delete.into()], audit).await.map(drop)
    }

    /// Everything that a person has let clients have, by client.
    pub async fn list_consents(&self, user_id: UserId) -> Result<Vec<GivenConsent>, StoreError> {
        let mut pages = Pages::of(self.beginning_with(&Key::consents(user_id)));
        let mut found = Vec::new();
        while let Some(page) = pages.read_next().await? {
            found.extend(page);
        }
        Ok(found)
    }
}
