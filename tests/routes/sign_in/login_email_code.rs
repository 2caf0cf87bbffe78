//! `POST /v1/login/email-code`

use reqwest::Method;
use serde_json::json;

use crate::harness::{EMAIL, PASSWORD, TestServer};

#[tokio::test]
async fn sec_en_04_known_and_unknown_addresses_get_the_same_answer_for_the_same_writes() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    let mut shapes = Vec::new();
    for email in [EMAIL, "nobody@example.com"] {
        server.store.reset();
        let answer = server.post("/v1/login/email-code", &json!({ "email": email })).await;
        assert_eq!((answer.status, answer.string("status").as_str()), (202, "accepted"));
        assert!(answer.string("flow_token").starts_with("cf_l1."), "{}", answer.text);
        let rounds = server.store.rounds();
        let mut members: Vec<String> = server.codes(email).await[0].keys().cloned().collect();
        members.sort();
        shapes.push((rounds, members, answer.text.len()));
        assert_eq!(shapes[0].0, [vec!["UpdateItem"], vec!["UpdateItem"], vec!["UpdateItem"], vec!["PutItem"]]);
    }
    assert_eq!(shapes[0], shapes[1]);
}

#[tokio::test]
async fn sec_se_06_only_a_page_of_a_listed_origin_has_the_flow_token_in_a_cookie() {
    let server = TestServer::start().await;
    for (origin, expected) in
        [(None, false), (Some("https://evil.example"), false), (Some("http://localhost:3000"), true)]
    {
        let mut request =
            server.request(Method::POST, "/v1/login/email-code").json(&json!({ "email": "nobody@example.com" }));
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let answer = server.send(request).await;
        let cookie = format!("__Host-wardgate-code-flow={};", answer.string("flow_token"));
        assert_eq!(answer.header("set-cookie").starts_with(&cookie), expected, "{origin:?}");
    }
}

/// A page leaves the flow token to its cookie.
#[tokio::test]
async fn sec_ot_11_the_cookie_stands_for_the_flow_token_where_the_origin_is_listed() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    let mailed = server.mailed_code(EMAIL).await;
    let body = json!({ "email": EMAIL, "code": mailed.code, "transport": "cookie" });
    let request = |origin: &str| {
        let cookie = format!("__Host-wardgate-code-flow={}", mailed.flow);
        let request = server.request(Method::POST, "/v1/login/email-code/verify").json(&body);
        request.header("origin", origin).header("cookie", cookie)
    };
    assert_eq!(server.send(request("https://evil.example")).await.status, 403);
    let answer = server.send(request("http://localhost:3000")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().map(|it| it.to_str().unwrap()).collect();
    assert!(cookies.iter().any(|it| it.starts_with("__Host-wardgate-code-flow=;")), "{cookies:?}");
}

#[tokio::test]
async fn bad_input_is_named() {
    let server = TestServer::start().await;
    let answer = server.post("/v1/login/email-code", &json!({})).await;
    assert_eq!((answer.status, answer.fault()), (400, ("email".to_owned(), "missing".to_owned())));
    let answer = server.post("/v1/login/email-code", &json!({ "email": "nonsense" })).await;
    assert_eq!((answer.status, answer.fault()), (400, ("email".to_owned(), "invalid".to_owned())));
}
