//! API Gateway's side: its events, and what it makes of an answer.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
pub use wardgate_runtime_tests::golden::event as golden;

/// A response as an HTTP API takes it (payload 2.0). Anything else in it would be dropped by API Gateway without a
/// word.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Answer {
    pub status_code: u16,
    /// By lower-case name.
    pub headers: BTreeMap<String, String>,
    pub multi_value_headers: BTreeMap<String, Vec<String>>,
    pub cookies: Vec<String>,
    pub is_base64_encoded: bool,
    #[serde(default)]
    pub body: String,
}

impl Answer {
    #[track_caller]
    pub fn of(outcome: Result<Value, Value>) -> Self {
        let body = outcome.unwrap_or_else(|error| panic!("the invocation failed: {error}"));
        let answer: Self = serde_json::from_value(body.clone()).unwrap_or_else(|error| panic!("{error}: {body}"));
        assert!(answer.multi_value_headers.is_empty(), "an HTTP API drops these: {answer:?}");
        answer
    }

    /// The body, which must be JSON that nobody has encoded.
    #[track_caller]
    pub fn json(&self) -> Value {
        assert!(!self.is_base64_encoded);
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    #[track_caller]
    pub fn string(&self, member: &str) -> String {
        self.json()[member].as_str().unwrap_or_else(|| panic!("no {member} in {self:?}")).to_owned()
    }

    /// The problem's code; empty for a success.
    pub fn code(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        body["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// `events/<case>.json` with another request id, by which its log line is found.
pub fn golden_with_id(case: &str, request_id: &str) -> String {
    golden(case).replace("golden-request-id", request_id)
}
