//! `GET /v1/mfa`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::TestServer;
use crate::permissions::observer::{Observer, expect};

/// Every branch that asks something of AWS: `make generate` makes the function's role of what it sees.
pub async fn drive(observer: &mut Observer) {
    let access = observer.server.signed_in().await.string("access_token");
    observer.see("mfa-show", async |it| expect(it.as_bearer(Method::GET, "/v1/mfa", &access).await.status, 200)).await;
    let access = observer.server.with_second_factor().await.access();
    observer.server.add_passkey(&access, &mut observer.server.authenticator()).await;
    observer.see("mfa-show", async |it| expect(it.as_bearer(Method::GET, "/v1/mfa", &access).await.status, 200)).await;
}

#[tokio::test]
async fn sec_mf_06_a_person_reads_what_there_is_and_nothing_that_opens_anything() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    let none = server.as_bearer(Method::GET, "/v1/mfa", &access).await.json();
    let expected = json!({
        "second_factor": false, "level": 1, "totp": null, "passkeys": [], "recovery_codes": null, "factor_loss": null,
    });
    assert_eq!(none, expected);
    let factor = server.with_second_factor().await;
    let shown = server.as_bearer(Method::GET, "/v1/mfa", &factor.access()).await;
    let at = "2026-03-01T12:30:00Z";
    let expected = json!({
        "second_factor": true, "level": 2,
        "totp": { "created_at": at }, "passkeys": [], "recovery_codes": { "left": 10, "created_at": at }, "factor_loss": null,
    });
    assert_eq!(shown.json(), expected, "{}", shown.text);
    let token = server.first_step().await;
    server.second_step(&token, "recovery_code", &factor.recovery_codes[0]).await;
    let left = server.as_bearer(Method::GET, "/v1/mfa", &factor.access()).await.json();
    assert_eq!(left["recovery_codes"]["left"], 9);
    assert_eq!(server.mfa("", Method::GET, "", &Value::Null).await.status, 401);
}
