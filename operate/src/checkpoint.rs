//! How far an import has come: a small file beside the input, replaced as a whole.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use wardgate::domain::id::ImportId;

use crate::Failure;
use crate::summary::Counts;

/// What an import is about: a checkpoint of another one is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The file's fingerprint.
    pub file: String,
    /// The stage.
    pub stage: String,
    /// The format.
    pub format: String,
}

/// Every row up to here is done, with its line in the list of errors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Of which import.
    pub job: Job,
    /// What the table knows it by: it notes there what it has done, too.
    pub run: ImportId,
    /// What became of the rows. Their sum is the number of the last one.
    pub counts: Counts,
    /// How long the list of errors was.
    pub errors_length: u64,
}

/// Where the checkpoint of a file is.
pub fn path(input: &Path) -> PathBuf {
    let mut path = input.as_os_str().to_owned();
    path.push(".import-progress.json");
    path.into()
}

impl Checkpoint {
    /// Reads the checkpoint of an interrupted import, if there is one.
    pub fn read(path: &Path, job: &Job) -> Result<Option<Self>, Failure> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        match serde_json::from_slice::<Self>(&text) {
            Ok(checkpoint) if checkpoint.job == *job => Ok(Some(checkpoint)),
            _ => Err(format!(
                "{} is of another file, stage or format: the input was changed, perhaps. Start again with --restart \
                 (RESTART=1), which writes nothing twice",
                path.display()
            )
            .into()),
        }
    }

    /// Replaces the checkpoint.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let fresh = path.with_extension("new");
        let mut file = File::create(&fresh)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_data()?;
        std::fs::rename(&fresh, path)
    }

    /// Forgets it: the import is complete.
    pub fn remove(path: &Path) -> std::io::Result<()> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
