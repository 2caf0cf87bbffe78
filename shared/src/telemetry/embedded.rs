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

/// By which label `CloudWatch` counts a metric beside the stage's total. Each value of one is a metric that is paid for by
/// the month, so that a label stands here where an alarm or the dashboard reads it. Lines of the log have every label.
pub const COUNTED_BY: [(&str, &str); 10] = [
    ("wardgate_breach_checks_total", "outcome"),
    ("wardgate_errors_total", "endpoint"),
    ("wardgate_key_age_seconds", "ring"),
    ("wardgate_mail_refusals_total", "limit"),
    ("wardgate_mails_total", "outcome"),
    ("wardgate_refreshes_total", "outcome"),
    ("wardgate_requests_total", "status"),
    ("wardgate_rotations_total", "outcome"),
    ("wardgate_sign_ins_total", "outcome"),
    ("wardgate_verifications_total", "outcome"),
];

/// `CloudWatch` adds nothing up over a dimension, as Prometheus does. So a metric counts in the stage's total, and under
/// each label of [`COUNTED_BY`] alone; never under two together: that is what a query over the logs is for.
pub fn dimension_sets<'a>(metric: &str, labels: &[&'a str]) -> Vec<Vec<&'a str>> {
    let counted = labels.iter().copied().filter(|label| COUNTED_BY.contains(&(metric, *label)));
    std::iter::once(vec![STAGE]).chain(counted.map(|label| vec![STAGE, label])).collect()
}

/// A directive for each metric of a line, because one has a single list of dimensions.
fn roll_up(mut line: Value) -> Value {
    let Some(directives) = line.pointer_mut("/_aws/CloudWatchMetrics") else { return line };
    let list = |pointer: &str| directives.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
    let (names, metrics) = (list("/0/Dimensions/0"), list("/0/Metrics"));
    let labels: Vec<&str> = names.iter().filter_map(Value::as_str).filter(|name| *name != STAGE).collect();
    let counted = metrics.into_iter().map(|metric| {
        let name = metric.get("Name").and_then(Value::as_str).unwrap_or_default();
        json!({ "Namespace": NAMESPACE, "Dimensions": dimension_sets(name, &labels), "Metrics": [metric] })
    });
    *directives = counted.collect();
    line
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::telemetry::metrics;

    /// The one test that may start the recorder of this process.
    #[test]
    fn a_line_counts_in_the_total_and_under_each_label_that_is_read_alone() {
        let embedded = Embedded::start("development", Some("512")).unwrap();
        metrics::request("login", StatusCode::INTERNAL_SERVER_ERROR, 0.25);
        metrics::cold_start();
        let mut written = Vec::new();
        embedded.write(&mut written).unwrap();
        let lines: Vec<Value> =
            String::from_utf8(written).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let line = |metric: &str| lines.iter().find(|line| line.get(metric).is_some()).unwrap();
        let sets = |metric: &str| {
            let mut directives = line(metric)["_aws"]["CloudWatchMetrics"].as_array().unwrap().iter();
            directives.find(|it| it["Metrics"][0]["Name"] == metric).unwrap()["Dimensions"].clone()
        };
        assert_eq!(sets("wardgate_requests_total"), json!([["stage"], ["stage", "status"]]));
        assert_eq!(sets("wardgate_errors_total"), json!([["stage"], ["stage", "endpoint"]]));
        assert_eq!(sets("wardgate_request_duration_seconds"), json!([["stage"]]));
        assert_eq!(sets("wardgate_cold_starts_total"), json!([["stage"]]));
        let counted = line("wardgate_requests_total");
        let dimensions = ["stage", "endpoint", "status"].map(|name| counted[name].as_str().unwrap());
        assert_eq!(dimensions, ["development", "login", "500"]);
        assert_eq!(counted["_aws"]["CloudWatchMetrics"][0]["Namespace"], NAMESPACE);
        assert_eq!(line("wardgate_errors_total")["wardgate_errors_total"], 1);
    }
}
