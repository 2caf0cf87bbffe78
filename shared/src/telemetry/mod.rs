//! Logs and metrics. Nothing secret or personal may reach them (PL-02): handlers and stores log ids, codes and causes only.

pub mod embedded;
pub mod metrics;
pub mod store_latency;

use std::sync::OnceLock;

use thiserror::Error;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::combinator::And;
use tracing_subscriber::filter::{FilterExt as _, FilterFn, ParseError, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry, fmt, registry};

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

type Filter = And<Targets, FilterFn<fn(&Metadata<'_>) -> bool>, Registry>;

/// What filters the lines of this process.
static LEVEL: OnceLock<Handle<Filter, Registry>> = OnceLock::new();

/// Starts logging to standard error, for the whole process.
pub fn start(config: &Log) -> Result<(), TelemetryError> {
    let (filter, handle) = reload::Layer::new(filter(&config.level)?);
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(false);
    match config.format {
        LogFormat::Json => registry().with(lines.json().flatten_event(true).with_filter(filter)).try_init(),
        LogFormat::Human => registry().with(lines.compact().with_filter(filter)).try_init(),
    }
    .map_err(|_| TelemetryError::Started)?;
    LEVEL.set(handle).map_err(|_| TelemetryError::Started)
}

/// Logs at this level from now on, where [`start`] was called.
pub fn set_level(level: &str) -> Result<(), TelemetryError> {
    let filter = filter(level)?;
    // Whoever has dropped the subscriber logs nothing any more.
    let _ = LEVEL.get().map(|handle| handle.reload(filter));
    Ok(())
}

fn filter(level: &str) -> Result<Filter, TelemetryError> {
    // Not EnvFilter: its regular expressions would be a megabyte in every function.
    let level: Targets = level.parse()?;
    // Below info, libraries log what they carry: headers, bodies, tokens.
    let ours: fn(&Metadata<'_>) -> bool = |line| line.target().starts_with("wardgate") || *line.level() <= Level::INFO;
    Ok(level.and(FilterFn::new(ours)))
}
