//! The embedded DynamoDB engine, on a loopback port of its own.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use dynoxide::Database;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use wardgate::aws::Connection;
use wardgate::config::Config;
use wardgate::store::client::build;
use wardgate::store::tables;

use crate::dev::DevError;
use crate::dev::streams::Streams;
use crate::serve::stopped;

/// The engine deletes nothing by itself; AWS takes up to days over it.
const TTL_SWEEP: Duration = Duration::from_mins(5);

/// A running engine.
pub struct Engine {
    /// The changes of its tables.
    pub streams: Streams,
    /// Where it listens.
    pub endpoint_url: String,
    /// Ends when the engine has stopped.
    pub task: JoinHandle<Result<(), String>>,
}

/// Starts an engine over the file, or in memory.
pub async fn start(file: Option<&Path>, stop: watch::Receiver<bool>) -> Result<Engine, DevError> {
    let streams = Streams::open(file)?;
    let database = streams.database();
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| DevError::Engine(error.to_string()))?;
    let address = listener.local_addr().map_err(|error| DevError::Engine(error.to_string()))?;
    tokio::spawn(sweep(database.clone(), stop.clone()));
    let task = tokio::spawn(dynoxide::server::serve_with_shutdown(listener, database.clone(), stopped(stop)));
    Ok(Engine { streams, endpoint_url: format!("http://{address}"), task })
}

/// Creates both tables unless they exist, and gives those of older versions what they lack.
pub async fn create_tables(connection: &Connection, config: &Config) -> Result<(), DevError> {
    let client = build(connection, config.aws);
    for name in [&config.store.table, &config.store.audit_table] {
        let made = tables::ensure(&client, &format!("{name}-{}", config.stage.name())).await;
        made.map_err(|error| DevError::Engine(error.to_string()))?;
    }
    Ok(())
}

async fn sweep(database: Database, stop: watch::Receiver<bool>) {
    let mut interval = tokio::time::interval(TTL_SWEEP);
    let mut stop = std::pin::pin!(stopped(stop));
    loop {
        tokio::select! {
            () = &mut stop => return,
            _ = interval.tick() => {}
        }
        let database = database.clone();
        let swept = tokio::task::spawn_blocking(move || database.sweep_ttl().map_err(|error| error.to_string())).await;
        if let Ok(Err(cause)) = swept {
            tracing::warn!(cause, "the embedded store could not delete expired items");
        }
    }
}
