//! What an account can be opened with beside its password.
//!
//! Store requests: one round of two reads (session, user), and where there are factors one of three (app, recovery codes,
//! what was said to be lost).

use crate::app::App;
use crate::domain::factors::Factors;
use crate::domain::request_context::RequestContext;
use crate::domain::second_factor::{FactorLoss, RecoveryCodes, TotpFactor};
use crate::domain::timestamp::Timestamp;
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
    /// That all of them are said to be lost.
    pub loss: Option<FactorLoss>,
}

/// Gives the caller's.
pub async fn mfa_show(
    app: &App,
    context: &RequestContext,
    caller: impl Into<Caller<'_>>,
) -> Result<Mfa, AuthenticateError> {
    let user = authenticate(app, context, caller).await?.user;
    Ok(mfa_of(app, &user, context.now).await?)
}

/// Reads an account's.
pub(super) async fn mfa_of(app: &App, user: &User, now: Timestamp) -> Result<Mfa, Fault> {
    let factors = user.factors.clone();
    if factors.methods().is_empty() {
        return Ok(Mfa { factors, totp: None, recovery_codes: None, loss: None });
    }
    let (totp, recovery_codes, loss) = futures::try_join!(
        app.store.read_totp(user.id),
        app.store.read_recovery_codes(user.id),
        app.store.read_factor_loss(user.id)
    )?;
    let loss = loss.filter(|loss| loss.is_open(user.cred_version, factors.version, now));
    Ok(Mfa { factors, totp, recovery_codes, loss })
}
