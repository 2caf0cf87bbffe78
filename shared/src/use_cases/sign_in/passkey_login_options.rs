//! Asking for whichever passkey an authenticator has, of whomever.
//!
//! Store requests: none.

use crate::app::App;
use crate::crypto::passkey_challenge::{CEREMONY_LIFE, Ceremony};
use crate::crypto::webauthn::expected::UserVerification;
use crate::crypto::webauthn::options::request_options;
use crate::domain::request_context::RequestContext;
use crate::fault::Fault;
use crate::use_cases::passkey::{PasskeyOptions, challenge};

/// Gives what an authenticator is asked. Nobody is named, so that nothing tells who has an account (MF-14).
pub async fn passkey_login_options(app: &App, context: &RequestContext) -> Result<PasskeyOptions, Fault> {
    let challenge = challenge(app, context, &Ceremony::SIGN_IN).await?;
    let (rp_id, verification) = (app.config.passkeys.rp_id(), UserVerification::Required);
    let public_key = request_options(rp_id, challenge.as_bytes(), [], verification, CEREMONY_LIFE);
    Ok(PasskeyOptions { public_key, expires_in: CEREMONY_LIFE })
}
