//! `DELETE /v1/passkeys/{id}`.

use reqwest::Method;

use crate::harness::{Answer, EMAIL, PASSWORD, TABLE, TestServer};
use crate::permissions::observer::{Observer, expect};

/// Every branch that asks something of AWS: `make generate` makes the function's role of what it sees.
pub async fn drive(observer: &mut Observer) {
    let it = observer.server.with_passkey().await;
    for status in [204, 404] {
        observer
            .see("passkey-remove", async |server| expect(remove(server, &it.access(), &it.id).await.status, status))
            .await;
    }
}

async fn remove(server: &TestServer, access: &str, id: &str) -> Answer {
    server.as_bearer(Method::DELETE, &format!("/v1/passkeys/{id}"), access).await
}

#[tokio::test]
async fn sec_mf_01_without_its_last_passkey_an_account_asks_for_the_password_alone() {
    let server = TestServer::start().await;
    let mut it = server.with_passkey().await;
    let mut other = server.authenticator();
    let (second, _) = server.add_passkey(&it.access(), &mut other).await;
    let waiting = server.first_step().await;
    let credential = it.authenticator.get(&server.second_step_options(&waiting).await);
    assert_eq!(remove(&server, &it.access(), &it.id).await.status, 204);
    assert!(server.newest_mail(EMAIL).await.text.contains("A passkey was removed"));
    let refused = server.show_passkey(&waiting, &credential).await;
    assert_eq!((refused.status, refused.string("code").as_str()), (401, "invalid_second_factor"), "{}", refused.text);
    let token = server.first_step().await;
    assert_eq!(server.passkey_step(&token, &mut other).await.status, 200, "the other one stays");
    assert_eq!(remove(&server, &it.access(), &second).await.status, 204);
    let items = server.items(TABLE, "USER#").await;
    assert!(!items.iter().any(|item| item["sk"].as_s().unwrap().starts_with("FACTOR#")), "the recovery codes go, too");
    assert_eq!(server.items(TABLE, "PASSKEY#").await.len(), 0);
    assert_eq!(server.login(EMAIL, PASSWORD).await.string("status"), "signed_in");
    let gone = remove(&server, &it.access(), &second).await;
    assert_eq!((gone.status, gone.string("code").as_str()), (404, "not_found"));
}

#[tokio::test]
async fn sec_mf_02_a_sign_in_whose_passkey_is_taken_away_meanwhile_gives_no_session() {
    let server = TestServer::start().await;
    let mut it = server.with_passkey().await;
    let token = server.first_step().await;
    let credential = it.authenticator.get(&server.second_step_options(&token).await);
    let held = server.store.hold("TransactWriteItems");
    let (late, ()) = tokio::join!(server.show_passkey(&token, &credential), async {
        held.reached().await;
        let elsewhere = server.beside_itself().await;
        assert_eq!(remove(&elsewhere, &it.access(), &it.id).await.status, 204);
        held.release();
    });
    assert_eq!((late.status, late.string("code").as_str()), (401, "invalid_token"), "{}", late.text);
}

#[tokio::test]
async fn sec_mf_07_taking_a_passkey_away_needs_every_factor_just_now() {
    let server = TestServer::start().await;
    let it = server.with_passkey().await;
    server.clock.advance(301);
    let access = server.refresh(&it.session.string("refresh_token")).await.string("access_token");
    assert_eq!(remove(&server, &access, &it.id).await.status, 401);
}
