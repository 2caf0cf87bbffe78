//! API Gateway events through each function's own path: the Lambda host, the edge, the handler.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use wardgate::http::edge;
use wardgate::lambda::incoming;
use wardgate_server::endpoints::ENDPOINTS;

use crate::harness::{TestServer, repository};

#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    status: u64,
    /// The problem's code; empty for a success.
    code: String,
}

fn expectations() -> BTreeMap<String, Outcome> {
    let text = fs::read_to_string(repository("events/expected.json")).unwrap();
    let expected: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
    let outcome = |value: &Value| Outcome {
        status: value["status"].as_u64().unwrap(),
        code: value["code"].as_str().unwrap_or_default().to_owned(),
    };
    expected.iter().map(|(case, value)| (case.clone(), outcome(value))).collect()
}

async fn answer(function: &str, event: &str) -> (http::Response<bytes::Bytes>, Outcome) {
    let server = TestServer::start().await;
    let signed_in = server.signed_in().await;
    let event = event
        .replace("${ACCESS_TOKEN}", &signed_in.string("access_token"))
        .replace("${REFRESH_TOKEN}", &signed_in.string("refresh_token"))
        .replace("${SESSION_ID}", &signed_in.string("session_id"));
    let (endpoint, _) = ENDPOINTS.iter().find(|(endpoint, _)| endpoint.name == function).unwrap();
    let request = serde_json::from_str(&event).unwrap();
    let response = edge::respond(&server.app, endpoint, incoming(request)).await;
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    let code = body["code"].as_str().unwrap_or_default().to_owned();
    let outcome = Outcome { status: response.status().as_u16().into(), code };
    (response, outcome)
}

#[tokio::test]
async fn every_golden_event_gets_its_expected_answer() {
    let mut found = BTreeMap::new();
    for (endpoint, _) in ENDPOINTS {
        for entry in fs::read_dir(repository(&format!("events/{}", endpoint.name))).unwrap() {
            let path = entry.unwrap().path();
            let event = fs::read_to_string(&path).unwrap();
            let route: Value = serde_json::from_str(&event).unwrap();
            assert_eq!(route["routeKey"], format!("{} {}", endpoint.method, endpoint.path), "{}", path.display());
            let case = format!("{}/{}", endpoint.name, path.file_stem().unwrap().to_str().unwrap());
            let (response, outcome) = answer(endpoint.name, &event).await;
            assert_eq!(response.headers()["x-request-id"], "golden-request-id", "{case}");
            found.insert(case, outcome);
        }
    }
    assert_eq!(found, expectations());
}

#[tokio::test]
async fn sec_se_09_the_address_is_the_gateways_not_a_header() {
    let event = fs::read_to_string(repository("events/login/ok.json")).unwrap();
    let event = event.replace("\"x-forwarded-for\": \"198.51.100.7\"", "\"x-forwarded-for\": \"203.0.113.99\"");
    let request = serde_json::from_str(&event).unwrap();
    assert_eq!(incoming(request).address, "198.51.100.7".parse().ok());
}

/// Whatever a client gets past the gateway: an answer, not the end of the process.
#[tokio::test]
async fn an_event_that_makes_no_uri_or_no_base64_is_answered() {
    let listing = fs::read_to_string(repository("events/sessions-list/ok.json")).unwrap();
    let (_, outcome) = answer("sessions-list", &listing.replace("limit=10", r#"limit=\"1 0\""#)).await;
    assert_eq!((outcome.status, outcome.code.as_str()), (400, "invalid_request"));
    let host = listing.replace("\"host\": \"auth.example.com\"", "\"host\": \"<no host>\"");
    assert_eq!(answer("sessions-list", &host).await.1.status, 200);
    let login = fs::read_to_string(repository("events/login/ok.json")).unwrap();
    let undecodable = login.replace("\"isBase64Encoded\": false", "\"isBase64Encoded\": true");
    let (_, outcome) = answer("login", &undecodable).await;
    assert_eq!((outcome.status, outcome.code.as_str()), (408, "body_incomplete"));
}
