//! Logs and metrics. Nothing secret or personal may reach them (PL-02): handlers and stores log ids, codes and causes only.

pub mod embedded;
pub mod metrics;
pub mod store_latency;

use thiserror::Error;
use tracing::Level;
use tracing_subscriber::filter::{FilterExt as _, ParseError, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt, registry};

use crate::config::{Log, LogFormat};

/// Why logging could not start.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// `log.level` is not a filter.
    #[error("wrong value for key `log.level`: {0}")]
    Level(#[from] ParseError),
    /// Somebody set a metrics recorder before.
    #[error("metrics were started twice")]
    Metrics,
    /// Somebody set a subscriber before.
    #[error("logging was started twice")]
    Started,
}

/// Starts logging to standard error, for the whole process.
pub fn start(config: &Log) -> Result<(), TelemetryError> {
    // Not EnvFilter: its regular expressions would be a megabyte in every function.
    let level: Targets = config.level.parse()?;
    // Below info, libraries log what they carry: headers, bodies, tokens.
    let ours = filter_fn(|line| line.target().starts_with("wardgate") || *line.level() <= Level::INFO);
    let filter = level.and(ours);
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(false);
    match config.format {
        LogFormat::Json => registry().with(lines.json().flatten_event(true).with_filter(filter)).try_init(),
        LogFormat::Human => registry().with(lines.compact().with_filter(filter)).try_init(),
    }
    .map_err(|_| TelemetryError::Started)
}
