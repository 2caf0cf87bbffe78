//! `POST /v1/login/email-code`

use serde_json::json;

use crate::harness::{EMAIL, PASSWORD, TABLE, TestServer};

#[tokio::test]
async fn sec_en_04_known_and_unknown_addresses_get_the_same_answer_for_one_identical_write() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    let mut shapes = Vec::new();
    for email in [EMAIL, "nobody@example.com"] {
        server.store.reset();
        let answer = server.post("/v1/login/email-code", &json!({ "email": email })).await;
        assert_eq!((answer.status, answer.text.as_str()), (202, r#"{"status":"accepted"}"#));
        let items = server.items(TABLE, "EMAIL#").await;
        let item = items.iter().rfind(|item| item["sk"].as_s().unwrap() == "ONE_TIME#email_code").unwrap();
        let mut members: Vec<String> = item.keys().cloned().collect();
        members.sort();
        shapes.push((server.store.rounds(), members));
        assert_eq!(shapes[0].0, [vec!["PutItem"]]);
    }
    assert_eq!(shapes[0], shapes[1]);
}

#[tokio::test]
async fn bad_input_is_named() {
    let server = TestServer::start().await;
    let answer = server.post("/v1/login/email-code", &json!({})).await;
    assert_eq!((answer.status, answer.fault()), (400, ("email".to_owned(), "missing".to_owned())));
    let answer = server.post("/v1/login/email-code", &json!({ "email": "nonsense" })).await;
    assert_eq!((answer.status, answer.fault()), (400, ("email".to_owned(), "invalid".to_owned())));
}
