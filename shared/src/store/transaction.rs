//! Transactions: all of it or nothing, with the audit line in it (PL-03).

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ConditionCheck, Delete, Put, TransactWriteItem, Update,
};

use crate::domain::audit::AuditEntry;
use crate::store::Store;
use crate::store::error::StoreError;

/// What became of a transaction.
#[derive(Debug)]
pub(super) enum Transaction {
    /// Everything was written.
    Committed,
    /// A condition failed, and nothing was written.
    Refused(Refusal),
}

/// Which conditions of a transaction failed.
#[derive(Debug)]
pub(super) struct Refusal(Vec<CancellationReason>);

impl Refusal {
    /// Whether the condition of the `index`th part failed.
    pub(super) fn failed(&self, index: usize) -> bool {
        self.0.get(index).and_then(CancellationReason::code) == Some("ConditionalCheckFailed")
    }

    /// The item that the `index`th part met, if its condition failed and the part asked for it.
    pub(super) fn met(&self, index: usize) -> Option<&HashMap<String, AttributeValue>> {
        self.0.get(index).and_then(CancellationReason::item)
    }
}

/// A part of a transaction.
pub(super) enum Part {
    Check(ConditionCheck),
    Put(Put),
    Update(Update),
    Delete(Delete),
}

impl Store {
    /// Carries out the parts together with the audit line, which comes last.
    pub(super) async fn transact(
        &self,
        parts: impl IntoIterator<Item = Part>,
        audit: &AuditEntry,
    ) -> Result<Transaction, StoreError> {
        let audit = Part::Put(self.audit_put(audit)?);
        self.transact_parts(parts.into_iter().chain([audit])).await
    }

    /// Carries out the parts alone: they have their audit lines among them, or are nobody's act (PL-03).
    pub(super) async fn transact_parts(
        &self,
        parts: impl IntoIterator<Item = Part>,
    ) -> Result<Transaction, StoreError> {
        let mut transaction = self.client.transact_write_items();
        for part in parts {
            let item = TransactWriteItem::builder();
            transaction = transaction.transact_items(match part {
                Part::Check(check) => item.condition_check(check).build(),
                Part::Put(put) => item.put(put).build(),
                Part::Update(update) => item.update(update).build(),
                Part::Delete(delete) => item.delete(delete).build(),
            });
        }
        match transaction.send().await {
            Ok(_) => Ok(Transaction::Committed),
            Err(error) => match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                    let refusal = Refusal(cancelled.cancellation_reasons().to_vec());
                    let refused = (0..refusal.0.len()).any(|index| refusal.failed(index));
                    if refused { Ok(Transaction::Refused(refusal)) } else { Err(error.into()) }
                }
                _ => Err(error.into()),
            },
        }
    }
}
