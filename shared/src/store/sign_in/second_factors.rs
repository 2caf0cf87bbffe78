//! Second factors: reading and using them, and the sign-ins that wait for one.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use crate::domain::audit::AuditEntry;
use crate::domain::factors::{Factors, PasswordKind};
use crate::domain::id::{ChallengeId, FactorId, UserId};
use crate::domain::one_time::OneTime;
use crate::domain::second_factor::{Challenge, RecoveryCodes, TotpFactor, UsedFactor};
use crate::domain::session::Session;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::User;
use crate::store::Store;
use crate::store::attributes::{number, string};
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::sign_in::admission::{LIVES, admits, admitted, same_factors};
use crate::store::sign_in::passkeys::PasskeySetting;
use crate::store::write::{Part, Put, Update, Write};

/// Recovery codes as they lie in the table, which has no empty sets.
#[derive(Serialize, Deserialize)]
struct RecoveryCodesItem {
    id: FactorId,
    #[serde(default, with = "serde_dynamo::string_set", skip_serializing_if = "BTreeSet::is_empty")]
    codes: BTreeSet<String>,
    created_at: Timestamp,
}

/// What becomes of the app.
#[derive(Debug, Clone, Copy)]
pub enum TotpSetting<'a> {
    /// Nothing.
    AsItIs,
    /// This one is there, in place of any other.
    New(&'a TotpFactor),
    /// It is gone.
    None,
}

/// What becomes of the recovery codes.
#[derive(Debug, Clone, Copy)]
pub enum CodesSetting<'a> {
    /// Nothing.
    AsTheyAre,
    /// These are there, in place of any others.
    New(&'a RecoveryCodes),
    /// They are gone.
    None,
}

/// A change of an account's factors.
#[derive(Debug)]
pub struct FactorsSetting<'a> {
    /// The account, as it was read.
    pub user: &'a User,
    /// Its factors as they are to be.
    pub factors: &'a Factors,
    /// The app.
    pub totp: TotpSetting<'a>,
    /// One passkey.
    pub passkey: PasskeySetting<'a>,
    /// The recovery codes.
    pub codes: CodesSetting<'a>,
    /// Whose session asks, with what its person has shown by now.
    pub session: &'a Session,
    /// Whether every other session ends (MF-26).
    pub ends_others: bool,
    /// Tells the owner.
    pub notice: &'a OneTime,
}

impl Store {
    /// Writes a sign-in that waits for its second factor, and uses up the mailed item that was its first. Whether that could
    /// still be used.
    pub async fn add_challenge(&self, challenge: &Challenge, proof: Option<&OneTime>) -> Result<bool, StoreError> {
        let key = Key::challenge(challenge.user_id, challenge.id);
        let put = self.put(&key, challenge, Some(challenge.expires_at.unix_seconds()))?;
        let Some(proof) = proof else {
            put.send(&self.client).await?;
            return Ok(true);
        };
        let parts: [Part; 2] = [put.into(), self.use_up(proof, challenge.created_at).into()];
        Ok(self.transact_parts(parts).await?.either(true, false))
    }

    /// Reads a challenge, strongly consistent.
    pub async fn read_challenge(&self, user: UserId, id: ChallengeId) -> Result<Option<Challenge>, StoreError> {
        self.read(&Key::challenge(user, id)).await
    }

    /// Reads a user's app, strongly consistent.
    pub async fn read_totp(&self, user: UserId) -> Result<Option<TotpFactor>, StoreError> {
        self.read(&Key::totp(user)).await
    }

    /// Reads a user's recovery codes, strongly consistent.
    pub async fn read_recovery_codes(&self, user: UserId) -> Result<Option<RecoveryCodes>, StoreError> {
        let item: Option<RecoveryCodesItem> = self.read(&Key::recovery_codes(user)).await?;
        Ok(item.map(|RecoveryCodesItem { id, codes, created_at }| RecoveryCodes { id, codes, created_at }))
    }

    /// Changes an account's factors, on condition that they are as they were read and that the session that asks lives; user and
    /// credential change together (MF-01). Whether it was so.
    pub async fn change_factors(&self, change: &FactorsSetting<'_>, audit: &AuditEntry) -> Result<bool, StoreError> {
        let (user, session) = (change.user, change.session);
        let factors: AttributeValue = serde_dynamo::to_attribute_value(change.factors)?;
        let others = if change.ends_others { ", sessions_not_before = :now, kept_sid = :kept" } else { "" };
        let set = self.update(&Key::user(user.id), format!("SET factors = :factors{others} ADD version :one"));
        let set = set.given("#status = :active").and(&admits(session)).with(admitted(session)).with([
            (":factors", factors.clone()),
            (":active", string("active")),
            (":one", number(1)),
        ]);
        let set = if change.ends_others { set.with([(":now", number(audit.at.millis()))]) } else { set };
        let goes = change.factors.password == PasswordKind::None && user.factors.password != PasswordKind::None;
        let copy = if goes { "SET factors = :factors REMOVE password" } else { "SET factors = :factors" };
        let copy = self.update_credential(&user.email.key(), (user.id, user.cred_version), copy);
        let amr = session.amr.iter().map(string).collect();
        let noted = self.update(&Key::session(user.id, session.id), "SET amr = :amr").given(LIVES).with([
            (":amr", AttributeValue::L(amr)),
            (":at", number(audit.at.millis())),
            (":secret", string(&session.secret_hash)),
        ]);
        let mut parts: Vec<Part> = vec![
            same_factors(set, user.factors.version).into(),
            copy.with([(":factors", factors)]).into(),
            noted.into(),
            self.one_time_put(change.notice)?.into(),
        ];
        match change.totp {
            TotpSetting::AsItIs => {}
            TotpSetting::New(factor) => parts.push(self.put(&Key::totp(user.id), factor, None)?.into()),
            TotpSetting::None => parts.push(self.delete(&Key::totp(user.id)).into()),
        }
        parts.extend(self.set_passkey(user.id, change.passkey)?);
        match change.codes {
            CodesSetting::AsTheyAre => {}
            CodesSetting::New(codes) => parts.push(self.recovery_codes_put(user.id, codes)?.into()),
            CodesSetting::None => parts.push(self.delete(&Key::recovery_codes(user.id)).into()),
        }
        Ok(self.transact(parts, audit).await?.either(true, false))
    }

    fn recovery_codes_put(&self, user: UserId, codes: &RecoveryCodes) -> Result<Write<Put>, StoreError> {
        let RecoveryCodes { id, codes, created_at } = codes.clone();
        self.put(&Key::recovery_codes(user), &RecoveryCodesItem { id, codes, created_at }, None)
    }

    /// The part of a sign-in that uses its challenge up. The write decides who was first (MF-02).
    pub(in crate::store) fn answer(&self, challenge: &Challenge, now: Timestamp) -> Write<Update> {
        self.update(&Key::challenge(challenge.user_id, challenge.id), "SET used_at = :now")
            .given("secret_hash = :secret AND attribute_not_exists(used_at) AND expires_at > :now")
            .with([(":now", number(now.millis())), (":secret", string(&challenge.secret_hash))])
    }

    /// The parts that use a factor: a step is taken once, and so is a recovery code (MF-03, MF-06).
    pub(in crate::store) fn use_factor(&self, user: UserId, used: &UsedFactor) -> Result<Vec<Part>, StoreError> {
        let update = match used {
            UsedFactor::Totp { id, step } => self
                .update(&Key::totp(user), "SET last_step = :step")
                .given("id = :id AND last_step < :step")
                .with([(":id", string(id)), (":step", number(step))]),
            UsedFactor::RecoveryCode { hash } => self
                .update(&Key::recovery_codes(user), "DELETE codes :used")
                .given("contains(codes, :hash)")
                .with([(":used", AttributeValue::Ss(vec![hash.clone()])), (":hash", string(hash))]),
            UsedFactor::Passkey(used) => return self.use_passkey(user, used),
        };
        Ok(vec![update.into()])
    }
}
