//! `GET /.well-known/openid-configuration`

use reqwest::Method;

use crate::harness::TestServer;

#[tokio::test]
async fn names_only_endpoints_that_exist() {
    let server = TestServer::start().await;
    let answer = server.get("/.well-known/openid-configuration").await;
    assert_eq!(answer.status, 200);
    let metadata = answer.json();
    assert_eq!(metadata["issuer"], server.base);
    for (name, value) in metadata.as_object().unwrap() {
        if let Some(path) = value.as_str().filter(|_| name != "issuer").and_then(|url| url.strip_prefix(&server.base)) {
            // Without what it needs it refuses, and says that it is there.
            let status = server.get(path).await.status;
            let methods = server.send(server.request(Method::PUT, path)).await.header("allow").to_owned();
            assert!(status != 404 && !methods.is_empty(), "{name}: {status} {methods}");
        }
    }
}

/// OAuth clients ask at the other path (RFC 8414).
#[tokio::test]
async fn sec_oc_03_both_documents_are_the_same() {
    let server = TestServer::start().await;
    let connect = server.get("/.well-known/openid-configuration").await;
    let oauth = server.get("/.well-known/oauth-authorization-server").await;
    assert_eq!((oauth.status, oauth.header("content-type")), (200, "application/json"));
    assert_eq!(connect.text, oauth.text);
}
