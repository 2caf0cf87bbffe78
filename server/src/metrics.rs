//! `GET /metrics` in Prometheus' text format.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Around a refresh at the low end, a password hash in the middle, and the deadline at the high end; in seconds.
const BUCKETS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Starts recording, once per process, and gives the handle that renders what was recorded. `None` if another
/// recorder was there first.
pub(crate) fn recorder() -> Option<&'static PrometheusHandle> {
    let install = || {
        let duration = Matcher::Suffix("_duration_seconds".to_owned());
        PrometheusBuilder::new().set_buckets_for_metric(duration, &BUCKETS).ok()?.install_recorder().ok()
    };
    RECORDER.get_or_init(install).as_ref()
}
