//! A laptop's own store, keys and demo user. All of it needs the cargo feature `dev`, stage `development` and a
//! loopback bind (PL-06).

pub mod demo;
pub mod engine;
pub mod keys;
pub mod tour;

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
    /// The embedded store does not start.
    #[error("the embedded store: {0}")]
    Engine(String),
    /// Keys could not be made.
    #[error("cannot generate keys: {0}")]
    Keys(String),
    /// The demo user could not be made.
    #[error("cannot create the demo user: {0}")]
    Demo(String),
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

/// Creates the data folder, for its owner alone.
pub fn create_folder(folder: &Path) -> Result<(), DevError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let created = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    created.map_err(|cause| DevError::Folder { folder: folder.to_owned(), cause })
}
