//! Saying that all second factors are lost (MF-20): whoever knows the first factor says it, waits, says it again, and gets a mail
//! that takes them away. Whoever has one of them meanwhile ends it by signing in.
//!
//! Store requests: one round in parallel (challenge, credential, source's counters); one round of two reads (user, what was said
//! before); the first time one transaction (check on the user, what is said, the mail to the owner, audit), after the wait one
//! counter and one write (the mail). A forged token costs nothing.

use std::time::Duration;

use thiserror::Error;

use crate::app::App;
use crate::config::FactorLossPath;
use crate::domain::attempts::WindowLimit;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::request_context::RequestContext;
use crate::domain::second_factor::FactorLoss;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::User;
use crate::fault::{Fault, fault_arm};
use crate::store::limits::{Reservation, Scope};
use crate::store::sign_in::factor_losses::LossBegin;
use crate::use_cases::sign_in::login_mfa::{First, LoginMfaError, first};

/// How long after the wait it can be said again.
const USABLE: Duration = Duration::from_hours(4 * 24);
/// How long the mail's link works.
const REMOVAL_LIFE: Duration = Duration::from_mins(30);
/// Mails with that link, of one account.
const REMOVALS: WindowLimit = WindowLimit { limit: 3, window_seconds: 3600 };

/// What is so now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossAnswer {
    /// The wait has begun, or goes on. The owner was told, once.
    Waiting {
        /// When it can be said again.
        available_at: Timestamp,
    },
    /// The wait is over: a mail is on its way whose link takes the factors away.
    MailSent,
}

/// Why nothing was done.
#[derive(Debug, Error)]
pub enum LoginMfaLostError {
    /// The first step has expired or was used, or the account has changed since.
    #[error("the first step is no longer valid")]
    InvalidToken,
    /// The account has another address since lately: its former owner could still take it back, and has to hear of this.
    #[error("the address was changed lately")]
    AddressChanged {
        /// When that can no longer be undone.
        until: Timestamp,
    },
    /// Only an operator can let them be taken away.
    #[error("an operator has to allow it")]
    ByAdministrator,
    /// Too many attempts.
    #[error("too many attempts")]
    TooManyAttempts {
        /// When to try again.
        retry_after: Duration,
    },
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(LoginMfaLostError);

/// Says that all second factors are lost.
pub async fn login_mfa_lost(
    app: &App,
    context: &RequestContext,
    mfa_token: &str,
) -> Result<LossAnswer, LoginMfaLostError> {
    let now = context.now;
    let First { credential, .. } = first(app, context, mfa_token).await.map_err(|error| match error {
        LoginMfaError::TooManyAttempts { retry_after } => LoginMfaLostError::TooManyAttempts { retry_after },
        LoginMfaError::Fault(fault) => LoginMfaLostError::Fault(fault),
        LoginMfaError::InvalidToken | LoginMfaError::Wrong => LoginMfaLostError::InvalidToken,
    })?;
    let id = credential.user_id;
    let (user, loss) = futures::try_join!(app.store.read_user(id), app.store.read_factor_loss(id))?;
    let user = user.filter(|user| user.cred_version == credential.cred_version);
    let user = user.ok_or(LoginMfaLostError::InvalidToken)?;
    // A former address is kept as a hash alone: nobody could be told there.
    if let Some(until) = user.address_can_be_undone_until(now) {
        return Err(LoginMfaLostError::AddressChanged { until });
    }
    match loss.filter(|loss| loss.is_open(user.cred_version, user.factors.version, now)) {
        None if app.config.accounts.factor_loss == FactorLossPath::Administrator => {
            Err(LoginMfaLostError::ByAdministrator)
        }
        None => begin(app, context, &user).await,
        Some(loss) if now < loss.usable_from => Ok(LossAnswer::Waiting { available_at: loss.usable_from }),
        Some(_) => mail_removal(app, context, &user).await,
    }
}

async fn begin(app: &App, context: &RequestContext, user: &User) -> Result<LossAnswer, LoginMfaLostError> {
    let now = context.now;
    let usable_from = now.plus(Duration::from_secs(app.config.accounts.factor_loss_delay_seconds));
    let loss = loss_from(usable_from, now, user);
    let notice = notice_of(app, context, &loss, user)?;
    let audit = app.audit(context, Subject::User(user.id), AuditAction::FactorLossAsked, None)?;
    if app.store.begin_factor_loss(user, &loss, &notice, &audit).await? == LossBegin::Begun {
        return Ok(LossAnswer::Waiting { available_at: usable_from });
    }
    // Somebody has just said the same, or the account has changed.
    let written = app.store.read_factor_loss(user.id).await?;
    let written = written.filter(|loss| loss.is_open(user.cred_version, user.factors.version, now));
    written.map(|loss| LossAnswer::Waiting { available_at: loss.usable_from }).ok_or(LoginMfaLostError::InvalidToken)
}

/// What is written down of it.
pub(in crate::use_cases) fn loss_from(usable_from: Timestamp, now: Timestamp, user: &User) -> FactorLoss {
    FactorLoss {
        asked_at: now,
        usable_from,
        expires_at: usable_from.plus(USABLE),
        cred_version: user.cred_version,
        factors_version: user.factors.version,
    }
}

/// The mail that tells its owner, with the link that ends it.
pub(in crate::use_cases) fn notice_of(
    app: &App,
    context: &RequestContext,
    loss: &FactorLoss,
    user: &User,
) -> Result<OneTime, Fault> {
    let notice = app.notice(context, Purpose::KeepFactors, user)?;
    Ok(OneTime { expires_at: loss.expires_at, usable_from: Some(loss.usable_from), ..notice })
}

async fn mail_removal(app: &App, context: &RequestContext, user: &User) -> Result<LossAnswer, LoginMfaLostError> {
    let subject = user.id.to_string();
    let reserved = app.store.reserve_in_window(Scope::FactorRemoval, &subject, &REMOVALS, context.now).await?;
    if let Reservation::Refused { retry_after } = reserved {
        return Err(LoginMfaLostError::TooManyAttempts { retry_after });
    }
    let item = app.one_time(context, Purpose::RemoveFactors, user.email.key(), REMOVAL_LIFE)?;
    let item = OneTime {
        user_id: Some(user.id),
        cred_version: Some(user.cred_version),
        recipient: Some(user.email.clone()),
        ..item
    };
    app.store.add_one_time(&item).await?;
    Ok(LossAnswer::MailSent)
}
