//! `POST /oauth2/introspect`

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::applications::{
    SECRET, ask_for_tokens, code_of, exchange, register_applications, with_applications,
};
use crate::harness::pages::Browser;
use crate::harness::{Answer, EMAIL, PASSWORD, TestServer};
use crate::permissions::observer::{Observer, expect};

/// Every branch that asks something of AWS.
pub async fn drive(observer: &mut Observer) {
    register_applications(&observer.server).await;
    observer.server.register(EMAIL, PASSWORD).await;
    let tokens = tokens(&observer.server, &[]).await;
    for token in [tokens.string("refresh_token"), tokens.string("access_token"), "x".to_owned()] {
        observer.see("introspect", async |it| expect(introspect(it, "shop", &token).await.status, 200)).await;
    }
}

async fn tokens(server: &TestServer, more: &[(&str, &str)]) -> Answer {
    let code = code_of(server, &mut Browser::default(), more).await;
    let tokens = ask_for_tokens(server, &exchange(&code, &[])).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    server.step();
    tokens
}

async fn introspect(server: &TestServer, client: &str, token: &str) -> Answer {
    let request = server.request(Method::POST, "/oauth2/introspect").basic_auth(client, Some(SECRET));
    server.send(request.form(&[("token", token)])).await
}

async fn told(server: &TestServer, client: &str, token: &str) -> Value {
    let answer = introspect(server, client, token).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"), "{}", answer.text);
    answer.json()
}

fn nothing() -> Value {
    json!({ "active": false })
}

#[tokio::test]
async fn sec_oc_43_an_api_hears_of_tokens_for_it_and_a_client_of_its_own() {
    let server = with_applications().await;
    let asked = [("resource", "https://orders.example"), ("scope", "openid orders:read")];
    let of_orders = tokens(&server, &asked).await.string("access_token");
    let of_userinfo = tokens(&server, &[]).await.string("access_token");
    let active = told(&server, "orders", &of_orders).await;
    assert_eq!(
        (&active["active"], &active["aud"], &active["client_id"], &active["token_type"]),
        (&json!(true), &json!(["https://orders.example"]), &json!("shop"), &json!("Bearer")),
        "{active}"
    );
    assert!(active["scope"].as_str().unwrap().split(' ').any(|it| it == "orders:read"), "{active}");
    assert_eq!(told(&server, "shop", &of_orders).await["active"], true);
    assert_eq!(told(&server, "shop", &of_userinfo).await["active"], true);
    // A stranger that may ask tokens for the same API hears nothing of others'.
    assert_eq!(told(&server, "stranger", &of_orders).await, nothing());
    assert_eq!(told(&server, "orders", &of_userinfo).await, nothing());
}

#[tokio::test]
async fn sec_oc_43_all_else_is_not_active_and_is_told_nothing_of() {
    let server = with_applications().await;
    let tokens = tokens(&server, &[]).await;
    let (access, refresh) = (tokens.string("access_token"), tokens.string("refresh_token"));
    let active = told(&server, "shop", &refresh).await;
    assert_eq!((&active["active"], &active["client_id"]), (&json!(true), &json!("shop")), "{active}");
    let api = server.login(EMAIL, PASSWORD).await;
    for token in [
        "x".to_owned(),
        "or_s1.AAAA.BBBB".to_owned(),
        tokens.string("id_token"),
        api.string("access_token"),
        api.string("refresh_token"),
        format!("{access}A"),
    ] {
        assert_eq!(told(&server, "shop", &token).await, nothing(), "{token}");
    }
    for client in ["stranger", "orders"] {
        assert_eq!(told(&server, client, &refresh).await, nothing(), "{client}");
    }
    // What has run out, and what was ended.
    server.clock.advance(310);
    assert_eq!(told(&server, "shop", &access).await, nothing());
    assert_eq!(told(&server, "shop", &refresh).await["active"], true);
    let ended = server
        .as_bearer(Method::DELETE, "/v1/sessions", &server.login(EMAIL, PASSWORD).await.string("access_token"))
        .await;
    assert_eq!(ended.status, 204);
    assert_eq!(told(&server, "shop", &refresh).await, nothing());
}

#[tokio::test]
async fn sec_oc_43_whoever_keeps_no_secret_is_told_nothing() {
    let server = with_applications().await;
    let token = tokens(&server, &[]).await.string("access_token");
    let request = server.request(Method::POST, "/oauth2/introspect");
    let refused = server.send(request.form(&[("token", token.as_str()), ("client_id", "page")])).await;
    assert_eq!((refused.status, refused.string("error").as_str()), (400, "unauthorized_client"));
    let request = server.request(Method::POST, "/oauth2/introspect").basic_auth("orders", Some("wgcs_wrong"));
    let refused = server.send(request.form(&[("token", &token)])).await;
    assert_eq!((refused.status, refused.string("error").as_str()), (401, "invalid_client"));
    let request = server.request(Method::POST, "/oauth2/introspect").basic_auth("orders", Some(SECRET));
    let refused = server.send(request.form(&[("token", &token), ("token", &token)])).await;
    assert_eq!((refused.status, refused.string("error").as_str()), (400, "invalid_request"));
}
