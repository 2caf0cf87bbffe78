//! A row as the items that it becomes.

use std::sync::Arc;

use ring::digest::{Context, SHA256};
use serde_json::{Map, Value};
use wardgate::crypto::foreign_hash::ForeignHash;
use wardgate::crypto::key_ring::{Ring, WrapKey};
use wardgate::crypto::password_wrap;
use wardgate::domain::audit::{AuditAction, AuditEntry, Subject};
use wardgate::domain::credential::{Credential, WrappedHash};
use wardgate::domain::email::Email;
use wardgate::domain::id::{AuditId, UserId};
use wardgate::domain::name::DisplayName;
use wardgate::domain::timestamp::Timestamp;
use wardgate::domain::user::{User, UserStatus};
use wardgate::entropy::Entropy;
use wardgate::store::imports::{ImportRow, ImportedAccount};

use super::write::RowOutcome;
use crate::formats::{Account, Reading};

/// What every row needs.
pub(super) struct Accounts {
    pub(super) reading: Reading,
    pub(super) file: String,
    /// The keys of hashes; none in a dry run, which writes nothing.
    pub(super) wrapping: Option<Arc<Ring<WrapKey>>>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) now: Timestamp,
}

impl Accounts {
    /// The account of a row, or why there is none.
    pub(super) fn account(&self, row: u64, object: &Map<String, Value>) -> Result<ImportedAccount, RowOutcome> {
        let account = self.reading.account(object)?;
        let email = Email::parse(&account.email).map_err(|error| RowOutcome::refused(&error))?;
        let name = account.name.as_deref().filter(|name| !name.trim().is_empty());
        let name = name.map(DisplayName::parse).transpose().map_err(|error| RowOutcome::refused(&error))?;
        let hash = account.password_hash.as_ref().map(|hash| ForeignHash::parse(hash)).transpose();
        let hash = hash.map_err(|error| RowOutcome::refused(&error))?;
        let id = self.user_id(&account, &email);
        let user = User {
            email_verified: account.email_verified,
            roles: account.roles.into_iter().collect(),
            status: if account.disabled { UserStatus::Disabled } else { UserStatus::Active },
            ..User::new(id, email, name, account.created_at.unwrap_or(self.now))
        };
        let password = self.wrapped(hash.as_ref(), id).map_err(|error| RowOutcome::refused(&*error))?;
        Ok(ImportedAccount {
            credential: Credential::of(&user, password),
            audit: self.audit(id).map_err(|error| RowOutcome::refused(&*error))?,
            from: ImportRow { file: self.file.clone(), row },
            user,
        })
    }

    /// The same each time for the same account of the same system. Our own ids stay what they are.
    fn user_id(&self, account: &Account, email: &Email) -> UserId {
        let own = account.id.as_deref().and_then(|id| UserId::parse(id).ok());
        own.unwrap_or_else(|| {
            let mut hash = Context::new(&SHA256);
            for part in
                ["wardgate import", self.reading.format.name(), account.id.as_deref().unwrap_or(""), email.canonical()]
            {
                hash.update(part.as_bytes());
                hash.update(&[0]);
            }
            let digest = hash.finish();
            let random = digest.as_ref().first_chunk().copied().map_or(0, u128::from_be_bytes);
            UserId::new(account.created_at.unwrap_or(Timestamp::EPOCH), random)
        })
    }

    fn wrapped(&self, hash: Option<&ForeignHash>, id: UserId) -> Result<Option<WrappedHash>, crate::Failure> {
        let (Some(hash), Some(ring)) = (hash, &self.wrapping) else { return Ok(None) };
        Ok(Some(password_wrap::wrap(hash.stored(), id, ring, self.now, &*self.entropy)?))
    }

    fn audit(&self, id: UserId) -> Result<AuditEntry, crate::Failure> {
        Ok(AuditEntry {
            id: AuditId::new(self.now, self.entropy.number()?),
            subject: Subject::User(id),
            action: AuditAction::Imported,
            session: None,
            at: self.now,
            address: None,
            user_agent: None,
            request_id: format!("import-{}", self.file),
            detail: None,
        })
    }
}
