//! Auth0: the export of users, the export of password hashes that its support makes, and what its import takes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::members::{flag, full_name, secret, text, time};
use super::{Account, RowError};

pub(super) fn account(row: &Map<String, Value>) -> Result<Account, RowError> {
    // The export of hashes has `{"_id": {"$oid": "…"}}`.
    let object_id = row.get("_id").and_then(|id| id.get("$oid")).and_then(Value::as_str).map(str::to_owned);
    let simple = secret(row, "passwordHash")?.or(secret(row, "password_hash")?);
    let password_hash = match row.get("custom_password_hash") {
        Some(Value::Object(custom)) => Some(custom_hash(custom)?),
        _ => simple,
    };
    Ok(Account {
        id: text(row, "user_id")?.map(|id| id.strip_prefix("auth0|").map_or(id.clone(), str::to_owned)).or(object_id),
        email: text(row, "email")?.unwrap_or_default(),
        email_verified: flag(row, "email_verified")?,
        name: full_name(row)?,
        password_hash,
        disabled: flag(row, "blocked")?,
        created_at: time(row, "created_at")?,
        ..Account::default()
    })
}

/// A hash of another system that Auth0 took over. All but scrypt are PHC strings or modular crypt already.
fn custom_hash(custom: &Map<String, Value>) -> Result<Zeroizing<String>, RowError> {
    let wrong = RowError::Member { member: "custom_password_hash", expected: "as Auth0's schema has it" };
    let hash = custom.get("hash").and_then(Value::as_object).ok_or_else(|| wrong.clone())?;
    let value = secret(hash, "value")?.ok_or_else(|| wrong.clone())?;
    match custom.get("algorithm").and_then(Value::as_str) {
        Some("argon2" | "bcrypt" | "pbkdf2") => Ok(value),
        Some("scrypt") if value.starts_with('$') => Ok(value),
        Some("scrypt") => {
            let number = |name, default| custom.get(name).map_or(Some(default), Value::as_u64);
            let cost = number("cost", 16384).filter(|cost| cost.is_power_of_two()).ok_or_else(|| wrong.clone())?;
            let (r, p) = (number("blockSize", 8), number("parallelization", 1));
            let (Some(r), Some(p)) = (r, p) else { return Err(wrong) };
            let salt = match custom.get("salt").and_then(Value::as_object) {
                Some(salt) => bytes(salt)?,
                None => Zeroizing::new(Vec::new()),
            };
            let (salt, hash) = (STANDARD_NO_PAD.encode(&*salt), Zeroizing::new(STANDARD_NO_PAD.encode(&*bytes(hash)?)));
            Ok(Zeroizing::new(format!("$scrypt$ln={},r={r},p={p}${salt}${}", cost.ilog2(), *hash)))
        }
        _ => Err(RowError::Algorithm),
    }
}

/// A `value` in its `encoding`: text unless it says otherwise.
fn bytes(encoded: &Map<String, Value>) -> Result<Zeroizing<Vec<u8>>, RowError> {
    let wrong = RowError::Member { member: "custom_password_hash", expected: "encoded as it says" };
    let value = secret(encoded, "value")?.unwrap_or_default();
    let bytes = match encoded.get("encoding").and_then(Value::as_str) {
        Some("base64") => STANDARD_NO_PAD.decode(value.trim_end_matches('=')).map_err(|_| wrong)?,
        Some("hex") => from_hex(&value).ok_or(wrong)?,
        None | Some("utf8") => value.as_bytes().to_vec(),
        Some(_) => return Err(wrong),
    };
    Ok(Zeroizing::new(bytes))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let (pairs, rest) = digits.as_ref()?.as_chunks::<2>();
    let byte = |[high, low]: &[u32; 2]| u8::try_from(high * 16 + low).ok();
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}
