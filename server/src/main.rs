//! The standalone server.

use std::process::ExitCode;
use std::sync::Arc;

use tokio::sync::watch;
use wardgate::app::{App, Host};
use wardgate::aws::Connection;
use wardgate::clock::SystemClock;
use wardgate::config::Config;
use wardgate::entropy::SystemEntropy;
use wardgate::telemetry;
use wardgate_server::serve::{listen, serve};

type AnyError = Box<dyn std::error::Error>;

#[tokio::main]
#[expect(clippy::print_stderr, reason = "the one message of a start that failed, for whoever typed the command")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wardgate: {error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a host reads the environment once, here")]
async fn run() -> Result<(), AnyError> {
    let config = Config::load(std::env::vars())?;
    telemetry::start(&config.log)?;
    // The port first: a start that fails must not touch any data.
    let listeners = listen(&config.http.bind, config.http.port).await?;
    let (stop, stopping) = watch::channel(false);
    tokio::spawn(async move {
        interrupted().await;
        // Nobody listening means that everything has stopped already.
        let _ = stop.send(true);
    });
    if let Some(folder) = config.embedded.folder.clone() {
        return embedded::run(config, &folder, listeners, stopping).await;
    }
    let connection = Connection::from_environment(|name| std::env::var(name).ok())?;
    serve(&app(config, connection)?, listeners, stopping).await?;
    Ok(())
}

fn app(config: Config, connection: Connection) -> Result<Arc<App>, AnyError> {
    let hashing_slots = std::thread::available_parallelism().map_or(1, usize::from);
    let host = Host { connection, clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy), hashing_slots };
    Ok(Arc::new(App::new(config, host)?))
}

/// Resolves at Ctrl-C or SIGTERM.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

#[cfg(feature = "dev")]
mod embedded {
    use std::path::Path;

    use tokio::net::TcpListener;
    use tokio::sync::watch;
    use wardgate::aws::Connection;
    use wardgate::clock::{Clock as _, SystemClock};
    use wardgate::config::Config;
    use wardgate::entropy::SystemEntropy;
    use wardgate_server::dev::{self, demo, engine, keys, tour};
    use wardgate_server::serve::serve;

    use super::{AnyError, app};

    #[expect(clippy::print_stdout, reason = "the tour is what whoever typed `make run` waits for")]
    pub(super) async fn run(
        mut config: Config,
        folder: &Path,
        listeners: Vec<TcpListener>,
        stopping: watch::Receiver<bool>,
    ) -> Result<(), AnyError> {
        dev::permit(&config)?;
        let _claim = dev::claim_folder(folder)?;
        let key_file = config.secrets.file.get_or_insert_with(|| folder.join("secrets.json")).clone();
        keys::ensure(&key_file, SystemClock.now(), &SystemEntropy)?;
        // The engine outlives the server: requests that are still running need it.
        let (stop_engine, engine_stopping) = watch::channel(false);
        let engine = engine::start(Some(&folder.join("store.sqlite")), engine_stopping).await?;
        let connection = Connection::local(engine.endpoint_url.clone());
        engine::create_tables(&connection, &config).await?;
        let base = format!("http://localhost:{}", config.http.port);
        let app = app(config, connection)?;
        demo::ensure(&app).await?;
        println!("\nWardgate listens on {base}. Ctrl-C ends it; data and keys stay in {}.\n", folder.display());
        println!("{}", tour::tour(&base));
        serve(&app, listeners, stopping).await?;
        let _ = stop_engine.send(true);
        // Dropping the app closes its connections, without which the engine would wait for them.
        drop(app);
        engine.task.await??;
        println!("Wardgate has stopped.");
        Ok(())
    }
}

#[cfg(not(feature = "dev"))]
mod embedded {
    use std::path::Path;

    use tokio::net::TcpListener;
    use tokio::sync::watch;
    use wardgate::config::Config;

    use super::AnyError;

    #[expect(clippy::unused_async, reason = "the same shape as with the feature")]
    pub(super) async fn run(
        _config: Config,
        _folder: &Path,
        _listeners: Vec<TcpListener>,
        _stopping: watch::Receiver<bool>,
    ) -> Result<(), AnyError> {
        Err("embedded.folder is set, but this build has no embedded store: it needs the cargo feature dev (PL-06)"
            .into())
    }
}
