//! What shows again who one is: what the account has for that, and the question for a passkey.
//!
//! Store requests: two reads in parallel (session, user); where there is a passkey, a query.

use crate::app::App;
use crate::crypto::webauthn::expected::UserVerification;
use crate::domain::factors::{Level, Method, PasswordKind};
use crate::domain::request_context::RequestContext;
use crate::use_cases::authenticate::{AuthenticateError, authenticate};
use crate::use_cases::passkey::{PasskeyOptions, ask_for_passkey};
use crate::use_cases::sign_in::step_up::ceremony;

/// What a step-up asks for beside the password.
#[derive(Debug, Clone, PartialEq)]
pub struct StepUpOptions {
    /// What the account has.
    pub level: Level,
    /// Whether it has a password to be shown beside them. A passkey that verifies its user is enough in any case.
    pub has_password: bool,
    /// Its second factors, strongest first.
    pub methods: &'static [Method],
    /// What an authenticator is asked, where there is a passkey.
    pub passkey: Option<PasskeyOptions>,
}

/// Gives what the caller's account has for it.
pub async fn step_up_options(
    app: &App,
    context: &RequestContext,
    bearer: Option<&str>,
) -> Result<StepUpOptions, AuthenticateError> {
    let caller = authenticate(app, context, bearer).await?;
    let (factors, rp_id) = (&caller.user.factors, app.config.passkeys.rp_id());
    let has_password = factors.password != PasswordKind::None;
    let passkey = if factors.has_passkey(rp_id) {
        let alone = if has_password { UserVerification::Preferred } else { UserVerification::Required };
        ask_for_passkey(app, context, &ceremony(&caller.session), alone).await?
    } else {
        None
    };
    // Beside nothing, a passkey alone is enough.
    let methods = if has_password { factors.methods(rp_id) } else { &[Method::Passkey] };
    Ok(StepUpOptions { level: factors.level(rp_id), has_password, methods, passkey })
}
