//! A laptop's own store, keys and demo user. All of it needs the cargo feature `dev`, stage `development` and a
//! loopback bind (PL-06).

pub mod bus;
pub mod demo;
pub mod demo_clients;
pub mod deny_list;
pub mod engine;
pub mod erasure;
pub mod keys;
pub mod local;
mod logouts;
pub mod outbox;
pub mod pump;
pub mod streams;
pub mod tour;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use thiserror::Error;
use wardgate::config::{Config, Stage};

/// Why the development parts do not start.
#[derive(Debug, Error)]
pub enum DevError {
    /// The stage or the bind address forbids them (PL-06).
    #[error("the embedded store, generated keys and the demo user need stage development and a loopback bind: {0}")]
    Forbidden(&'static str),
    /// The data folder cannot be used.
    #[error("cannot use the data folder {}: {cause}", .folder.display())]
    Folder {
        /// Which folder.
        folder: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// Another server uses the data folder.
    #[error("another server uses the data folder {}: stop it, or choose another with AUTH__EMBEDDED__FOLDER", .0.display())]
    InUse(PathBuf),
    /// The embedded store does not start.
    #[error("the embedded store: {0}")]
    Engine(String),
    /// Keys could not be made.
    #[error("cannot generate keys: {0}")]
    Keys(String),
}

/// Refuses anywhere but on a loopback address of stage development.
pub fn permit(config: &Config) -> Result<(), DevError> {
    if config.stage != Stage::Development {
        return Err(DevError::Forbidden("the stage is another"));
    }
    if config.http.bind.iter().any(|address| !address.is_loopback()) {
        return Err(DevError::Forbidden("http.bind has an address that others can reach"));
    }
    Ok(())
}

/// Creates the data folder, for its owner alone, and claims it for as long as the returned file is open.
pub fn claim_folder(folder: &Path) -> Result<File, DevError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let created = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    let opened = created.and_then(|()| File::create(folder.join("lock")));
    let failed = |cause| DevError::Folder { folder: folder.to_owned(), cause };
    let lock = opened.map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(DevError::InUse(folder.to_owned())),
        Err(TryLockError::Error(cause)) => Err(failed(cause)),
    }
}
