//! How it is refused to sign in with a mailed code.

use http::StatusCode;

use crate::http::problem::Problem;
use crate::use_cases::sign_in::login_email_code::CodeOrderError;
use crate::use_cases::sign_in::login_email_code_verify::EmailCodeError;

impl From<CodeOrderError> for Problem {
    fn from(error: CodeOrderError) -> Self {
        match error {
            CodeOrderError::SwitchedOff => {
                let detail = "Sign in with your password. If you have none, ask for a new one.";
                Self::switched_off("email_codes_off", "Signing in by mail is switched off.", detail)
            }
            CodeOrderError::Fault(fault) => fault.into(),
        }
    }
}

impl From<EmailCodeError> for Problem {
    fn from(error: EmailCodeError) -> Self {
        match error {
            EmailCodeError::Invalid | EmailCodeError::WrongCode { .. } => Self::new(
                StatusCode::UNAUTHORIZED,
                "invalid_code",
                "The sign-in failed.",
                "The code or the link is wrong, has expired, or was used. Ask for another.",
            ),
            EmailCodeError::CodeRequired { .. } => Self::new(
                StatusCode::FORBIDDEN,
                "code_required",
                "The code has to be typed.",
                "The link was not asked for here. Send its token with the code that the mail says.",
            ),
            EmailCodeError::TooManyAttempts { retry_after } => Self::too_many_attempts(retry_after),
            EmailCodeError::Fault(fault) => fault.into(),
        }
    }
}
