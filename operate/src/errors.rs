//! The file of refused rows: number and reason, nothing of the row itself.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// The list. The file comes into being with its first line.
#[derive(Debug)]
pub struct ErrorList {
    path: PathBuf,
    file: Option<File>,
    length: u64,
}

impl ErrorList {
    /// A list that is to have `length` bytes already: what an interrupted run wrote after its last checkpoint will be
    /// written again.
    pub fn open(path: &Path, length: u64) -> std::io::Result<Self> {
        let file = if length == 0 {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => None,
            }
        } else {
            let mut file = OpenOptions::new().write(true).open(path)?;
            if file.metadata()?.len() < length {
                return Err(std::io::Error::other("it is shorter than the interrupted run left it"));
            }
            file.set_len(length)?;
            file.seek(SeekFrom::End(0))?;
            Some(file)
        };
        Ok(Self { path: path.to_owned(), file, length })
    }

    /// Adds a row.
    pub fn add(&mut self, row: u64, reason: &str) -> std::io::Result<()> {
        if self.file.is_none() {
            self.file = Some(File::create(&self.path)?);
            self.write("row,reason\n")?;
        }
        self.write(&format!("{row},\"{}\"\n", reason.replace('"', "\"\"")))
    }

    fn write(&mut self, line: &str) -> std::io::Result<()> {
        if let Some(file) = &mut self.file {
            file.write_all(line.as_bytes())?;
            self.length += u64::try_from(line.len()).unwrap_or_default();
        }
        Ok(())
    }

    /// How many bytes it has.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it safe against a loss of power.
    pub fn sync(&self) -> std::io::Result<()> {
        self.file.as_ref().map_or(Ok(()), File::sync_data)
    }
}
