//! Auth0: the export of users, the export of password hashes that its support makes, and what its import takes.

use serde_json::{Map, Value};

use super::auth0_hash::custom_hash;
use super::members::{flag, full_name, one_secret, refuse_other_passwords, text, time};
use super::{Account, RowError};

pub(super) fn account(row: &Map<String, Value>) -> Result<Account, RowError> {
    refuse_other_passwords(row, &["passwordHash", "password_hash", "custom_password_hash"])?;
    // The export of hashes has `{"_id": {"$oid": "…"}}`.
    let object_id = row.get("_id").and_then(|id| id.get("$oid")).and_then(Value::as_str).map(str::to_owned);
    let simple = one_secret(row, &["passwordHash", "password_hash"])?;
    let custom = custom(row)?.map(|custom| custom_hash(&custom)).transpose()?;
    if simple.is_some() && custom.is_some() {
        return Err(RowError::TwoHashes);
    }
    Ok(Account {
        id: text(row, "user_id")?.map(|id| id.strip_prefix("auth0|").map_or(id.clone(), str::to_owned)).or(object_id),
        email: text(row, "email")?.unwrap_or_default(),
        email_verified: flag(row, "email_verified")?,
        name: full_name(row),
        password_hash: simple.or(custom),
        disabled: flag(row, "blocked")?,
        created_at: time(row, "created_at")?,
        ..Account::default()
    })
}

/// The object that describes a hash; in CSV it is JSON inside a field.
fn custom(row: &Map<String, Value>) -> Result<Option<Map<String, Value>>, RowError> {
    let wrong = RowError::Member { member: "custom_password_hash", expected: "as Auth0's schema has it" };
    match row.get("custom_password_hash") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(custom)) => Ok(Some(custom.clone())),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => serde_json::from_str(text).map(Some).map_err(|_| wrong),
        Some(_) => Err(wrong),
    }
}
