//! `GET /.well-known/jwks.json`

use crate::harness::TestServer;

#[tokio::test]
async fn sec_tk_05_publishes_public_members_only_and_may_be_cached() {
    let server = TestServer::start().await;
    server.store.reset();
    let answer = server.get("/.well-known/jwks.json").await;
    assert_eq!(answer.status, 200);
    assert_eq!(server.store.count(), 0);
    assert!(answer.header("cache-control").contains("max-age=300"));
    let jwks = answer.json();
    let keys = jwks["keys"].as_array().unwrap();
    assert_eq!(keys.iter().map(|key| key["alg"].as_str().unwrap()).collect::<Vec<_>>(), ["RS256", "ES256"]);
    for key in keys {
        assert_eq!(key["use"], "sig");
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key.get(private).is_none(), "{private}");
        }
    }
}

#[tokio::test]
async fn sec_tk_04_keys_leave_when_their_time_is_over() {
    let server = TestServer::start().await;
    server.clock.advance(20 * 365 * 24 * 3600);
    let answer = server.get("/.well-known/jwks.json").await;
    assert_eq!(answer.json()["keys"].as_array().unwrap().len(), 0);
}
