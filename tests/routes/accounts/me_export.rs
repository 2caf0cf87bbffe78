//! `GET /v1/me/export`

use aws_sdk_dynamodb::types::AttributeValue;
use reqwest::Method;
use serde_json::{Value, json};
use wardgate::domain::email::Email;
use wardgate::domain::one_time::Purpose;
use wardgate::use_cases::accounts::password_forgot::password_forgot;

use crate::harness::{AUDIT_TABLE, EMAIL, PASSWORD, TABLE, TestServer};

fn partition() -> String {
    format!("EMAIL#{}", Email::parse(EMAIL).unwrap().key().as_str())
}

/// A device as signing in makes them.
async fn add_device(server: &TestServer) {
    let now = AttributeValue::N(server.context().now.millis().to_string());
    for (name, value) in [
        ("id", AttributeValue::S("dev_1".to_owned())),
        ("secret_hash", AttributeValue::S("s3cret-hash".to_owned())),
        ("created_at", now.clone()),
        ("last_at", now.clone()),
        ("expires_at", now.clone()),
    ] {
        server.set_attribute(&partition(), "DEVICE#dev_1", name, value).await;
    }
}

#[tokio::test]
async fn has_all_that_is_held_and_nothing_secret() {
    let server = TestServer::start().await;
    let body = json!({ "email": EMAIL, "password": PASSWORD, "name": "Ada Lovelace" });
    server.post("/v1/register", &body).await;
    server.post("/v1/register", &body).await;
    let ended = server.login(EMAIL, PASSWORD).await;
    server.as_bearer(Method::POST, "/v1/logout", &ended.string("access_token")).await;
    password_forgot(&server.app, &server.context(), &Email::parse(EMAIL).unwrap(), None).await.unwrap();
    server.last_mailed(EMAIL, Purpose::PasswordReset).await;
    add_device(&server).await;
    let live = server.login(EMAIL, PASSWORD).await;

    let answer = server.as_bearer(Method::GET, "/v1/me/export", &live.string("access_token")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-disposition"), r#"attachment; filename="account.json""#);
    assert_eq!(answer.header("cache-control"), "no-store");
    let export = answer.json();
    assert_eq!(export["complete"], true);
    assert_eq!(export["profile"]["name"], "Ada Lovelace");
    let address = &export["addresses"][0];
    assert_eq!((&address["address"], &address["has_password"]), (&json!(EMAIL), &json!(true)));
    let devices = address["devices"].as_array().unwrap();
    assert!(devices.iter().any(|device| device["id"] == "dev_1"), "{devices:?}");
    assert_eq!(address["mails"][0]["purpose"], "password_reset");
    assert_eq!(address["registrations"][0]["name"], "Ada Lovelace");
    let sessions = export["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2, "ended ones too");
    assert!(sessions.iter().any(|session| session["ended_at"] != Value::Null));
    let actions: Vec<&str> =
        export["activity"].as_array().unwrap().iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(actions.len(), 4);
    for action in ["exported", "session_ended", "signed_in"] {
        assert!(actions.contains(&action), "{actions:?}");
    }

    // No attribute that could open anything, and no value of one.
    let mut secrets = vec![PASSWORD.to_owned(), "s3cret".to_owned(), live.string("refresh_token")];
    for item in server.items(TABLE, "").await {
        for name in ["nonce", "secret_hash", "flow_hash", "mac_kid", "email_key"] {
            secrets.extend(item.get(name).map(|value| value.as_s().unwrap().clone()));
        }
    }
    assert!(secrets.len() > 8, "{}", secrets.len());
    for secret in secrets {
        assert!(!answer.text.contains(&format!("\"{secret}\"")), "{secret}");
    }
    for name in ["hash\"", "nonce", "secret", "sealed", "kid", "token"] {
        assert!(!answer.text.contains(name), "{name}: {}", answer.text);
    }
}

#[tokio::test]
async fn former_addresses_are_in_it_while_they_are_kept_and_nobody_elses_affairs() {
    let server = TestServer::start().await;
    let signed_in = server.signed_in().await;
    let me = server.as_bearer(Method::GET, "/v1/me", &signed_in.string("access_token")).await.string("id");
    server.register("eve@example.com", PASSWORD).await;
    let (kept, taken) =
        (Email::parse("old@example.com").unwrap().key(), Email::parse("eve@example.com").unwrap().key());
    let former = [&kept, &taken].map(|key| {
        AttributeValue::M(
            [
                ("email_key".to_owned(), AttributeValue::S(key.as_str().to_owned())),
                ("reserved_until".to_owned(), AttributeValue::N("1772972999000".to_owned())),
            ]
            .into(),
        )
    });
    server
        .set_attribute(&format!("USER#{me}"), "PROFILE", "former_addresses", AttributeValue::L(former.to_vec()))
        .await;
    for (name, value) in [
        ("email_key", AttributeValue::S(kept.as_str().to_owned())),
        ("user_id", AttributeValue::S(me.clone())),
        ("cred_version", AttributeValue::N("1".to_owned())),
        ("status", AttributeValue::S("active".to_owned())),
        ("email_verified", AttributeValue::Bool(true)),
        ("reserved_until", AttributeValue::N("1772972999000".to_owned())),
    ] {
        server.set_attribute(&format!("EMAIL#{}", kept.as_str()), "CREDENTIAL", name, value).await;
    }
    let export = server.as_bearer(Method::GET, "/v1/me/export", &signed_in.string("access_token")).await.json();
    let addresses = export["addresses"].as_array().unwrap();
    assert_eq!(addresses.len(), 2);
    assert_eq!(addresses[1]["reserved_until"], "2026-03-08T12:29:59Z");
}

#[tokio::test]
async fn sec_se_10_needs_a_recent_sign_in_and_a_live_session() {
    let server = TestServer::start().await;
    let signed_in = server.signed_in().await;
    server.clock.advance(300);
    let access = server.refresh(&signed_in.string("refresh_token")).await.string("access_token");
    assert_eq!(server.as_bearer(Method::GET, "/v1/me/export", &access).await.status, 200);
    server.clock.advance(1);
    let answer = server.as_bearer(Method::GET, "/v1/me/export", &access).await;
    assert_eq!((answer.status, answer.string("code").as_str()), (401, "insufficient_user_authentication"));
    let access = server.login(EMAIL, PASSWORD).await.string("access_token");
    server.as_bearer(Method::POST, "/v1/logout", &access).await;
    assert_eq!(server.as_bearer(Method::GET, "/v1/me/export", &access).await.status, 401);
}

#[tokio::test]
async fn sec_pl_03_an_export_that_cannot_be_recorded_is_not_given_out() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    server.store.disturb("PutItem", crate::harness::store_edge::Disturbance::AccessDenied, 1);
    let answer = server.as_bearer(Method::GET, "/v1/me/export", &access).await;
    assert_eq!(answer.status, 500);
    assert!(!answer.text.contains(EMAIL));
    assert_eq!(server.as_bearer(Method::GET, "/v1/me/export", &access).await.status, 200);
    let lines = server.items(AUDIT_TABLE, "USER#").await;
    assert_eq!(lines.iter().filter(|line| line["action"].as_s().unwrap() == "exported").count(), 1);
}

#[tokio::test]
async fn it_tells_of_second_factors_and_gives_nothing_that_opens_the_account() {
    let server = TestServer::start().await;
    let factor = server.with_second_factor().await;
    let answer = server.as_bearer(Method::GET, "/v1/me/export", &factor.access()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let shown = server.as_bearer(Method::GET, "/v1/mfa", &factor.access()).await.json();
    assert_eq!(answer.json()["second_factors"], shown);
    assert_eq!(shown["recovery_codes"]["left"], 10);
    let kept = server.items(TABLE, "USER#").await;
    let codes = kept.iter().find_map(|item| item.get("codes")?.as_ss().ok()).unwrap();
    assert!(codes.len() == 10 && codes.iter().all(|hash| !answer.text.contains(hash.as_str())));
}
