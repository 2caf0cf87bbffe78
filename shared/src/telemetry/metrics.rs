//! What is measured, under the same names on Lambda (`CloudWatch`) and on the standalone server (Prometheus). Labels are
//! few and known beforehand: never an id, an address or anything that a client chose.

use http::StatusCode;

/// A request was answered: how many, how many by our fault, and how long it took.
pub fn request(endpoint: &'static str, status: StatusCode, seconds: f64) {
    let code = status.as_str().to_owned();
    metrics::counter!("wardgate_requests_total", "endpoint" => endpoint, "status" => code).increment(1);
    if status.is_server_error() {
        metrics::counter!("wardgate_errors_total", "endpoint" => endpoint).increment(1);
    }
    metrics::histogram!("wardgate_request_duration_seconds", "endpoint" => endpoint).record(seconds);
}

/// A sign-in ended so.
pub fn sign_in(outcome: &'static str) {
    metrics::counter!("wardgate_sign_ins_total", "outcome" => outcome).increment(1);
}

/// A new password was looked for among breached ones, or could not be.
pub fn breach_check(outcome: &'static str) {
    metrics::counter!("wardgate_breach_checks_total", "outcome" => outcome).increment(1);
}

/// An order for a mail was carried out, or not.
pub fn mail(outcome: &'static str) {
    metrics::counter!("wardgate_mails_total", "outcome" => outcome).increment(1);
}

/// A ring got its next key, or a step on the way there failed.
pub fn rotation(ring: &'static str, outcome: &'static str) {
    metrics::counter!("wardgate_rotations_total", "ring" => ring, "outcome" => outcome).increment(1);
}

/// A call to the table took so long, retries included.
pub fn store_operation(operation: String, seconds: f64) {
    metrics::histogram!("wardgate_store_duration_seconds", "operation" => operation).record(seconds);
}

/// A Lambda environment was started.
pub fn cold_start() {
    metrics::counter!("wardgate_cold_starts_total").increment(1);
}

/// How much memory the process has, of what it may have.
pub fn memory(limit_bytes: f64) {
    if let Some(resident) = resident_bytes() {
        metrics::gauge!("wardgate_memory_share").set(resident / limit_bytes);
    }
}

/// The resident set, from the second number of `/proc/self/statm`; `None` where there is no such file.
fn resident_bytes() -> Option<f64> {
    /// What Linux counts pages in on both architectures that Lambda has.
    const PAGE: f64 = 4096.0;
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u32 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(f64::from(pages) * PAGE)
}
