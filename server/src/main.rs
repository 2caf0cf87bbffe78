//! The standalone server. `wardgate-server engine` is its embedded store alone; `wardgate-server config` prints the
//! configuration that it would start with, and with `--deployed` that of variables which are not this machine's.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use wardgate::app::{App, Host};
use wardgate::aws::Connection;
use wardgate::clock::SystemClock;
use wardgate::config::{Config, Setting};
use wardgate::entropy::SystemEntropy;
use wardgate::telemetry;
use wardgate_server::env_file::Environment;
use wardgate_server::ops::is_beside_the_api;
use wardgate_server::serve::{claim_descriptors, listen, serve};

type AnyError = Box<dyn std::error::Error>;

/// What to be.
enum Mode {
    /// The server.
    Serve,
    /// The embedded store alone, for functions that run beside it (`make watch`).
    Engine,
    /// What prints the configuration and ends. That of a function knows no file of this machine, and has what operators have
    /// set: a JSON object.
    Config { deployed: Option<String> },
}

impl Mode {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, AnyError> {
        match (arguments.next().as_deref(), arguments.next().as_deref()) {
            (None, _) => Ok(Self::Serve),
            (Some("engine"), None) => Ok(Self::Engine),
            (Some("config"), None) => Ok(Self::Config { deployed: None }),
            (Some("config"), Some("--deployed")) => {
                Ok(Self::Config { deployed: Some(arguments.next().unwrap_or_else(|| "{}".to_owned())) })
            }
            _ => Err("usage: wardgate-server [engine | config [--deployed settings]]".into()),
        }
    }
}

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
    let mode = Mode::parse(std::env::args().skip(1))?;
    let is_deployed = matches!(mode, Mode::Config { deployed: Some(_) });
    let folder = (cfg!(feature = "dev") && !is_deployed).then(|| Path::new("."));
    let environment = Environment::read(std::env::vars(), folder)?;
    let config = Config::load(environment.variables()).map_err(|error| environment.explain(error))?;
    if let Mode::Config { deployed } = mode {
        let set = deployed.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default();
        let mut settings = config.with(&set)?.settings();
        environment.name_sources(&mut settings);
        print_settings(&settings);
        return Ok(());
    }
    telemetry::start(&config.log)?;
    claim_descriptors(config.http.max_connections)?;
    // The port first: a start that fails must not touch any data.
    let listeners = listen(&config.http.bind, config.http.port).await?;
    let (stop, stopping) = watch::channel(false);
    tokio::spawn(async move {
        interrupted().await;
        // Nobody listening means that everything has stopped already.
        let _ = stop.send(true);
        interrupted().await;
        // Whoever asks twice does not want to wait.
        std::process::exit(1);
    });
    match (mode, config.embedded.folder.clone()) {
        (Mode::Serve, Some(folder)) => return embedded::run(config, &folder, listeners, stopping).await,
        (Mode::Engine, Some(folder)) => {
            // Free, as it was a moment ago: whoever runs the functions listens there.
            drop(listeners);
            return embedded::engine(config, &folder, &environment, stopping).await;
        }
        (Mode::Engine, None) => return Err("engine needs embedded.folder: set AUTH__EMBEDDED__FOLDER".into()),
        (Mode::Serve | Mode::Config { .. }, _) => {}
    }
    let connection = Connection::from_environment(|name| std::env::var(name).ok())?;
    let ops = if is_beside_the_api(&config) { Vec::new() } else { listen(&config.ops.bind, config.ops.port).await? };
    let app = app(config, connection.clone())?;
    let jobs = jobs::start(&app, &connection, &stopping)?;
    tracing::info!(
        stage = app.config.stage.name(),
        version = env!("CARGO_PKG_VERSION"),
        addresses = addresses(&listeners),
        ops = addresses(&ops),
        max_connections = app.config.http.max_connections,
        max_in_flight = app.config.http.max_in_flight,
        "listening"
    );
    serve(app, listeners, ops, stopping).await;
    // They stop beside the drain, and have given their leases back by now.
    jobs.await?;
    Ok(())
}

/// What the server does without being asked, if it is to.
#[cfg(feature = "standalone")]
mod jobs {
    use std::sync::Arc;

    use tokio::sync::watch;
    use tokio::task::JoinHandle;
    use wardgate::app::App;
    use wardgate::aws::Connection;
    use wardgate_server::jobs::{Jobs, JobsError};

    pub(super) fn start(
        app: &Arc<App>,
        connection: &Connection,
        stop: &watch::Receiver<bool>,
    ) -> Result<JoinHandle<()>, JobsError> {
        if !app.config.jobs.enabled {
            tracing::info!("other replicas send the mails and erase the accounts: jobs.enabled is false");
            return Ok(tokio::spawn(async {}));
        }
        Ok(Jobs::new(app, connection)?.start(stop.clone()))
    }
}

/// A build without the feature answers and does nothing else.
#[cfg(not(feature = "standalone"))]
mod jobs {
    use std::convert::Infallible;
    use std::sync::Arc;

    use tokio::sync::watch;
    use tokio::task::JoinHandle;
    use wardgate::app::App;
    use wardgate::aws::Connection;

    #[expect(clippy::unnecessary_wraps, reason = "the same shape as with the feature")]
    pub(super) fn start(
        _app: &Arc<App>,
        _connection: &Connection,
        _stop: &watch::Receiver<bool>,
    ) -> Result<JoinHandle<()>, Infallible> {
        Ok(tokio::spawn(async {}))
    }
}

fn addresses(listeners: &[TcpListener]) -> String {
    let addresses = listeners.iter().filter_map(|listener| listener.local_addr().ok());
    addresses.map(|address| address.to_string()).collect::<Vec<_>>().join(" ")
}

/// As `key = value` in JSON, with the source of each line behind it.
#[expect(clippy::print_stdout, reason = "what whoever typed the command asked for")]
fn print_settings(settings: &[Setting]) {
    for Setting { key, value, source } in settings {
        println!("{key} = {value}  # {source}");
    }
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
    use std::sync::Arc;

    use tokio::net::TcpListener;
    use tokio::sync::watch;
    use wardgate::config::Config;
    use wardgate_server::dev::local::Local;
    use wardgate_server::dev::{demo, erasure, outbox, tour};
    use wardgate_server::env_file::Environment;
    use wardgate_server::serve::{listen, serve_router};

    use super::{AnyError, app};

    #[expect(clippy::print_stdout, reason = "the tour is what whoever typed `make run` waits for")]
    pub(super) async fn run(
        mut config: Config,
        folder: &Path,
        listeners: Vec<TcpListener>,
        stopping: watch::Receiver<bool>,
    ) -> Result<(), AnyError> {
        let local = Local::start(&mut config, folder).await?;
        let base = format!("http://localhost:{}", config.http.port);
        let app = app(config, local.connection.clone())?;
        demo::ensure(&app).await?;
        println!("\nWardgate listens on {base}. Ctrl-C ends it; data and keys stay in {}.\n", folder.display());
        println!("{}", tour::tour(&base));
        let (pump, outbox) = local.pump(&app);
        let router = outbox::router(&app, &pump, &outbox);
        let pumping = tokio::spawn(pump.run(stopping.clone()));
        let erasures = erasure::start(&app, stopping.clone());
        serve_router(Arc::clone(&app), router, listeners, stopping).await;
        pumping.await?;
        // One that is under way is finished at the next start.
        erasures.abort();
        let _ = erasures.await;
        drop(app);
        local.stop().await?;
        println!("Wardgate has stopped.");
        Ok(())
    }

    /// The store, keys, demo user and outbox for functions that run as processes of their own.
    #[expect(clippy::print_stdout, reason = "whoever typed `make watch` looks for their mails")]
    pub(super) async fn engine(
        mut config: Config,
        folder: &Path,
        environment: &Environment,
        stopping: watch::Receiver<bool>,
    ) -> Result<(), AnyError> {
        let local = Local::start(&mut config, folder).await?;
        let app = app(config, local.connection.clone())?;
        demo::ensure(&app).await?;
        // The functions have no outbox: it is here, on a port of its own.
        let listeners = listen(app.config.http.bind.get(..1).unwrap_or_default(), 0).await?;
        let (pump, outbox) = local.pump(&app);
        let router = outbox::routes(&app.config, &pump, &outbox);
        let pumping = tokio::spawn(pump.run(stopping.clone()));
        let env_file = local.write_env_file(&app.config, environment.from_file())?;
        if let Some(address) = listeners.first().and_then(|listener| listener.local_addr().ok()) {
            println!("Mails land at http://{address}/dev/outbox.");
        }
        serve_router(app, router, listeners, stopping).await;
        pumping.await?;
        drop(env_file);
        Ok(local.stop().await?)
    }
}

#[cfg(not(feature = "dev"))]
mod embedded {
    use std::path::Path;

    use tokio::net::TcpListener;
    use tokio::sync::watch;
    use wardgate::config::Config;
    use wardgate_server::env_file::Environment;

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

    pub(super) async fn engine(
        config: Config,
        folder: &Path,
        _environment: &Environment,
        stopping: watch::Receiver<bool>,
    ) -> Result<(), AnyError> {
        run(config, folder, Vec::new(), stopping).await
    }
}
