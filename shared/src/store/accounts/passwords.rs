//! Changing what an account signs in with: credential and user change together (SE-04).

use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::audit::AuditEntry;
use crate::domain::credential::WrappedHash;
use crate::domain::device::Device;
use crate::domain::factors::Factors;
use crate::domain::one_time::OneTime;
use crate::domain::session::Session;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::User;
use crate::store::Store;
use crate::store::attributes::{number, string};
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::outcome::Outcome;
use crate::store::sign_in::admission::{admits, admitted, same_factors};
use crate::store::write::{Part, Update, Write};

/// A new password for an account.
#[derive(Debug)]
pub struct PasswordSetting<'a> {
    /// The account, as it was read.
    pub user: &'a User,
    /// The new hash.
    pub password: &'a WrappedHash,
    /// The factors as they are with it, where that is not as they were read.
    pub factors: Option<&'a Factors>,
    /// The item that gives the right to it; none where the old password did.
    pub token: Option<&'a OneTime>,
    /// The one session that lives on, if it still does (PW-06); after a reset none does (OT-06).
    pub kept: Option<&'a Session>,
    /// Tells the owner.
    pub notice: &'a OneTime,
    /// Where the owner did it: the one device that is known under the new credentials.
    pub device: &'a Device,
}

/// What became of a new password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordChange {
    /// It holds; every session but the kept one is dead.
    Changed,
    /// The account changed meanwhile, or the token was used.
    Superseded,
    /// Its factors changed meanwhile, by which it was decided how long the password has to be.
    FactorsChanged,
}

impl Store {
    /// Sets a password, on condition that the credentials are as they were read, and ends the sessions, in one
    /// transaction.
    pub async fn set_password(
        &self,
        setting: &PasswordSetting<'_>,
        audit: &AuditEntry,
    ) -> Result<PasswordChange, StoreError> {
        let (user, now) = (setting.user, audit.at);
        let next = user.cred_version + 1;
        let mut parts: Vec<Part> = vec![
            self.new_password(setting, next)?.into(),
            self.new_version(setting, next, now)?.into(),
            self.one_time_put(setting.notice)?.into(),
            self.device_put(setting.device)?.into(),
        ];
        parts.extend(setting.token.map(|token| self.use_up(token, now).into()));
        Ok(match self.transact(parts, audit).await? {
            Outcome::Written(()) => PasswordChange::Changed,
            // The user's part says that it is the same account, and who asks for it.
            Outcome::Refused(refusal) if refusal.failed(0) && !refusal.failed(1) => PasswordChange::FactorsChanged,
            Outcome::Refused(_) => PasswordChange::Superseded,
        })
    }

    fn new_password(&self, setting: &PasswordSetting<'_>, next: u64) -> Result<Write<Update>, StoreError> {
        let user = setting.user;
        let set = "SET password = :password, cred_version = :next, email_verified = :verified";
        let set = format!("{set}{}", setting.set_factors());
        let update = self.update_credential(&user.email.key(), (user.id, user.cred_version), set).with([
            (":password", serde_dynamo::to_attribute_value(setting.password)?),
            (":next", number(next)),
            (":verified", setting.verified()),
        ]);
        let Some(factors) = setting.factors else { return Ok(update) };
        let update = update.with([(":factors", serde_dynamo::to_attribute_value(factors)?)]);
        Ok(same_factors(update, user.factors.version))
    }

    fn new_version(
        &self,
        setting: &PasswordSetting<'_>,
        next: u64,
        now: Timestamp,
    ) -> Result<Write<Update>, StoreError> {
        let kept = if setting.kept.is_some() { ", kept_sid = :kept" } else { " REMOVE kept_sid" };
        let set = format!(
            "ADD version :one SET cred_version = :next, sessions_not_before = :now, email_verified = :verified{}{kept}",
            setting.set_factors()
        );
        let factors: Option<AttributeValue> = setting.factors.map(serde_dynamo::to_attribute_value).transpose()?;
        let update = self
            .update(&Key::user(setting.user.id), set)
            .given("#status = :active AND cred_version = :version")
            .with([
                (":active", string("active")),
                (":version", number(setting.user.cred_version)),
                (":next", number(next)),
                (":now", number(now.millis())),
                (":one", number(1)),
                (":verified", setting.verified()),
            ])
            .with(factors.map(|factors| (":factors", factors)));
        Ok(match setting.kept {
            Some(kept) => update.and(&admits(kept)).with(admitted(kept)),
            None => update,
        })
    }
}

impl PasswordSetting<'_> {
    const fn set_factors(&self) -> &'static str {
        if self.factors.is_some() { ", factors = :factors" } else { "" }
    }

    /// Whoever had the token's mail has shown that the address is theirs.
    fn verified(&self) -> AttributeValue {
        AttributeValue::Bool(self.user.email_verified || self.token.is_some())
    }
}
