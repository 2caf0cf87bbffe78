//! Whoever touches the audit trail is seen (PL-03), by the records of a real stream.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use reqwest::Method;
use serde_json::{Value, json};
use wardgate::use_cases::eraser::erase_accounts;

use crate::harness::{AUDIT_TABLE, EMAIL, OTHER_PASSWORD, TestServer};

const GRACE: i64 = 3600;

/// Every change of the trail so far, as Lambda hands it over.
async fn changes(server: &TestServer) -> Vec<Value> {
    let (mut changes, mut last) = (Vec::new(), None);
    loop {
        let records = server.pump.streams().records(AUDIT_TABLE.to_owned(), last).await.unwrap();
        let Some(record) = records.last() else { return changes };
        last = Some(record.dynamodb.sequence_number.clone());
        changes.extend(records.iter().map(|record| serde_json::to_value(record).unwrap()));
    }
}

/// What the function answers: how many lines were tampered with, and how many erased.
async fn watch(server: &TestServer, records: &[Value]) -> (u64, u64) {
    let batch = serde_json::from_value(json!({ "Records": records })).unwrap();
    let seen = (audit_watch::FUNCTION.handler)(&server.app, &(), batch).await.unwrap();
    let seen = serde_json::to_value(seen).unwrap();
    (seen["tampering"].as_u64().unwrap(), seen["erased"].as_u64().unwrap())
}

/// Of what happened since `before` changes.
async fn watch_since(server: &TestServer, before: usize) -> (u64, u64) {
    watch(server, &changes(server).await[before..]).await
}

async fn line(server: &TestServer, prefix: &str) -> HashMap<String, AttributeValue> {
    server.items(AUDIT_TABLE, prefix).await.into_iter().next().unwrap()
}

#[tokio::test]
async fn sec_pl_03_what_endpoints_do_is_no_tampering() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    server.login(EMAIL, OTHER_PASSWORD).await;
    server.as_bearer(Method::POST, "/v1/logout", &access).await;
    let changes = changes(&server).await;
    assert!(changes.len() > 3 && changes.iter().all(|record| record["eventName"] == "INSERT"));
    assert_eq!(watch(&server, &changes).await, (0, 0));
}

#[tokio::test]
async fn sec_pl_03_an_erasure_is_no_tampering_and_is_counted() {
    let server = TestServer::with(&[("AUTH__ACCOUNTS__DELETION_GRACE_SECONDS", "3600")]).await;
    let access = server.signed_in().await.string("access_token");
    server.login(EMAIL, OTHER_PASSWORD).await;
    server.as_bearer(Method::DELETE, "/v1/me", &access).await;
    server.clock.advance(GRACE);
    let before = changes(&server).await.len();
    assert_eq!(erase_accounts(&server.app, "evt_1").await.unwrap(), 1);
    let (tampering, erased) = watch_since(&server, before).await;
    assert_eq!(tampering, 0);
    assert!(erased >= 3, "lines about the account, and one about the address: {erased}");
}

#[tokio::test]
async fn sec_pl_03_a_changed_line_is_tampering_whatever_was_changed() {
    let server = TestServer::start().await;
    server.signed_in().await;
    let original = line(&server, "USER#").await;
    for (name, value) in [
        ("action", Some(AttributeValue::S("session_ended".to_owned()))),
        ("address", Some(AttributeValue::S("198.51.100.9".to_owned()))),
        // It would be deleted today.
        ("ttl", Some(AttributeValue::N("1".to_owned()))),
        ("note", Some(AttributeValue::S("nothing to see here".to_owned()))),
        ("request_id", None),
    ] {
        let before = changes(&server).await.len();
        let mut changed = original.clone();
        changed.remove(name);
        changed.extend(value.map(|value| (name.to_owned(), value)));
        server.put(AUDIT_TABLE, changed).await;
        assert_eq!(watch_since(&server, before).await, (1, 0), "{name}");
        server.put(AUDIT_TABLE, original.clone()).await;
    }
    // With what an erasure takes away, something else goes or comes: that is none.
    let mut anonymised = original.clone();
    anonymised.remove("address");
    let mut without_action = anonymised.clone();
    without_action.remove("action");
    anonymised.insert("note".to_owned(), AttributeValue::S("nothing to see here".to_owned()));
    for changed in [without_action, anonymised] {
        let before = changes(&server).await.len();
        server.put(AUDIT_TABLE, changed).await;
        assert_eq!(watch_since(&server, before).await, (1, 0));
        server.put(AUDIT_TABLE, original.clone()).await;
    }
}

#[tokio::test]
async fn sec_pl_03_lines_about_addresses_and_stages_are_not_anonymised() {
    let server = TestServer::start().await;
    server.login(EMAIL, OTHER_PASSWORD).await;
    let mut failed = line(&server, "EMAIL#").await;
    let before = changes(&server).await.len();
    failed.remove("address");
    failed.remove("user_agent");
    server.put(AUDIT_TABLE, failed).await;
    assert_eq!(watch_since(&server, before).await, (1, 0));
}

#[tokio::test]
async fn sec_pl_03_a_deleted_line_is_tampering_unless_its_time_was_over() {
    let server = TestServer::start().await;
    server.signed_in().await;
    let mut line = line(&server, "USER#").await;
    let before = changes(&server).await.len();
    server.delete(AUDIT_TABLE, &line).await;
    assert_eq!(watch_since(&server, before).await, (1, 0));

    let before = changes(&server).await.len();
    line.insert("ttl".to_owned(), AttributeValue::N("1772368200".to_owned()));
    server.put(AUDIT_TABLE, line).await;
    server.pump.streams().database().sweep_ttl().unwrap();
    let mut swept = changes(&server).await[before..].to_vec();
    swept.retain(|record| record["eventName"] == "REMOVE");
    assert_eq!(swept.len(), 1);
    assert_eq!(swept[0]["userIdentity"]["principalId"], "dynamodb.amazonaws.com");
    assert_eq!(watch(&server, &swept).await, (0, 0), "{swept:?}");

    // A table that was told to delete by another attribute deletes lines whose time is not over.
    swept[0]["dynamodb"]["OldImage"]["ttl"] = json!({ "N": "99999999999" });
    assert_eq!(watch(&server, &swept).await, (1, 0));
}
