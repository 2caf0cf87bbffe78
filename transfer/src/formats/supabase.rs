//! Supabase: the table `auth.users`.

use serde_json::{Map, Value};
use wardgate::domain::timestamp::Timestamp;

use super::members::{flag, secret, text, time};
use super::{Account, RowError};

pub(super) fn account(row: &Map<String, Value>, now: Timestamp) -> Result<Account, RowError> {
    if text(row, "deleted_at")?.is_some() {
        return Err(RowError::Deleted);
    }
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
fn name(row: &Map<String, Value>) -> Option<String> {
    let metadata = row.get("raw_user_meta_data").or_else(|| row.get("user_metadata"))?;
    let parsed;
    let metadata = match metadata {
        Value::String(text) => {
            parsed = serde_json::from_str::<Value>(text).ok()?;
            &parsed
        }
        metadata => metadata,
    };
    let named = |member: &str| metadata.get(member).and_then(Value::as_str).filter(|name| !name.is_empty());
    named("full_name").or_else(|| named("name")).map(str::to_owned)
}
