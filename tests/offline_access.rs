//! Grants with `offline_access`: they outlive the session in which they came about, and nothing else.

use reqwest::Method;
use serde_json::json;

use crate::harness::applications::{SECRET, refresh, register};
use crate::harness::pages::{Browser, forms};
use crate::harness::relying_party::{sign_in_to, sign_out, with_told};
use crate::harness::{Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TABLE, TestServer};

#[tokio::test]
async fn sec_oc_41_a_grant_with_offline_access_outlives_the_sign_out_and_no_other_does() {
    let (server, relying_party) = with_told("").await;
    let mut browser = Browser::default();
    let online = sign_in_to(&server, &mut browser, "told", "openid").await;
    let offline = sign_in_to(&server, &mut browser, "told", "openid offline_access").await;
    assert_eq!(offline.string("scope"), "offline_access openid");
    let refreshed = async |tokens: &Answer| {
        let request = server.request(Method::POST, "/oauth2/token").basic_auth("told", Some(SECRET));
        server.send(request.form(&refresh(&tokens.string("refresh_token"), &[]))).await
    };
    let userinfo = async |tokens: &Answer| {
        server.as_bearer(Method::GET, "/oauth2/userinfo", &tokens.string("access_token")).await.status
    };
    sign_out(&server, &mut browser, &online.string("id_token")).await;
    server.pump.drain().await.unwrap();
    assert_eq!(relying_party.taken().len(), 1, "it is told of the sign-out all the same");
    assert_eq!((refreshed(&online).await.status, userinfo(&online).await), (400, 401));
    let mut tokens = refreshed(&offline).await;
    assert_eq!((tokens.status, userinfo(&tokens).await), (200, 200), "{}", tokens.text);
    // Long after the session's item is gone.
    for item in server.items(TABLE, "USER#").await {
        if item["sk"].as_s().unwrap().starts_with("SESSION#") {
            server.delete(TABLE, &item).await;
        }
    }
    for _ in 0..4 {
        server.clock.advance(85 * 24 * 3600);
        tokens = refreshed(&tokens).await;
        assert_eq!((tokens.status, userinfo(&tokens).await), (200, 200), "{}", tokens.text);
    }
    // A year is the end of it.
    server.clock.advance(30 * 24 * 3600);
    assert_eq!(refreshed(&tokens).await.status, 400);
}

#[tokio::test]
async fn sec_oc_41_another_password_ends_what_outlives_sign_outs_too() {
    let (server, _relying_party) = with_told("").await;
    let mut browser = Browser::default();
    let offline = sign_in_to(&server, &mut browser, "told", "openid offline_access").await;
    let access = server.login(EMAIL, PASSWORD).await.string("access_token");
    server.step();
    let change = json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD });
    let request = server.request(Method::POST, "/v1/password/change").bearer_auth(&access).json(&change);
    assert_eq!(server.send(request).await.status, 200);
    server.step();
    let request = server.request(Method::POST, "/oauth2/token").basic_auth("told", Some(SECRET));
    let again = server.send(request.form(&refresh(&offline.string("refresh_token"), &[]))).await;
    assert_eq!((again.status, again.string("error").as_str()), (400, "invalid_grant"));
    let userinfo = server.as_bearer(Method::GET, "/oauth2/userinfo", &offline.string("access_token")).await;
    assert_eq!(userinfo.status, 401);
}

/// It stands under the applications of `/ui/account` without its session, and goes from there.
#[tokio::test]
async fn sec_oc_41_a_person_sees_and_ends_what_outlives_a_sign_out() {
    let (server, _relying_party) = with_told("").await;
    let mut browser = Browser::default();
    let offline = sign_in_to(&server, &mut browser, "told", "openid offline_access").await;
    sign_out(&server, &mut browser, &offline.string("id_token")).await;
    sign_in_to(&server, &mut browser, "shop", "openid").await;
    let page = browser.open(&server, "/ui/account").await;
    let end = forms(&page).into_iter().find(|form| form.values.contains(&"told".to_owned()));
    let end = end.unwrap_or_else(|| panic!("no button for it in {}", page.text));
    let own = server.base.clone();
    let pressed = browser.submit_form(&server, &end, &[("application", "told")], Some(&own)).await;
    assert_eq!(pressed.status, 303, "{}", pressed.text);
    let request = server.request(Method::POST, "/oauth2/token").basic_auth("told", Some(SECRET));
    let again = server.send(request.form(&refresh(&offline.string("refresh_token"), &[]))).await;
    assert_eq!(again.status, 400);
}

/// Who may have no refresh token has nothing that could outlive anything.
#[tokio::test]
async fn sec_oc_41_offline_access_is_left_out_where_there_is_no_refresh_token() {
    let (server, relying_party) = with_told("").await;
    let without = relying_party.client("told", "").replace(", \"refresh_token\"", "");
    register(&server, &without).await;
    let tokens = sign_in_to(&server, &mut Browser::default(), "told", "openid offline_access").await;
    assert_eq!(tokens.string("scope"), "openid");
    assert!(tokens.json().get("refresh_token").is_none(), "{}", tokens.text);
}

#[tokio::test]
async fn discovery_says_that_grants_may_outlive_sessions_and_that_clients_are_told_of_their_end() {
    let server = TestServer::start().await;
    let discovery = server.get("/.well-known/openid-configuration").await.json();
    assert!(discovery["scopes_supported"].as_array().unwrap().contains(&json!("offline_access")));
    for member in ["backchannel_logout_supported", "backchannel_logout_session_supported"] {
        assert_eq!(discovery[member], json!(true), "{member}");
    }
}
