//! `POST /v1/mfa/recovery-codes`.

use reqwest::Method;
use serde_json::Value;

use crate::harness::{Answer, EMAIL, TestServer};
use crate::permissions::observer::{Observer, expect};

/// Every branch that asks something of AWS: `make generate` makes the function's role of what it sees.
pub async fn drive(observer: &mut Observer) {
    let access = observer.server.with_second_factor().await.access();
    observer.see("mfa-recovery-codes", async |it| expect(made(it, &access).await.status, 200)).await;
}

async fn made(server: &TestServer, access: &str) -> Answer {
    server.mfa(access, Method::POST, "/recovery-codes", &Value::Null).await
}

#[tokio::test]
async fn sec_mf_06_new_codes_are_shown_once_and_end_those_before() {
    let server = TestServer::start().await;
    let factor = server.with_second_factor().await;
    let waiting = server.first_step().await;
    let answer = made(&server, &factor.access()).await;
    let codes: Vec<String> = serde_json::from_value(answer.json()["recovery_codes"].clone()).unwrap();
    assert_eq!((answer.status, codes.len()), (200, 10), "{}", answer.text);
    assert!(server.newest_mail(EMAIL).await.text.contains("New recovery codes were made"));
    for old in &factor.recovery_codes {
        let token = server.first_step().await;
        let answer = server.second_step(&token, "recovery_code", old).await;
        assert!([401, 429].contains(&answer.status), "{}", answer.status);
        server.clock.advance(60);
    }
    server.clock.advance(60);
    let token = server.first_step().await;
    assert_eq!(server.second_step(&token, "recovery_code", &codes[0]).await.status, 200);
    assert_eq!(
        server.second_step(&waiting, "recovery_code", &codes[1]).await.status,
        401,
        "it is too late for that one"
    );
}

#[tokio::test]
async fn sec_mf_06_there_are_none_without_a_factor() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    let answer = made(&server, &access).await;
    assert_eq!((answer.status, answer.string("code").as_str()), (409, "no_second_factor"));
}
