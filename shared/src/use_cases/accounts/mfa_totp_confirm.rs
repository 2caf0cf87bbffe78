//! Setting up an app that shows codes: with the first code that it shows (MF-08).
//!
//! Store requests: as of [`crate::use_cases::factors_change`].

use thiserror::Error;

use crate::app::App;
use crate::crypto::recovery_code::RecoveryCode;
use crate::crypto::totp::EnrolmentMatch;
use crate::crypto::totp_wrap;
use crate::domain::audit::AuditAction;
use crate::domain::factors::{FactorChange, Level, Shown};
use crate::domain::id::FactorId;
use crate::domain::request_context::RequestContext;
use crate::domain::second_factor::TotpFactor;
use crate::domain::session::Session;
use crate::fault::{Fault, fault_arm};
use crate::store::sign_in::passkeys::PasskeySetting;
use crate::store::sign_in::second_factors::{CodesSetting, TotpSetting};
use crate::use_cases::accounts::mfa_totp::own_enrolment;
use crate::use_cases::authenticate::{AuthenticateError, Caller, authenticate_fresh};
use crate::use_cases::factors_change::{Change, FactorsChangeError, make, mint_codes};

/// Why there is no app.
#[derive(Debug, Error)]
pub enum MfaTotpConfirmError {
    /// The token has expired, or is of another session.
    #[error("the enrolment has expired, or is of another session")]
    Expired,
    /// The code is wrong.
    #[error("the code is wrong")]
    WrongCode,
    /// The code is right for another time: the app's clock is off by so many seconds.
    #[error("the clock is off")]
    ClockSkew {
        /// Ahead if positive.
        seconds: i64,
    },
    /// What any change can come to.
    #[error(transparent)]
    Change(#[from] FactorsChangeError),
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(MfaTotpConfirmError);

/// The first code of an app.
pub struct ConfirmTotp<'a> {
    /// What the beginning answered.
    pub enrolment_token: &'a str,
    /// What the app shows.
    pub code: &'a str,
    /// Whether every other session ends (MF-26).
    pub end_other_sessions: bool,
}

/// Sets it up. Gives the recovery codes that come with a first factor.
pub async fn mfa_totp_confirm(
    app: &App,
    context: &RequestContext,
    caller: impl Into<Caller<'_>>,
    confirm: ConfirmTotp<'_>,
) -> Result<Vec<RecoveryCode>, MfaTotpConfirmError> {
    let now = context.now;
    let found = authenticate_fresh(app, context, caller).await;
    let caller = found.map_err(|error: AuthenticateError| FactorsChangeError::from(error))?;
    let ring = app.secrets.login_mac(now).await?;
    let token = own_enrolment(context, &caller, &ring, confirm.enrolment_token);
    let token = token.ok_or(MfaTotpConfirmError::Expired)?;
    let (user, session) = (caller.user, caller.session);
    let step = match token.secret.find_at_enrolment(confirm.code, now) {
        EnrolmentMatch::Step(step) => step,
        EnrolmentMatch::ClockSkew(steps) => return Err(MfaTotpConfirmError::ClockSkew { seconds: steps * 30 }),
        EnrolmentMatch::None => return Err(MfaTotpConfirmError::WrongCode),
    };
    let id = FactorId::new(now, app.entropy.number()?);
    let ring = app.secrets.factor_wrap(now).await?;
    let secret = totp_wrap::wrap(&token.secret, (user.id, id), &ring, now, &*app.entropy)?;
    // The code that sets it up signs nobody in (MF-03).
    let factor = TotpFactor { id, secret, last_step: step, created_at: now };
    let is_first = user.factors.level(app.config.passkeys.rp_id()) == Level::One;
    let codes = if is_first { Some(mint_codes(app, context, &user)?) } else { None };
    // Who has signed in just now and shows a code has shown all that there is.
    let amr = if is_first { Shown::beside(&session.amr, false).amr() } else { session.amr.clone() };
    let session = Session { amr, ..session };
    let change = Change {
        user: &user,
        session: &session,
        factors: &user.factors.with_totp(app.config.passkeys.rp_id()),
        totp: TotpSetting::New(&factor),
        passkey: PasskeySetting::AsTheyAre,
        codes: codes.as_ref().map_or(CodesSetting::AsTheyAre, |(kept, _)| CodesSetting::New(kept)),
        what: FactorChange::TotpAdded,
        action: AuditAction::TotpAdded,
        factor: Some(id),
        ends_others: confirm.end_other_sessions,
    };
    make(app, context, change).await?;
    Ok(codes.map(|(_, shown)| shown).unwrap_or_default())
}
