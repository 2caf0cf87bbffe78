//! Accounts into rows.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::try_join_all;
use serde::Serialize;
use tokio::sync::mpsc;
use wardgate::app::App;
use wardgate::clock::{Clock as _, SystemClock};
use wardgate::crypto::key_ring::{Ring, WrapKey};
use wardgate::crypto::password_wrap;
use wardgate::domain::credential::Credential;
use wardgate::domain::id::UserId;
use wardgate::domain::timestamp::Timestamp;
use wardgate::domain::user::{Roles, User, UserStatus};
use wardgate::store::accounts::exports::MAX_CREDENTIALS;
use zeroize::Zeroizing;

use crate::Failure;
use crate::arguments::{ExportArguments, StageName};
use crate::encryption::{Output, encryptor};
use crate::progress::{Progress, say};
use crate::stage::Deployment;

/// Into how many parts a table in AWS is cut, unless it is said otherwise.
const SEGMENTS: u16 = 4;

/// A row of the file: what an import of the format `wardgate` reads.
#[derive(Serialize)]
struct Row<'a> {
    id: UserId,
    email: &'a str,
    email_verified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Roles::is_empty")]
    roles: &'a Roles,
    status: UserStatus,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_hash: Option<&'a str>,
}

/// Rows as text, and how many.
struct Rows {
    text: Zeroizing<Vec<u8>>,
    count: u64,
}

/// Exports every account.
pub async fn run(mut arguments: ExportArguments) -> Result<(), Failure> {
    let encryptor = encryptor(&arguments.recipient, arguments.passphrase_file.as_deref())?;
    if arguments.with_hashes && encryptor.is_none() {
        return Err("an export with password hashes is always encrypted: give --recipient (RECIPIENT=) or \
                    --passphrase-file (PASSPHRASE_FILE=)"
            .into());
    }
    if arguments.file.is_dir() {
        arguments.file.push(name(arguments.stage, SystemClock.now(), encryptor.is_some()));
    }
    if arguments.file.exists() {
        return Err(format!("{} exists already", arguments.file.display()).into());
    }
    let deployment = Deployment::open(arguments.stage).await?;
    let part = partial(&arguments.file);
    let result = match create(&part) {
        Ok(file) => match Output::new(BufWriter::new(file), encryptor) {
            Ok(output) => export(&arguments, &deployment.app, output).await,
            Err(error) => Err(error.into()),
        },
        Err(error) => Err(error.into()),
    };
    deployment.close().await?;
    let count = result?;
    std::fs::rename(&part, &arguments.file)?;
    say(&format!("{count} accounts written to {}.", arguments.file.display()));
    Ok(())
}

/// A name that sorts by time, for a folder of many: `wardgate-production-2026-03-01T123000Z.jsonl.age`.
fn name(stage: StageName, now: Timestamp, encrypted: bool) -> String {
    let time = now.rfc3339();
    let seconds = time.split(['.', 'Z']).next().unwrap_or_default().replace(':', "");
    format!("wardgate-{}-{seconds}Z.jsonl{}", stage.name(), if encrypted { ".age" } else { "" })
}

/// What is half written has another name.
pub(crate) fn partial(file: &Path) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(".part");
    path.into()
}

/// For its owner alone: it is full of personal data, or of keys.
pub(crate) fn create(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

async fn export(
    arguments: &ExportArguments,
    app: &Arc<App>,
    mut output: Output<BufWriter<File>>,
) -> Result<u64, Failure> {
    let now = SystemClock.now();
    let ring = if arguments.with_hashes { Some(app.secrets.password_wrap(now).await?) } else { None };
    // The embedded engine has nothing that could read parts at the same time, and sorts a part anew for each page of it.
    let segments = arguments.segments.unwrap_or(if arguments.stage == StageName::Development { 1 } else { SEGMENTS });
    let (rows, mut incoming) = mpsc::channel::<Rows>(usize::from(segments) * 2);
    let writer = tokio::task::spawn_blocking(move || -> Result<u64, Failure> {
        let mut progress = Progress::new(None, 0, now);
        let mut count = 0;
        while let Some(rows) = incoming.blocking_recv() {
            output.write_all(&rows.text)?;
            count += rows.count;
            progress.update(0, count, SystemClock.now());
        }
        progress.finish();
        output.finish()?.into_inner().map_err(|error| error.into_error())?.sync_all()?;
        Ok(count)
    });
    let segments = i32::from(segments);
    let scans = (0..segments).map(|segment| scan(app, segment, segments, ring.as_deref(), rows.clone()));
    let scanned = try_join_all(scans).await;
    drop(rows);
    let written = writer.await?;
    scanned?;
    written
}

/// Reads one part of the table.
async fn scan(
    app: &App,
    segment: i32,
    segments: i32,
    ring: Option<&Ring<WrapKey>>,
    rows: mpsc::Sender<Rows>,
) -> Result<(), Failure> {
    let mut from = None;
    loop {
        let page = app.store.scan_users(segment, segments, from).await?;
        for users in page.users.chunks(MAX_CREDENTIALS) {
            let credentials = match ring {
                Some(_) => {
                    let emails: Vec<_> = users.iter().map(|user| user.email.key()).collect();
                    app.store.read_credentials(&emails).await?
                }
                None => Vec::new(),
            };
            if rows.send(text(users, &credentials, ring)?).await.is_err() {
                // The writer says why it has stopped.
                return Ok(());
            }
        }
        from = page.next;
        if from.is_none() {
            return Ok(());
        }
    }
}

fn text(users: &[User], credentials: &[Credential], ring: Option<&Ring<WrapKey>>) -> Result<Rows, Failure> {
    let mut text = Zeroizing::new(Vec::new());
    for user in users {
        let credential = credentials.iter().find(|credential| credential.user_id == user.id);
        let hash = match (credential.and_then(|credential| credential.password.as_ref()), ring) {
            (Some(wrapped), Some(ring)) => Some(
                password_wrap::unwrap(wrapped, user.id, ring).map_err(|error| format!("user {}: {error}", user.id))?,
            ),
            _ => None,
        };
        let row = Row {
            id: user.id,
            email: user.email.display(),
            email_verified: user.email_verified,
            name: user.name.as_ref().map(|name| name.as_str()),
            roles: &user.roles,
            status: user.status,
            created_at: user.created_at.rfc3339(),
            password_hash: hash.as_ref().map(|hash| hash.as_str()),
        };
        serde_json::to_writer(&mut *text, &row)?;
        text.push(b'\n');
    }
    Ok(Rows { text, count: u64::try_from(users.len())? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_folder_sort_by_time_and_say_what_they_are() {
        let (first, later) = (Timestamp::from_millis(1_772_368_200_250), Timestamp::from_millis(1_772_368_201_000));
        let earlier = name(StageName::Production, first, true);
        assert_eq!(earlier, "wardgate-production-2026-03-01T123000Z.jsonl.age");
        assert!(earlier < name(StageName::Production, later, true));
        assert_eq!(name(StageName::Staging, later, false), "wardgate-staging-2026-03-01T123001Z.jsonl");
    }
}
