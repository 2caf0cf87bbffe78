//! Behind an edge: what came through it is answered, everything else is refused (ED-01, ED-02).

use http::Method;
use serde_json::{Value, json};
use wardgate::domain::hex;
use wardgate::http::edge;
use wardgate::lambda::{incoming, reply};
use wardgate_server::endpoints::ENDPOINTS;

use crate::harness::{EMAIL, PASSWORD, TestServer};

const SECRET: &str = "a-secret-of-the-edge-that-is-in-no-log";
const NEXT: &str = "the-next-secret-of-the-edge";

fn digests() -> String {
    let digest = |secret: &str| hex(ring::digest::digest(&ring::digest::SHA256, secret.as_bytes()).as_ref());
    json!([digest(SECRET), digest(NEXT)]).to_string()
}

async fn server() -> TestServer {
    TestServer::with(&[("AUTH__HTTP__EDGE_DIGESTS", &digests())]).await
}

#[tokio::test]
async fn sec_ed_01_every_route_refuses_what_came_around_the_edge_before_its_body() {
    let server = server().await;
    for (endpoint, _) in ENDPOINTS.iter() {
        let path = endpoint.path().replace("{id}", "ses_00000000000000000000000000").replace("{page}", "keep-account");
        let path = path.replace("{proxy+}", "health");
        for secret in [None, Some("another")] {
            let request = server.request(endpoint.method().clone(), &path).body("x".repeat(edge::MAX_BODY + 1));
            let request = secret.iter().fold(request, |request, it| request.header("x-wardgate-edge", *it));
            let answer = server.send(request).await;
            assert_eq!(answer.status, 403, "{}", endpoint.name);
            assert_eq!(answer.json()["code"], "edge_only", "{}", endpoint.name);
        }
    }
}

#[tokio::test]
async fn sec_ed_01_sec_ed_02_behind_either_secret_a_request_is_answered_and_counts_for_its_viewer() {
    let server = server().await;
    let body = json!({ "email": EMAIL, "password": PASSWORD });
    let registering = server.request(Method::POST, "/v1/register").header("x-wardgate-edge", SECRET).json(&body);
    assert_eq!(server.send(registering).await.status, 202);
    server.verify_directly(EMAIL).await;
    for (secret, viewer) in [(SECRET, "203.0.113.7"), (NEXT, "2001:db8::7")] {
        let through = |request: reqwest::RequestBuilder| {
            request.header("x-wardgate-edge", secret).header("x-wardgate-viewer-address", viewer)
        };
        let request = through(server.request(Method::POST, "/v1/login")).header("x-forwarded-for", "198.51.100.9");
        let access = server.send(request.json(&body)).await.string("access_token");
        let listing = through(server.request(Method::GET, "/v1/sessions")).bearer_auth(access);
        let sessions = server.send(listing).await.json();
        let items = sessions["items"].as_array().unwrap();
        assert!(items.iter().any(|session| session["address"] == viewer), "{sessions}");
    }
}

/// The gateway's own id, and the one that only `lambda:InvokeFunction` can make up (PL-08).
#[tokio::test]
async fn sec_ed_01_a_function_refuses_what_a_gateway_had_and_no_edge_but_not_the_smoke_test() {
    let server = server().await;
    let (endpoint, _) = ENDPOINTS.iter().find(|(endpoint, _)| endpoint.name == "health").unwrap();
    let event: Value = serde_json::from_str(include_str!("../events/health/ok.json")).unwrap();
    for (api, header, expected) in
        [("abcdefghij", None, 403), ("abcdefghij", Some(SECRET), 200), ("smoke", None, 200), ("smoke2", None, 403)]
    {
        let mut event = event.clone();
        event["requestContext"]["apiId"] = json!(api);
        if let Some(secret) = header {
            event["headers"]["x-wardgate-edge"] = json!(secret);
        }
        // What a client writes itself is in the header fields, which are not where the gateway's id is.
        event["headers"]["apiid"] = json!("smoke");
        let response = edge::respond(&server.app, endpoint, incoming(serde_json::from_value(event).unwrap())).await;
        let answer = serde_json::to_value(reply(response)).unwrap();
        assert_eq!(answer["statusCode"], expected, "{api}");
        assert!(!answer.to_string().contains(SECRET));
    }
}

/// While a service moves behind its edge, clients come by both ways, and only one of these says whose address it is.
#[tokio::test]
async fn sec_ed_02_beside_the_edge_a_client_is_answered_and_cannot_choose_its_address() {
    let digests = digests();
    let beside = [
        ("AUTH__HTTP__EDGE_DIGESTS", digests.as_str()),
        ("AUTH__HTTP__EDGE_ONLY", "false"),
        ("AUTH__LIMITS__LOGIN_SOURCE__LIMIT", "2"),
    ];
    let server = TestServer::with(&beside).await;
    let body = json!({ "email": EMAIL, "password": PASSWORD });
    for (viewer, secret, expected) in [
        ("203.0.113.1", None, 401),
        ("203.0.113.2", Some("another"), 401),
        ("203.0.113.3", None, 429),
        ("203.0.113.3", Some(SECRET), 401),
    ] {
        let request = server.request(Method::POST, "/v1/login").header("x-wardgate-viewer-address", viewer).json(&body);
        let request = secret.iter().fold(request, |request, it| request.header("x-wardgate-edge", *it));
        assert_eq!(server.send(request).await.status, expected, "{viewer}");
    }
}
