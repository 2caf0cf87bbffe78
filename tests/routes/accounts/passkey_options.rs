//! `POST /v1/passkeys/registration/options`.

use reqwest::Method;
use serde_json::json;

use crate::harness::{EMAIL, TestServer};
use crate::permissions::observer::{Observer, expect};
use crate::routes::accounts::passkey_add::asked;

const PATH: &str = "/v1/passkeys/registration/options";

/// Every branch that asks something of AWS: `make generate` makes the function's role of what it sees.
pub async fn drive(observer: &mut Observer) {
    let it = observer.server.with_passkey().await;
    observer
        .see("passkey-options", async |server| {
            expect(server.as_bearer(Method::POST, PATH, &it.access()).await.status, 200);
        })
        .await;
}

#[tokio::test]
async fn sec_mf_12_the_options_name_the_account_and_leave_out_what_it_has() {
    let server = TestServer::start().await;
    let it = server.with_passkey().await;
    let options = asked(&server, &it.access()).await;
    assert_eq!(options["rp"], json!({ "id": "localhost", "name": server.app.config.service.name }));
    assert_eq!((&options["user"]["name"], &options["attestation"]), (&json!(EMAIL), &json!("none")));
    let algorithms: Vec<_> =
        options["pubKeyCredParams"].as_array().unwrap().iter().map(|it| it["alg"].clone()).collect();
    assert_eq!(algorithms, [-7, -8, -257]);
    assert_eq!(options["excludeCredentials"].as_array().unwrap().len(), 1, "{options}");
    assert!(!options["user"]["id"].as_str().unwrap().contains("ada"), "{options}");
}

#[tokio::test]
async fn sec_mf_08_no_passkey_without_a_verified_address_and_a_recent_sign_in() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    let unverified = server.as_bearer(Method::POST, PATH, &access).await;
    assert_eq!((unverified.status, unverified.string("code").as_str()), (409, "email_not_verified"));
    server.verify_directly(EMAIL).await;
    assert_eq!(server.as_bearer(Method::POST, PATH, &access).await.status, 200);
    server.clock.advance(301);
    let stale = server.as_bearer(Method::POST, PATH, &access).await;
    assert_eq!(stale.status, 401, "{}", stale.text);
}

#[tokio::test]
async fn sec_mf_13_an_account_has_no_more_than_twenty() {
    let server = TestServer::start().await;
    let it = server.with_passkey().await;
    for _ in 1..20 {
        server.add_passkey(&it.access(), &mut server.authenticator()).await;
    }
    let full = server.as_bearer(Method::POST, PATH, &it.access()).await;
    assert_eq!((full.status, full.string("code").as_str()), (409, "too_many_passkeys"), "{}", full.text);
}
