//! Beginning to register a passkey (MF-08). Nothing is stored.
//!
//! Store requests: two reads in parallel (session, user); a query of the passkeys.

use thiserror::Error;

use crate::app::App;
use crate::crypto::passkey_challenge::{CEREMONY_LIFE, Ceremony, CeremonyPurpose};
use crate::crypto::webauthn::options::{PasskeyUser, creation_options};
use crate::domain::passkey::MOST_PASSKEYS;
use crate::domain::request_context::RequestContext;
use crate::domain::session::Session;
use crate::fault::{Fault, fault_arm};
use crate::use_cases::authenticate::{AuthenticateError, Caller, authenticate_fresh};
use crate::use_cases::factors_change::FactorsChangeError;
use crate::use_cases::passkey::{PasskeyOptions, challenge};

/// Why no passkey is registered.
#[derive(Debug, Error)]
pub enum PasskeyOptionsError {
    /// The account has as many as it may have.
    #[error("the account has {MOST_PASSKEYS} passkeys")]
    TooMany,
    /// What any change of factors can come to.
    #[error(transparent)]
    Change(#[from] FactorsChangeError),
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(PasskeyOptionsError);

/// Gives what an authenticator is asked for a passkey of the caller's.
pub async fn passkey_options(
    app: &App,
    context: &RequestContext,
    caller: impl Into<Caller<'_>>,
) -> Result<PasskeyOptions, PasskeyOptionsError> {
    let found = authenticate_fresh(app, context, caller).await;
    let caller = found.map_err(|error: AuthenticateError| FactorsChangeError::from(error))?;
    let (user, session) = (caller.user, caller.session);
    if !user.email_verified {
        return Err(FactorsChangeError::UnverifiedAddress.into());
    }
    let existing = if user.factors.passkeys() > 0 { app.store.list_passkeys(user.id).await? } else { Vec::new() };
    if existing.len() >= MOST_PASSKEYS {
        return Err(PasskeyOptionsError::TooMany);
    }
    let challenge = challenge(app, context, &ceremony(&session)).await?;
    let email = user.email.display();
    let display_name = user.name.as_ref().map_or(email, |name| name.as_str());
    let shown = PasskeyUser { id: user.id, name: email, display_name };
    let (rp_id, rp_name) = (app.config.passkeys.rp_id(), app.config.service.name.as_str());
    let records = existing.iter().map(|passkey| &passkey.record);
    let public_key = creation_options(rp_id, rp_name, &shown, challenge.as_bytes(), records, CEREMONY_LIFE);
    Ok(PasskeyOptions { public_key, expires_in: CEREMONY_LIFE })
}

/// What a passkey is registered in.
pub(super) fn ceremony(session: &Session) -> Ceremony {
    Ceremony { purpose: CeremonyPurpose::Registration, user_id: session.user_id, subject: session.id.to_bytes() }
}
