//! Logs. Nothing secret or personal may reach them (PL-02): handlers and stores log ids, codes and causes only.

use thiserror::Error;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use crate::config::{Log, LogFormat};

/// Why logging could not start.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// `log.level` is not a filter.
    #[error("wrong value for key `log.level`: {0}")]
    Level(#[from] ParseError),
    /// Somebody set a subscriber before.
    #[error("logging was started twice")]
    Started,
}

/// Starts logging to standard error, for the whole process.
pub fn start(config: &Log) -> Result<(), TelemetryError> {
    let filter = EnvFilter::builder().parse(&config.level)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.format {
        LogFormat::Json => builder.json().flatten_event(true).with_target(false).try_init(),
        LogFormat::Human => builder.compact().with_target(false).try_init(),
    }
    .map_err(|_| TelemetryError::Started)
}
