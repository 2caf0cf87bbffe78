//! Whether an endpoint takes longer for an address that has an account than for one that has none (EN-04): pairs of
//! requests, interleaved, over HTTP to a server in this process with the embedded engine.
//!
//! `make bench-enumeration`, or `cargo bench -p wardgate-enumeration [-- /v1/login …]`: built as it is released.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]
#![expect(unreachable_pub, reason = "nobody imports a measurement")]

mod rank_test;
mod server;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use rank_test::mann_whitney;
use server::Server;

const PAIRS: usize = 300;
/// Pairs before those that count: connections, caches and Argon2's memory.
const WARM_UP: usize = 20;
/// How long after its mail a code is tried. The mail that only a known address gets keeps the embedded engine and the
/// caches busy for longer than the answer takes; nobody types a code that soon.
const SETTLED: Duration = Duration::from_millis(30);
const BOUNDS: std::ops::RangeInclusive<f64> = 0.95..=1.05;
const PASSWORD: &str = "analytical engines hum";

/// The body for an address, and for what was asked for before (a flow token), where the endpoint tries a code.
type Body = fn(&str, &str) -> Value;

/// What must not tell the two apart.
struct Endpoint {
    path: &'static str,
    /// Where the flow begins whose code is tried; neither it nor the mail is measured.
    flow: Option<&'static str>,
    body: Body,
}

const fn plain(path: &'static str, body: Body) -> Endpoint {
    Endpoint { path, flow: None, body }
}

const ENDPOINTS: [Endpoint; 7] = [
    plain("/v1/register", |email, _| json!({ "email": email, "password": PASSWORD })),
    plain("/v1/login", |email, _| json!({ "email": email, "password": "crimson kettles drift eastward" })),
    plain("/v1/password/forgot", |email, _| json!({ "email": email })),
    plain("/v1/email/verify/resend", |email, _| json!({ "email": email })),
    plain("/v1/login/email-code", |email, _| json!({ "email": email })),
    Endpoint {
        path: "/v1/login/email-code/verify",
        flow: Some("/v1/login/email-code"),
        body: |email, flow| json!({ "email": email, "code": "00000000", "flow_token": flow }),
    },
    Endpoint {
        path: "/v1/email/verify",
        flow: Some("/v1/register"),
        body: |email, flow| json!({ "email": email, "code": "wrong", "flow_token": flow }),
    },
];

#[tokio::main]
async fn main() {
    let chosen: Vec<String> = std::env::args().skip(1).filter(|argument| argument.starts_with('/')).collect();
    let server = Server::start().await;
    println!("| endpoint | status | known ms | unknown ms | ratio of medians | U | z | p | within 0.95–1.05 |");
    println!("|---|---|--:|--:|--:|--:|--:|--:|---|");
    for endpoint in &ENDPOINTS {
        if chosen.is_empty() || chosen.iter().any(|chosen| chosen == endpoint.path) {
            measure(&server, endpoint).await;
        }
    }
}

/// Each pair has addresses of its own, so that no counter of failures is ever reached.
async fn measure(server: &Server, endpoint: &Endpoint) {
    let path = endpoint.path;
    let name = path.replace('/', "-");
    let addresses = |kind: &str| -> Vec<String> {
        // Equally long, so that there is nothing else to tell them apart by.
        (0..WARM_UP + PAIRS).map(|pair| format!("{kind}{name}-{pair:04}@example.com")).collect()
    };
    let (known, unknown) = (addresses("has"), addresses("not"));
    for address in &known {
        server.make_account(address).await;
    }
    let (mut known_ms, mut unknown_ms) = (Vec::new(), Vec::new());
    let (mut known_status, mut unknown_status) = (BTreeSet::new(), BTreeSet::new());
    for (pair, (known, unknown)) in known.iter().zip(&unknown).enumerate() {
        let one = async |address: &str, times: &mut Vec<f64>, statuses: &mut BTreeSet<u16>| {
            let flow = match endpoint.flow {
                Some(path) => {
                    let flow = server.begin_flow(path, address).await;
                    tokio::time::sleep(SETTLED).await;
                    flow
                }
                None => String::new(),
            };
            let body = (endpoint.body)(address, &flow);
            let began = Instant::now();
            let status = server.post(path, &body).await;
            let ms = began.elapsed().as_secs_f64() * 1000.0;
            statuses.insert(status);
            if pair >= WARM_UP {
                times.push(ms);
            }
        };
        // Each kind goes first in every other pair.
        if pair % 2 == 0 {
            one(known, &mut known_ms, &mut known_status).await;
            one(unknown, &mut unknown_ms, &mut unknown_status).await;
        } else {
            one(unknown, &mut unknown_ms, &mut unknown_status).await;
            one(known, &mut known_ms, &mut known_status).await;
        }
    }
    assert!(known_status.len() == 1 && known_status == unknown_status, "{path}: {known_status:?} {unknown_status:?}");
    let status = known_status.first().unwrap();
    assert!(![429, 503].contains(status), "{path} answers {status}: a limit is too low to measure by");
    let test = mann_whitney(&known_ms, &unknown_ms);
    let (known, unknown) = (median(known_ms), median(unknown_ms));
    let ratio = known / unknown;
    let verdict = if BOUNDS.contains(&ratio) { "yes" } else { "**no**" };
    println!(
        "| {path} | {status} | {known:.2} | {unknown:.2} | {ratio:.4} | {:.0} | {:+.2} | {:.3} | {verdict} |",
        test.u, test.z, test.p
    );
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    values.swap_remove(middle)
}
