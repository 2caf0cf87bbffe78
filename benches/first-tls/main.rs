//! The first request of a fresh process to a fake endpoint that hangs up after the client's first bytes, once over TLS
//! and once over plain HTTP. What TLS adds up to there is what a library does before it can say hello: reading the
//! roots, and drawing its first randomness, where a library that seeds itself from the processor's jitter would stall.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time and starts itself with variables")]

use std::io::{Read as _, Result};
use std::net::TcpListener;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use wardgate::aws::Connection;
use wardgate::config::Config;
use wardgate::store::{Store, client};

const ROUNDS: usize = 51;
/// What a TLS record with a handshake begins with (RFC 8446, 5.1).
const TLS_HANDSHAKE: u8 = 22;
static HELLOS: AtomicUsize = AtomicUsize::new(0);
const CHILD: &str = "FIRST_TLS_ENDPOINT";

type AnyError = Box<dyn std::error::Error>;

fn main() -> std::result::Result<(), AnyError> {
    match std::env::var(CHILD) {
        Ok(endpoint) => child(&endpoint),
        Err(_) => parent(),
    }
}

/// Starts processes in turn, and prints the medians.
fn parent() -> std::result::Result<(), AnyError> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || hang_up(&listener));
    let (mut plain, mut tls) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        plain.push(measure(&format!("http://{address}"))?);
        tls.push(measure(&format!("https://{address}"))?);
    }
    if HELLOS.load(Ordering::SeqCst) != ROUNDS {
        return Err("a process did not say hello in TLS".into());
    }
    let (plain, tls) = (median(&mut plain), median(&mut tls));
    println!("| first request of a process, to the client's first bytes | median µs |");
    println!("|---|--:|");
    println!("| plain HTTP | {plain} |");
    println!("| TLS | {tls} |");
    println!("| what TLS adds | {} |", tls.saturating_sub(plain));
    Ok(())
}

fn measure(endpoint: &str) -> std::result::Result<u64, AnyError> {
    let output = Command::new(std::env::current_exe()?).env(CHILD, endpoint).output()?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

fn median(micros: &mut [u64]) -> u64 {
    micros.sort_unstable();
    micros.get(micros.len() / 2).copied().unwrap_or_default()
}

/// Reads what a client says first, and closes.
fn hang_up(listener: &TcpListener) -> Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        let mut said = [0; 4096];
        // A client that says nothing has its answer too.
        if stream.read(&mut said).is_ok() && said.first() == Some(&TLS_HANDSHAKE) {
            HELLOS.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Makes one request, and prints how long it took to fail, in microseconds.
fn child(endpoint: &str) -> std::result::Result<(), AnyError> {
    let variables = [("AUTH__STAGE", "development"), ("AUTH__AWS__MAX_ATTEMPTS", "1")];
    let config = Config::load(variables.map(|(name, value)| (name.to_owned(), value.to_owned())))?;
    let connection = Connection::from_environment(|name| {
        Some(if name == "AWS_ENDPOINT_URL_DYNAMODB" { endpoint.to_owned() } else { "x".to_owned() })
    })?;
    let client = client::on_first_use(connection, config.aws);
    std::sync::LazyLock::force(&client);
    let store = Store::new(client, "t".to_owned(), "a".to_owned(), 1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let began = Instant::now();
    let answered = runtime.block_on(store.ping()).is_ok();
    let micros = began.elapsed().as_micros();
    if answered {
        return Err("somebody answered".into());
    }
    println!("{micros}");
    Ok(())
}
