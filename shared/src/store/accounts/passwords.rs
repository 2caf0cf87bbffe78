//! Changing what an account signs in with: credential and user change together (SE-04).

use aws_sdk_dynamodb::types::Update;

use crate::domain::audit::AuditEntry;
use crate::domain::credential::WrappedHash;
use crate::domain::device::Device;
use crate::domain::one_time::OneTime;
use crate::domain::session::Session;
use crate::domain::user::User;
use crate::store::Store;
use crate::store::attributes::{number, string};
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::sign_in::sessions::{admits, admitted};
use crate::store::transaction::{Part, Transaction};

/// A new password for an account.
#[derive(Debug)]
pub struct PasswordSetting<'a> {
    /// The account, as it was read.
    pub user: &'a User,
    /// The new hash.
    pub password: &'a WrappedHash,
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
}

impl Store {
    /// Sets a password, on condition that the credentials are as they were read, and ends the sessions, in one
    /// transaction. Whoever follows a link in the mail has also shown that the address is theirs.
    pub async fn set_password(
        &self,
        setting: &PasswordSetting<'_>,
        audit: &AuditEntry,
    ) -> Result<PasswordChange, StoreError> {
        let (user, now) = (setting.user, audit.at);
        let next = user.cred_version + 1;
        let mut parts = vec![
            Part::Update(self.credential_update(setting, next)?),
            Part::Update(self.user_update(setting, next, now.millis())?),
            Part::Put(self.one_time_put(setting.notice)?),
            Part::Put(self.device_put(setting.device)?),
        ];
        if let Some(token) = setting.token {
            parts.push(Part::Update(self.use_up(token, now)?));
        }
        Ok(match self.transact(parts, audit).await? {
            Transaction::Committed => PasswordChange::Changed,
            Transaction::Refused(_) => PasswordChange::Superseded,
        })
    }

    fn credential_update(&self, setting: &PasswordSetting<'_>, next: u64) -> Result<Update, StoreError> {
        let key = Key::credential(&setting.user.email.key());
        let verified = setting.user.email_verified || setting.token.is_some();
        let password = serde_dynamo::to_attribute_value(setting.password)?;
        Update::builder()
            .table_name(&self.table)
            .key("pk", key.pk())
            .key("sk", key.sk())
            .update_expression("SET password = :password, cred_version = :next, email_verified = :verified")
            .condition_expression(
                "user_id = :user AND cred_version = :version AND attribute_not_exists(reserved_until)",
            )
            .expression_attribute_values(":password", password)
            .expression_attribute_values(":next", number(next))
            .expression_attribute_values(":verified", aws_sdk_dynamodb::types::AttributeValue::Bool(verified))
            .expression_attribute_values(":user", string(setting.user.id))
            .expression_attribute_values(":version", number(setting.user.cred_version))
            .build()
            .map_err(|_| StoreError::Incomplete("an update without table or key"))
    }

    fn user_update(&self, setting: &PasswordSetting<'_>, next: u64, now: i64) -> Result<Update, StoreError> {
        let key = Key::user(setting.user.id);
        let verified = setting.user.email_verified || setting.token.is_some();
        let (kept, alive, values) = match setting.kept {
            Some(kept) => (", kept_sid = :kept", format!(" AND {}", admits(kept)), Some(admitted(kept))),
            None => (" REMOVE kept_sid", String::new(), None),
        };
        let update = Update::builder()
            .table_name(&self.table)
            .key("pk", key.pk())
            .key("sk", key.sk())
            .update_expression(format!(
                "ADD version :one SET cred_version = :next, sessions_not_before = :now, email_verified = :verified{kept}"
            ))
            .condition_expression(format!("#status = :active AND cred_version = :version{alive}"))
            .expression_attribute_names("#status", "status")
            .set_expression_attribute_values(values)
            .expression_attribute_values(":active", string("active"))
            .expression_attribute_values(":version", number(setting.user.cred_version))
            .expression_attribute_values(":next", number(next))
            .expression_attribute_values(":now", number(now))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":verified", aws_sdk_dynamodb::types::AttributeValue::Bool(verified));
        update.build().map_err(|_| StoreError::Incomplete("an update without table or key"))
    }
}
