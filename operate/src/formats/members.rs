//! Members of a row, whether it was JSON or CSV.

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};
use wardgate::domain::timestamp::Timestamp;
use zeroize::Zeroizing;

use super::{Name, RowError};

type Row = Map<String, Value>;

/// What stands at a member; `null` and empty text are nothing.
fn member<'a>(row: &'a Row, name: &str) -> Option<&'a Value> {
    row.get(name).filter(|value| !value.is_null() && value.as_str() != Some(""))
}

/// Text, or nothing. Ids may be numbers.
pub(super) fn text(row: &Row, name: &'static str) -> Result<Option<String>, RowError> {
    match member(row, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(RowError::Member { member: name, expected: "text" }),
    }
}

/// Text that is a secret.
pub(super) fn secret(row: &Row, name: &'static str) -> Result<Option<Zeroizing<String>>, RowError> {
    Ok(text(row, name)?.map(Zeroizing::new))
}

/// Yes or no; nothing is no.
pub(super) fn flag(row: &Row, name: &'static str) -> Result<bool, RowError> {
    match member(row, name) {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(Value::String(text)) => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "1" => Ok(true),
            "false" | "f" | "0" => Ok(false),
            _ => Err(RowError::Member { member: name, expected: "true or false" }),
        },
        Some(_) => Err(RowError::Member { member: name, expected: "true or false" }),
    }
}

/// A person's name as a row has it. One that is not usable is left out: nobody loses an account for it.
pub(super) fn name(row: &Row, name: &'static str) -> Name {
    match text(row, name) {
        Ok(None) => Name::Absent,
        Ok(Some(name)) if name.trim().is_empty() => Name::Absent,
        Ok(Some(name)) => Name::Given(name),
        Err(_) => Name::Unusable,
    }
}

/// A name in one member, or in two.
pub(super) fn full_name(row: &Row) -> Name {
    let whole = name(row, "name");
    if whole != Name::Absent {
        return whole;
    }
    match (name(row, "given_name"), name(row, "family_name")) {
        (Name::Given(given), Name::Given(family)) => Name::Given(format!("{given} {family}")),
        (Name::Absent, other) | (other, Name::Absent) => other,
        _ => Name::Unusable,
    }
}

/// One secret under any of several names. Two that differ are refused: nobody knows which one it is.
pub(super) fn one_secret(row: &Row, names: &[&'static str]) -> Result<Option<Zeroizing<String>>, RowError> {
    let mut found: Option<Zeroizing<String>> = None;
    for name in names {
        let Some(value) = secret(row, name)? else { continue };
        if found.as_ref().is_some_and(|known| *known != value) {
            return Err(RowError::TwoHashes);
        }
        found = Some(value);
    }
    Ok(found)
}

/// What systems call a password, its hash, or what changes the hash's meaning, in lower case and without punctuation.
const PASSWORD_MEMBERS: [&str; 18] = [
    "password",
    "passwd",
    "passwordhash",
    "passwordhashed",
    "passworddigest",
    "passwordsalt",
    "passwordalgorithm",
    "passwordhashalgorithm",
    "passwordhashfunction",
    "hash",
    "hashalgorithm",
    "hashedpassword",
    "encryptedpassword",
    "custompasswordhash",
    "custompassword",
    "salt",
    "pepper",
    "rawpassword",
];

/// Refuses a row with a password in a member that its format does not read: its account would silently come without one.
pub(super) fn refuse_other_passwords(row: &Row, read: &[&str]) -> Result<(), RowError> {
    let is_password = |name: &str| {
        let name = name.rsplit(':').next().unwrap_or(name);
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        PASSWORD_MEMBERS.contains(&plain.to_ascii_lowercase().as_str())
    };
    let holds = |value: &Value| match value {
        Value::Null | Value::Bool(_) => false,
        Value::String(text) => !text.is_empty(),
        _ => true,
    };
    let unread = row.iter().find(|(name, value)| !read.contains(&name.as_str()) && is_password(name) && holds(value));
    match unread {
        Some((name, _)) => Err(RowError::UnreadPassword(shown(name))),
        None => Ok(()),
    }
}

/// A member's name, as it is told.
pub(super) fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(40).collect()
}

/// A time: RFC 3339, as `PostgreSQL` writes it, or a number of seconds or milliseconds since 1970.
pub(super) fn time(row: &Row, name: &'static str) -> Result<Option<Timestamp>, RowError> {
    let wrong = RowError::Member { member: name, expected: "a time" };
    let Some(value) = member(row, name) else { return Ok(None) };
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err(wrong),
    };
    parse_time(&text).map(Some).ok_or(wrong)
}

fn parse_time(text: &str) -> Option<Timestamp> {
    if let Ok(number) = text.parse::<f64>() {
        // Seconds reach this in the year 5138, milliseconds reached it in March 1973.
        let millis = if number.abs() < 1e11 { number * 1000.0 } else { number };
        #[expect(clippy::cast_possible_truncation, reason = "the value is within the calendar")]
        return (millis.abs() < 2.5e14).then(|| Timestamp::from_millis(millis as i64));
    }
    // JavaScript's toUTCString: Wed, 01 May 2024 10:20:30 GMT
    if let Ok(time) = OffsetDateTime::parse(text.trim(), &Rfc2822) {
        return i64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok().map(Timestamp::from_millis);
    }
    // PostgreSQL: 2024-05-01 10:20:30.123456+00
    let mut text = text.trim().replacen(' ', "T", 1);
    let offset = text.rfind(['+', '-']).filter(|at| *at > 10).map(|at| text.len() - at);
    match offset {
        Some(3) => text.push_str(":00"),
        Some(5) => text.insert(text.len() - 2, ':'),
        None if !text.ends_with(['Z', 'z']) => text.push('Z'),
        _ => {}
    }
    let time = OffsetDateTime::parse(&text, &Rfc3339).ok()?;
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok().map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_the_systems_write_them() {
        for (text, millis) in [
            ("2024-05-01T10:20:30Z", 1_714_558_830_000),
            ("2024-05-01T12:20:30.500+02:00", 1_714_558_830_500),
            ("2024-05-01 10:20:30.123456+00", 1_714_558_830_123),
            ("2024-05-01 15:50:30+0530", 1_714_558_830_000),
            ("2024-05-01 10:20:30", 1_714_558_830_000),
            ("Wed, 01 May 2024 10:20:30 GMT", 1_714_558_830_000),
            ("1714558830000", 1_714_558_830_000),
            ("1714558830.123", 1_714_558_830_123),
        ] {
            assert_eq!(parse_time(text), Some(Timestamp::from_millis(millis)), "{text}");
        }
        for text in ["", "yesterday", "2024-13-01T10:20:30Z", "1e300", "NaN", "infinity"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }
}
