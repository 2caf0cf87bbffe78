//! What an account can be opened with beside its password.
//!
//! Store requests: one round of two reads (session, user), and where there are factors one of three (app, recovery codes,
//! what was said to be lost), with a query beside them where there are passkeys.

use crate::app::App;
use crate::domain::factors::{Factors, Level, PasswordKind};
use crate::domain::id::UserId;
use crate::domain::passkey::Passkey;
use crate::domain::request_context::RequestContext;
use crate::domain::second_factor::{FactorLoss, RecoveryCodes, TotpFactor};
use crate::domain::timestamp::Timestamp;
use crate::domain::user::User;
use crate::fault::Fault;
use crate::use_cases::accounts::password_remove::outlast_a_device;
use crate::use_cases::authenticate::{AuthenticateError, Caller, authenticate};

/// A passkey, and what it is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownOfPasskey {
    /// The passkey.
    pub passkey: Passkey,
    /// Whether it works for this RP ID (MF-19).
    pub usable: bool,
}

/// The factors, with nothing of them that opens anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mfa {
    /// What the account says of them.
    pub factors: Factors,
    /// What the account has to have been shown for what is delicate.
    pub level: Level,
    /// The passkeys, oldest first.
    pub passkeys: Vec<ShownOfPasskey>,
    /// Whose they are.
    pub user_id: UserId,
    /// For whom the next one is.
    pub rp_id: String,
    /// The app.
    pub totp: Option<TotpFactor>,
    /// The recovery codes' hashes: how many there are is to be shown.
    pub recovery_codes: Option<RecoveryCodes>,
    /// That all of them are said to be lost.
    pub loss: Option<FactorLoss>,
}

impl Mfa {
    /// Whether the account can do without its password (MF-21).
    pub fn can_do_without_password(&self) -> bool {
        let records = self.passkeys.iter().map(|it| &it.passkey.record);
        self.factors.password != PasswordKind::None
            && outlast_a_device(records, self.recovery_codes.as_ref(), &self.rp_id)
    }

    /// Whether what the password needs beside it is still there without the app (MF-22).
    pub fn can_do_without_totp(&self) -> bool {
        self.factors.without_totp(&self.rp_id).needed(&self.rp_id).is_none()
    }

    /// The same of a passkey (MF-21, MF-22).
    pub fn can_do_without(&self, passkey: &Passkey) -> bool {
        self.factors.without_passkey(&passkey.record.rp_id, &self.rp_id).needed(&self.rp_id).is_none()
    }
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
    let (factors, rp_id) = (user.factors.clone(), app.config.passkeys.rp_id());
    let none = Mfa {
        level: factors.level(rp_id),
        factors,
        passkeys: Vec::new(),
        user_id: user.id,
        rp_id: rp_id.to_owned(),
        totp: None,
        recovery_codes: None,
        loss: None,
    };
    let factors = &none.factors;
    if !factors.has_any() {
        return Ok(none);
    }
    let passkeys =
        async { if factors.passkeys() > 0 { app.store.list_passkeys(user.id).await } else { Ok(Vec::new()) } };
    let (totp, recovery_codes, loss, mut passkeys) = futures::try_join!(
        app.store.read_totp(user.id),
        app.store.read_recovery_codes(user.id),
        app.store.read_factor_loss(user.id),
        passkeys
    )?;
    let loss = loss.filter(|loss| loss.is_open(user.cred_version, factors.version, now));
    passkeys.sort_by_key(|passkey| passkey.id);
    let passkeys = passkeys.into_iter().map(|it| ShownOfPasskey { usable: it.record.is_usable_at(rp_id), passkey: it });
    Ok(Mfa { passkeys: passkeys.collect(), totp, recovery_codes, loss, ..none })
}
