//! Our own format: what `make export` writes, and what is easiest to write oneself.

use serde_json::{Map, Value};

use super::members::{flag, name, secret, shown, text, time};
use super::{Account, RowError};

/// A misspelt member would silently lose what it says.
const MEMBERS: [&str; 8] = ["id", "email", "email_verified", "name", "roles", "status", "created_at", "password_hash"];

pub(super) fn account(row: &Map<String, Value>) -> Result<Account, RowError> {
    if let Some(unknown) = row.keys().find(|member| !MEMBERS.contains(&member.as_str())) {
        return Err(RowError::UnknownMember(shown(unknown)));
    }
    let disabled = match text(row, "status")?.as_deref() {
        None | Some("active") => false,
        Some("disabled") => true,
        Some(_) => return Err(RowError::Member { member: "status", expected: "active or disabled" }),
    };
    Ok(Account {
        id: text(row, "id")?,
        email: text(row, "email")?.unwrap_or_default(),
        email_verified: flag(row, "email_verified")?,
        name: name(row, "name"),
        password_hash: secret(row, "password_hash")?,
        disabled,
        roles: roles(row)?,
        created_at: time(row, "created_at")?,
    })
}

/// An array, or in CSV words between spaces.
fn roles(row: &Map<String, Value>) -> Result<Vec<String>, RowError> {
    let wrong = RowError::Member { member: "roles", expected: "a list of names" };
    match row.get("roles") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(names)) => Ok(names.split_whitespace().map(str::to_owned).collect()),
        Some(Value::Array(names)) => {
            names.iter().map(|name| name.as_str().map(str::to_owned).ok_or_else(|| wrong.clone())).collect()
        }
        Some(_) => Err(wrong),
    }
}
