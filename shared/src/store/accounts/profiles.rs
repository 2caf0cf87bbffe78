//! What people change about themselves.

use crate::domain::audit::AuditEntry;
use crate::domain::id::UserId;
use crate::domain::name::DisplayName;
use crate::store::Store;
use crate::store::attributes::{number, string};
use crate::store::error::StoreError;
use crate::store::keys::Key;

/// What became of a change of the profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileChange {
    /// It is made.
    Changed,
    /// The account is not active any more.
    Dead,
}

impl Store {
    /// Sets the name, or takes it away. It touches nothing else, so it gets in the way of no other change.
    pub async fn set_name(
        &self,
        user: UserId,
        name: Option<&DisplayName>,
        audit: &AuditEntry,
    ) -> Result<ProfileChange, StoreError> {
        let change = if name.is_some() { "SET #name = :name" } else { "REMOVE #name" };
        let update = self
            .update(&Key::user(user), format!("ADD version :one {change}"))
            .given("#status = :active")
            .with([(":active", string("active")), (":one", number(1))])
            .with(name.map(|name| (":name", string(name.as_str()))));
        Ok(self.transact([update.into()], audit).await?.either(ProfileChange::Changed, ProfileChange::Dead))
    }
}
