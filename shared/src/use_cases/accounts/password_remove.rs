//! Doing without a password (MF-21): passkeys open the account, and a sign-in asks for a second factor from then on. Every other
//! session ends. A later reset sets a password, and still asks for the second factor.
//!
//! Store requests: two reads in parallel (session, user); a query of the passkeys beside a read of the recovery codes; then as of
//! [`crate::use_cases::factors_change`].

use crate::app::App;
use crate::domain::audit::AuditAction;
use crate::domain::factors::{FactorChange, PasswordKind};
use crate::domain::passkey::CredentialRecord;
use crate::domain::request_context::RequestContext;
use crate::domain::second_factor::RecoveryCodes;
use crate::store::sign_in::passkeys::PasskeySetting;
use crate::store::sign_in::second_factors::{CodesSetting, TotpSetting};
use crate::use_cases::authenticate::{Caller, authenticate_fresh};
use crate::use_cases::factors_change::{Change, FactorsChangeError, make};

/// Passkeys that are kept by one device each, of which one may be lost.
const ENOUGH_DEVICES: usize = 2;

/// Takes the password away.
pub async fn password_remove(
    app: &App,
    context: &RequestContext,
    caller: impl Into<Caller<'_>>,
) -> Result<(), FactorsChangeError> {
    let caller = authenticate_fresh(app, context, caller).await?;
    let (user, session) = (caller.user, caller.session);
    let factors = user.factors.with_password(PasswordKind::None).ok_or(FactorsChangeError::NoPassword)?;
    let (passkeys, codes) =
        futures::try_join!(app.store.list_passkeys(user.id), app.store.read_recovery_codes(user.id))?;
    let records = passkeys.iter().map(|it| &it.record);
    if !outlast_a_device(records, codes.as_ref(), app.config.passkeys.rp_id()) {
        return Err(FactorsChangeError::TooFewPasskeys);
    }
    let change = Change {
        user: &user,
        session: &session,
        factors: &factors,
        totp: TotpSetting::AsItIs,
        passkey: PasskeySetting::AsTheyAre,
        codes: CodesSetting::AsTheyAre,
        what: FactorChange::PasswordRemoved,
        action: AuditAction::PasswordRemoved,
        factor: None,
        ends_others: true,
    };
    make(app, context, change).await
}

/// Whether passkeys still open the account when a device is lost, and a recovery code is left. One that has never verified its user
/// opens nothing alone (MF-17).
pub(super) fn outlast_a_device<'a>(
    records: impl IntoIterator<Item = &'a CredentialRecord>,
    codes: Option<&RecoveryCodes>,
    rp_id: &str,
) -> bool {
    let alone = records.into_iter().filter(|record| record.is_usable_at(rp_id) && record.uv_initialized);
    let devices: usize = alone.map(|record| if record.backup_state { ENOUGH_DEVICES } else { 1 }).sum();
    devices >= ENOUGH_DEVICES && codes.is_some_and(|codes| !codes.codes.is_empty())
}
