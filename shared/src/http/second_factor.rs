//! How a second factor, and a change of them, is refused.

use http::StatusCode;

use crate::http::problem::Problem;
use crate::use_cases::factors_change::FactorsChangeError;
use crate::use_cases::second_factor::SecondFactorError;
use crate::use_cases::sign_in::login_mfa::LoginMfaError;
use crate::use_cases::sign_in::login_mfa_lost::LoginMfaLostError;
use crate::use_cases::sign_in::passkey_login::PasskeyLoginError;

impl From<SecondFactorError> for Problem {
    fn from(error: SecondFactorError) -> Self {
        match error {
            SecondFactorError::Wrong => Self::wrong_second_factor(),
            SecondFactorError::TooManyAttempts { retry_after } => Self::too_many_attempts(retry_after),
            SecondFactorError::Fault(fault) => fault.into(),
        }
    }
}

impl From<LoginMfaError> for Problem {
    fn from(error: LoginMfaError) -> Self {
        match error {
            LoginMfaError::InvalidToken => Self::first_step_over(),
            LoginMfaError::Wrong => Self::wrong_second_factor(),
            LoginMfaError::TooManyAttempts { retry_after } => Self::too_many_attempts(retry_after),
            LoginMfaError::Fault(fault) => fault.into(),
        }
    }
}

impl From<PasskeyLoginError> for Problem {
    fn from(error: PasskeyLoginError) -> Self {
        match error {
            PasskeyLoginError::Expired => Self::new(
                StatusCode::BAD_REQUEST,
                "challenge_expired",
                "The challenge is no longer valid.",
                "It has expired, or is none of a sign-in. Ask anew: POST /v1/passkeys/login/options.",
            ),
            PasskeyLoginError::Unknown => Self::new(
                StatusCode::UNAUTHORIZED,
                "unknown_passkey",
                "Nobody has this passkey.",
                "It was removed, or never registered here. Have the browser forget it: signalUnknownCredential.",
            ),
            PasskeyLoginError::Refused => Self::new(
                StatusCode::UNAUTHORIZED,
                "invalid_passkey",
                "The passkey is not accepted.",
                "It does not sign in alone. Sign in with the password, and show it then.",
            ),
            PasskeyLoginError::TooManyAttempts { retry_after } => Self::too_many_attempts(retry_after),
            PasskeyLoginError::Fault(fault) => fault.into(),
        }
    }
}

impl From<LoginMfaLostError> for Problem {
    fn from(error: LoginMfaLostError) -> Self {
        match error {
            LoginMfaLostError::InvalidToken => Self::first_step_over(),
            LoginMfaLostError::AddressChanged { until } => Self::new(
                StatusCode::CONFLICT,
                "address_changed_lately",
                "The address was changed lately.",
                format!("Until {} its change can be undone, and nobody could be told of this there.", until.rfc3339()),
            ),
            LoginMfaLostError::ByAdministrator => Self::new(
                StatusCode::FORBIDDEN,
                "recovery_by_administrator",
                "Whoever runs this service has to allow it.",
                "Ask them: once they have, the same request sends a mail whose link takes the second factors away.",
            ),
            LoginMfaLostError::TooManyAttempts { retry_after } => Self::too_many_attempts(retry_after),
            LoginMfaLostError::Fault(fault) => fault.into(),
        }
    }
}

impl From<FactorsChangeError> for Problem {
    fn from(error: FactorsChangeError) -> Self {
        match error {
            FactorsChangeError::Authenticate(error) => error.into(),
            FactorsChangeError::UnverifiedAddress => Self::new(
                StatusCode::CONFLICT,
                "email_not_verified",
                "The address is not verified.",
                "A second factor is for an account whose owner can be told of it by mail. Verify the address first.",
            ),
            FactorsChangeError::NoSecondFactor => Self::new(
                StatusCode::CONFLICT,
                "no_second_factor",
                "There is no second factor.",
                "Set one up first: POST /v1/mfa/totp.",
            ),
            FactorsChangeError::PasswordTooShort => Self::new(
                StatusCode::CONFLICT,
                "password_too_short",
                "The password is too short to stand alone.",
                "It was chosen beside a second factor. Choose one of at least 15 characters first: POST /v1/password/change.",
            ),
            FactorsChangeError::LastSignInMethod => Self::new(
                StatusCode::CONFLICT,
                "last_sign_in_method",
                "Nothing else would open the account.",
                "It has no password. Add another passkey, or set a password first: POST /v1/password/change.",
            ),
            FactorsChangeError::TooFewPasskeys => Self::new(
                StatusCode::CONFLICT,
                "too_few_passkeys",
                "One lost device would lock its owner out.",
                "An account without a password has two passkeys or one that is backed up, and a recovery code.",
            ),
            FactorsChangeError::NoPassword => Self::not_found("The account has no password."),
            FactorsChangeError::NotFound => Self::not_found("The account has no authenticator app."),
            FactorsChangeError::NoSuchPasskey => Self::not_found("The account has no such passkey."),
            FactorsChangeError::Superseded => Self::new(
                StatusCode::CONFLICT,
                "changed_meanwhile",
                "The account has changed meanwhile.",
                "Nothing was done. Look at GET /v1/mfa, and try again.",
            ),
            FactorsChangeError::Fault(fault) => fault.into(),
        }
    }
}
