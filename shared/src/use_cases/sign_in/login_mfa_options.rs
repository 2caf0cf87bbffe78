//! Asking for a passkey as the second step of a sign-in.
//!
//! Store requests: one round in parallel (challenge, credential, source's counters); a query of the passkeys. A forged token costs
//! nothing.

use thiserror::Error;

use crate::app::App;
use crate::crypto::webauthn::expected::UserVerification;
use crate::domain::request_context::RequestContext;
use crate::fault::{Fault, fault_arm};
use crate::use_cases::passkey::{PasskeyOptions, ask_for_passkey};
use crate::use_cases::sign_in::login_mfa::{First, LoginMfaError, ceremony, first};

/// Why there are no options.
#[derive(Debug, Error)]
pub enum LoginMfaOptionsError {
    /// The first step does not stand, or too many were tried.
    #[error(transparent)]
    First(#[from] LoginMfaError),
    /// The account has no passkey that works here.
    #[error("the account has no passkey")]
    NoPasskey,
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(LoginMfaOptionsError);

/// Gives what an authenticator is asked. Only who has shown the first factor gets to know which passkeys there are.
pub async fn login_mfa_options(
    app: &App,
    context: &RequestContext,
    mfa_token: &str,
) -> Result<PasskeyOptions, LoginMfaOptionsError> {
    let First { challenge, .. } = first(app, context, mfa_token).await?;
    let options = ask_for_passkey(app, context, &ceremony(&challenge), UserVerification::Preferred).await?;
    options.ok_or(LoginMfaOptionsError::NoPasskey)
}
