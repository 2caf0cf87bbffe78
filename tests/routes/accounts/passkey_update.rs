//! `PATCH /v1/passkeys/{id}`.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Answer, PASSWORD, TestServer};
use crate::permissions::observer::{Observer, expect};

/// Every branch that asks something of AWS: `make generate` makes the function's role of what it sees.
pub async fn drive(observer: &mut Observer) {
    let it = observer.server.with_passkey().await;
    observer
        .see("passkey-update", async |server| expect(rename(server, &it.access(), &it.id, "Key").await.status, 200))
        .await;
}

async fn rename(server: &TestServer, access: &str, id: &str, name: &str) -> Answer {
    let request = server.request(Method::PATCH, &format!("/v1/passkeys/{id}")).bearer_auth(access);
    server.send(request.json(&json!({ "name": name }))).await
}

#[tokio::test]
async fn a_person_calls_a_passkey_what_they_like() {
    let server = TestServer::start().await;
    let it = server.with_passkey().await;
    // That the session lives is enough: a name opens nothing.
    server.clock.advance(301);
    let access = server.refresh(&it.session.string("refresh_token")).await.string("access_token");
    let renamed = rename(&server, &access, &it.id, " The blue key ").await;
    assert_eq!((renamed.status, renamed.string("name").as_str()), (200, "The blue key"), "{}", renamed.text);
    let mfa = server.as_bearer(Method::GET, "/v1/mfa", &access).await.json();
    assert_eq!(mfa["passkeys"][0]["name"], "The blue key");
    assert_eq!(rename(&server, &access, &it.id, "").await.status, 400);
    let activity = server.as_bearer(Method::GET, "/v1/me/activity", &access).await.text;
    assert!(activity.contains("\"passkey_renamed\"") && !activity.contains("blue"), "{activity}");
}

#[tokio::test]
async fn nobody_renames_a_passkey_of_somebody_else() {
    let server = TestServer::start().await;
    let it = server.with_passkey().await;
    server.register("grace@example.com", PASSWORD).await;
    let other = server.login("grace@example.com", PASSWORD).await.string("access_token");
    for (access, id) in [(&other, it.id.as_str()), (&it.access(), "fac_00000000000000000000000000"), (&other, "x")] {
        let refused = rename(&server, access, id, "Mine").await;
        assert_eq!((refused.status, refused.string("code").as_str()), (404, "not_found"), "{id}");
    }
    assert_eq!(rename(&server, "", &it.id, "Mine").await.status, 401);
}
