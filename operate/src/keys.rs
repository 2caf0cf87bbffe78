//! A stage's key rings into an encrypted file, and back: letter by letter, and never anywhere in plain text but in
//! memory.
//!
//! Of each ring only the version that readers get is kept. It has every key that is still accepted; one that waits to
//! be finished signs nothing before two days have passed, and the next rotation makes another.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};
use wardgate::clock::{Clock as _, SystemClock};
use wardgate::crypto::secret_bytes::SecretBytes;
use wardgate::domain::timestamp::Timestamp;
use wardgate::secrets::{RingName, SecretsError};
use zeroize::Zeroizing;

use crate::Failure;
use crate::arguments::{BackupKeysArguments, DecryptionArguments, RestoreKeysArguments, StageName};
use crate::encryption::{MAGIC, Output, decrypt, encryptor};
use crate::export::{create, partial};
use crate::stage::Deployment;

/// Every ring, in the order in which they are put back: what is published before what signs.
pub const RINGS: [RingName; 7] = [
    RingName::PasswordWrap,
    RingName::FactorWrap,
    RingName::PublicKeys,
    RingName::Signing,
    RingName::SessionMac,
    RingName::LoginMac,
    RingName::MailMac,
];

/// What a file holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Backup {
    stage: String,
    made_at: Timestamp,
    rings: BTreeMap<String, Saved>,
}

/// A ring as its secret had it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    version: String,
    value: SecretBytes,
}

/// As much of a ring as anybody may see.
#[derive(Deserialize)]
struct Names {
    keys: Vec<Name>,
}

#[derive(Deserialize)]
struct Name {
    kid: Option<String>,
    version: Option<u32>,
    jwk: Option<PublicName>,
}

#[derive(Deserialize)]
struct PublicName {
    kid: String,
}

/// What becomes of a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Does {
    /// It has no value: the file's becomes its own.
    Restore,
    /// It has another value, which gives way.
    Overwrite,
    /// It has another value, which stays.
    Keep,
    /// It is as in the file.
    Nothing,
}

/// What is said of a ring, for the command that asks.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Line {
    ring: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    does: Option<Does>,
    version: String,
    /// Its keys in the file.
    keys: Vec<String>,
    /// Keys that it has now and that are not in the file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    only_there: Vec<String>,
}

#[derive(Serialize)]
struct Told<'a> {
    stage: &'a str,
    made_at: String,
    rings: Vec<Line>,
}

/// Writes every ring to a file.
pub async fn backup(arguments: BackupKeysArguments) -> Result<(), Failure> {
    let Some(encryptor) = encryptor(&arguments.recipient, None)? else {
        return Err("keys are always encrypted".into());
    };
    if arguments.file.exists() {
        return Err(format!("{} exists already", arguments.file.display()).into());
    }
    let deployment = Deployment::open(arguments.stage).await?;
    let read = read_rings(&deployment, arguments.stage).await;
    deployment.close().await?;
    let backup = read?;
    let told = backup.told(backup.lines()?);
    let part = partial(&arguments.file);
    let sealed = seal(&backup, encryptor)?;
    let mut file = create(&part)?;
    file.write_all(&sealed)?;
    file.sync_all()?;
    std::fs::rename(&part, &arguments.file)?;
    tell(&told)
}

/// Puts back what is lost of a file's rings.
pub async fn restore(arguments: RestoreKeysArguments) -> Result<(), Failure> {
    let backup = open(&arguments.file, arguments.identity_file)?;
    backup.is_of(arguments.stage)?;
    let deployment = Deployment::open(arguments.stage).await?;
    let result = put_back(&deployment, &backup, &arguments.overwrite, arguments.dry_run).await;
    deployment.close().await?;
    tell(&backup.told(result?))
}

async fn read_rings(deployment: &Deployment, stage: StageName) -> Result<Backup, Failure> {
    let mut rings = BTreeMap::new();
    for ring in RINGS {
        let Some(saved) = current(deployment, ring).await? else {
            return Err(format!(
                "the ring {} has no key: a copy without it would pass for a whole one. Restore it, or make its first \
                 key, and then copy",
                ring.name()
            )
            .into());
        };
        rings.insert(ring.name().to_owned(), saved);
    }
    Ok(Backup { stage: stage.name().to_owned(), made_at: SystemClock.now(), rings })
}

/// What readers get of a ring; `None` where it is lost.
async fn current(deployment: &Deployment, ring: RingName) -> Result<Option<Saved>, Failure> {
    let versions = deployment.app.secrets.versions(ring)?;
    let stages = match versions.stages().await {
        Ok(stages) => stages,
        Err(error) if error.is_empty() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let Some(version) = stages.current() else { return Ok(None) };
    let Some(value) = versions.text(version).await? else { return Ok(None) };
    Ok(Some(Saved { version: version.to_owned(), value: SecretBytes::new(value.as_bytes().to_vec()) }))
}

async fn put_back(
    deployment: &Deployment,
    backup: &Backup,
    overwrite: &[RingName],
    dry_run: bool,
) -> Result<Vec<Line>, Failure> {
    // Every ring is looked at before any is written, so that a mistake is said before it is half done.
    let mut lines = Vec::new();
    for (ring, saved) in backup.rings()? {
        lines.push(plan(ring, saved, current(deployment, ring).await?.as_ref(), overwrite)?);
    }
    let key = format!("alias/wardgate-{}", backup.stage);
    for ((ring, saved), line) in backup.rings()?.into_iter().zip(&lines) {
        if !dry_run && matches!(line.does, Some(Does::Restore | Does::Overwrite)) {
            let versions = deployment.app.secrets.versions(ring)?;
            versions.restore(&saved.version, saved.text(ring)?, &key).await?;
        }
    }
    Ok(lines)
}

/// What becomes of a ring that has `there` now.
fn plan(ring: RingName, saved: &Saved, there: Option<&Saved>, overwrite: &[RingName]) -> Result<Line, Failure> {
    let keys = saved.keys(ring)?;
    // What is no ring has no keys to lose.
    let found = there.and_then(|there| there.keys(ring).ok()).unwrap_or_default();
    let does = match there {
        None => Does::Restore,
        Some(there) if there.value.expose() == saved.value.expose() => Does::Nothing,
        Some(_) if overwrite.contains(&ring) => Does::Overwrite,
        Some(_) => Does::Keep,
    };
    let only_there = found.into_iter().filter(|key| !keys.contains(key)).collect();
    Ok(Line { ring: ring.name(), does: Some(does), version: saved.version.clone(), keys, only_there })
}

impl Backup {
    fn is_of(&self, stage: StageName) -> Result<(), Failure> {
        if self.stage == stage.name() {
            return Ok(());
        }
        Err(format!("the file has the keys of {}, which mean nothing in {}", self.stage, stage.name()).into())
    }

    /// The rings, in their order. One that is missing or unknown makes the whole file suspect; but for the youngest, which a
    /// file may be older than.
    fn rings(&self) -> Result<Vec<(RingName, &Saved)>, Failure> {
        let missing = |ring: RingName| format!("the file has no ring {}: it is of another release", ring.name());
        let is_expected = |ring: &RingName| *ring != RingName::FactorWrap || self.rings.contains_key(ring.name());
        let expected = RINGS.into_iter().filter(is_expected);
        expected.map(|ring| Ok((ring, self.rings.get(ring.name()).ok_or_else(|| missing(ring))?))).collect()
    }

    fn lines(&self) -> Result<Vec<Line>, Failure> {
        let line = |(ring, saved): (RingName, &Saved)| {
            let keys = saved.keys(ring)?;
            Ok(Line { ring: ring.name(), does: None, version: saved.version.clone(), keys, only_there: Vec::new() })
        };
        self.rings()?.into_iter().map(line).collect()
    }

    fn told(&self, rings: Vec<Line>) -> Told<'_> {
        Told { stage: &self.stage, made_at: self.made_at.rfc3339(), rings }
    }
}

impl Saved {
    fn text(&self, ring: RingName) -> Result<&str, SecretsError> {
        std::str::from_utf8(self.value.expose()).map_err(|_| malformed(ring))
    }

    fn keys(&self, ring: RingName) -> Result<Vec<String>, SecretsError> {
        let names: Names = serde_json::from_slice(self.value.expose()).map_err(|_| malformed(ring))?;
        let named = |key: Name| {
            let version = key.version.map(|version| version.to_string());
            key.kid.or(key.jwk.map(|jwk| jwk.kid)).or(version).ok_or_else(|| malformed(ring))
        };
        names.keys.into_iter().map(named).collect()
    }
}

fn malformed(ring: RingName) -> SecretsError {
    SecretsError::Malformed { secret: ring.name().to_owned() }
}

/// The file's bytes. The plain text has its room from the start, so that no copy of it stays behind where it grew.
fn seal(backup: &Backup, encryptor: age::Encryptor) -> Result<Vec<u8>, Failure> {
    let room = backup.rings.values().map(|saved| saved.value.expose().len() * 2 + 200).sum::<usize>() + 1000;
    let mut plain = Zeroizing::new(Vec::with_capacity(room));
    serde_json::to_writer(&mut *plain, backup)?;
    let mut output = Output::new(Vec::new(), Some(encryptor))?;
    output.write_all(&plain)?;
    Ok(output.finish()?)
}

/// A file as it was written, whole or not at all.
fn open(path: &Path, identity_file: std::path::PathBuf) -> Result<Backup, Failure> {
    let unreadable = |cause: Failure| -> Failure { format!("cannot read {}: {cause}", path.display()).into() };
    let file = File::open(path).map_err(|cause| unreadable(cause.into()))?;
    let length = usize::try_from(file.metadata()?.len())?;
    let mut file = BufReader::new(file);
    if !file.fill_buf()?.starts_with(MAGIC) {
        return Err(unreadable("it is not encrypted with age".into()));
    }
    let identity = DecryptionArguments { identity_file: Some(identity_file), passphrase_file: None };
    let mut plain = Zeroizing::new(Vec::with_capacity(length));
    decrypt(file, &identity).and_then(|mut text| Ok(text.read_to_end(&mut plain)?)).map_err(unreadable)?;
    serde_json::from_slice(&plain).map_err(|_| unreadable("it is no backup of keys".into()))
}

/// Names and versions, as JSON for the command that asks.
fn tell(told: &Told<'_>) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    serde_json::to_writer(&mut stdout, told)?;
    Ok(writeln!(stdout)?)
}

#[cfg(test)]
mod tests;
