//! `DELETE /v1/mfa/totp`.

use reqwest::Method;
use serde_json::Value;

use crate::harness::{Answer, EMAIL, PASSWORD, TABLE, TestServer};
use crate::permissions::observer::{Observer, expect};

/// Every branch that asks something of AWS: `make generate` makes the function's role of what it sees.
pub async fn drive(observer: &mut Observer) {
    let access = observer.server.with_second_factor().await.access();
    for status in [204, 404] {
        observer.see("mfa-totp-remove", async |it| expect(remove(it, &access).await.status, status)).await;
    }
}

async fn remove(server: &TestServer, access: &str) -> Answer {
    server.mfa(access, Method::DELETE, "/totp", &Value::Null).await
}

#[tokio::test]
async fn sec_mf_01_without_its_last_factor_an_account_asks_for_the_password_alone() {
    let server = TestServer::start().await;
    let factor = server.with_second_factor().await;
    let waiting = server.first_step().await;
    assert_eq!(remove(&server, &factor.access()).await.status, 204);
    assert!(server.newest_mail(EMAIL).await.text.contains("The authenticator app was removed"));
    let items = server.items(TABLE, "USER#").await;
    assert!(!items.iter().any(|item| item["sk"].as_s().unwrap().starts_with("FACTOR#")), "the recovery codes go, too");
    assert_eq!(server.login(EMAIL, PASSWORD).await.string("status"), "signed_in");
    for (method, code) in [("totp", server.code_of(&factor.app)), ("recovery_code", factor.recovery_codes[0].clone())] {
        assert_eq!(server.second_step(&waiting, method, &code).await.status, 401, "{method}");
    }
    let gone = remove(&server, &factor.access()).await;
    assert_eq!((gone.status, gone.string("code").as_str()), (404, "not_found"));
    // Another one begins anew, with codes of its own.
    let next = server.with_second_factor().await;
    assert_eq!(next.recovery_codes.len(), 10);
    let token = server.first_step().await;
    assert_eq!(server.second_step(&token, "recovery_code", &factor.recovery_codes[0]).await.status, 401);
    assert_eq!(server.second_step(&token, "recovery_code", &next.recovery_codes[0]).await.status, 200);
}

/// The second step has judged the code, and commits after the app is gone.
#[tokio::test]
async fn sec_mf_02_a_sign_in_whose_factor_is_taken_away_meanwhile_gives_no_session() {
    let server = TestServer::start().await;
    let factor = server.with_second_factor().await;
    let token = server.first_step().await;
    let held = server.store.hold("TransactWriteItems");
    let code = server.code_of(&factor.app);
    let (late, ()) = tokio::join!(server.second_step(&token, "totp", &code), async {
        held.reached().await;
        let elsewhere = server.beside_itself().await;
        assert_eq!(remove(&elsewhere, &factor.access()).await.status, 204);
        held.release();
    });
    assert_eq!((late.status, late.string("code").as_str()), (401, "invalid_token"), "{}", late.text);
}
