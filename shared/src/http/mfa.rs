//! Second factors, as their owner reads them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::Serialize;

use crate::crypto::webauthn::expected::user_handle;
use crate::domain::factors::PasswordKind;
use crate::domain::passkey::Passkey;
use crate::domain::second_factor::{FactorLoss, RecoveryCodes, TotpFactor};
use crate::use_cases::accounts::mfa_show::{Mfa, ShownOfPasskey};

/// The second factors of an account.
#[derive(Serialize, JsonSchema)]
pub struct MfaReply {
    /// Whether a sign-in asks for one. What is delicate does in any case.
    second_factor: bool,
    /// Whether its owner does without a password: `DELETE /v1/password`.
    passwordless: bool,
    /// What the account has: 1, or 2 with a second factor.
    level: u8,
    /// The authenticator app, if there is one.
    totp: Option<TotpShown>,
    /// The passkeys, oldest first.
    passkeys: Vec<PasskeyShown>,
    /// What browsers know the account's passkeys by.
    webauthn: WebauthnShown,
    /// The recovery codes, if there are any.
    recovery_codes: Option<RecoveryCodesShown>,
    /// Whether somebody says that all of them are lost: showing one ends that.
    factor_loss: Option<FactorLossShown>,
}

/// All second factors are said to be lost.
#[derive(Serialize, JsonSchema)]
pub struct FactorLossShown {
    /// When it was said, in RFC 3339.
    asked_at: String,
    /// From when on a mail can take them away, in RFC 3339.
    usable_from: String,
}

/// An authenticator app.
#[derive(Serialize, JsonSchema)]
pub struct TotpShown {
    /// When it was set up, in RFC 3339.
    created_at: String,
}

/// What browsers know an account's passkeys by: for `PublicKeyCredential.signalAllAcceptedCredentials`.
#[derive(Serialize, JsonSchema)]
pub struct WebauthnShown {
    /// The RP ID.
    rp_id: String,
    /// The user handle, in base64url.
    user_id: String,
}

/// A passkey.
#[derive(Serialize, JsonSchema)]
pub struct PasskeyShown {
    /// Names it in paths.
    id: String,
    /// What browsers know it by, in base64url.
    credential_id: String,
    /// What its owner calls it.
    name: String,
    /// When it was registered, in RFC 3339.
    created_at: String,
    /// When it was last shown, in RFC 3339.
    last_used_at: Option<String>,
    /// Whether a manager keeps it on more than one device.
    backed_up: bool,
    /// Whether it works here: passkeys belong to the host that they were made for.
    usable: bool,
}

impl PasskeyShown {
    /// One that was registered for this RP ID just now.
    pub fn new(passkey: Passkey) -> Self {
        ShownOfPasskey { passkey, usable: true }.into()
    }
}

impl From<ShownOfPasskey> for PasskeyShown {
    fn from(shown: ShownOfPasskey) -> Self {
        let ShownOfPasskey { passkey, usable } = shown;
        Self {
            id: passkey.id.to_string(),
            credential_id: URL_SAFE_NO_PAD.encode(&passkey.record.id),
            name: passkey.name,
            created_at: passkey.created_at.rfc3339(),
            last_used_at: passkey.last_used_at.map(|at| at.rfc3339()),
            backed_up: passkey.record.backup_state,
            usable,
        }
    }
}

/// Recovery codes, without anything that is one.
#[derive(Serialize, JsonSchema)]
pub struct RecoveryCodesShown {
    /// How many are left.
    left: usize,
    /// When they were made, in RFC 3339.
    created_at: String,
}

impl From<Mfa> for MfaReply {
    fn from(mfa: Mfa) -> Self {
        let totp = |it: TotpFactor| TotpShown { created_at: it.created_at.rfc3339() };
        let codes =
            |it: RecoveryCodes| RecoveryCodesShown { left: it.codes.len(), created_at: it.created_at.rfc3339() };
        let loss =
            |it: FactorLoss| FactorLossShown { asked_at: it.asked_at.rfc3339(), usable_from: it.usable_from.rfc3339() };
        Self {
            second_factor: mfa.factors.second_factor,
            passwordless: mfa.factors.password == PasswordKind::None,
            level: mfa.level.number(),
            webauthn: WebauthnShown { rp_id: mfa.rp_id, user_id: URL_SAFE_NO_PAD.encode(user_handle(mfa.user_id)) },
            passkeys: mfa.passkeys.into_iter().map(PasskeyShown::from).collect(),
            totp: mfa.totp.map(totp),
            recovery_codes: mfa.recovery_codes.map(codes),
            factor_loss: mfa.loss.map(loss),
        }
    }
}
