//! How a second factor is refused.

use crate::http::problem::Problem;
use crate::use_cases::second_factor::SecondFactorError;

impl From<SecondFactorError> for Problem {
    fn from(error: SecondFactorError) -> Self {
        match error {
            SecondFactorError::Wrong => Self::wrong_second_factor(),
            SecondFactorError::TooManyAttempts { retry_after } => Self::too_many_attempts(retry_after),
            SecondFactorError::Fault(fault) => fault.into(),
        }
    }
}
