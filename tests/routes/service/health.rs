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

#[tokio::test]
async fn degraded_without_the_table_unhealthy_without_anything() {
    let server = TestServer::start().await;
    server.store.disturb("GetItem", Disturbance::AccessDenied, 2);
    let answer = server.get("/health").await;
    assert_eq!((answer.status, answer.json()["status"].as_str()), (200, Some("degraded")));
    std::fs::remove_file(&server.key_file).unwrap();
    server.clock.advance(2 * 24 * 3600);
    let answer = server.get("/health").await;
    assert_eq!((answer.status, answer.json()["status"].as_str()), (503, Some("unhealthy")));
}
