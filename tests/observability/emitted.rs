//! What can be watched: what our own code emits, asked of the code itself, and what AWS emits for what we use.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Mutex;

use http::StatusCode;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use wardgate::domain::mail_order::MailKind;
use wardgate::secrets::RingName;
use wardgate::telemetry::embedded::{STAGE, dimension_sets};
use wardgate::telemetry::metrics as ours;
use wardgate_server::endpoints::ENDPOINTS;

use crate::harness::repository;

/// A metric as `CloudWatch` keeps it apart from others.
pub type Metric = (String, BTreeMap<String, String>);

/// What the table is asked.
const OPERATIONS: [&str; 6] = ["DeleteItem", "GetItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem"];
const RINGS: [RingName; 6] = [
    RingName::Signing,
    RingName::PublicKeys,
    RingName::SessionMac,
    RingName::LoginMac,
    RingName::MailMac,
    RingName::PasswordWrap,
];

/// What no function ever measures: API Gateway tells it the source of a request, and Lambda gives it one at a time.
const THE_SERVERS_ALONE: [&str; 9] = [
    "wardgate_build_info",
    "wardgate_connections",
    "wardgate_connections_limit",
    "wardgate_hash_seconds",
    "wardgate_hashes_waiting",
    "wardgate_in_flight",
    "wardgate_in_flight_limit",
    "wardgate_shed_total",
    "wardgate_sources_hidden_total",
];

/// A namespace of AWS, metrics of it, and the sets of dimensions that it emits them with.
pub type Vended = (&'static str, &'static [&'static str], &'static [&'static [&'static str]]);
/// As far as anything here watches them.
pub const AWS: [Vended; 6] = [
    ("AWS/ApiGateway", &["4xx", "5xx", "Count", "IntegrationLatency", "Latency"], &[&["ApiId"], &["ApiId", "Stage"]]),
    (
        "AWS/Lambda",
        &["Duration", "Errors", "Invocations", "Throttles"],
        &[&["FunctionName"], &["FunctionName", "Resource"], &["FunctionName", "Resource", "ExecutedVersion"]],
    ),
    ("AWS/Lambda", &["IteratorAge"], &[&["FunctionName"], &["FunctionName", "Resource"]]),
    // In us-east-1 alone, whatever the place.
    (
        "AWS/CloudFront",
        &["5xxErrorRate", "FunctionExecutionErrors"],
        &[&["DistributionId", "Region"], &["FunctionName", "Region"]],
    ),
    // In us-east-1 alone: 1 while enough of the places that ask get an answer, 0 while they do not.
    ("AWS/Route53", &["HealthCheckStatus"], &[&["HealthCheckId"]]),
    ("AWS/SQS", &["ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"], &[&["QueueName"]]),
];

/// Notes what is measured, and counts nothing.
#[derive(Default)]
pub struct Recording(Mutex<Vec<Key>>);

impl Recording {
    /// What was measured so far.
    pub fn keys(&self) -> Vec<Key> {
        self.0.lock().unwrap().clone()
    }

    fn note(&self, key: &Key) {
        self.0.lock().unwrap().push(key.clone());
    }
}

impl Recorder for Recording {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.note(key);
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.note(key);
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.note(key);
        Histogram::noop()
    }
}

/// Every metric with every label that it can have, as the code gives them.
pub fn recorded() -> Vec<Key> {
    let recording = Recording::default();
    metrics::with_local_recorder(&recording, || {
        for (endpoint, _) in ENDPOINTS.iter() {
            for status in [StatusCode::OK, StatusCode::TOO_MANY_REQUESTS, StatusCode::INTERNAL_SERVER_ERROR] {
                ours::request(endpoint.name, status, 0.1);
            }
        }
        ours::SignIn::ALL.iter().copied().for_each(ours::sign_in);
        ours::Refresh::ALL.iter().copied().for_each(ours::refresh);
        ours::Verification::ALL.iter().copied().for_each(ours::verification);
        ours::BreachCheck::ALL.iter().copied().for_each(ours::breach_check);
        ours::Mail::ALL.iter().copied().for_each(ours::mail);
        for kind in MailKind::ALL {
            for limit in ours::MailLimit::ALL {
                ours::mail_refused(kind.name(), *limit);
            }
        }
        ours::AuditChange::ALL.iter().copied().for_each(ours::audit_tampering);
        for ring in RINGS {
            for outcome in ours::Rotation::ALL {
                ours::rotation(ring.name(), *outcome);
            }
            ours::key_age(ring.name(), 0.0);
        }
        for operation in OPERATIONS {
            ours::store_operation(operation.to_owned(), 0.1);
            ours::store_error(operation.to_owned());
        }
        ours::StaleCookie::ALL.iter().copied().for_each(ours::cookie_cleared);
        ours::audit_erasure();
        ours::edge_folded();
        ours::edge_store_bytes(0);
        ours::stale_secrets();
        ours::hidden_source();
        ours::Shed::ALL.iter().copied().for_each(ours::shed);
        ours::hashing(0, 0.1);
        ours::connections(0, 1);
        ours::in_flight(0, 1);
        ours::build("1.0.0");
        ours::cold_start();
        ours::memory(1.0);
    });
    recording.keys()
}

/// What Lambda's log brings into `CloudWatch` of it, in stage development.
pub fn emitted() -> BTreeSet<Metric> {
    let mut metrics = BTreeSet::new();
    for key in recorded().into_iter().filter(|key| !THE_SERVERS_ALONE.contains(&key.name())) {
        let labels: BTreeMap<&str, &str> = key.labels().map(|label| (label.key(), label.value())).collect();
        let pairs: Vec<(&str, &str)> = labels.iter().map(|(label, value)| (*label, *value)).collect();
        for set in dimension_sets(key.name(), &pairs) {
            let value = |name: &str| if name == STAGE { "development" } else { labels[name] };
            let dimensions = set.into_iter().map(|name| (name.to_owned(), value(name).to_owned()));
            metrics.insert((key.name().to_owned(), dimensions.collect()));
        }
    }
    metrics
}

/// The functions of `shared/src/telemetry/metrics.rs`, and of what is below it.
pub fn functions() -> BTreeSet<String> {
    let files = ["metrics.rs", "metrics/edge.rs"].map(|file| repository(&format!("shared/src/telemetry/{file}")));
    let source = files.map(|file| fs::read_to_string(file).unwrap()).concat();
    let names = source.lines().filter_map(|line| line.strip_prefix("pub fn ")?.split_once('('));
    names.map(|(name, _)| name.to_owned()).collect()
}
