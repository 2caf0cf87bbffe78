//! SQS, SES and `EventBridge` as far as their SDKs can tell: note what comes, and can refuse it.

use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

/// How they are today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    Up,
    /// The call fails.
    Down,
    /// The call succeeds, but for its last entry.
    Partial,
}

/// The operation, and what it was asked.
pub type Call = (String, Value);

#[derive(Debug, Clone)]
pub struct OutboundServices(Arc<Mutex<(Health, Vec<Call>)>>);

impl OutboundServices {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new((Health::Up, Vec::new()))))
    }

    pub fn set(&self, health: Health) {
        self.0.lock().unwrap().0 = health;
    }

    /// What was asked since the last time.
    pub fn taken(&self) -> Vec<Call> {
        std::mem::take(&mut self.0.lock().unwrap().1)
    }
}

impl HttpClient for OutboundServices {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for OutboundServices {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // SES has paths, the others have targets.
        let path = request.uri().split_once(".com").map_or("", |(_, path)| path).to_owned();
        let operation = request.headers().get("x-amz-target").map_or(path, str::to_owned);
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        let mut state = self.0.lock().unwrap();
        let entries = body["Entries"].as_array().cloned().unwrap_or_default();
        let failing = |index: usize| state.0 == Health::Partial && index + 1 == entries.len();
        let answer = match operation.as_str() {
            "AmazonSQS.SendMessageBatch" => {
                let (failed, sent): (Vec<usize>, Vec<usize>) = (0..entries.len()).partition(|index| failing(*index));
                let sent = sent
                    .iter()
                    .map(|index| json!({ "Id": index.to_string(), "MessageId": "m", "MD5OfMessageBody": "x" }));
                let failed = failed
                    .iter()
                    .map(|index| json!({ "Id": index.to_string(), "Code": "InternalError", "SenderFault": false }));
                json!({ "Successful": sent.collect::<Value>(), "Failed": failed.collect::<Value>() })
            }
            "AWSEvents.PutEvents" => {
                let entry = |index| {
                    if failing(index) { json!({ "ErrorCode": "InternalFailure" }) } else { json!({ "EventId": "e" }) }
                };
                json!({ "FailedEntryCount": 0, "Entries": (0..entries.len()).map(entry).collect::<Value>() })
            }
            _ => json!({ "MessageId": "0100018e" }),
        };
        state.1.push((operation, body));
        let (status, answer) = match state.0 {
            Health::Down => (400, json!({ "__type": "AccessDeniedException", "message": "ada@example.com" })),
            _ => (200, answer),
        };
        let mut response = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(answer.to_string()));
        response.headers_mut().insert("content-type", "application/x-amz-json-1.1");
        HttpConnectorFuture::ready(Ok(response))
    }
}
