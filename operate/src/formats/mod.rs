//! What each system calls things. A row is an object, from JSON or from CSV, where every value is text.

mod auth0;
mod auth0_hash;
mod cognito;
mod firebase;
mod members;
mod supabase;
mod wardgate_export;

use clap::ValueEnum;
use serde_json::{Map, Value};
use thiserror::Error;
use wardgate::crypto::foreign_hash::{FirebaseProject, RefusedHash};
use wardgate::domain::email::InvalidEmail;
use wardgate::domain::timestamp::Timestamp;
use zeroize::Zeroizing;

pub use firebase::project;

/// Who wrote the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// `make export`, or you: JSON lines or CSV.
    Wardgate,
    /// `aws cognito-idp list-users`, or CSV under the user pool's own header. There are no hashes.
    Cognito,
    /// Auth0's export of users or of password hashes, or a file for its import.
    Auth0,
    /// `firebase auth:export`, JSON or CSV.
    Firebase,
    /// The table `auth.users`, CSV or JSON.
    Supabase,
}

/// A person's name, as a row has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Name {
    /// There is none.
    #[default]
    Absent,
    /// This one, which may not be a name that we accept.
    Given(String),
    /// Something that is no text.
    Unusable,
}

/// An account as a row describes it.
#[derive(Clone, Default)]
pub struct Account {
    /// What the other system calls the account.
    pub id: Option<String>,
    /// The address.
    pub email: String,
    /// Whether the other system knew that it is theirs.
    pub email_verified: bool,
    /// The person's name.
    pub name: Name,
    /// The password's hash, if there is one.
    pub password_hash: Option<Zeroizing<String>>,
    /// Whether the account was blocked.
    pub disabled: bool,
    /// What it may do. Only our own format has roles.
    pub roles: Vec<String>,
    /// When it came to be.
    pub created_at: Option<Timestamp>,
}

/// Why a row makes no account. Holds member names and constants, nothing of the row's values.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RowError {
    /// Not JSON, or JSON of another type.
    #[error("the row is not a JSON object")]
    NotAnObject,
    /// CSV with more or fewer fields than columns.
    #[error("the row has another number of fields than the header")]
    Columns,
    /// Nobody can sign in without one.
    #[error("the account has no email address")]
    NoEmail,
    /// A member that our own format does not have.
    #[error("the member {0} is unknown")]
    UnknownMember(String),
    /// A member is not what it should be.
    #[error("the member {member} is not {expected}")]
    Member {
        /// Which.
        member: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// The address is none.
    #[error(transparent)]
    Email(#[from] InvalidEmail),
    /// A password hash whose other half is missing.
    #[error("the member {has} is there without {lacks}: the password hash is not complete")]
    IncompleteHash {
        /// What is there.
        has: &'static str,
        /// What is not.
        lacks: &'static str,
    },
    /// Nobody knows which one is the account's.
    #[error("the row has two password hashes, or two salts, that differ")]
    TwoHashes,
    /// Without this the account would come without a password, and nobody would know.
    #[error("the member {0} is of a password, and this format does not read it")]
    UnreadPassword(String),
    /// The hash is not taken.
    #[error(transparent)]
    Hash(#[from] RefusedHash),
    /// Auth0 knows more ways to hash than may be verified.
    #[error("passwords hashed with {0} are not supported: argon2, bcrypt, pbkdf2 and scrypt are")]
    Algorithm(&'static str),
    /// Auth0 knows passwords that were hashed in another encoding than the one that is typed.
    #[error("a hash of the password in {0} cannot be verified: only one of UTF-8 can")]
    PasswordEncoding(&'static str),
    /// A part of Auth0's hash that would change what it means.
    #[error("custom_password_hash has {0}, which this algorithm's hash does not verify with")]
    CustomMember(String),
    /// Firebase's hashes mean nothing without the project's parameters.
    #[error("the row has a password hash: give the project's parameters with --hash-config")]
    NoHashConfig,
    /// Supabase keeps rows of deleted accounts.
    #[error("the account was deleted")]
    Deleted,
}

/// What reading a row needs beside it.
#[derive(Clone)]
pub struct Reading {
    /// Who wrote the file.
    pub format: Format,
    /// The Firebase project's hash parameters.
    pub project: Option<FirebaseProject>,
    /// Now: a ban may have ended.
    pub now: Timestamp,
}

impl Format {
    /// As it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wardgate => "wardgate",
            Self::Cognito => "cognito",
            Self::Auth0 => "auth0",
            Self::Firebase => "firebase",
            Self::Supabase => "supabase",
        }
    }

    /// The columns of a CSV without a header.
    pub fn columns(self) -> Option<&'static [&'static str]> {
        (self == Self::Firebase).then_some(firebase::COLUMNS)
    }
}

impl Reading {
    /// Reads a row.
    pub fn account(&self, row: &Map<String, Value>) -> Result<Account, RowError> {
        let account = match self.format {
            Format::Wardgate => wardgate_export::account(row),
            Format::Cognito => cognito::account(row),
            Format::Auth0 => auth0::account(row),
            Format::Firebase => firebase::account(row, self.project.as_ref()),
            Format::Supabase => supabase::account(row, self.now),
        }?;
        if account.email.is_empty() { Err(RowError::NoEmail) } else { Ok(account) }
    }
}
