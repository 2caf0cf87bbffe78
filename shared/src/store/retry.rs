//! When a cancelled transaction is tried again.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::CancellationReason;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};

/// Reasons that go away by themselves.
const TEMPORARY: [&str; 3] = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];

/// Retries a transaction that was cancelled only because others were at the same items, or for want of capacity. The
/// SDK does not: to it every cancelled transaction is final. A failed condition is an answer, and never retried. The
/// SDK's own loop gives backoff with jitter, the deadline, and the same `ClientRequestToken` each time.
#[derive(Debug)]
pub(super) struct RetryTransactionConflicts;

impl ClassifyRetry for RetryTransactionConflicts {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let error = context.output_or_error().and_then(Result::err).and_then(|error| error.as_operation_error());
        match error.and_then(|error| error.downcast_ref::<TransactWriteItemsError>()) {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled))
                if is_temporary(cancelled.cancellation_reasons()) =>
            {
                RetryAction::throttling_error()
            }
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "transaction conflicts"
    }
}

/// Whether every item that has a reason has a temporary one.
fn is_temporary(reasons: &[CancellationReason]) -> bool {
    let mut codes = reasons.iter().filter_map(CancellationReason::code).filter(|code| *code != "None").peekable();
    codes.peek().is_some() && codes.all(|code| TEMPORARY.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(codes: &[&str]) -> Vec<CancellationReason> {
        codes.iter().map(|code| CancellationReason::builder().code(*code).build()).collect()
    }

    #[test]
    fn conflicts_and_throttles_are_temporary_failed_conditions_are_answers() {
        assert!(is_temporary(&reasons(&["None", "TransactionConflict"])));
        assert!(is_temporary(&reasons(&["ThrottlingError", "TransactionConflict"])));
        assert!(!is_temporary(&reasons(&["ConditionalCheckFailed", "TransactionConflict"])));
        assert!(!is_temporary(&reasons(&["None", "ConditionalCheckFailed"])));
        assert!(!is_temporary(&reasons(&["None"])));
        assert!(!is_temporary(&[]));
    }
}
