//! `POST /v1/step-up/options`, and a step-up by a passkey.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::applications::claims;
use crate::harness::{Answer, PASSWORD, TestServer};
use crate::permissions::observer::{Observer, expect};

const PATH: &str = "/v1/step-up/options";

/// Every branch that asks something of AWS: `make generate` makes the function's role of what it sees.
pub async fn drive(observer: &mut Observer) {
    let access = observer.server.signed_in().await.string("access_token");
    observer
        .see("step-up-options", async |it| expect(it.as_bearer(Method::POST, PATH, &access).await.status, 200))
        .await;
    let mut it = observer.server.with_passkey_of(crate::harness::EMAIL, observer.server.authenticator()).await;
    let mut options = Value::Null;
    observer.see("step-up-options", async |server| options = asked(server, &it.access()).await).await;
    let credential = it.authenticator.get(&options);
    observer.see("step-up", async |server| expect(show(server, &it.access(), &credential).await.status, 200)).await;
}

/// What an authenticator is asked.
async fn asked(server: &TestServer, access: &str) -> Value {
    server.as_bearer(Method::POST, PATH, access).await.json()["passkey"]["publicKey"].clone()
}

async fn show(server: &TestServer, access: &str, credential: &Value) -> Answer {
    let shown = json!({ "password": PASSWORD, "method": "passkey", "credential": credential });
    server.step_up_with(access, &shown).await
}

#[tokio::test]
async fn sec_mf_07_with_the_password_a_passkey_shows_again_who_one_is() {
    let server = TestServer::start().await;
    let mut it = server.with_passkey().await;
    server.clock.advance(301);
    let refreshed = server.refresh(&it.session.string("refresh_token")).await;
    let access = refreshed.string("access_token");
    let export = async |access: &str| server.as_bearer(Method::GET, "/v1/me/export", access).await;
    let refused = export(&access).await;
    assert_eq!((refused.status, &refused.json()["methods"]), (401, &json!(["passkey", "recovery_code"])));
    let options = server.as_bearer(Method::POST, PATH, &access).await.json();
    assert_eq!((&options["level"], &options["methods"]), (&json!(2), &json!(["passkey", "recovery_code"])));
    let stepped = show(&server, &access, &it.authenticator.get(&options["passkey"]["publicKey"])).await;
    assert_eq!((stepped.status, stepped.string("acr").as_str()), (200, "phr"), "{}", stepped.text);
    assert_eq!(claims(&stepped.string("access_token"))["amr"], json!(["pwd", "pop", "user", "mfa"]));
    assert_eq!(export(&stepped.string("access_token")).await.status, 200);
}

#[tokio::test]
async fn sec_mf_15_thirty_answers_to_one_challenge_step_up_once_and_in_no_other_session() {
    let server = TestServer::start().await;
    let mut it = server.with_passkey().await;
    let token = server.first_step().await;
    let other = server.passkey_step(&token, &mut it.authenticator).await.string("access_token");
    let credential = it.authenticator.get(&asked(&server, &it.access()).await);
    assert_eq!(show(&server, &other, &credential).await.status, 401, "of another session");
    let access = it.access();
    let answers = join_all((0..30).map(|_| show(&server, &access, &credential))).await;
    let stepped = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(stepped, 1, "{:?}", answers.iter().map(|it| it.status).collect::<Vec<_>>());
    let again = show(&server, &access, &credential).await;
    assert!([401, 429].contains(&again.status), "{}", again.text);
}

#[tokio::test]
async fn who_has_no_second_factor_is_told_so() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    let options = server.as_bearer(Method::POST, PATH, &access).await;
    assert_eq!(options.json(), json!({ "level": 1, "has_password": true, "methods": [], "passkey": null }));
    assert_eq!(server.send(server.request(Method::POST, PATH)).await.status, 401);
}
