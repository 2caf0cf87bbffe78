//! Second factors that are said to be lost, and those that are taken away by mail (MF-08, MF-20).

use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::audit::AuditEntry;
use crate::domain::factors::{Factors, PasswordKind};
use crate::domain::id::UserId;
use crate::domain::one_time::OneTime;
use crate::domain::passkey::Passkey;
use crate::domain::second_factor::FactorLoss;
use crate::domain::user::User;
use crate::store::Store;
use crate::store::attributes::{number, string};
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::outcome::Outcome;
use crate::store::sign_in::admission::same_factors;
use crate::store::write::{Check, Part, Write};

/// All factors of an account, to be taken away by a mailed item.
#[derive(Debug)]
pub struct FactorsRemoval<'a> {
    /// The item that gives the right to it.
    pub token: &'a OneTime,
    /// The account, as it was read.
    pub user: &'a User,
    /// Its factors as they are to be.
    pub factors: &'a Factors,
    /// Its passkeys.
    pub passkeys: &'a [Passkey],
    /// Tells the owner.
    pub notice: &'a OneTime,
    /// Whether it is on condition that they were said to be lost, long enough ago (MF-20).
    pub lost: bool,
}

/// What became of a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactorsRemoved {
    /// There are none any more, and every session is dead.
    Removed,
    /// The account changed after it was read.
    Superseded,
    /// The item was used, or nothing is said to be lost.
    Refused,
}

/// What became of something that was said to be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossBegin {
    /// It is written down.
    Begun,
    /// The account changed after it was read, or somebody else has just said so.
    Superseded,
}

impl Store {
    /// Reads what a user is said to have lost, strongly consistent.
    pub async fn read_factor_loss(&self, user: UserId) -> Result<Option<FactorLoss>, StoreError> {
        self.read(&Key::factor_loss(user)).await
    }

    /// Writes down that a user's factors are lost, unless that is written already, and tells the owner.
    pub async fn begin_factor_loss(
        &self,
        user: &User,
        loss: &FactorLoss,
        notice: &OneTime,
        audit: &AuditEntry,
    ) -> Result<LossBegin, StoreError> {
        let open = "attribute_not_exists(pk) OR expires_at <= :now OR cred_version <> :version \
                    OR factors_version <> :factors_version";
        let put = self.put(&Key::factor_loss(user.id), loss, Some(loss.expires_at.unix_seconds()))?;
        let put = put.given(open).with([
            (":now", number(audit.at.millis())),
            (":version", number(loss.cred_version)),
            (":factors_version", number(loss.factors_version)),
        ]);
        let parts: [Part; 3] = [self.unchanged(user).into(), put.into(), self.one_time_put(notice)?.into()];
        Ok(self.transact(parts, audit).await?.either(LossBegin::Begun, LossBegin::Superseded))
    }

    /// Writes down that a user's factors are lost, in place of whatever was said before, and tells the owner. Whether the account
    /// is as it was read.
    pub async fn allow_factor_loss(
        &self,
        user: &User,
        loss: &FactorLoss,
        notice: &OneTime,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        let put = self.put(&Key::factor_loss(user.id), loss, Some(loss.expires_at.unix_seconds()))?;
        let parts: [Part; 3] = [self.unchanged(user).into(), put.into(), self.one_time_put(notice)?.into()];
        Ok(self.transact(parts, audit).await?.either(true, false))
    }

    /// That an account is as it was read.
    fn unchanged(&self, user: &User) -> Write<Check> {
        let check = self.check(&Key::user(user.id), "#status = :active AND cred_version = :version");
        let check = check.with([(":active", string("active")), (":version", number(user.cred_version))]);
        same_factors(check, user.factors.version)
    }

    /// Takes back that a user's factors are lost, by a mailed item. Whether that could still be used.
    pub async fn cancel_factor_loss(
        &self,
        user: UserId,
        token: &OneTime,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        let parts: [Part; 2] = [self.use_up(token, audit.at).into(), self.delete(&Key::factor_loss(user)).into()];
        Ok(self.transact(parts, audit).await?.either(true, false))
    }

    /// Takes all factors away and ends every session, on condition that the account is as it was read and that the mailed item
    /// can still be used (MF-08).
    pub async fn remove_factors(
        &self,
        removal: &FactorsRemoval<'_>,
        audit: &AuditEntry,
    ) -> Result<FactorsRemoved, StoreError> {
        let (user, now) = (removal.user, audit.at);
        let factors: AttributeValue = serde_dynamo::to_attribute_value(removal.factors)?;
        let next = user.cred_version + 1;
        let set =
            "SET factors = :factors, cred_version = :next, sessions_not_before = :now REMOVE kept_sid ADD version :one";
        let set = self.update(&Key::user(user.id), set).given("#status = :active AND cred_version = :version").with([
            (":factors", factors.clone()),
            (":next", number(next)),
            (":now", number(now.millis())),
            (":one", number(1)),
            (":active", string("active")),
            (":version", number(user.cred_version)),
        ]);
        // Nobody may have one that is short and no second factor (MF-22): only a reset opens the account.
        let goes = user.factors.password == PasswordKind::Short;
        let copy = "SET factors = :factors, cred_version = :next";
        let copy = if goes { format!("{copy} REMOVE password") } else { copy.to_owned() };
        let copy = self.update_credential(&user.email.key(), (user.id, user.cred_version), copy);
        let loss = self.delete(&Key::factor_loss(user.id));
        let loss = if removal.lost {
            loss.given("usable_from <= :now AND expires_at > :now AND factors_version = :factors_version")
                .with([(":now", number(now.millis())), (":factors_version", number(user.factors.version))])
        } else {
            loss
        };
        let parts: [Part; 7] = [
            same_factors(set, user.factors.version).into(),
            self.use_up(removal.token, now).into(),
            loss.into(),
            copy.with([(":factors", factors), (":next", number(next))]).into(),
            self.delete(&Key::totp(user.id)).into(),
            self.delete(&Key::recovery_codes(user.id)).into(),
            self.one_time_put(removal.notice)?.into(),
        ];
        let parts = parts.into_iter().chain(self.delete_passkeys(user.id, removal.passkeys));
        Ok(match self.transact(parts, audit).await? {
            Outcome::Written(()) => FactorsRemoved::Removed,
            Outcome::Refused(refusal) if !refusal.failed(1) && !refusal.failed(2) => FactorsRemoved::Superseded,
            Outcome::Refused(_) => FactorsRemoved::Refused,
        })
    }
}
