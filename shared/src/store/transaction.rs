//! Transactions: all of it or nothing, with the audit line in it (PL-03).

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::CancellationReason;

use crate::domain::audit::AuditEntry;
use crate::store::Store;
use crate::store::attributes::Item;
use crate::store::error::StoreError;
use crate::store::outcome::Outcome;
use crate::store::write::Part;

/// Which conditions of a transaction failed.
#[derive(Debug)]
pub(super) struct Refusal(Vec<CancellationReason>);

impl Refusal {
    /// Whether the condition of the `index`th part failed.
    pub(super) fn failed(&self, index: usize) -> bool {
        self.0.get(index).and_then(CancellationReason::code) == Some("ConditionalCheckFailed")
    }

    /// The item that the `index`th part met, if its condition failed and the part asked for it.
    pub(super) fn met(&self, index: usize) -> Option<&Item> {
        self.0.get(index).and_then(CancellationReason::item)
    }
}

impl Store {
    /// Carries out the parts together with the audit line, which comes last.
    pub(super) async fn transact(
        &self,
        parts: impl IntoIterator<Item = Part>,
        audit: &AuditEntry,
    ) -> Result<Outcome<Refusal>, StoreError> {
        let audit = self.audit_put(audit)?.into();
        self.transact_parts(parts.into_iter().chain([audit])).await
    }

    /// Carries out the parts alone: they have their audit lines among them, or are nobody's act (PL-03).
    pub(super) async fn transact_parts(
        &self,
        parts: impl IntoIterator<Item = Part>,
    ) -> Result<Outcome<Refusal>, StoreError> {
        let items = parts.into_iter().map(Part::into_item).collect::<Result<_, _>>()?;
        let request = self.client.transact_write_items().set_transact_items(Some(items));
        match Box::pin(request.send()).await {
            Ok(_) => Ok(Outcome::Written(())),
            Err(error) => match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                    let refusal = Refusal(cancelled.cancellation_reasons().to_vec());
                    let refused = (0..refusal.0.len()).any(|index| refusal.failed(index));
                    if refused { Ok(Outcome::Refused(refusal)) } else { Err(error.into()) }
                }
                _ => Err(error.into()),
            },
        }
    }
}
