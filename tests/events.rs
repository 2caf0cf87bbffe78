//! API Gateway events through each function's own path: the Lambda host, the edge, the handler.

use serde_json::Value;
use wardgate::lambda::incoming;
use wardgate_runtime_tests::golden::event;

use crate::generated::responses::{answer, signed_in};
use crate::harness::TestServer;

#[tokio::test]
async fn sec_se_09_the_address_is_the_gateways_not_a_header() {
    let event =
        event("login/ok").replace("\"x-forwarded-for\": \"198.51.100.7\"", "\"x-forwarded-for\": \"203.0.113.99\"");
    let request = serde_json::from_str(&event).unwrap();
    assert_eq!(incoming(request).address, "198.51.100.7".parse().ok());
}

/// Whatever a client gets past the gateway: an answer, not the end of the process.
#[tokio::test]
async fn an_event_that_makes_no_uri_or_no_base64_is_answered() {
    let server = TestServer::start().await;
    let signed_in = signed_in(&server).await;
    let listing = signed_in.fill(&event("sessions-list/ok"));
    let refused = answer(&server, "sessions-list", &listing.replace("limit=10", r#"limit=\"1 0\""#)).await;
    assert_eq!((status(&refused), code(&refused).as_str()), (400, "invalid_request"));
    let host = listing.replace("\"host\": \"auth.example.com\"", "\"host\": \"<no host>\"");
    assert_eq!(status(&answer(&server, "sessions-list", &host).await), 200);
    let undecodable = event("login/ok").replace("\"isBase64Encoded\": false", "\"isBase64Encoded\": true");
    let refused = answer(&server, "login", &undecodable).await;
    assert_eq!((status(&refused), code(&refused).as_str()), (400, "malformed_body"));
}

fn status(answer: &Value) -> u64 {
    answer["statusCode"].as_u64().unwrap()
}

fn code(answer: &Value) -> String {
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    body["code"].as_str().unwrap().to_owned()
}
