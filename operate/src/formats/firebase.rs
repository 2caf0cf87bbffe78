//! Firebase Authentication: `firebase auth:export`.

use std::fs;

use serde_json::{Map, Value};
use wardgate::crypto::foreign_hash::FirebaseProject;
use zeroize::Zeroizing;

use super::members::{flag, name, one_secret, refuse_other_passwords, text, time};
use super::{Account, RowError};
use crate::Failure;
use crate::arguments::FirebaseArguments;

/// The CSV has no header. What is not named here is not read.
pub(super) const COLUMNS: &[&str] = &[
    "localId",
    "email",
    "emailVerified",
    "passwordHash",
    "salt",
    "displayName",
    "photoUrl",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "createdAt",
    "lastSignedInAt",
    "phoneNumber",
    "disabled",
];

/// What `firebase auth:export` calls the account's salt, and what the Admin SDK does.
const SALTS: [&str; 2] = ["salt", "passwordSalt"];

pub(super) fn account(row: &Map<String, Value>, project: Option<&FirebaseProject>) -> Result<Account, RowError> {
    refuse_other_passwords(row, &["passwordHash", "salt", "passwordSalt"])?;
    let (hash, salt) = (one_secret(row, &["passwordHash"])?, one_secret(row, &SALTS)?);
    let password_hash = match (hash, salt, project) {
        (None, None, _) => None,
        (Some(_), None, _) => return Err(RowError::IncompleteHash { has: "passwordHash", lacks: "salt" }),
        (None, Some(_), _) => return Err(RowError::IncompleteHash { has: "salt", lacks: "passwordHash" }),
        (Some(_), Some(_), None) => return Err(RowError::NoHashConfig),
        (Some(hash), Some(salt), Some(project)) => Some(project.stored(&salt, &hash)?),
    };
    // The Admin SDK keeps times apart.
    let created_at = match row.get("metadata") {
        Some(Value::Object(metadata)) => time(metadata, "creationTime")?,
        _ => time(row, "createdAt")?,
    };
    Ok(Account {
        id: text(row, "localId")?.or(text(row, "uid")?),
        email: text(row, "email")?.unwrap_or_default(),
        email_verified: flag(row, "emailVerified")?,
        name: name(row, "displayName"),
        password_hash,
        disabled: flag(row, "disabled")?,
        created_at,
        ..Account::default()
    })
}

/// The project's hash parameters, from the file or from the arguments; `None` if there are none.
pub fn project(arguments: &FirebaseArguments) -> Result<Option<FirebaseProject>, Failure> {
    if let Some(file) = &arguments.hash_config {
        let unreadable = |cause| format!("cannot read {}: {cause}", file.display());
        return parse(&Zeroizing::new(fs::read_to_string(file).map_err(unreadable)?)).map(Some);
    }
    let FirebaseArguments { hash_key, salt_separator, rounds, mem_cost, .. } = arguments;
    match (hash_key, rounds, mem_cost) {
        (None, None, None) => Ok(None),
        (Some(key), Some(rounds), Some(memory_cost)) => Ok(Some(FirebaseProject {
            signer_key: Zeroizing::new(key.clone()),
            salt_separator: salt_separator.clone().unwrap_or_default(),
            rounds: *rounds,
            memory_cost: *memory_cost,
        })),
        _ => Err("Firebase: --hash-key, --rounds and --mem-cost belong together".into()),
    }
}

/// What the console shows: `hash_config { algorithm: SCRYPT, base64_signer_key: …, … }`.
fn parse(text: &str) -> Result<FirebaseProject, Failure> {
    let value = |name: &str| {
        let values = text.split(|c: char| c.is_whitespace() || "{},".contains(c)).filter(|word| !word.is_empty());
        let mut values = values.skip_while(|word| word.trim_end_matches(':') != name).skip(1);
        values.next().ok_or_else(|| format!("the hash configuration has no {name}"))
    };
    let number = |name: &str| value(name)?.parse().map_err(|_| format!("{name} is not a number"));
    if value("algorithm")? != "SCRYPT" {
        return Err("the hash configuration's algorithm is not SCRYPT, the only one that Firebase exports".into());
    }
    Ok(FirebaseProject {
        signer_key: Zeroizing::new(value("base64_signer_key")?.to_owned()),
        salt_separator: value("base64_salt_separator")?.to_owned(),
        rounds: number("rounds")?,
        memory_cost: number("mem_cost")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_consoles_text_is_read_as_it_is_copied() {
        let text = "hash_config {\n  algorithm: SCRYPT,\n  base64_signer_key: jxs/+==,\n  base64_salt_separator: Bw==,\n  \
                    rounds: 8,\n  mem_cost: 14,\n}\n";
        let project = parse(text).unwrap();
        assert_eq!((project.signer_key.as_str(), project.salt_separator.as_str()), ("jxs/+==", "Bw=="));
        assert_eq!((project.rounds, project.memory_cost), (8, 14));
        assert!(parse(&text.replace("rounds", "laps")).is_err());
        assert!(parse(&text.replace("SCRYPT", "BCRYPT")).is_err());
    }
}
