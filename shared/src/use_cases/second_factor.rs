//! Judging a second factor: counted before it is evaluated (EN-01, MF-04), by user and kind, so that another challenge gives no
//! more guesses.

use std::time::Duration;

use thiserror::Error;

use crate::app::App;
use crate::crypto::passkey_challenge::Ceremony;
use crate::crypto::recovery_code::RecoveryCode;
use crate::crypto::totp::TotpMatch;
use crate::crypto::totp_wrap;
use crate::crypto::webauthn::expected::UserVerification;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::email::EmailKey;
use crate::domain::factors::Shown;
use crate::domain::id::UserId;
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::request_context::RequestContext;
use crate::domain::second_factor::{FirstFactor, UsedFactor};
use crate::fault::{Fault, fault_arm};
use crate::store::limits::{Place, Reservation, Scope};
use crate::use_cases::counted::Counted;
use crate::use_cases::passkey::{ShownPasskey, judge_passkey};

/// What a person shows as the second factor.
#[derive(Clone)]
pub enum SecondProof {
    /// What an app shows.
    Totp(String),
    /// A recovery code, however it is spaced.
    RecoveryCode(String),
    /// What a passkey has signed.
    Passkey(Box<ShownPasskey>),
}

impl SecondProof {
    /// Whether it can be shown without a first factor.
    pub const fn can_stand_alone(&self) -> bool {
        matches!(self, Self::Passkey(_))
    }
}

/// Why a second factor opened nothing.
#[derive(Debug, Error)]
pub enum SecondFactorError {
    /// Wrong, used before, or of a kind that the account does not have.
    #[error("the second factor is wrong")]
    Wrong,
    /// Too many attempts; this one was not evaluated (EN-02).
    #[error("too many attempts")]
    TooManyAttempts {
        /// When to try again.
        retry_after: Duration,
    },
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(SecondFactorError);

/// A second factor that was right.
pub(super) struct Judged {
    /// What the transaction uses up that it was shown for.
    pub(super) used: UsedFactor,
    /// How many recovery codes that leaves, where it is one.
    pub(super) codes_left: Option<usize>,
    /// Where the attempt was counted.
    pub(super) counted: Counted,
}

impl Judged {
    /// What a person has shown by this and a first factor.
    pub(super) const fn after(&self, first: FirstFactor) -> Shown {
        match (first, &self.used) {
            (FirstFactor::Password, UsedFactor::Passkey(_)) => Shown::PasswordAndPasskey,
            (FirstFactor::Password, _) => Shown::PasswordAndCode,
            (FirstFactor::Mail, UsedFactor::Passkey(_)) => Shown::MailAndPasskey,
            (FirstFactor::Mail, _) => Shown::MailAndCode,
        }
    }

    /// What its owner is told by mail of its use, where that is to be told.
    pub(super) fn notice(
        &self,
        app: &App,
        context: &RequestContext,
        user_id: UserId,
        email_key: &EmailKey,
    ) -> Result<Option<OneTime>, Fault> {
        notice_of(app, context, &self.used, (user_id, email_key), self.codes_left)
    }
}

/// What an owner is told by mail of a factor's use, where that is to be told.
pub(super) fn notice_of(
    app: &App,
    context: &RequestContext,
    used: &UsedFactor,
    (user_id, email_key): (UserId, &EmailKey),
    codes_left: Option<usize>,
) -> Result<Option<OneTime>, Fault> {
    let purpose = match used {
        UsedFactor::RecoveryCode { .. } => Purpose::RecoveryCodeUsed,
        UsedFactor::Passkey(used) if used.regressed => Purpose::PasskeyCounterRegressed,
        UsedFactor::Passkey(_) | UsedFactor::Totp { .. } => return Ok(None),
    };
    let notice = app.new_device_notice(context, user_id, email_key.clone())?;
    let recovery_codes_left = codes_left.map(|left| u32::try_from(left).unwrap_or_default());
    Ok(Some(OneTime { purpose, recovery_codes_left, ..notice }))
}

/// Counts an attempt on the user, and then evaluates it. A passkey answers the ceremony's challenge, and has to have verified its
/// user where that is required. Whether it came too late in a race, the write says that uses it.
pub(super) async fn judge(
    app: &App,
    context: &RequestContext,
    ceremony: &Ceremony,
    proof: &SecondProof,
    verification: UserVerification,
) -> Result<Judged, SecondFactorError> {
    let (now, limit) = (context.now, &app.config.limits.second_factor);
    let scope = match proof {
        SecondProof::Totp(_) => Scope::Totp,
        SecondProof::RecoveryCode(_) => Scope::RecoveryCode,
        SecondProof::Passkey(_) => Scope::Passkey,
    };
    let place = Place::failures(scope, &ceremony.user_id.to_string(), limit, now);
    let mut counted = Counted::nowhere(app)?;
    let attempt = counted.attempt().to_owned();
    let reserved = counted.count(place.clone(), app.store.reserve_failure(&place, limit, &attempt, now)).await?;
    if let Reservation::Refused { retry_after } = reserved {
        return Err(SecondFactorError::TooManyAttempts { retry_after });
    }
    match evaluate(app, context, ceremony, (proof, verification)).await {
        Ok(Some((used, codes_left))) => Ok(Judged { used, codes_left, counted }),
        Ok(None) => {
            counted.stands();
            Err(SecondFactorError::Wrong)
        }
        Err(fault) => {
            counted.give_back().await;
            Err(fault.into())
        }
    }
}

async fn evaluate(
    app: &App,
    context: &RequestContext,
    ceremony: &Ceremony,
    (proof, verification): (&SecondProof, UserVerification),
) -> Result<Option<(UsedFactor, Option<usize>)>, Fault> {
    let user_id = ceremony.user_id;
    match proof {
        SecondProof::Totp(code) => {
            let Some(factor) = app.store.read_totp(user_id).await? else { return Ok(None) };
            let ring = app.secrets.factor_wrap(context.now).await?;
            let secret = totp_wrap::unwrap(&factor.secret, (user_id, factor.id), &ring)?;
            Ok(match secret.find(code, context.now, Some(factor.last_step)) {
                TotpMatch::Step(step) => Some((UsedFactor::Totp { id: factor.id, step }, None)),
                TotpMatch::Used | TotpMatch::None => None,
            })
        }
        SecondProof::RecoveryCode(typed) => {
            let Ok(code) = RecoveryCode::parse(typed) else { return Ok(None) };
            let Some(kept) = app.store.read_recovery_codes(user_id).await? else { return Ok(None) };
            let hash = code.hash(user_id);
            // 120 random bits: what a comparison of hashes tells by its time is of no use.
            let is_one = kept.codes.contains(&hash);
            Ok(is_one.then(|| (UsedFactor::RecoveryCode { hash }, Some(kept.codes.len() - 1))))
        }
        SecondProof::Passkey(shown) => {
            let used = judge_passkey(app, context, ceremony, shown, verification).await?;
            Ok(used.map(|used| (UsedFactor::Passkey(Box::new(used)), None)))
        }
    }
}

/// Who failed, and from where.
pub(super) struct Failed<'a> {
    pub(super) user_id: UserId,
    pub(super) email_key: &'a EmailKey,
    /// Whether the device has signed in before.
    pub(super) is_known: bool,
}

/// Records that a second factor failed, once a minute; and tells the owner, once a day, that somebody on a device that is
/// not known has shown the first one.
pub(super) async fn record_failure(app: &App, context: &RequestContext, failed: &Failed<'_>) -> Result<(), Fault> {
    let audit = app.audit(context, Subject::User(failed.user_id), AuditAction::SecondFactorFailed, None)?;
    app.store.record_failure(&audit).await?;
    if failed.is_known {
        return Ok(());
    }
    let (limit, subject) = (&app.config.limits.second_factor_notice, failed.user_id.to_string());
    let reserved = app.store.reserve_in_window(Scope::SecondFactorNotice, &subject, limit, context.now).await?;
    if reserved == Reservation::Reserved {
        let notice = app.new_device_notice(context, failed.user_id, failed.email_key.clone())?;
        app.store.add_one_time(&OneTime { purpose: Purpose::SecondFactorFailed, ..notice }).await?;
    }
    Ok(())
}
