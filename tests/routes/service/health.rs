//! `GET /health`

use crate::harness::TestServer;
use crate::harness::store_edge::Disturbance;

#[tokio::test]
async fn healthy_with_every_dependency() {
    let server = TestServer::start().await;
    let answer = server.get("/health").await;
    assert_eq!(answer.status, 200);
    let health = answer.json();
    assert_eq!((health["status"].as_str(), health["stage"].as_str()), (Some("healthy"), Some("development")));
    assert_eq!(health["timestamp"], "2026-03-01T12:30:00Z");
    let names: Vec<_> =
        health["dependencies"].as_array().unwrap().iter().map(|d| d["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["dynamodb", "keys"]);
}

/// Nobody can sign in without either, and a health that says otherwise is believed by whoever asks from outside.
#[tokio::test]
async fn unhealthy_without_the_table() {
    let server = TestServer::start().await;
    server.store.disturb("GetItem", Disturbance::AccessDenied, 2);
    let answer = server.get("/health").await;
    assert_eq!((answer.status, answer.json()["status"].as_str()), (503, Some("unhealthy")));
    assert_eq!(answer.json()["dependencies"][1]["status"], "healthy");
}

#[tokio::test]
async fn unhealthy_without_a_key_that_signs() {
    let server = TestServer::start().await;
    std::fs::remove_file(&server.key_file).unwrap();
    server.clock.advance(2 * 24 * 3600);
    let answer = server.get("/health").await;
    assert_eq!((answer.status, answer.json()["status"].as_str()), (503, Some("unhealthy")));
    assert_eq!(answer.json()["dependencies"][0]["status"], "healthy");
}
