//! What ends a session is heard at an edge: from the API through the table's stream to the list that `edge/deny.js` reads.

use reqwest::Method;
use serde_json::json;
use wardgate_server::dev::pump::Drained;

use crate::harness::{EMAIL, OTHER_PASSWORD, PASSWORD, TestServer};
use crate::token_forgery::claims;

/// Whether the list refuses a token, as `edge/deny.js` looks.
async fn is_refused(server: &TestServer, token: &str) -> bool {
    assert_eq!(server.pump.drain().await.unwrap(), Drained::Empty);
    let claims = claims(token);
    let (sid, sub) = (claims["sid"].as_str().unwrap(), claims["sub"].as_str().unwrap());
    let list = server.pump.deny_list();
    if list.value(sid).is_some() {
        return true;
    }
    let Some(value) = list.value(sub) else { return false };
    let mut words = value.split(' ');
    let not_before: i64 = words.next().unwrap().parse().unwrap();
    claims["iat"].as_i64().unwrap() <= not_before && words.all(|spared| spared != sid)
}

#[tokio::test]
async fn sec_ed_10_a_sign_out_is_in_the_list_for_as_long_as_a_token_of_it_could_live() {
    let server = TestServer::start().await;
    let (token, other) = (server.signed_in().await, server.login(EMAIL, PASSWORD).await);
    let [token, other] = [token, other].map(|it| it.string("access_token"));
    assert!(!is_refused(&server, &token).await);
    assert_eq!(server.as_bearer(Method::POST, "/v1/logout", &token).await.status, 204);
    assert!(is_refused(&server, &token).await && !is_refused(&server, &other).await);
    let sid = claims(&token)["sid"].as_str().unwrap().to_owned();
    // Five minutes, five seconds of leeway, and a minute for clocks.
    let until = server.context().now.unix_seconds() + 365;
    assert_eq!(server.pump.deny_list().value(&sid), Some(until.to_string()));
    let asked = server.get(&format!("/dev/denied/{sid}")).await;
    assert_eq!((asked.status, asked.text), (200, until.to_string()));
    server.clock.advance(364);
    assert!(is_refused(&server, &token).await);
    server.clock.advance(1);
    // ED-12: nobody else takes it out.
    assert!(!is_refused(&server, &token).await);
    assert_eq!(server.get(&format!("/dev/denied/{sid}")).await.status, 404);
}

#[tokio::test]
async fn sec_ed_10_whatever_ends_sessions_refuses_their_tokens_and_no_others() {
    for ending in ["sessions", "session", "password", "account"] {
        let server = TestServer::start().await;
        let other = server.signed_in().await.string("access_token");
        server.clock.advance(1);
        let own = server.login(EMAIL, PASSWORD).await.string("access_token");
        server.clock.advance(1);
        let answer = match ending {
            "sessions" => server.as_bearer(Method::DELETE, "/v1/sessions", &own).await,
            "session" => {
                let path = format!("/v1/sessions/{}", claims(&other)["sid"].as_str().unwrap());
                server.as_bearer(Method::DELETE, &path, &own).await
            }
            "password" => {
                let body = json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD });
                let request = server.request(Method::POST, "/v1/password/change").bearer_auth(&own);
                server.send(request.json(&body)).await
            }
            _ => server.as_bearer(Method::DELETE, "/v1/me", &own).await,
        };
        assert!((200..300).contains(&answer.status), "{ending}: {}", answer.text);
        assert!(is_refused(&server, &other).await, "{ending}");
        assert_eq!(is_refused(&server, &own).await, ending == "account", "{ending}");
    }
}

#[tokio::test]
async fn a_session_whose_tokens_have_all_ended_is_not_told_of() {
    let server = TestServer::start().await;
    let signed_in = server.signed_in().await;
    server.clock.advance(366);
    let token = signed_in.string("access_token");
    let body = json!({ "refresh_token": signed_in.string("refresh_token") });
    assert_eq!(server.post("/v1/logout", &body).await.status, 204);
    assert!(!is_refused(&server, &token).await);
}
