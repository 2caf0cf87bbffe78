//! Auth0's `custom_password_hash`: the hash of another system that it took over. Each of its members may change what the
//! hash means, so one that is not known, or that this algorithm's hashes are not verified with, refuses the row.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::RowError;
use super::members::{secret, shown};

type Object = Map<String, Value>;

const WRONG: RowError = RowError::Member { member: "custom_password_hash", expected: "as Auth0's schema has it" };

/// The algorithms of Auth0's schema that no hash is verified with here.
const UNSUPPORTED: [&str; 7] = ["hmac", "ldap", "md4", "md5", "sha1", "sha256", "sha512"];
/// The encodings of a password that are other bytes than UTF-8.
const ENCODINGS: [&str; 5] = ["utf16le", "ucs2", "latin1", "binary", "ascii"];

/// The hash as a PHC string or in modular crypt form.
pub(super) fn custom_hash(custom: &Object) -> Result<Zeroizing<String>, RowError> {
    let hash = object(custom, "hash")?.ok_or(WRONG)?;
    match custom.get("algorithm").and_then(Value::as_str) {
        Some("argon2" | "bcrypt" | "pbkdf2") => {
            only(custom, "", &["algorithm", "hash", "password"])?;
            password_encoding(custom)?;
            written(hash)
        }
        Some("scrypt") => {
            let members = ["algorithm", "hash", "password", "salt", "keylen", "cost", "blockSize", "parallelization"];
            only(custom, "", &members)?;
            password_encoding(custom)?;
            scrypt(custom, hash)
        }
        Some(other) => Err(RowError::Algorithm(
            UNSUPPORTED.into_iter().find(|known| *known == other).unwrap_or("another algorithm"),
        )),
        None => Err(WRONG),
    }
}

/// A hash that says itself how it was made.
fn written(hash: &Object) -> Result<Zeroizing<String>, RowError> {
    only(hash, "hash.", &["value", "encoding"])?;
    let bytes = bytes(hash)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| WRONG)?;
    if text.is_empty() { Err(WRONG) } else { Ok(Zeroizing::new(text.to_owned())) }
}

fn scrypt(custom: &Object, hash: &Object) -> Result<Zeroizing<String>, RowError> {
    if secret(hash, "value")?.is_some_and(|value| value.starts_with("$scrypt$")) {
        let beside = ["salt", "keylen", "cost", "blockSize", "parallelization"];
        if let Some(other) = beside.into_iter().find(|member| custom.contains_key(*member)) {
            return Err(RowError::CustomMember(other.to_owned()));
        }
        return written(hash);
    }
    only(hash, "hash.", &["value", "encoding"])?;
    let number = |name, default| custom.get(name).map_or(Some(default), Value::as_u64).ok_or(WRONG);
    let cost = number("cost", 16384)?;
    let (r, p) = (number("blockSize", 8)?, number("parallelization", 1)?);
    let (salt, hash) = (salt(custom)?, bytes(hash)?);
    let length = u64::try_from(hash.len()).map_err(|_| WRONG)?;
    if !cost.is_power_of_two() || number("keylen", length)? != length {
        return Err(WRONG);
    }
    let (salt, hash) = (STANDARD_NO_PAD.encode(&*salt), Zeroizing::new(STANDARD_NO_PAD.encode(&*hash)));
    Ok(Zeroizing::new(format!("$scrypt$ln={},r={r},p={p}${salt}${}", cost.ilog2(), *hash)))
}

fn salt(custom: &Object) -> Result<Zeroizing<Vec<u8>>, RowError> {
    match object(custom, "salt")? {
        Some(salt) => {
            only(salt, "salt.", &["value", "encoding"])?;
            bytes(salt)
        }
        None => Ok(Zeroizing::new(Vec::new())),
    }
}

/// Refuses the hash of a password that was not UTF-8 when it was hashed: what is typed is.
fn password_encoding(custom: &Object) -> Result<(), RowError> {
    let Some(password) = object(custom, "password")? else { return Ok(()) };
    only(password, "password.", &["encoding"])?;
    match password.get("encoding").map(Value::as_str) {
        None | Some(Some("utf8" | "utf-8")) => Ok(()),
        Some(Some(other)) => {
            let known = ENCODINGS.into_iter().find(|known| *known == other);
            Err(RowError::PasswordEncoding(known.unwrap_or("another encoding")))
        }
        Some(None) => Err(WRONG),
    }
}

/// Refuses what is none of these members. `place` is what is told before its name.
fn only(object: &Object, place: &str, members: &[&str]) -> Result<(), RowError> {
    match object.iter().find(|(name, value)| !members.contains(&name.as_str()) && !value.is_null()) {
        Some((name, _)) => Err(RowError::CustomMember(format!("{place}{}", shown(name)))),
        None => Ok(()),
    }
}

fn object<'a>(parent: &'a Object, name: &str) -> Result<Option<&'a Object>, RowError> {
    match parent.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(WRONG),
    }
}

/// A `value` in its `encoding`: text unless it says otherwise.
fn bytes(encoded: &Object) -> Result<Zeroizing<Vec<u8>>, RowError> {
    let wrong = || RowError::Member { member: "custom_password_hash", expected: "encoded as it says" };
    let value = secret(encoded, "value")?.ok_or(WRONG)?;
    let encoding = match encoded.get("encoding") {
        None | Some(Value::Null) => "utf8",
        Some(encoding) => encoding.as_str().ok_or(WRONG)?,
    };
    let bytes = match encoding {
        "base64" => STANDARD_NO_PAD.decode(value.trim_end_matches('=')).map_err(|_| wrong())?,
        "hex" => from_hex(&value).ok_or_else(wrong)?,
        "utf8" => value.as_bytes().to_vec(),
        _ => return Err(wrong()),
    };
    Ok(Zeroizing::new(bytes))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let (pairs, rest) = digits.as_ref()?.as_chunks::<2>();
    let byte = |[high, low]: &[u32; 2]| u8::try_from(high * 16 + low).ok();
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}
