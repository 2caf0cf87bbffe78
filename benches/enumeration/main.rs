//! Whether an endpoint takes longer for an address that has an account than for one that has none (EN-04): pairs of
//! requests, interleaved, over HTTP to a server in this process with the embedded engine.
//!
//! `cargo bench -p wardgate-enumeration --profile dev [-- /v1/login …]`
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]
#![expect(unreachable_pub, reason = "nobody imports a measurement")]

mod rank_test;
mod server;

use std::collections::BTreeSet;
use std::time::Instant;

use serde_json::{Value, json};

use rank_test::mann_whitney;
use server::Server;

const PAIRS: usize = 300;
/// Pairs before those that count: connections, caches and Argon2's memory.
const WARM_UP: usize = 20;
const BOUNDS: std::ops::RangeInclusive<f64> = 0.95..=1.05;
const PASSWORD: &str = "analytical engines hum";

/// The body for an address.
type Body = fn(&str) -> Value;

/// What must not tell the two apart: a path, and the body for an address.
const ENDPOINTS: [(&str, Body); 5] = [
    ("/v1/register", |email| json!({ "email": email, "password": PASSWORD })),
    ("/v1/login", |email| json!({ "email": email, "password": "crimson kettles drift eastward" })),
    ("/v1/password/forgot", |email| json!({ "email": email })),
    ("/v1/email/verify/resend", |email| json!({ "email": email })),
    ("/v1/login/email-code", |email| json!({ "email": email })),
];

#[tokio::main]
async fn main() {
    let chosen: Vec<String> = std::env::args().skip(1).filter(|argument| argument.starts_with('/')).collect();
    let server = Server::start().await;
    println!("| endpoint | status | known ms | unknown ms | ratio of medians | U | z | p | within 0.95–1.05 |");
    println!("|---|---|--:|--:|--:|--:|--:|--:|---|");
    for (path, body) in ENDPOINTS {
        if !chosen.is_empty() && !chosen.iter().any(|chosen| chosen == path) {
            continue;
        }
        measure(&server, path, body).await;
    }
}

/// Each pair has addresses of its own, so that no counter of failures is ever reached.
async fn measure(server: &Server, path: &str, body: Body) {
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
            let body = body(address);
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
