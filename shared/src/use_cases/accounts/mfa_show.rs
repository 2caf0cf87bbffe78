//! What an account can be opened with beside its password.
//!
//! Store requests: one round of two reads (session, user), and where there are factors one of two (app, recovery codes).

use crate::app::App;
use crate::domain::factors::Factors;
use crate::domain::request_context::RequestContext;
use crate::domain::second_factor::{RecoveryCodes, TotpFactor};
use crate::domain::user::User;
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
    Ok(mfa_of(app, &user).await?)
}

/// Reads an account's.
pub(super) async fn mfa_of(app: &App, user: &User) -> Result<Mfa, Fault> {
    let factors = user.factors.clone();
    if factors.methods().is_empty() {
        return Ok(Mfa { factors, totp: None, recovery_codes: None });
    }
    let (totp, recovery_codes) =
        futures::try_join!(app.store.read_totp(user.id), app.store.read_recovery_codes(user.id))?;
    Ok(Mfa { factors, totp, recovery_codes })
}
