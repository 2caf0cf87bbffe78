//! Changing an account's second factors (MF-07, MF-08): what all of its ways have in common.
//!
//! Store requests: two reads in parallel (session, user); one transaction (user, credential, session, what changes, the mail to
//! the owner, audit).

use std::time::Duration;

use thiserror::Error;

use crate::app::App;
use crate::crypto::recovery_code::RecoveryCode;
use crate::domain::audit::{AuditAction, AuditEntry, Subject};
use crate::domain::factors::{FactorChange, Factors, Level, Needed};
use crate::domain::id::FactorId;
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::request_context::RequestContext;
use crate::domain::second_factor::RecoveryCodes;
use crate::domain::session::Session;
use crate::domain::user::User;
use crate::fault::{Fault, fault_arm};
use crate::store::sign_in::passkeys::PasskeySetting;
use crate::store::sign_in::second_factors::{CodesSetting, FactorsSetting, TotpSetting};
use crate::use_cases::authenticate::AuthenticateError;

/// How long a first factor can be taken away again by the mail that tells of it.
const UNDO_LIFE: Duration = Duration::from_hours(24);

/// Why the factors are as they were.
#[derive(Debug, Error)]
pub enum FactorsChangeError {
    /// The caller is nobody, or has not just shown all that the account has.
    #[error(transparent)]
    Authenticate(#[from] AuthenticateError),
    /// Nobody has shown that the account's address is theirs: no mail could tell its owner.
    #[error("the address is not verified")]
    UnverifiedAddress,
    /// There is no second factor.
    #[error("there is no second factor")]
    NoSecondFactor,
    /// There is no app.
    #[error("there is no authenticator app")]
    NotFound,
    /// There is no such passkey.
    #[error("there is no such passkey")]
    NoSuchPasskey,
    /// The password is too short to open the account alone (MF-22).
    #[error("the password is too short")]
    PasswordTooShort,
    /// There is no password, and nothing else would open the account (MF-21).
    #[error("nothing else opens the account")]
    LastSignInMethod,
    /// There are not enough passkeys to do without the password, or no recovery code (MF-21).
    #[error("too few passkeys")]
    TooFewPasskeys,
    /// There is no password.
    #[error("there is no password")]
    NoPassword,
    /// The account has changed meanwhile.
    #[error("the account has changed meanwhile")]
    Superseded,
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(FactorsChangeError);

/// A change that is to be made.
pub(super) struct Change<'a> {
    pub(super) user: &'a User,
    /// With what its person has shown by now.
    pub(super) session: &'a Session,
    pub(super) factors: &'a Factors,
    pub(super) totp: TotpSetting<'a>,
    pub(super) passkey: PasskeySetting<'a>,
    pub(super) codes: CodesSetting<'a>,
    pub(super) what: FactorChange,
    pub(super) action: AuditAction,
    /// Which factor, for whoever has to find out after a restore (MF-24).
    pub(super) factor: Option<FactorId>,
    pub(super) ends_others: bool,
}

/// Makes it, and tells the owner.
pub(super) async fn make(app: &App, context: &RequestContext, change: Change<'_>) -> Result<(), FactorsChangeError> {
    let Change { user, session, factors, totp, passkey, codes, .. } = change;
    if !user.email_verified {
        return Err(FactorsChangeError::UnverifiedAddress);
    }
    match factors.needed(app.config.passkeys.rp_id()) {
        Some(Needed::BesidePassword) => return Err(FactorsChangeError::PasswordTooShort),
        Some(Needed::InPlaceOfPassword) => return Err(FactorsChangeError::LastSignInMethod),
        None => {}
    }
    let audit = app.audit(context, Subject::User(user.id), change.action, Some(session.id))?;
    let audit = AuditEntry { detail: change.factor.map(|id| id.to_string()), ..audit };
    let notice = notice(app, context, &change)?;
    let ends_others = change.ends_others;
    let setting = FactorsSetting { user, factors, totp, passkey, codes, session, ends_others, notice: &notice };
    if app.store.change_factors(&setting, &audit).await? { Ok(()) } else { Err(FactorsChangeError::Superseded) }
}

/// Of a first factor with a link that takes it away again. Later ones were shown to be the owner's by what was there before: no
/// mailbox takes them.
fn notice(app: &App, context: &RequestContext, change: &Change<'_>) -> Result<OneTime, Fault> {
    let (user, factors) = (change.user, change.factors);
    let told = app.notice(context, Purpose::FactorsChanged, user)?;
    let told = OneTime { factor_change: Some(change.what), ..told };
    let rp_id = app.config.passkeys.rp_id();
    if user.factors.level(rp_id) == Level::Two || factors.level(rp_id) == Level::One {
        return Ok(told);
    }
    let expires_at = context.now.plus(UNDO_LIFE);
    Ok(OneTime { purpose: Purpose::FactorUndo, factors_since: Some(factors.since), expires_at, ..told })
}

/// New recovery codes: as the table has them, and as they are shown this once (MF-06).
pub(super) fn mint_codes(
    app: &App,
    context: &RequestContext,
    user: &User,
) -> Result<(RecoveryCodes, Vec<RecoveryCode>), Fault> {
    let codes = RecoveryCode::mint(&*app.entropy)?;
    let kept = RecoveryCodes {
        id: FactorId::new(context.now, app.entropy.number()?),
        codes: codes.iter().map(|code| code.hash(user.id)).collect(),
        created_at: context.now,
    };
    Ok((kept, codes))
}
