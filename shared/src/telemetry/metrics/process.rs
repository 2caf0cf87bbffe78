//! Of the process itself.

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
