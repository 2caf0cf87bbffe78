//! Metrics on Lambda: `CloudWatch`'s embedded metric format, a line of JSON on standard output that costs no request.

use metrics_cloudwatch_embedded::{Builder, Collector};

use crate::telemetry::TelemetryError;

/// The `CloudWatch` namespace of every stage; the stage is a dimension.
const NAMESPACE: &str = "Wardgate";

/// Where metrics collect until they are flushed.
#[derive(Clone, Copy)]
pub struct Embedded {
    collector: &'static Collector,
    memory_limit_bytes: Option<f64>,
}

impl Embedded {
    /// Starts collecting, for the whole process. `memory_mib` is what the function may have, as Lambda says it.
    pub fn start(stage: &'static str, memory_mib: Option<&str>) -> Result<Self, TelemetryError> {
        let builder = Builder::new().cloudwatch_namespace(NAMESPACE).with_dimension("stage", stage);
        let collector = builder.init().map_err(|_| TelemetryError::Metrics)?;
        let mib: Option<u32> = memory_mib.and_then(|text| text.parse().ok());
        Ok(Self { collector, memory_limit_bytes: mib.map(|mib| f64::from(mib) * 1024.0 * 1024.0) })
    }

    /// Writes what has collected since the last time. Lambda may freeze or end the process after any answer.
    pub fn flush(&self) {
        if let Some(limit) = self.memory_limit_bytes {
            crate::telemetry::metrics::memory(limit);
        }
        if let Err(cause) = self.collector.flush(std::io::stdout()) {
            tracing::warn!(%cause, "metrics could not be written");
        }
    }
}
