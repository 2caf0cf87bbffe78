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

/// `CloudWatch` adds nothing up over a dimension, as Prometheus does, and takes a metric with each set of dimensions for
/// one of its own, which is paid for. So a line counts in the stage's total and under each of its labels alone, and never
/// under two labels together: that is what a query over the logs is for.
pub fn dimension_sets<'a>(labels: &[&'a str]) -> Vec<Vec<&'a str>> {
    let alone = labels.iter().map(|label| vec![STAGE, label]);
    std::iter::once(vec![STAGE]).chain(alone).collect()
}

fn roll_up(mut line: Value) -> Value {
    if let Some(sets) = line.pointer_mut("/_aws/CloudWatchMetrics/0/Dimensions") {
        let names = sets.pointer("/0").and_then(Value::as_array).cloned().unwrap_or_default();
        let labels: Vec<&str> = names.iter().filter_map(Value::as_str).filter(|name| *name != STAGE).collect();
        *sets = json!(dimension_sets(&labels));
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
    fn a_line_counts_in_the_total_and_under_each_label_alone() {
        let embedded = Embedded::start("development", Some("512")).unwrap();
        metrics::request("login", StatusCode::INTERNAL_SERVER_ERROR, 0.25);
        metrics::cold_start();
        let mut written = Vec::new();
        embedded.write(&mut written).unwrap();
        let lines: Vec<Value> =
            String::from_utf8(written).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let line = |metric: &str| lines.iter().find(|line| line.get(metric).is_some()).unwrap();
        let sets = |metric: &str| line(metric)["_aws"]["CloudWatchMetrics"][0]["Dimensions"].clone();
        assert_eq!(sets("wardgate_requests_total"), json!([["stage"], ["stage", "endpoint"], ["stage", "status"]]));
        assert_eq!(sets("wardgate_request_duration_seconds"), json!([["stage"], ["stage", "endpoint"]]));
        assert_eq!(sets("wardgate_cold_starts_total"), json!([["stage"]]));
        let counted = line("wardgate_requests_total");
        let dimensions = ["stage", "endpoint", "status"].map(|name| counted[name].as_str().unwrap());
        assert_eq!(dimensions, ["development", "login", "500"]);
        assert_eq!(counted["_aws"]["CloudWatchMetrics"][0]["Namespace"], NAMESPACE);
        assert_eq!(line("wardgate_errors_total")["wardgate_errors_total"], 1);
    }
}
