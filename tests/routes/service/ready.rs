//! `GET /ready`

use crate::harness::TestServer;
use crate::harness::store_edge::Disturbance;

#[tokio::test]
async fn ready_with_table_and_keys_only() {
    let server = TestServer::start().await;
    assert_eq!(server.get("/ready").await.status, 200);
    server.store.disturb("GetItem", Disturbance::AccessDenied, 1);
    let answer = server.get("/ready").await;
    assert_eq!(answer.status, 503);
    assert!(!answer.header("retry-after").is_empty());
}

#[tokio::test]
async fn not_ready_before_a_ring_exists_or_signs() {
    let server = TestServer::start().await;
    let keys = std::fs::read_to_string(&server.key_file).unwrap();
    std::fs::remove_file(&server.key_file).unwrap();
    assert_eq!(server.get("/ready").await.status, 503);
    let mut without_keys: serde_json::Value = serde_json::from_str(&keys).unwrap();
    without_keys["public_keys"]["keys"] = serde_json::json!([]);
    std::fs::write(&server.key_file, without_keys.to_string()).unwrap();
    assert_eq!(server.get("/ready").await.status, 503);
    server.clock.advance(601);
    std::fs::write(&server.key_file, keys).unwrap();
    assert_eq!(server.get("/ready").await.status, 200);
}
