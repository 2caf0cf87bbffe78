//! What an account can be opened with beside its password.
//!
//! Store requests: one round of two reads (session, user), and where there are factors one of two (app, recovery codes).

use crate::app::App;
use crate::domain::factors::Factors;
use crate::domain::request_context::RequestContext;
use crate::domain::second_factor::{RecoveryCodes, TotpFactor};
use crate::fault::Fault;
use crate::use_cases::authenticate::{AuthenticateError, Caller, authenticate};

/// The factors, with nothing of them that opens anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mfa {
    /// What the account says of them.
    pub factors: Factors,
    /// The app.
    pub totp: Option<TotpFactor>,
    /// The recovery codes' hashes: how many there are is to be shown.
    pub recovery_codes: Option<RecoveryCodes>,
}

/// Gives the caller's.
pub async fn mfa_show(
    app: &App,
    context: &RequestContext,
    caller: impl Into<Caller<'_>>,
) -> Result<Mfa, AuthenticateError> {
    let user = authenticate(app, context, caller).await?.user;
    if user.factors.methods().is_empty() {
        return Ok(Mfa { factors: user.factors, totp: None, recovery_codes: None });
    }
    let read = futures::try_join!(app.store.read_totp(user.id), app.store.read_recovery_codes(user.id));
    let (totp, recovery_codes) = read.map_err(Fault::from)?;
    Ok(Mfa { factors: user.factors, totp, recovery_codes })
}
