//! The standalone server. `wardgate-server config` prints the configuration that it would start with, and with `--deployed`
//! that of variables which are not this machine's; `preflight` says what keeps it from starting, and starts nothing; `check`
//! asks the one that runs on this machine whether it lives; `engine` is its embedded store alone.

mod embedded;
mod unasked;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

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
use wardgate_server::preflight::Fault;
use wardgate_server::serve::{claim_descriptors, listen, serve, stopped};
use wardgate_server::store_gate::StoreGate;
use wardgate_server::{check, host, preflight};

type AnyError = Box<dyn std::error::Error>;

/// What whoever started it has to mend first: `EX_CONFIG` of sysexits. Starting again as it is would be in vain.
const MISCONFIGURED: u8 = 78;

/// What to be.
enum Mode {
    /// The server.
    Serve,
    /// What says whether it could start, and ends.
    Preflight,
    /// What asks the server of this machine whether it lives, and ends.
    Check,
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
            (Some("preflight"), None) => Ok(Self::Preflight),
            (Some("check"), None) => Ok(Self::Check),
            (Some("engine"), None) => Ok(Self::Engine),
            (Some("config"), None) => Ok(Self::Config { deployed: None }),
            (Some("config"), Some("--deployed")) => {
                Ok(Self::Config { deployed: Some(arguments.next().unwrap_or_else(|| "{}".to_owned())) })
            }
            _ => Err("usage: wardgate-server [config [--deployed settings] | preflight | check | engine]".into()),
        }
    }
}

#[tokio::main]
#[expect(clippy::print_stderr, reason = "the one message of a start that failed, for whoever typed the command")]
async fn main() -> ExitCode {
    match run().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("wardgate: {error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a host reads the environment once, here")]
async fn run() -> Result<ExitCode, AnyError> {
    let mode = Mode::parse(std::env::args().skip(1))?;
    let is_deployed = matches!(mode, Mode::Config { deployed: Some(_) });
    let folder = (cfg!(feature = "dev") && !is_deployed).then(|| Path::new("."));
    let environment = Environment::read(std::env::vars(), folder)?;
    let Ok(config) = Config::load_with_brand(environment.variables()) else { return Ok(misconfigured(&environment)) };
    if let Mode::Config { deployed } = mode {
        let set = deployed.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default();
        let mut settings = config.with(&set)?.settings();
        environment.name_sources(&mut settings);
        print_settings(&settings);
        return Ok(ExitCode::SUCCESS);
    }
    match mode {
        Mode::Check => return Ok(check::live(&config).await.map(|()| ExitCode::SUCCESS)?),
        Mode::Preflight => return look(config).await,
        Mode::Serve | Mode::Engine | Mode::Config { .. } => {}
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
        (Mode::Serve, Some(folder)) => {
            embedded::run(config, &folder, listeners, stopping).await?;
            return Ok(ExitCode::SUCCESS);
        }
        (Mode::Engine, Some(folder)) => {
            // Free, as it was a moment ago: whoever runs the functions listens there.
            drop(listeners);
            embedded::engine(config, &folder, &environment, stopping).await?;
            return Ok(ExitCode::SUCCESS);
        }
        (Mode::Engine, None) => return Err("engine needs embedded.folder: set AUTH__EMBEDDED__FOLDER".into()),
        _ => {}
    }
    let connection = host::connection(|name| std::env::var(name).ok()).await?;
    let ops = if is_beside_the_api(&config) { Vec::new() } else { listen(&config.ops.bind, config.ops.port).await? };
    let gate = StoreGate::of_a_server();
    let app = app(config, gate.before(connection.clone()))?;
    let patience = Duration::from_millis(app.config.ops.start_ms);
    let faults = tokio::select! {
        faults = preflight::wait(&app, &connection, patience) => faults,
        // Whoever stops a start that waits is not told what it waited for.
        () = stopped(stopping.clone()) => return Ok(ExitCode::SUCCESS),
    };
    if !faults.is_empty() {
        for Fault { about, found, remedy, .. } in &faults {
            tracing::error!(about, found, remedy, "cannot start");
        }
        return Ok(ExitCode::from(MISCONFIGURED));
    }
    let jobs = unasked::start(&app, &connection, &stopping)?;
    tracing::info!(
        stage = app.config.stage.name(),
        version = env!("CARGO_PKG_VERSION"),
        addresses = addresses(&listeners),
        ops = addresses(&ops),
        store = connection.endpoints.dynamodb.as_deref().unwrap_or(&connection.region),
        keys = source_of_keys(&app.config),
        max_connections = app.config.http.max_connections,
        max_in_flight = app.config.http.max_in_flight,
        "listening"
    );
    serve(app, gate, listeners, ops, stopping).await;
    // They stop beside the drain, and have given their leases back by now.
    jobs.await?;
    Ok(ExitCode::SUCCESS)
}

/// Every mistake of the configuration, for whoever typed the command.
#[expect(clippy::print_stderr, reason = "logging is not configured yet")]
fn misconfigured(environment: &Environment) -> ExitCode {
    for mistake in Config::mistakes(environment.variables()) {
        eprintln!("wardgate: {}", environment.explain(mistake));
    }
    ExitCode::from(MISCONFIGURED)
}

/// Says what keeps the server from starting.
#[expect(clippy::disallowed_methods, reason = "a host reads the environment once, here")]
#[expect(clippy::print_stdout, reason = "what whoever typed the command asked for")]
async fn look(config: Config) -> Result<ExitCode, AnyError> {
    claim_descriptors(config.http.max_connections)?;
    let connection = host::connection(|name| std::env::var(name).ok()).await?;
    let app = app(config, connection.clone())?;
    let faults = preflight::faults(&app, &connection).await;
    for fault in &faults {
        println!("{fault}");
    }
    if faults.is_empty() {
        println!("Nothing is missing.");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::from(MISCONFIGURED))
}

fn source_of_keys(config: &Config) -> String {
    let secrets = &config.secrets;
    let path = secrets.folder.as_deref().or(secrets.file.as_deref()).map(|path| path.display().to_string());
    path.or_else(|| secrets.prefix.clone()).unwrap_or_default()
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
