//! Supabase: the table `auth.users`.

use serde_json::{Map, Value};
use wardgate::domain::timestamp::Timestamp;

use super::members::{self, flag, refuse_other_passwords, secret, text, time};
use super::{Account, Name, RowError};

pub(super) fn account(row: &Map<String, Value>, now: Timestamp) -> Result<Account, RowError> {
    if text(row, "deleted_at")?.is_some() {
        return Err(RowError::Deleted);
    }
    refuse_other_passwords(row, &["encrypted_password"])?;
    // `confirmed_at` is also set by a phone; older tables have no other.
    let confirmed = text(row, "email_confirmed_at")?;
    let confirmed = if row.contains_key("phone") { confirmed } else { confirmed.or(text(row, "confirmed_at")?) };
    // A ban without end is `infinity`, or a year beyond the calendar.
    let banned = text(row, "banned_until")?.is_some()
        && time(row, "banned_until").ok().flatten().is_none_or(|until| until > now);
    Ok(Account {
        id: text(row, "id")?,
        email: text(row, "email")?.unwrap_or_default(),
        email_verified: confirmed.is_some(),
        name: name(row),
        password_hash: secret(row, "encrypted_password")?,
        disabled: banned || flag(row, "is_banned")?,
        created_at: time(row, "created_at")?,
        ..Account::default()
    })
}

/// In CSV the metadata is JSON inside a field. Applications put into it what they like.
fn name(row: &Map<String, Value>) -> Name {
    let parsed;
    let metadata = match row.get("raw_user_meta_data").or_else(|| row.get("user_metadata")) {
        Some(Value::String(text)) => {
            parsed = serde_json::from_str::<Value>(text).unwrap_or_default();
            &parsed
        }
        Some(metadata) => metadata,
        None => return Name::Absent,
    };
    let Value::Object(metadata) = metadata else { return Name::Absent };
    match members::name(metadata, "full_name") {
        Name::Given(name) => Name::Given(name),
        _ => members::name(metadata, "name"),
    }
}
