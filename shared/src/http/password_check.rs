//! What a failed password check answers.

use http::StatusCode;

use crate::http::problem::Problem;
use crate::use_cases::password_check::PasswordCheckError;

impl From<PasswordCheckError> for Problem {
    fn from(error: PasswordCheckError) -> Self {
        match error {
            PasswordCheckError::Wrong => Self::new(
                StatusCode::UNAUTHORIZED,
                "invalid_credentials",
                "The sign-in failed.",
                "The address or the password is wrong.",
            ),
            PasswordCheckError::TooManyAttempts { retry_after } => Self::too_many_attempts(retry_after),
            PasswordCheckError::Fault(fault) => fault.into(),
        }
    }
}
