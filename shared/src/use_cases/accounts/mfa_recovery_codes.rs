//! New recovery codes in place of those that there are (MF-06).
//!
//! Store requests: as of [`crate::use_cases::factors_change`].

use crate::app::App;
use crate::crypto::recovery_code::RecoveryCode;
use crate::domain::audit::AuditAction;
use crate::domain::factors::{FactorChange, Level};
use crate::domain::request_context::RequestContext;
use crate::store::sign_in::passkeys::PasskeySetting;
use crate::store::sign_in::second_factors::{CodesSetting, TotpSetting};
use crate::use_cases::authenticate::{Caller, authenticate_fresh};
use crate::use_cases::factors_change::{Change, FactorsChangeError, make, mint_codes};

/// Makes them. They are shown this once.
pub async fn mfa_recovery_codes(
    app: &App,
    context: &RequestContext,
    caller: impl Into<Caller<'_>>,
) -> Result<Vec<RecoveryCode>, FactorsChangeError> {
    let caller = authenticate_fresh(app, context, caller).await?;
    let (user, session) = (caller.user, caller.session);
    if user.factors.level(app.config.passkeys.rp_id()) == Level::One {
        return Err(FactorsChangeError::NoSecondFactor);
    }
    let (kept, shown) = mint_codes(app, context, &user)?;
    let change = Change {
        user: &user,
        session: &session,
        factors: &user.factors.asked(user.factors.second_factor),
        totp: TotpSetting::AsItIs,
        passkey: PasskeySetting::AsTheyAre,
        codes: CodesSetting::New(&kept),
        what: FactorChange::RecoveryCodesMade,
        action: AuditAction::RecoveryCodesMade,
        factor: Some(kept.id),
        ends_others: false,
    };
    make(app, context, change).await?;
    Ok(shown)
}
