//! What `edge-sync` asks of `CloudFront` and SQS, by the events that Lambda sends it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use wardgate::aws::Connection;
use wardgate_runtime_tests::golden::event;

use crate::harness::TestServer;
use crate::harness::cloudformation::EDGE_STORE;

const DROPS: &str = "https://sqs.eu-central-1.amazonaws.com/123456789012/wardgate-development-edge-drop";
const SETTINGS: [(&str, &str); 2] = [("AUTH__EDGE__STORE_ARN", EDGE_STORE), ("AUTH__EDGE__DROPS_URL", DROPS)];
const SESSION: &str = "ses_01kjm4t3c0000000000000000a";
const USER: &str = "usr_01kjm4t3c00000000000000001";

/// The store, and the queue of drops.
#[derive(Debug, Clone, Default)]
struct CloudFront(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<String, String>,
    version: u64,
    /// Changes that somebody else makes first.
    others: u64,
    refuses: bool,
    /// Where each request went, and how it was signed.
    requests: Vec<(String, String)>,
    drops: Vec<Value>,
}

impl CloudFront {
    fn connection(&self) -> Connection {
        Connection { http_client: SharedHttpClient::new(self.clone()), ..Connection::local(String::new()) }
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    fn entries(&self) -> BTreeMap<String, String> {
        self.with(|state| state.entries.clone())
    }
}

impl State {
    fn answer(&mut self, method: &str, path: &str, if_match: &str, body: &Value) -> (u16, Value) {
        let refused = |status, code: &str| (status, json!({ "__type": code, "Message": "x" }));
        if self.refuses {
            return refused(403, "AccessDeniedException");
        }
        let (_, rest) = path.split_once("/key-value-stores/").unwrap();
        let (arn, rest) = rest.split_once("/keys").map_or((rest, None), |(arn, rest)| (arn, Some(rest)));
        assert_eq!(arn.replace("%3A", ":").replace("%2F", "/"), EDGE_STORE);
        let bytes: usize = self.entries.iter().map(|(key, value)| key.len() + value.len()).sum();
        let size = json!({ "ItemCount": self.entries.len(), "TotalSizeInBytes": bytes });
        match (method, rest) {
            ("GET", None) => (
                200,
                json!({ "KvsARN": EDGE_STORE, "Created": 0, "Status": "READY", "ItemCount": 0, "TotalSizeInBytes": bytes }),
            ),
            ("GET", Some(rest)) if rest.starts_with('?') || rest.is_empty() => {
                assert!(rest.contains("MaxResults=50"), "{rest}");
                let items = self.entries.iter().map(|(key, value)| json!({ "Key": key, "Value": value }));
                (200, json!({ "Items": items.collect::<Value>() }))
            }
            ("GET", Some(key)) => match self.entries.get(key.trim_start_matches('/')) {
                Some(value) => (200, json!({ "Key": key, "Value": value, "ItemCount": 1, "TotalSizeInBytes": bytes })),
                None => refused(404, "ResourceNotFoundException"),
            },
            ("POST", Some(_)) => {
                if self.others > 0 {
                    (self.others, self.version) = (self.others - 1, self.version + 1);
                }
                if if_match != format!("E{}", self.version) {
                    return refused(409, "ConflictException");
                }
                let deleted: Vec<&str> =
                    body["Deletes"].as_array().into_iter().flatten().filter_map(|it| it["Key"].as_str()).collect();
                if deleted.iter().any(|key| !self.entries.contains_key(*key)) {
                    return refused(404, "ResourceNotFoundException");
                }
                for put in body["Puts"].as_array().into_iter().flatten() {
                    let text = |name: &str| put[name].as_str().unwrap().to_owned();
                    self.entries.insert(text("Key"), text("Value"));
                }
                self.entries.retain(|key, _| !deleted.contains(&key.as_str()));
                self.version += 1;
                (200, size)
            }
            _ => panic!("{method} {path}"),
        }
    }
}

impl HttpClient for CloudFront {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for CloudFront {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let header = |name: &str| request.headers().get(name).unwrap_or_default().to_owned();
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        let (status, answer, etag) = self.with(|state| {
            if header("x-amz-target") == "AmazonSQS.SendMessageBatch" {
                assert_eq!(body["QueueUrl"], DROPS);
                let entries = body["Entries"].as_array().unwrap().clone();
                let sent =
                    entries.iter().map(|it| json!({ "Id": it["Id"], "MessageId": "m", "MD5OfMessageBody": "x" }));
                let answer = json!({ "Successful": sent.collect::<Value>(), "Failed": [] });
                state.drops.extend(entries);
                return (200, answer, String::new());
            }
            state.requests.push((request.uri().to_owned(), header("authorization")));
            let (status, answer) = state.answer(request.method(), request.uri(), &header("if-match"), &body);
            (status, answer, format!("E{}", state.version))
        });
        let mut response = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(answer.to_string()));
        response.headers_mut().insert("content-type", "application/json");
        response.headers_mut().insert("etag", etag);
        if let Some(code) = answer["__type"].as_str() {
            response.headers_mut().insert("x-amzn-errortype", code.to_owned());
        }
        HttpConnectorFuture::ready(Ok(response))
    }
}

async fn handle(server: &TestServer, cloudfront: &CloudFront, event: Value) -> Vec<String> {
    let parts = (edge_sync::FUNCTION.parts)(&server.app.config, &cloudfront.connection()).unwrap();
    let event = serde_json::from_value(event).unwrap();
    let answer = (edge_sync::FUNCTION.handler)(&server.app, &parts, event).await.unwrap();
    let answer = serde_json::to_value(answer).unwrap();
    let failures = answer["batchItemFailures"].as_array().unwrap();
    failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
}

fn message(id: &str, body: &Value) -> Value {
    json!({ "messageId": id, "body": body.to_string(), "eventSource": "aws:sqs" })
}

fn put(key: &str, value: &str, until: i64) -> Value {
    json!({ "put": { "key": key, "value": value, "until": until, "at": until - 365 } })
}

#[tokio::test]
async fn orders_become_entries_and_each_entry_a_message_that_takes_it_out() {
    let (server, cloudfront) = (TestServer::with(&SETTINGS).await, CloudFront::default());
    let now = server.context().now.unix_seconds();
    cloudfront.with(|state| state.others = 2);
    let golden: Value = serde_json::from_str(&event("edge-sync/ok")).unwrap();
    let batch = json!({ "Records": [
        golden["Records"][0],
        golden["Records"][1],
        message("3", &json!({ "put": { "key": "../x", "value": "1", "until": now + 365, "at": now } })),
        message("4", &json!("nonsense")),
    ] });
    assert_eq!(handle(&server, &cloudfront, batch).await, ["3", "4"]);
    let spared = format!("{now} ses_01kjm4t3c0000000000000000b");
    let expected = [(SESSION.to_owned(), (now + 365).to_string()), (USER.to_owned(), spared)];
    assert_eq!(cloudfront.entries(), BTreeMap::from(expected));
    let drops = cloudfront.with(|state| std::mem::take(&mut state.drops));
    assert!(drops.iter().all(|it| it["DelaySeconds"] == 365), "{drops:?}");
    let messages = drops
        .iter()
        .enumerate()
        .map(|(id, it)| json!({ "messageId": id.to_string(), "body": it["MessageBody"], "eventSource": "aws:sqs" }));
    let batch = json!({ "Records": messages.collect::<Value>() });
    server.clock.advance(365);
    assert_eq!(handle(&server, &cloudfront, batch.clone()).await, Vec::<String>::new());
    assert!(cloudfront.entries().is_empty());
    // A queue hands out twice, now and then.
    assert_eq!(handle(&server, &cloudfront, batch).await, Vec::<String>::new());
}

/// The client puts the account before the host, and what it signs has to be where it goes.
#[tokio::test]
async fn requests_are_signed_for_every_region_at_the_accounts_own_host() {
    let (server, cloudfront) = (TestServer::with(&SETTINGS).await, CloudFront::default());
    let now = server.context().now.unix_seconds();
    let batch = json!({ "Records": [message("1", &put(SESSION, &(now + 365).to_string(), now + 365))] });
    assert_eq!(handle(&server, &cloudfront, batch).await, Vec::<String>::new());
    for (uri, authorization) in cloudfront.with(|state| state.requests.clone()) {
        assert!(uri.starts_with("https://123456789012.cloudfront-kvs.global.api.aws/"), "{uri}");
        assert!(authorization.starts_with("AWS4-ECDSA-P256-SHA256 "), "{authorization}");
        assert!(authorization.contains("/cloudfront-keyvaluestore/aws4_request"), "{authorization}");
        assert!(authorization.contains("host;") && authorization.contains("x-amz-region-set"), "{authorization}");
    }
    // An emulator's host resolves as it is written alone.
    let mut connection = cloudfront.connection();
    connection.endpoints.cloudfront_keyvaluestore = Some("http://127.0.0.1:4566".to_owned());
    let parts = (edge_sync::FUNCTION.parts)(&server.app.config, &connection).unwrap();
    cloudfront.with(|state| state.requests.clear());
    parts.store.describe().await.unwrap();
    let requests = cloudfront.with(|state| state.requests.clone());
    assert!(requests[0].0.starts_with("http://127.0.0.1:4566/key-value-stores/"), "{requests:?}");
    assert!(requests[0].1.starts_with("AWS4-ECDSA-P256-SHA256 "), "{requests:?}");
}

#[tokio::test]
async fn what_cloudfront_refuses_comes_again_and_holds_up_nothing_else() {
    let (server, cloudfront) = (TestServer::with(&SETTINGS).await, CloudFront::default());
    let now = server.context().now.unix_seconds();
    cloudfront.with(|state| state.refuses = true);
    let batch = json!({ "Records": [
        message("1", &put(SESSION, &(now + 365).to_string(), now + 365)),
        // It refuses nothing any more.
        message("2", &put(USER, &(now - 400).to_string(), now - 35)),
    ] });
    assert_eq!(handle(&server, &cloudfront, batch).await, ["1"]);
}

#[tokio::test]
async fn sec_ed_12_the_weekly_sweep_takes_out_what_no_message_is_left_for() {
    let (server, cloudfront) = (TestServer::with(&SETTINGS).await, CloudFront::default());
    let now = server.context().now.unix_seconds();
    let entries = [(SESSION, now), (USER, now - 3665), ("ses_01kjm4t3c0000000000000000b", now + 60)];
    cloudfront.with(|state| {
        state.entries = entries.iter().map(|(key, value)| ((*key).to_owned(), value.to_string())).collect();
    });
    assert_eq!(handle(&server, &cloudfront, json!({ "sweep": true })).await, Vec::<String>::new());
    let left = cloudfront.entries();
    assert_eq!(left.into_keys().collect::<Vec<_>>(), ["ses_01kjm4t3c0000000000000000b"]);
}

/// As `make rotate RETIRE=` and `make restore` order it: what one has put, the other does not take away.
#[tokio::test]
async fn sec_ed_15_a_retired_key_is_refused_beside_others_and_after_a_restore() {
    let (server, cloudfront) = (TestServer::with(&SETTINGS).await, CloudFront::default());
    let now = server.context().now.unix_seconds();
    for (value, expected) in [
        ("0 key-a".to_owned(), "0 key-a".to_owned()),
        ("0 key-b".to_owned(), "0 key-a key-b".to_owned()),
        (now.to_string(), format!("{now} key-a key-b")),
        ("0 key-c".to_owned(), format!("{now} key-a key-b key-c")),
    ] {
        let batch = json!({ "Records": [message("1", &put("all", &value, now + 3665))] });
        assert_eq!(handle(&server, &cloudfront, batch).await, Vec::<String>::new());
        assert_eq!(cloudfront.entries().get("all"), Some(&expected));
    }
}
