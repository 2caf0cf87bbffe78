//! What the audit trail says afterwards (PL-03).

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use reqwest::Method;
use reqwest::header::USER_AGENT;
use serde_json::json;

use crate::harness::{AUDIT_TABLE, Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TestServer};

type Item = HashMap<String, AttributeValue>;

async fn actions(server: &TestServer) -> Vec<String> {
    let lines = server.items(AUDIT_TABLE, "").await;
    let mut actions: Vec<_> = lines.iter().map(|line| line["action"].as_s().unwrap().clone()).collect();
    actions.sort();
    actions
}

#[tokio::test]
async fn sec_pl_03_every_change_leaves_a_line_with_who_when_and_where() {
    let server = TestServer::start().await;
    let session = server.signed_in().await;
    server.clock.advance(1);
    server.as_bearer(Method::DELETE, "/v1/sessions", &session.string("access_token")).await;
    server.as_bearer(Method::POST, "/v1/logout", &session.string("access_token")).await;
    assert_eq!(actions(&server).await, ["other_sessions_ended", "registered", "session_ended", "signed_in"]);
    for line in server.items(AUDIT_TABLE, "").await {
        assert!(line["pk"].as_s().unwrap().ends_with("#2026-03"), "partitioned by month");
        assert_eq!(line["address"].as_s().unwrap(), "127.0.0.1");
        for member in ["at", "request_id", "ttl"] {
            assert!(line.contains_key(member), "{member}");
        }
    }
}

#[tokio::test]
async fn sec_pl_03_failures_are_one_line_per_address_and_minute() {
    let server = TestServer::start().await;
    for _ in 0..3 {
        server.login(EMAIL, OTHER_PASSWORD).await;
    }
    server.clock.advance(60);
    server.login(EMAIL, OTHER_PASSWORD).await;
    assert_eq!(actions(&server).await, ["sign_in_failed", "sign_in_failed"]);
}

async fn refresh_as(server: &TestServer, agent: &str, token: &str) -> Answer {
    let request = server.request(Method::POST, "/v1/token/refresh").header(USER_AGENT, agent);
    server.send(request.json(&json!({ "refresh_token": token }))).await
}

/// Who presented a token, and who had used its session last, of each line about that.
async fn parties(server: &TestServer) -> Vec<(String, String, String)> {
    let mut lines = server.items(AUDIT_TABLE, "USER#").await;
    lines.retain(|line| line["action"].as_s().unwrap().starts_with("refresh_"));
    lines.sort_by_key(|line| line["sk"].as_s().unwrap().clone());
    let text = |line: &Item, name: &str| line[name].as_s().unwrap().clone();
    let parties = lines.iter().map(|line| {
        assert_eq!(
            (text(line, "address"), text(line, "holder_address")),
            ("127.0.0.1".to_owned(), "127.0.0.1".to_owned())
        );
        (text(line, "action"), text(line, "user_agent"), text(line, "holder_user_agent"))
    });
    parties.collect()
}

/// Whoever rotates first, the owner or the thief: both are named, by either kind of replay.
#[tokio::test]
async fn sec_se_02_reuse_and_replays_from_elsewhere_are_recorded_with_both_parties() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    let first = server.login(EMAIL, PASSWORD).await.string("refresh_token");
    let second = refresh_as(&server, "owner", &first).await.string("refresh_token");
    for token in [&first, &second] {
        assert_eq!(refresh_as(&server, "owner", token).await.string("refresh_token"), second);
    }
    assert!(parties(&server).await.is_empty(), "the same client");
    server.clock.advance_millis(1);
    assert_eq!(refresh_as(&server, "thief", &first).await.status, 200);
    server.clock.advance_millis(1);
    assert_eq!(refresh_as(&server, "thief", &second).await.status, 200, "the current one");
    server.clock.advance(60);
    assert_eq!(refresh_as(&server, "thief", &second).await.status, 200, "rotates");
    server.clock.advance(60);
    assert_eq!(refresh_as(&server, "owner", &second).await.status, 401);
    let line = |action: &str, who: &str, holder: &str| (action.to_owned(), who.to_owned(), holder.to_owned());
    assert_eq!(
        parties(&server).await,
        [
            line("refresh_replayed_elsewhere", "thief", "owner"),
            line("refresh_replayed_elsewhere", "thief", "owner"),
            line("refresh_reused", "owner", "thief"),
        ]
    );
}

/// The owner is told once, also of what a thief's rotation makes look like the owner's doing.
#[tokio::test]
async fn sec_se_02_reuse_is_told_to_the_owner_and_the_end_of_a_session_by_other_means_is_not() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let token = server.login(EMAIL, PASSWORD).await.string("refresh_token");
    server.clock.advance(60);
    refresh_as(&server, "owner", &token).await;
    server.clock.advance(60);
    for _ in 0..3 {
        assert_eq!(refresh_as(&server, firefox, &token).await.status, 401);
    }
    let mails = server.mails(EMAIL).await;
    let told: Vec<_> = mails.iter().filter(|mail| mail.subject.contains("session")).collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].text.contains("Firefox on Linux") && told[0].text.contains("127.0.0.1"), "{}", told[0].text);

    // A client that does not know yet that its session has ended tries again, and again.
    let (other, access) = (server.login(EMAIL, PASSWORD).await, server.login(EMAIL, PASSWORD).await);
    server.clock.advance(1);
    server.as_bearer(Method::DELETE, "/v1/sessions", &access.string("access_token")).await;
    for _ in 0..3 {
        assert_eq!(server.refresh(&other.string("refresh_token")).await.status, 401);
        server.clock.advance(60);
    }
    assert_eq!(server.mails(EMAIL).await.iter().filter(|mail| mail.subject.contains("session")).count(), 1);
}

/// PL-03: both sides go with the account.
#[tokio::test]
async fn sec_pl_03_an_owner_reads_both_parties() {
    let server = TestServer::start().await;
    let signed_in = server.signed_in().await;
    let token = signed_in.string("refresh_token");
    // Records of one second are in no order.
    server.clock.advance(1);
    refresh_as(&server, "owner", &token).await;
    refresh_as(&server, "thief", &token).await;
    let access = signed_in.string("access_token");
    let activity = server.as_bearer(Method::GET, "/v1/me/activity", &access).await.json();
    assert_eq!(activity["items"][0]["holder_address"], "127.0.0.1", "{activity}");
    let export = server.as_bearer(Method::GET, "/v1/me/export", &access).await.text;
    assert!(export.contains(r#""holder_user_agent":"owner""#), "{export}");
}

#[tokio::test]
async fn sec_pl_02_no_line_holds_an_address_of_mail_or_a_token() {
    let server = TestServer::start().await;
    let token = server.signed_in().await.string("refresh_token");
    let lines = format!("{:?}", server.items(AUDIT_TABLE, "").await);
    assert!(!lines.contains(EMAIL) && !lines.contains(&token) && !lines.contains(PASSWORD));
}
