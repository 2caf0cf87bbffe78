//! API Gateway events through each function's own path: the Lambda host, the edge, the handler.

use serde_json::Value;
use wardgate::clock::Pause;
use wardgate::http::edge;
use wardgate::lambda::{incoming, reply};
use wardgate_runtime_tests::golden::{SETTINGS, SignedIn, cases, event, registration};
use wardgate_server::endpoints::ENDPOINTS;

use crate::harness::TestServer;
use crate::migrations::ByClock;

/// What API Gateway would get.
async fn answer(server: &TestServer, function: &str, event: &str) -> Value {
    let (endpoint, _) = ENDPOINTS.iter().find(|(endpoint, _)| endpoint.name == function).unwrap();
    let request = serde_json::from_str(event).unwrap();
    let response = edge::respond(&server.app, endpoint, incoming(request)).await;
    serde_json::to_value(reply(response)).unwrap()
}

/// Registers the user of `events/login` and signs in.
async fn signed_in(server: &TestServer) -> SignedIn {
    answer(server, "register", &registration()).await;
    SignedIn::of(&answer(server, "login", &event("login/ok")).await)
}

#[tokio::test]
async fn every_golden_event_gets_its_response() {
    for (endpoint, _) in ENDPOINTS.iter() {
        for case in cases(endpoint.name) {
            let sent: Value = serde_json::from_str(&case.event).unwrap();
            assert!(endpoint.routes.iter().any(|route| sent["routeKey"] == route.to_string()), "{}", case.name);
            let server = TestServer::with(&SETTINGS).await;
            let send = async |function: &str, event: String| {
                let answer = answer(&server, function, &event).await;
                server.step();
                answer
            };
            let newest_mail = async |to: &str| server.newest_mail(to).await.text;
            let signed_in = signed_in(&server).await;
            // What happens in one millisecond has no order.
            server.step();
            let sent = signed_in.fill_with_links(&case.event, &send, &newest_mail).await;
            case.check(answer(&server, endpoint.name, &sent).await);
        }
    }
}

#[tokio::test]
async fn the_golden_event_of_the_eraser_gets_its_response() {
    let server = TestServer::with(&SETTINGS).await;
    for case in cases("eraser") {
        let event = serde_json::from_str(&case.event).unwrap();
        let erased = (eraser::FUNCTION.handler)(&server.app, &(), event).await.unwrap();
        case.check(serde_json::to_value(erased).unwrap());
    }
}

#[tokio::test]
async fn the_golden_events_of_the_audit_watch_get_their_responses() {
    let server = TestServer::with(&SETTINGS).await;
    for case in cases("audit-watch") {
        let event = serde_json::from_str(&case.event).unwrap();
        let watched = (audit_watch::FUNCTION.handler)(&server.app, &(), event).await.unwrap();
        case.check(serde_json::to_value(watched).unwrap());
    }
}

#[tokio::test]
async fn the_golden_events_of_migrate_get_their_responses() {
    for case in cases("migrate") {
        let server = TestServer::with(&SETTINGS).await;
        signed_in(&server).await;
        let pause: Box<dyn Pause> = Box::new(ByClock(server.clock.clone()));
        let event = serde_json::from_str(&case.event).unwrap();
        let answer = (migrate::FUNCTION.handler)(&server.app, &pause, event).await.unwrap();
        case.check(serde_json::to_value(answer).unwrap());
    }
}

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
