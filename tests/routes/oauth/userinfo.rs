//! `GET` and `POST /oauth2/userinfo`

use reqwest::Method;

use crate::harness::applications::{ask_for_tokens, code_of, exchange, register_applications, with_applications};
use crate::harness::pages::Browser;
use crate::harness::{Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TestServer};
use crate::permissions::observer::{Observer, expect};

const PATH: &str = "/oauth2/userinfo";

/// Every branch that asks something of AWS.
pub async fn drive(observer: &mut Observer) {
    register_applications(&observer.server).await;
    observer.server.register(EMAIL, PASSWORD).await;
    let code = code_of(&observer.server, &mut Browser::default(), &[]).await;
    let token = ask_for_tokens(&observer.server, &exchange(&code, &[])).await.string("access_token");
    observer.see("userinfo", async |it| expect(it.as_bearer(Method::GET, PATH, &token).await.status, 200)).await;
}

async fn tokens(server: &TestServer, scope: &str) -> Answer {
    let code = code_of(server, &mut Browser::default(), &[("scope", scope)]).await;
    ask_for_tokens(server, &exchange(&code, &[])).await
}

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, challenge: &str) {
    assert_eq!((answer.status, answer.header("www-authenticate")), (status, challenge), "{}", answer.text);
}

const INVALID: &str = r#"Bearer error="invalid_token""#;

#[tokio::test]
async fn what_is_told_is_what_was_asked_for() {
    let server = with_applications().await;
    let me = server.login(EMAIL, PASSWORD).await.string("access_token");
    let named = server.request(Method::PATCH, "/v1/me").bearer_auth(&me).json(&serde_json::json!({ "name": "Ada" }));
    assert_eq!(server.send(named).await.status, 200);
    let id = server.as_bearer(Method::GET, "/v1/me", &me).await.string("id");
    for (scope, expected) in [
        ("openid", serde_json::json!({ "sub": id })),
        ("openid profile", serde_json::json!({ "sub": id, "name": "Ada" })),
        ("openid email", serde_json::json!({ "sub": id, "email": EMAIL, "email_verified": false })),
    ] {
        let token = tokens(&server, scope).await.string("access_token");
        server.store.reset();
        let told = server.as_bearer(Method::GET, PATH, &token).await;
        assert_eq!((told.status, told.json()), (200, expected), "{scope}");
        assert_eq!(server.store.rounds(), [vec!["GetItem", "GetItem"], vec!["GetItem"]]);
        let by_form = server.request(Method::POST, PATH).form(&[("access_token", &token)]);
        assert_eq!(server.send(by_form).await.json(), told.json());
        let by_post = server.request(Method::POST, PATH).bearer_auth(&token);
        assert_eq!(server.send(by_post).await.json(), told.json());
    }
}

#[tokio::test]
async fn sec_oc_35_only_a_live_token_of_a_client_for_this_endpoint_opens_it() {
    let server = with_applications().await;
    let answer = tokens(&server, "openid email").await;
    let (access, id) = (answer.string("access_token"), answer.string("id_token"));
    assert_refused(&server.get(PATH).await, 401, "Bearer");
    let first_party = server.login(EMAIL, PASSWORD).await.string("access_token");
    for other in [id.as_str(), &first_party, &format!("{access}A"), "x"] {
        assert_refused(&server.as_bearer(Method::GET, PATH, other).await, 401, INVALID);
    }
    // In the address it is none, and neither are two.
    assert_refused(&server.get(&format!("{PATH}?access_token={access}")).await, 401, "Bearer");
    let both = server.request(Method::POST, PATH).bearer_auth(&access).form(&[("access_token", &access)]);
    assert_refused(&server.send(both).await, 400, r#"Bearer error="invalid_request""#);
    let without = tokens(&server, "email").await.string("access_token");
    let scope = r#"Bearer error="insufficient_scope", scope="openid""#;
    assert_refused(&server.as_bearer(Method::GET, PATH, &without).await, 403, scope);
    assert_eq!(server.as_bearer(Method::GET, PATH, &access).await.status, 200);
    server.clock.advance(306);
    assert_refused(&server.as_bearer(Method::GET, PATH, &access).await, 401, INVALID);
}

#[tokio::test]
async fn sec_oc_35_what_ends_the_session_ends_what_came_of_it_at_once() {
    let server = with_applications().await;
    let access = tokens(&server, "openid").await.string("access_token");
    let me = server.login(EMAIL, PASSWORD).await.string("access_token");
    assert_eq!(server.as_bearer(Method::GET, PATH, &access).await.status, 200);
    assert_eq!(server.as_bearer(Method::DELETE, "/v1/sessions", &me).await.status, 204);
    assert_refused(&server.as_bearer(Method::GET, PATH, &access).await, 401, INVALID);
    server.clock.advance(1);
    // One alone, by its id.
    let access = tokens(&server, "openid").await.string("access_token");
    let me = server.login(EMAIL, PASSWORD).await;
    let bearer = me.string("access_token");
    let listed = server.as_bearer(Method::GET, "/v1/sessions", &bearer).await.json();
    let ids = listed["items"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap());
    for id in ids.filter(|id| *id != me.string("session_id")) {
        assert_eq!(server.as_bearer(Method::DELETE, &format!("/v1/sessions/{id}"), &bearer).await.status, 204);
    }
    assert_refused(&server.as_bearer(Method::GET, PATH, &access).await, 401, INVALID);
    let access = tokens(&server, "openid").await.string("access_token");
    let me = server.login(EMAIL, PASSWORD).await.string("access_token");
    let change = serde_json::json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD });
    let change = server.request(Method::POST, "/v1/password/change").bearer_auth(me).json(&change);
    assert_eq!(server.send(change).await.status, 200);
    assert_refused(&server.as_bearer(Method::GET, PATH, &access).await, 401, INVALID);
}

#[tokio::test]
async fn sec_oc_24_a_page_of_any_origin_may_read_it() {
    let server = with_applications().await;
    let access = tokens(&server, "openid").await.string("access_token");
    let request = server.request(Method::GET, PATH).bearer_auth(&access).header("origin", "https://anywhere.example");
    let told = server.send(request).await;
    assert_eq!((told.status, told.header("access-control-allow-origin")), (200, "*"));
    assert_eq!(told.header("access-control-allow-credentials"), "");
}
