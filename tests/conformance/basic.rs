//! The modules of the Basic plan, which the Form Post plan repeats with answers in a form.

use reqwest::Method;
use serde_json::Value;

use super::Suite;
use crate::harness::applications::{CHALLENGE, SECRET, VERIFIER, claims, exchange, jose_header, refresh};
use crate::harness::pages::heading;
use crate::harness::{EMAIL, PASSWORD};

pub(super) async fn oidcc_server(mut suite: Suite) {
    let (tokens, id_token) = suite.sign_in(&[]).await;
    assert_eq!((tokens.string("token_type").as_str(), id_token["nonce"].as_str()), ("Bearer", Some("n1")));
    assert_eq!(
        (tokens.header("cache-control"), suite.userinfo(&tokens).await["sub"] == id_token["sub"]),
        ("no-store", true)
    );
}

pub(super) async fn oidcc_server_client_secret_post(mut suite: Suite) {
    let back = suite.come_back(&[]).await;
    let more = [("client_id", "suite"), ("client_secret", SECRET), ("code_verifier", "")];
    let members = exchange(&suite.sent(&back, "code").unwrap(), &more);
    let tokens = suite.server.send(suite.server.request(Method::POST, "/oauth2/token").form(&members)).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
}

pub(super) async fn oidcc_response_type_missing(mut suite: Suite) {
    let back = suite.come_back(&[("response_type", "")]).await;
    assert_eq!(suite.sent(&back, "error").as_deref(), Some("invalid_request"));
}

pub(super) async fn oidcc_idtoken_signature(mut suite: Suite) {
    let (tokens, _) = suite.sign_in(&[]).await;
    let header = jose_header(&tokens.string("id_token"));
    let keys = suite.server.get("/.well-known/jwks.json").await.json();
    let kids: Vec<&Value> = keys["keys"].as_array().unwrap().iter().map(|key| &key["kid"]).collect();
    assert!(header["alg"] == "RS256" && kids.contains(&&header["kid"]), "{header}");
}

pub(super) async fn oidcc_userinfo_get(mut suite: Suite) {
    let (tokens, id_token) = suite.sign_in(&[]).await;
    assert_eq!(suite.userinfo(&tokens).await["sub"], id_token["sub"]);
}

pub(super) async fn oidcc_userinfo_post_header(mut suite: Suite) {
    let (tokens, id_token) = suite.sign_in(&[]).await;
    let answer = suite.server.as_bearer(Method::POST, "/oauth2/userinfo", &tokens.string("access_token")).await;
    assert_eq!((answer.status, &answer.json()["sub"]), (200, &id_token["sub"]));
}

pub(super) async fn oidcc_userinfo_post_body(mut suite: Suite) {
    let (tokens, id_token) = suite.sign_in(&[]).await;
    let request = suite.server.request(Method::POST, "/oauth2/userinfo");
    let answer = suite.server.send(request.form(&[("access_token", tokens.string("access_token"))])).await;
    assert_eq!((answer.status, &answer.json()["sub"]), (200, &id_token["sub"]));
}

pub(super) async fn oidcc_ensure_request_without_nonce_succeeds_for_code_flow(mut suite: Suite) {
    assert!(suite.sign_in(&[("nonce", "")]).await.1.get("nonce").is_none());
}

pub(super) async fn oidcc_scope_profile(mut suite: Suite) {
    let (tokens, _) = suite.sign_in(&[("scope", "openid profile")]).await;
    assert_eq!(suite.userinfo(&tokens).await["name"], "Ada Lovelace");
}

pub(super) async fn oidcc_scope_email(mut suite: Suite) {
    let (tokens, _) = suite.sign_in(&[("scope", "openid email")]).await;
    let person = suite.userinfo(&tokens).await;
    assert!(person["email"] == EMAIL && person["email_verified"].is_boolean(), "{person}");
}

/// What is not supported is passed over.
pub(super) async fn oidcc_scope_address(mut suite: Suite) {
    assert_eq!(suite.sign_in(&[("scope", "openid address")]).await.0.string("scope"), "openid");
}

pub(super) async fn oidcc_scope_phone(mut suite: Suite) {
    assert_eq!(suite.sign_in(&[("scope", "openid phone")]).await.0.string("scope"), "openid");
}

pub(super) async fn oidcc_scope_all(mut suite: Suite) {
    let (tokens, _) = suite.sign_in(&[("scope", "openid profile email address phone")]).await;
    assert_eq!(tokens.string("scope"), "email openid profile");
}

pub(super) async fn oidcc_display_page(mut suite: Suite) {
    suite.sign_in(&[("display", "page")]).await;
}

pub(super) async fn oidcc_display_popup(mut suite: Suite) {
    suite.sign_in(&[("display", "popup")]).await;
}

pub(super) async fn oidcc_prompt_login(mut suite: Suite) {
    let (_, first) = suite.sign_in(&[]).await;
    suite.server.clock.advance(5);
    let asked = suite.browser.open(&suite.server, &suite.request(&[("prompt", "login")])).await;
    assert!(asked.header("location").starts_with("/ui/login?"), "{}", asked.text);
    let (_, second) = suite.sign_in(&[("prompt", "login")]).await;
    assert!(second["auth_time"].as_i64() > first["auth_time"].as_i64(), "{first} {second}");
    assert_eq!(first["sub"], second["sub"]);
}

pub(super) async fn oidcc_prompt_none_logged_in(mut suite: Suite) {
    let (_, first) = suite.sign_in(&[]).await;
    let back = suite.browser.open(&suite.server, &suite.request(&[("prompt", "none")])).await;
    let second = claims(&suite.tokens_of(&back).await.string("id_token"));
    assert_eq!((&first["sub"], &first["auth_time"]), (&second["sub"], &second["auth_time"]));
}

pub(super) async fn oidcc_prompt_none_not_logged_in(mut suite: Suite) {
    assert!(suite.is_signed_out().await);
}

pub(super) async fn oidcc_max_age_1(mut suite: Suite) {
    let (_, first) = suite.sign_in(&[]).await;
    suite.server.clock.advance(5);
    let asked = suite.browser.open(&suite.server, &suite.request(&[("max_age", "1")])).await;
    assert!(asked.header("location").starts_with("/ui/login?"), "{}", asked.text);
    let (_, second) = suite.sign_in(&[("max_age", "1")]).await;
    assert!(second["auth_time"].as_i64() > first["auth_time"].as_i64(), "{first} {second}");
}

pub(super) async fn oidcc_max_age_10000(mut suite: Suite) {
    let (_, first) = suite.sign_in(&[]).await;
    let back = suite.browser.open(&suite.server, &suite.request(&[("max_age", "10000")])).await;
    let second = claims(&suite.tokens_of(&back).await.string("id_token"));
    assert_eq!(first["auth_time"], second["auth_time"]);
}

pub(super) async fn oidcc_ensure_request_with_unknown_parameter_succeeds(mut suite: Suite) {
    suite.sign_in(&[("extra", "foobar")]).await;
}

pub(super) async fn oidcc_id_token_hint(mut suite: Suite) {
    let (tokens, first) = suite.sign_in(&[]).await;
    let hint = tokens.string("id_token");
    let silent = [("prompt", "none"), ("id_token_hint", hint.as_str())];
    let back = suite.browser.open(&suite.server, &suite.request(&silent)).await;
    assert_eq!(claims(&suite.tokens_of(&back).await.string("id_token"))["sub"], first["sub"]);
}

pub(super) async fn oidcc_login_hint(mut suite: Suite) {
    let asked = suite.browser.open(&suite.server, &suite.request(&[("login_hint", "buffy@example.com")])).await;
    let shown = suite.browser.open(&suite.server, asked.header("location")).await;
    assert!(shown.text.contains("value=\"buffy@example.com\""), "{}", shown.text);
}

pub(super) async fn oidcc_ui_locales(mut suite: Suite) {
    let asked = suite.browser.open(&suite.server, &suite.request(&[("ui_locales", "se de")])).await;
    let shown = suite.browser.open(&suite.server, asked.header("location")).await;
    assert_eq!(shown.header("content-language"), "de");
}

pub(super) async fn oidcc_claims_locales(mut suite: Suite) {
    suite.sign_in(&[("claims_locales", "se")]).await;
}

/// The parameter is passed over, as discovery says.
pub(super) async fn oidcc_claims_essential(mut suite: Suite) {
    suite.sign_in(&[("claims", r#"{"userinfo":{"name":{"essential":true}}}"#)]).await;
}

pub(super) async fn oidcc_ensure_request_with_acr_values_succeeds(mut suite: Suite) {
    let (_, id_token) = suite.sign_in(&[("acr_values", "urn:example:gold urn:wardgate:1fa")]).await;
    assert_eq!(id_token["acr"], "urn:wardgate:1fa");
}

/// Without a verifier nobody can tell that it is the client who asks again: what the code gave has ended.
async fn code_reuse(mut suite: Suite, seconds: i64) {
    let back = suite.come_back(&[]).await;
    let tokens = suite.tokens_of(&back).await;
    suite.server.clock.advance(seconds);
    let again = suite.tokens_of(&back).await;
    assert_eq!((again.status, again.string("error").as_str()), (400, "invalid_grant"));
    let answer = suite.server.as_bearer(Method::GET, "/oauth2/userinfo", &tokens.string("access_token")).await;
    assert_eq!(answer.status, 401);
}

pub(super) async fn oidcc_codereuse(suite: Suite) {
    code_reuse(suite, 1).await;
}

pub(super) async fn oidcc_codereuse_30seconds(suite: Suite) {
    code_reuse(suite, 30).await;
}

pub(super) async fn oidcc_ensure_registered_redirect_uri(mut suite: Suite) {
    let answer = suite.come_back(&[("redirect_uri", "https://shop.example/callback/other")]).await;
    assert_eq!((answer.status, heading(&answer)), (400, "This application is not set up right"));
}

pub(super) async fn oidcc_ensure_post_request_succeeds(mut suite: Suite) {
    let (_, query) =
        suite.request(&[]).split_once('?').map(|(path, query)| (path.to_owned(), query.to_owned())).unwrap();
    let request = suite.server.request(Method::POST, "/oauth2/authorize");
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(query);
    let led = suite.browser.send(request, &suite.server).await;
    let asked = suite.browser.open(&suite.server, led.header("location")).await;
    let back = suite.browser.sign_in(&suite.server, &asked, EMAIL, PASSWORD).await;
    assert_eq!(suite.tokens_of(&back).await.status, 200);
}

pub(super) async fn oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(mut suite: Suite) {
    let back = suite.come_back(&[("request_uri", "https://shop.example/request")]).await;
    assert_eq!(suite.sent(&back, "error").as_deref(), Some("request_uri_not_supported"));
}

pub(super) async fn oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(mut suite: Suite) {
    let back = suite.come_back(&[("request", "eyJhbGciOiJub25lIn0.e30.")]).await;
    assert_eq!(suite.sent(&back, "error").as_deref(), Some("request_not_supported"));
}

pub(super) async fn oidcc_refresh_token(mut suite: Suite) {
    let (tokens, first) = suite.sign_in(&[]).await;
    let refreshed = suite.ask("/oauth2/token", &refresh(&tokens.string("refresh_token"), &[])).await;
    let second = claims(&refreshed.string("id_token"));
    assert_eq!((&first["sub"], &first["auth_time"]), (&second["sub"], &second["auth_time"]));
    // Another client's.
    let request = suite.server.request(Method::POST, "/oauth2/token").basic_auth("shop", Some(SECRET));
    let stolen = suite.server.send(request.form(&refresh(&tokens.string("refresh_token"), &[]))).await;
    assert_eq!((stolen.status, stolen.string("error").as_str()), (400, "invalid_grant"));
}

pub(super) async fn oidcc_ensure_request_with_valid_pkce_succeeds(mut suite: Suite) {
    let back = suite.come_back(&[("code_challenge", CHALLENGE), ("code_challenge_method", "S256")]).await;
    let members = exchange(&suite.sent(&back, "code").unwrap(), &[("code_verifier", VERIFIER)]);
    assert_eq!(suite.ask("/oauth2/token", &members).await.status, 200);
}
