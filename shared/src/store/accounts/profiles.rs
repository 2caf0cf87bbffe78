//! What people change about themselves.

use aws_sdk_dynamodb::types::Update;

use crate::domain::audit::AuditEntry;
use crate::domain::id::UserId;
use crate::domain::name::DisplayName;
use crate::store::Store;
use crate::store::attributes::{number, string};
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::transaction::{Part, Transaction};

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
        let key = Key::user(user);
        let (change, value) = match name {
            Some(name) => ("SET #name = :name", Some(string(name.as_str()))),
            None => ("REMOVE #name", None),
        };
        let mut update = Update::builder()
            .table_name(&self.table)
            .key("pk", key.pk())
            .key("sk", key.sk())
            .update_expression(format!("ADD version :one {change}"))
            .condition_expression("#status = :active")
            .expression_attribute_names("#name", "name")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":active", string("active"))
            .expression_attribute_values(":one", number(1));
        if let Some(value) = value {
            update = update.expression_attribute_values(":name", value);
        }
        let update = update.build().map_err(|_| StoreError::Incomplete("an update without table or key"))?;
        Ok(match self.transact([Part::Update(update)], audit).await? {
            Transaction::Committed => ProfileChange::Changed,
            Transaction::Refused(_) => ProfileChange::Dead,
        })
    }
}
