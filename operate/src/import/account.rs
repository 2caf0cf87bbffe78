//! A row as the items that it becomes.

use std::sync::Arc;

use ring::digest::{Context, SHA256};
use serde_json::{Map, Value};
use wardgate::crypto::foreign_hash::ForeignHash;
use wardgate::crypto::key_ring::{Ring, WrapKey};
use wardgate::crypto::password_wrap;
use wardgate::domain::audit::{AuditAction, AuditEntry, Subject};
use wardgate::domain::credential::{Credential, WrappedHash};
use wardgate::domain::email::{Email, EmailKey};
use wardgate::domain::id::{AuditId, UserId};
use wardgate::domain::name::DisplayName;
use wardgate::domain::timestamp::Timestamp;
use wardgate::domain::user::{User, UserStatus};
use wardgate::entropy::Entropy;
use wardgate::store::accounts::imports::{ImportRow, ImportedAccount};

use super::write::Refusal;
use crate::formats::{Account, Format, Name, Reading};
use crate::summary::Traits;

/// A row that may become an account: everything in it was read and holds.
pub(super) struct Checked {
    account: Account,
    email: Email,
    name: Option<DisplayName>,
    hash: Option<ForeignHash>,
    own_id: Option<UserId>,
    name_dropped: bool,
}

/// Checks a row.
pub(super) fn check(reading: &Reading, object: &Map<String, Value>) -> Result<Checked, Refusal> {
    let account = reading.account(object)?;
    let email = Email::parse(&account.email).map_err(|error| Refusal::because(&error))?;
    let hash = account.password_hash.as_ref().map(|hash| ForeignHash::parse(hash)).transpose();
    let hash = hash.map_err(|error| Refusal::because(&error))?;
    let (name, name_dropped) = display_name(&account.name);
    let own_id = account.id.as_deref().and_then(|id| UserId::parse(id).ok());
    Ok(Checked { account, email, name, hash, own_id, name_dropped })
}

/// The name, and whether there was one that had to go: a person does not lose the account for it.
fn display_name(name: &Name) -> (Option<DisplayName>, bool) {
    match name {
        Name::Absent => (None, false),
        Name::Unusable => (None, true),
        Name::Given(name) => {
            let name = DisplayName::clean(name);
            let dropped = name.is_none();
            (name, dropped)
        }
    }
}

impl Checked {
    /// What is told about the account at the end.
    pub(super) fn traits(&self) -> Traits {
        Traits {
            without_password: self.hash.is_none(),
            without_name: self.name.is_none(),
            name_dropped: self.name_dropped,
            weakness: self.hash.as_ref().and_then(ForeignHash::weakness),
        }
    }

    /// What no two rows of a file may share: the address, and an id of ours.
    pub(super) fn unique(&self) -> (EmailKey, Option<UserId>) {
        (self.email.key(), self.own_id)
    }

    /// Which of the rows with one address becomes the account: the one whose address was verified, for it belongs to its
    /// owner; then the one with a password.
    pub(super) fn rank(&self) -> u8 {
        u8::from(self.account.email_verified) * 2 + u8::from(self.hash.is_some())
    }
}

/// What every row needs to become an account.
pub(super) struct Accounts {
    pub(super) format: Format,
    pub(super) file: String,
    /// The keys of hashes; none in a dry run, which writes nothing.
    pub(super) wrapping: Option<Arc<Ring<WrapKey>>>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) now: Timestamp,
}

impl Accounts {
    /// The account of a row, or why there is none.
    pub(super) fn account(&self, row: u64, checked: Checked) -> Result<ImportedAccount, Refusal> {
        let Checked { account, email, name, hash, own_id, .. } = checked;
        let id = own_id.unwrap_or_else(|| self.user_id(&account, &email));
        let user = User {
            email_verified: account.email_verified,
            roles: account.roles.into_iter().collect(),
            status: if account.disabled { UserStatus::Disabled } else { UserStatus::Active },
            ..User::new(id, email, name, account.created_at.unwrap_or(self.now))
        };
        let password = self.wrapped(hash.as_ref(), id).map_err(|error| Refusal::because(&*error))?;
        Ok(ImportedAccount {
            credential: Credential::of(&user, password),
            audit: self.audit(id).map_err(|error| Refusal::because(&*error))?,
            from: ImportRow { file: self.file.clone(), row },
            user,
        })
    }

    /// The same each time for the same account of the same system.
    fn user_id(&self, account: &Account, email: &Email) -> UserId {
        let mut hash = Context::new(&SHA256);
        for part in ["wardgate import", self.format.name(), account.id.as_deref().unwrap_or(""), email.canonical()] {
            hash.update(part.as_bytes());
            hash.update(&[0]);
        }
        let digest = hash.finish();
        let random = digest.as_ref().first_chunk().copied().map_or(0, u128::from_be_bytes);
        UserId::new(account.created_at.unwrap_or(Timestamp::EPOCH), random)
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
            holder: None,
            request_id: format!("import-{}", self.file),
            detail: None,
        })
    }
}
