//! How a registration is refused.

use crate::http::problem::Problem;
use crate::use_cases::accounts::register::RegisterError;

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::SignUpClosed => {
                Self::switched_off("sign_up_closed", "Sign-up is closed.", "No new accounts are taken for now.")
            }
            RegisterError::Password(rejection) => {
                Self::invalid_member("password", rejection.code(), rejection.detail())
            }
            RegisterError::TooManyAttempts { retry_after } => Self::too_many_attempts(retry_after),
            RegisterError::Fault(fault) => fault.into(),
        }
    }
}
