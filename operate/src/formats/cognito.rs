//! Amazon Cognito. It gives no hashes away: these people set a new password.

use serde_json::{Map, Value};

use super::members::{flag, full_name, refuse_other_passwords, text, time};
use super::{Account, RowError};

pub(super) fn account(row: &Map<String, Value>) -> Result<Account, RowError> {
    // list-users has the attributes as a list of names and values; CSV has them as columns.
    let attributes = match row.get("Attributes").or_else(|| row.get("UserAttributes")) {
        Some(Value::Array(list)) => named_values(list),
        Some(_) => return Err(RowError::Member { member: "Attributes", expected: "a list" }),
        None => row.clone(),
    };
    refuse_other_passwords(row, &[])?;
    refuse_other_passwords(&attributes, &[])?;
    let username = text(row, "Username")?.or(text(row, "cognito:username")?);
    let enabled = row.get("Enabled").is_none_or(Value::is_null) || flag(row, "Enabled")?;
    Ok(Account {
        id: text(&attributes, "sub")?.or(username),
        email: text(&attributes, "email")?.unwrap_or_default(),
        email_verified: flag(&attributes, "email_verified")?,
        name: full_name(&attributes),
        disabled: !enabled,
        created_at: time(row, "UserCreateDate")?,
        ..Account::default()
    })
}

fn named_values(list: &[Value]) -> Map<String, Value> {
    let pair = |entry: &Value| Some((entry.get("Name")?.as_str()?.to_owned(), entry.get("Value")?.clone()));
    list.iter().filter_map(pair).collect()
}
