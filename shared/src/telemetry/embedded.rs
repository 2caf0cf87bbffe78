//! Metrics on Lambda: `CloudWatch`'s embedded metric format, a line of JSON on standard output that costs no request.

use metrics_cloudwatch_embedded::{Builder, Collector};
use serde_json::{Value, json};

use crate::telemetry::TelemetryError;

/// The `CloudWatch` namespace of every stage; the stage is a dimension.
pub const NAMESPACE: &str = "Wardgate";
/// The dimension that everything has.
pub const STAGE: &str = "stage";

/// Where metrics collect until they are flushed.
#[derive(Clone, Copy)]
pub struct Embedded {
    collector: &'static Collector,
    memory_limit_bytes: Option<f64>,
}

impl Embedded {
    /// Starts collecting, for the whole process. `memory_mib` is what the function may have, as Lambda says it.
    pub fn start(stage: &'static str, memory_mib: Option<&str>) -> Result<Self, TelemetryError> {
        let builder = Builder::new().cloudwatch_namespace(NAMESPACE).with_dimension(STAGE, stage);
        let collector = builder.init().map_err(|_| TelemetryError::Metrics)?;
        let mib: Option<u32> = memory_mib.and_then(|text| text.parse().ok());
        Ok(Self { collector, memory_limit_bytes: mib.map(|mib| f64::from(mib) * 1024.0 * 1024.0) })
    }

    /// Writes what has collected since the last time. Lambda may freeze or end the process after any answer.
    pub fn flush(&self) {
        if let Some(limit) = self.memory_limit_bytes {
            crate::telemetry::metrics::memory(limit);
        }
        if let Err(cause) = self.write(std::io::stdout().lock()) {
            tracing::warn!(%cause, "metrics could not be written");
        }
    }

    fn write(&self, mut out: impl std::io::Write) -> std::io::Result<()> {
        let mut lines = Vec::new();
        self.collector.flush(&mut lines)?;
        let mut rolled_up = Vec::with_capacity(lines.len());
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            serde_json::to_writer(&mut rolled_up, &roll_up(serde_json::from_slice(line)?))?;
            rolled_up.push(b'\n');
        }
        out.write_all(&rolled_up)
    }
}

/// What `CloudWatch` counts of a metric.
#[derive(Debug, Clone, Copy)]
pub struct Counted {
    /// The metric's name.
    pub metric: &'static str,
    /// Whether all of a stage is counted together.
    pub total: bool,
    /// The label whose values are counted apart, and which of its values are.
    pub by: Option<(&'static str, &'static [&'static str])>,
}

/// A metric without labels, or of which no label is looked at.
const fn total(metric: &'static str) -> Counted {
    Counted { metric, total: true, by: None }
}

/// Some values of a label alone.
const fn values(metric: &'static str, label: &'static str, values: &'static [&'static str]) -> Counted {
    Counted { metric, total: false, by: Some((label, values)) }
}

/// These, and the total.
const fn total_and(metric: &'static str, label: &'static str, values: &'static [&'static str]) -> Counted {
    Counted { metric, total: true, by: Some((label, values)) }
}

/// What alarms and the dashboard read, and nothing else: each is paid for by the month, by the value of a label. Lines of
/// the log have every metric with every label, for queries.
pub const COUNTED: [Counted; 18] = [
    total("wardgate_audit_erasures_total"),
    total("wardgate_audit_tampering_total"),
    total_and("wardgate_breach_checks_total", "outcome", &["skipped"]),
    total("wardgate_cold_starts_total"),
    total("wardgate_edge_folded_total"),
    total("wardgate_edge_store_bytes"),
    values("wardgate_key_age_seconds", "ring", &["login_mac", "mail_mac", "session_mac", "signing"]),
    total_and("wardgate_mail_refusals_total", "limit", &["stage"]),
    total_and("wardgate_mails_total", "outcome", &["failed", "nothing", "over_limit", "sent"]),
    total("wardgate_memory_share"),
    values("wardgate_refreshes_total", "outcome", &["replayed_elsewhere", "reused", "rotated"]),
    values("wardgate_requests_total", "status", &["429"]),
    values("wardgate_rotations_total", "outcome", &["failed"]),
    total("wardgate_secrets_stale_total"),
    total_and(
        "wardgate_sign_ins_total",
        "outcome",
        &["fault", "invalid_code", "invalid_credentials", "signed_in", "too_many_attempts"],
    ),
    total("wardgate_store_duration_seconds"),
    total("wardgate_store_errors_total"),
    values("wardgate_verifications_total", "outcome", &["invalid_code"]),
];

/// The sets of dimensions under which a metric with these labels is counted, as [`COUNTED`] has it. `CloudWatch` adds
/// nothing up over a dimension, as Prometheus does: so the stage's total is a set of its own, and a label is in one alone.
pub fn dimension_sets(metric: &str, labels: &[(&str, &str)]) -> Vec<Vec<&'static str>> {
    let Some(counted) = COUNTED.iter().find(|it| it.metric == metric) else { return Vec::new() };
    let apart =
        counted.by.filter(|(by, values)| labels.iter().any(|(label, value)| label == by && values.contains(value)));
    let total = counted.total.then(|| vec![STAGE]);
    total.into_iter().chain(apart.map(|(label, _)| vec![STAGE, label])).collect()
}

/// A directive for each metric of a line, because one has a single list of dimensions; none where nothing is counted.
fn roll_up(mut line: Value) -> Value {
    let list = |pointer: &str| line.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
    let names = list("/_aws/CloudWatchMetrics/0/Dimensions/0");
    let labels: Vec<(&str, &str)> =
        names.iter().filter_map(Value::as_str).filter_map(|name| Some((name, line.get(name)?.as_str()?))).collect();
    let counted = list("/_aws/CloudWatchMetrics/0/Metrics").into_iter().filter_map(|metric| {
        let sets = dimension_sets(metric.get("Name")?.as_str()?, &labels);
        let directive = || json!({ "Namespace": NAMESPACE, "Dimensions": sets, "Metrics": [metric] });
        (!sets.is_empty()).then(directive)
    });
    let directives: Vec<Value> = counted.collect();
    if let Some(all) = line.pointer_mut("/_aws/CloudWatchMetrics") {
        *all = directives.into();
    }
    line
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::telemetry::metrics;

    /// The one test that may start the recorder of this process.
    #[test]
    fn a_line_counts_as_alarms_and_the_dashboard_read_it() {
        let embedded = Embedded::start("development", Some("512")).unwrap();
        metrics::request("login", StatusCode::TOO_MANY_REQUESTS, 0.25);
        metrics::request("jwks", StatusCode::INTERNAL_SERVER_ERROR, 0.25);
        metrics::sign_in(metrics::SignIn::SignedIn);
        metrics::sign_in(metrics::SignIn::CodeRequired);
        metrics::cold_start();
        let mut written = Vec::new();
        embedded.write(&mut written).unwrap();
        let lines: Vec<Value> =
            String::from_utf8(written).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let line = |metric: &str, with: &str| {
            let mut lines = lines.iter().filter(|line| line.get(metric).is_some());
            lines.find(|line| line.as_object().unwrap().values().any(|value| value == with)).unwrap()
        };
        let sets = |metric: &str, with: &str| {
            let mut directives = line(metric, with)["_aws"]["CloudWatchMetrics"].as_array().unwrap().iter();
            directives.find(|it| it["Metrics"][0]["Name"] == metric).map(|it| it["Dimensions"].clone())
        };
        assert_eq!(sets("wardgate_requests_total", "429"), Some(json!([["stage", "status"]])));
        assert_eq!(sets("wardgate_requests_total", "500"), None);
        assert_eq!(sets("wardgate_errors_total", "jwks"), None);
        assert_eq!(sets("wardgate_request_duration_seconds", "login"), None);
        assert_eq!(sets("wardgate_sign_ins_total", "signed_in"), Some(json!([["stage"], ["stage", "outcome"]])));
        assert_eq!(sets("wardgate_sign_ins_total", "code_required"), Some(json!([["stage"]])));
        assert_eq!(sets("wardgate_cold_starts_total", "development"), Some(json!([["stage"]])));
        let counted = line("wardgate_requests_total", "429");
        let dimensions = ["stage", "endpoint", "status"].map(|name| counted[name].as_str().unwrap());
        assert_eq!(dimensions, ["development", "login", "429"]);
        assert_eq!(counted["_aws"]["CloudWatchMetrics"][0]["Namespace"], NAMESPACE);
        assert_eq!(line("wardgate_errors_total", "jwks")["wardgate_errors_total"], 1);
    }
}
