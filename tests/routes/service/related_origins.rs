//! `GET /.well-known/webauthn`

use serde_json::json;

use crate::harness::{EMAIL, PASSWORD, TestServer};

const RELATED: &str = "https://shop.example.de";

#[tokio::test]
async fn browsers_read_which_other_origins_may_ask_and_nothing_is_read_for_it() {
    let server = TestServer::start().await;
    server.store.reset();
    let answer = server.get("/.well-known/webauthn").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.json(), json!({ "origins": [] }));
    let listing = server.configured(|config| config.passkeys.related_origins = vec![RELATED.to_owned()]).await;
    let answer = listing.get("/.well-known/webauthn").await;
    assert_eq!(answer.json(), json!({ "origins": [RELATED] }));
    assert_eq!(server.store.count(), 0);
}

#[tokio::test]
async fn sec_mf_10_a_page_of_another_domain_may_ask_once_it_is_listed() {
    let server = TestServer::start().await;
    let mut it = server.with_passkey().await;
    it.authenticator.origin = RELATED.to_owned();
    let refused = server.passkey_login(&mut it.authenticator).await;
    assert_eq!((refused.status, refused.string("code").as_str()), (401, "invalid_passkey"));
    let listing = server.configured(|config| config.passkeys.related_origins = vec![RELATED.to_owned()]).await;
    let signed_in = listing.passkey_login(&mut it.authenticator).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.text);
    // And beside a password.
    let waiting = listing.login(EMAIL, PASSWORD).await.string("mfa_token");
    assert_eq!(listing.passkey_step(&waiting, &mut it.authenticator).await.status, 200);
}
