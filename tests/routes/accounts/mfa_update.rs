//! `PATCH /v1/mfa`.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Answer, EMAIL, PASSWORD, TestServer};
use crate::permissions::observer::{Observer, expect};

/// Every branch that asks something of AWS: `make generate` makes the function's role of what it sees.
pub async fn drive(observer: &mut Observer) {
    let access = observer.server.signed_in().await.string("access_token");
    observer.see("mfa-update", async |it| expect(set(it, &access, false).await.status, 409)).await;
    let access = observer.server.with_second_factor().await.access();
    observer.server.add_passkey(&access, &mut observer.server.authenticator()).await;
    for asked in [false, true, true] {
        observer.see("mfa-update", async |it| expect(set(it, &access, asked).await.status, 200)).await;
    }
}

async fn set(server: &TestServer, access: &str, asked: bool) -> Answer {
    server.mfa(access, Method::PATCH, "", &json!({ "second_factor": asked })).await
}

#[tokio::test]
async fn sec_mf_07_an_owner_says_whether_sign_ins_ask_and_what_is_delicate_asks_in_any_case() {
    let server = TestServer::start().await;
    let factor = server.with_second_factor().await;
    let access = factor.access();
    let off = set(&server, &access, false).await;
    assert_eq!((off.status, &off.json()["second_factor"], &off.json()["level"]), (200, &json!(false), &json!(2)));
    assert!(server.newest_mail(EMAIL).await.text.contains("no longer asks for a second factor"));
    let signed_in = server.login(EMAIL, PASSWORD).await;
    assert_eq!(signed_in.string("status"), "signed_in", "the password alone, as its owner wished");
    let alone = signed_in.string("access_token");
    for refused in [
        server.as_bearer(Method::GET, "/v1/me/export", &alone).await,
        set(&server, &alone, true).await,
        server.as_bearer(Method::POST, "/v1/mfa/totp", &alone).await,
        server.as_bearer(Method::DELETE, "/v1/mfa/totp", &alone).await,
        server.as_bearer(Method::POST, "/v1/mfa/recovery-codes", &alone).await,
    ] {
        assert_eq!((refused.status, refused.string("code").as_str()), (401, "insufficient_user_authentication"));
        assert_eq!(refused.json()["methods"], json!(["totp", "recovery_code"]));
    }
    let mails = server.mails(EMAIL).await.len();
    assert_eq!(set(&server, &access, false).await.status, 200);
    assert_eq!(server.mails(EMAIL).await.len(), mails, "nothing has changed, and nobody is told of it");
    assert_eq!(set(&server, &access, true).await.json()["second_factor"], true);
    server.first_step().await;
    let malformed = server.mfa(&access, Method::PATCH, "", &json!({ "second_factor": "on" })).await;
    assert_eq!(malformed.status, 400);
}

#[tokio::test]
async fn sec_mf_01_there_is_nothing_to_ask_for_without_a_factor() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    for asked in [true, false] {
        let answer = set(&server, &access, asked).await;
        assert_eq!((answer.status, answer.string("code").as_str()), (409, "no_second_factor"));
    }
}

/// Two changes that have read the same.
#[tokio::test]
async fn sec_mf_01_of_two_changes_at_once_one_is_told_that_the_other_was_faster() {
    let server = TestServer::start().await;
    let factor = server.with_second_factor().await;
    let held = server.store.hold("TransactWriteItems");
    let access = factor.access();
    let (late, ()) = tokio::join!(set(&server, &access, false), async {
        held.reached().await;
        let elsewhere = server.beside_itself().await;
        let codes = elsewhere.as_bearer(Method::POST, "/v1/mfa/recovery-codes", &access).await;
        assert_eq!(codes.status, 200, "{}", codes.text);
        held.release();
    });
    assert_eq!((late.status, late.string("code").as_str()), (409, "changed_meanwhile"), "{}", late.text);
}
