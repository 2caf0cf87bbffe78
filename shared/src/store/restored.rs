//! A table that a restore has made, before anybody uses it (PL-07). Each change happens once, however often it is asked
//! for: an account's own item says that the account is done, and an item that a mail was sent from, that it was used.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Deserialize;

use crate::domain::audit::{AuditAction, AuditEntry, Subject};
use crate::domain::id::{AuditId, UserId};
use crate::domain::month::Month;
use crate::domain::oauth::consent::GivenConsent;
use crate::domain::passkey::Passkey;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::{User, UserStatus};
use crate::store::Store;
use crate::store::attributes::{number, string};
use crate::store::audit::partition_of;
use crate::store::erasures::Erasure;
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::outcome::Outcome;
use crate::store::read::Pages;
use crate::store::restored_items::Mailed;
use crate::store::write::{Part, Update, Write};

/// An account is done when its sessions end at the time of the restore.
const NOT_DONE: &str =
    "attribute_exists(pk) AND (attribute_not_exists(sessions_not_before) OR sessions_not_before < :now)";

const SET_FACTORS: &str = ", factors = :factors";

/// The factors, where they are to be others.
fn changed_factors(rewrite: &Rewrite<'_>) -> Result<Option<AttributeValue>, StoreError> {
    let (before, after) = (&rewrite.before.factors, &rewrite.after.factors);
    Ok((before != after).then(|| serde_dynamo::to_attribute_value(after)).transpose()?)
}

/// What an account becomes, all at once.
#[derive(Debug)]
pub struct Rewrite<'a> {
    /// The account as it was read.
    pub before: &'a User,
    /// The account as it is to be.
    pub after: &'a User,
    /// Whether its password goes.
    pub without_password: bool,
    /// Whether its recovery codes go.
    pub without_codes: bool,
    /// Its passkeys that go.
    pub passkeys: &'a [Passkey],
    /// When the restore was made.
    pub now: Timestamp,
    /// Its lines.
    pub audit: &'a [AuditEntry],
}

/// A line of an account's trail.
#[derive(Debug, Deserialize)]
pub struct LineSince {
    /// What happened.
    pub action: AuditAction,
    /// When.
    pub at: Timestamp,
    /// To what.
    #[serde(default)]
    pub detail: Option<String>,
}

/// What became of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swept {
    /// It was changed just now.
    Changed,
    /// A run before this one did it.
    Before,
    /// Nothing was written: the account's credential is not what the account says, so nobody can sign in with it.
    Unfit,
}

impl Store {
    /// A restored table beside the same audit table. The table that is live has no business here.
    pub fn restored(&self, table: String) -> Result<Self, StoreError> {
        if table == self.table {
            return Err(StoreError::Refused("this table is the live one".to_owned()));
        }
        Ok(Self { table, ..self.clone() })
    }

    /// What happened to an account since then, oldest first, strongly consistent. One query a month.
    pub async fn lines_since(
        &self,
        user: UserId,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<LineSince>, StoreError> {
        let mut lines: Vec<LineSince> = Vec::new();
        for month in Month::of(now).back_to(Month::of(since)) {
            let partition = partition_of(&Subject::User(user), month);
            let query = self
                .lines(&partition)
                .key_condition_expression("pk = :pk AND sk >= :first")
                .expression_attribute_values(":first", string(AuditId::new(since, 0)));
            let mut pages = Pages::of(query);
            while let Some(page) = pages.read_next().await? {
                lines.extend(page);
            }
        }
        // In one millisecond ids are in no order, and a line of the same millisecond as another is of another request.
        lines.sort_by_key(|line| line.at);
        Ok(lines)
    }

    /// Uses an item up that nobody used. A run before this one may have.
    pub async fn kill_mailed(&self, item: &Mailed, now: Timestamp) -> Result<Swept, StoreError> {
        let kill = self
            .update(&item.key, "SET used_at = :now")
            .given("attribute_exists(pk) AND attribute_not_exists(used_at)")
            .with([(":now", number(now.millis()))]);
        Ok(kill.send(&self.client).await?.either(Swept::Changed, Swept::Before))
    }

    /// Takes a consent away again. A run before this one may have.
    pub async fn withdraw_consent(&self, consent: &GivenConsent) -> Result<Swept, StoreError> {
        let withdraw = self.delete(&Key::consent(consent.user_id, &consent.client_id)).given("attribute_exists(pk)");
        Ok(withdraw.send(&self.client).await?.either(Swept::Changed, Swept::Before))
    }

    /// Ends every session of an account, and makes it what it is to be, unless a run before this one did.
    pub async fn rewrite_account(&self, rewrite: &Rewrite<'_>) -> Result<Swept, StoreError> {
        let mut parts: Vec<Part> = vec![self.rewritten_user(rewrite)?.into()];
        if !rewrite.audit.is_empty() {
            parts.push(self.rewritten_credential(rewrite)?.into());
        }
        parts.extend(self.turns(rewrite)?);
        parts.extend(self.ended_factors(rewrite));
        for line in rewrite.audit {
            parts.push(self.audit_put(line)?.into());
        }
        match self.transact_parts(parts).await? {
            Outcome::Written(()) => Ok(Swept::Changed),
            Outcome::Refused(refusal) if refusal.failed(0) => Ok(Swept::Before),
            Outcome::Refused(_) => Ok(Swept::Unfit),
        }
    }

    fn rewritten_user(&self, rewrite: &Rewrite<'_>) -> Result<Write<Update>, StoreError> {
        let after = rewrite.after;
        let (set, remove) = match after.erase_at {
            Some(_) => (", erase_at = :erase", ""),
            None => ("", ", erase_at"),
        };
        let factors = changed_factors(rewrite)?;
        let set_factors = if factors.is_some() { SET_FACTORS } else { "" };
        let change = format!(
            "SET sessions_not_before = :now, #status = :status, cred_version = :version{set}{set_factors} \
             REMOVE kept_sid{remove} ADD version :one"
        );
        Ok(self
            .update(&Key::user(rewrite.before.id), change)
            .given(NOT_DONE)
            .with([
                (":status", serde_dynamo::to_attribute_value(after.status)?),
                (":version", number(after.cred_version)),
                (":now", number(rewrite.now.millis())),
                (":one", number(1)),
            ])
            .with(after.erase_at.map(|at| (":erase", number(at.millis()))))
            .with(factors.map(|factors| (":factors", factors))))
    }

    fn rewritten_credential(&self, rewrite: &Rewrite<'_>) -> Result<Write<Update>, StoreError> {
        let (before, after) = (rewrite.before, rewrite.after);
        let remove = if rewrite.without_password { " REMOVE password" } else { "" };
        let factors = changed_factors(rewrite)?;
        let set_factors = if factors.is_some() { SET_FACTORS } else { "" };
        let set = format!("SET #status = :status, cred_version = :next{set_factors}{remove}");
        let update = self.update_credential(&before.email.key(), (before.id, before.cred_version), set).with([
            (":status", serde_dynamo::to_attribute_value(after.status)?),
            (":next", number(after.cred_version)),
        ]);
        Ok(update.with(factors.map(|factors| (":factors", factors))))
    }

    /// What is left of factors that go.
    fn ended_factors(&self, rewrite: &Rewrite<'_>) -> Vec<Part> {
        let (before, after) = (rewrite.before, rewrite.after);
        let mut parts: Vec<Part> = Vec::new();
        if before.factors.has_any() {
            // Its owner may have taken it back since.
            parts.push(self.delete(&Key::factor_loss(before.id)).into());
        }
        if before.factors.totp && !after.factors.totp {
            parts.push(self.delete(&Key::totp(before.id)).into());
        }
        parts.extend(self.delete_passkeys(before.id, rewrite.passkeys));
        if rewrite.without_codes {
            parts.push(self.delete(&Key::recovery_codes(before.id)).into());
        }
        parts
    }

    /// The account's turn to be erased, where that changes.
    fn turns(&self, rewrite: &Rewrite<'_>) -> Result<Vec<Part>, StoreError> {
        let (before, after) = (rewrite.before.erase_at, rewrite.after.erase_at);
        if before == after {
            return Ok(Vec::new());
        }
        let id = rewrite.before.id;
        let mut parts: Vec<Part> = before.map(|at| self.delete(&Key::erasure(id, at)).into()).into_iter().collect();
        if let Some(erase_at) = after {
            let turn = Erasure { user_id: id, erase_at };
            parts.push(self.put_new(&Key::erasure(id, erase_at), &turn, None)?.into());
        }
        Ok(parts)
    }

    /// Whether an account's credential is as the account says: without that nobody could sign in to it.
    pub async fn fits_its_credential(&self, user: &User) -> Result<bool, StoreError> {
        if user.status == UserStatus::Erasing {
            return Ok(true);
        }
        let credential = self.read_credential(&user.email.key()).await?;
        Ok(credential.is_some_and(|credential| {
            credential.user_id == user.id
                && credential.cred_version == user.cred_version
                && credential.status == user.status
                && credential.factors == user.factors
                && credential.reserved_until.is_none()
        }))
    }
}
