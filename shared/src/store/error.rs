//! What can go wrong between us and the table.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::http::Response;
use thiserror::Error;

/// The store did not do what was asked. The change it was asked for has either happened as a whole or not at all.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Throttled, timed out, in conflict or unreachable, after all retries. Worth trying again later.
    #[error("the table is unavailable: {0}")]
    Unavailable(String),
    /// The table refused the request for a reason that a retry cannot mend: rights, a missing table, a bad expression.
    #[error("the table refused a request: {0}")]
    Refused(String),
    /// An item is not what this version can read.
    #[error("an item cannot be read: {0}")]
    Unreadable(#[from] serde_dynamo::Error),
    /// A transaction's answer did not have the shape that the API promises.
    #[error("the table's answer is incomplete: {0}")]
    Incomplete(&'static str),
}

/// Codes that say "not now".
const TEMPORARY: [&str; 8] = [
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
    "InternalServerError",
    "ServiceUnavailable",
    "TransactionConflictException",
    "TransactionInProgressException",
    "TransactionCanceledException",
];

impl<E> From<SdkError<E, Response>> for StoreError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    fn from(error: SdkError<E, Response>) -> Self {
        match &error {
            SdkError::ServiceError(context) => {
                let code = context.err().code().unwrap_or("unknown");
                // The message may quote keys and values of the request; the code is enough to act on.
                if TEMPORARY.contains(&code) || context.raw().status().as_u16() >= 500 {
                    Self::Unavailable(code.to_owned())
                } else {
                    Self::Refused(code.to_owned())
                }
            }
            SdkError::TimeoutError(_) => Self::Unavailable("timeout".to_owned()),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => Self::Unavailable("timeout".to_owned()),
            SdkError::DispatchFailure(_) => Self::Unavailable("connection failed".to_owned()),
            SdkError::ResponseError(_) => Self::Unavailable("unreadable answer".to_owned()),
            _ => Self::Refused("the request could not be built".to_owned()),
        }
    }
}
