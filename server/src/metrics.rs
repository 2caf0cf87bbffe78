//! `GET /metrics` in Prometheus' text format.

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use wardgate::app::App;
use wardgate::telemetry::metrics;

use crate::memory_limit::memory_limit;
use crate::serve::count;

/// Around a refresh at the low end, a password hash in the middle, and the deadline at the high end; in seconds. Each
/// threshold of an alarm is one of them, because between two of them a quantile is a guess.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0];

/// How often durations are taken into their buckets. Until then each is a number in memory, also where nobody ever asks.
const UPKEEP: Duration = Duration::from_secs(5);

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Starts recording, once per process, and gives the handle that renders what was recorded. `None` if another
/// recorder was there first.
pub(crate) fn recorder() -> Option<&'static PrometheusHandle> {
    let install = || {
        let duration = Matcher::Suffix("_duration_seconds".to_owned());
        let handle =
            PrometheusBuilder::new().set_buckets_for_metric(duration, &BUCKETS).ok()?.install_recorder().ok()?;
        metrics::build(env!("CARGO_PKG_VERSION"));
        metrics_process::Collector::default().describe();
        let kept = handle.clone();
        std::thread::spawn(move || keep(&kept));
        Some(handle)
    };
    RECORDER.get_or_init(install).as_ref()
}

/// What the system says of this process: `process_*`, and its memory as a share of what it may have, where there is a limit;
/// and how far hashing is behind.
pub(crate) fn measure_process(app: &App) {
    metrics_process::Collector::default().collect();
    metrics::hashing(count(app.hasher.waiting()), app.hasher.usual().as_secs_f64());
    if let Some(limit) = memory_limit() {
        metrics::memory(limit);
    }
}

/// For as long as the process lives, as the recorder does.
#[expect(clippy::disallowed_methods, reason = "upkeep of memory, not of what happens when")]
fn keep(recorder: &PrometheusHandle) {
    loop {
        std::thread::sleep(UPKEEP);
        recorder.run_upkeep();
    }
}
