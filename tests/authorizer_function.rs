//! The authorizer, by the events that API Gateway sends it (TK-06).

use serde_json::{Value, json};
use wardgate_runtime_tests::golden;

use crate::harness::applications::{ask_for_tokens, code_of, exchange, register_applications};
use crate::harness::pages::Browser;
use crate::harness::secrets_manager::Mood;
use crate::harness::{EMAIL, PASSWORD, TestServer};
use crate::token_forgery::forgeries;

const API: &str = "https://api.example.com";
const GUARDED: [(&str, &str); 2] = [("AUTH__TOKENS__AUDIENCE", API), ("AUTH__AUTHORIZER__AUDIENCE", API)];

fn with<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    GUARDED.iter().chain(more).copied().collect()
}

/// The answer to an event; `None` for a failure of ours, which API Gateway makes a 500.
async fn answer(server: &TestServer, case: &str, token: &str) -> Option<Value> {
    let event = golden::event(&format!("authorizer/{case}"));
    let event = serde_json::from_str(&event.replace("${ACCESS_TOKEN}", token)).unwrap();
    (authorizer::FUNCTION.handler)(&server.app, &(), event).await.ok()
}

#[tokio::test]
async fn every_golden_event_gets_its_response() {
    let server = TestServer::with(&golden::SETTINGS).await;
    let access = server.signed_in().await.string("access_token");
    for case in golden::cases("authorizer") {
        let (_, name) = case.name.split_once('/').unwrap();
        case.check(answer(&server, name, &access).await.unwrap());
    }
}

#[tokio::test]
async fn sec_tk_06_the_simple_answer_carries_who_and_what() {
    let server = TestServer::with(&GUARDED).await;
    let signed_in = server.signed_in().await;
    server.store.reset();
    let allowed = answer(&server, "ok", &signed_in.string("access_token")).await.unwrap();
    assert_eq!(allowed["isAuthorized"], true);
    assert!(allowed["context"]["sub"].as_str().unwrap().starts_with("usr_"));
    assert_eq!(allowed["context"]["sid"], signed_in.json()["session_id"]);
    assert_eq!((&allowed["context"]["scope"], &allowed["context"]["roles"]), (&json!("account"), &json!("")));
    assert_eq!(server.store.count(), 0, "a verification asks the table nothing");
    for case in ["no-token", "forged"] {
        let denied = answer(&server, case, "").await.unwrap();
        assert_eq!(denied, json!({ "isAuthorized": false, "context": {} }), "{case}");
    }
}

#[tokio::test]
async fn sec_tk_06_the_iam_answer_allows_just_the_route_that_was_asked_about() {
    let server = TestServer::with(&with(&[("AUTH__AUTHORIZER__RESPONSE", "iam")])).await;
    let access = server.signed_in().await.string("access_token");
    for (case, effect) in [("ok", "Allow"), ("no-token", "Deny"), ("forged", "Deny")] {
        let policy = answer(&server, case, &access).await.unwrap();
        let statement = &policy["policyDocument"]["Statement"][0];
        assert_eq!(statement["Effect"], effect, "{case}");
        assert_eq!(statement["Action"], "execute-api:Invoke");
        let route = "arn:aws:execute-api:eu-central-1:123456789012:abcdefghij/$default/GET/orders";
        assert_eq!(statement["Resource"], route);
        assert!(!policy["principalId"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn sec_mf_07_an_api_can_demand_a_second_factor_or_a_passkey() {
    for (least, expected) in [
        ("urn:wardgate:1fa", [true, true, true]),
        ("urn:wardgate:2fa", [false, true, true]),
        ("phr", [false, false, true]),
    ] {
        let server = TestServer::with(&with(&[("AUTH__AUTHORIZER__REQUIRED_ACR", least)])).await;
        server.register("one@example.com", PASSWORD).await;
        let one = server.login("one@example.com", PASSWORD).await;
        server.register("two@example.com", PASSWORD).await;
        let two = server.with_second_factor_of("two@example.com").await;
        let waiting = server.login("two@example.com", PASSWORD).await.string("mfa_token");
        let two = server.second_step(&waiting, "recovery_code", &two.recovery_codes[0]).await;
        let mut it = server.with_passkey().await;
        let passkey = server.passkey_login(&mut it.authenticator).await;
        let tokens = [one.string("access_token"), two.string("access_token"), passkey.string("access_token")];
        for (token, (is_allowed, acr)) in
            tokens.iter().zip(expected.into_iter().zip(["urn:wardgate:1fa", "urn:wardgate:2fa", "phr"]))
        {
            let decided = answer(&server, "ok", token).await.unwrap();
            let context = if is_allowed { json!(acr) } else { Value::Null };
            assert_eq!(
                (&decided["isAuthorized"], &decided["context"]["acr"]),
                (&json!(is_allowed), &context),
                "{least}"
            );
        }
    }
}

#[tokio::test]
async fn sec_tk_06_another_audience_or_a_missing_scope_is_denied() {
    for more in [
        [("AUTH__AUTHORIZER__AUDIENCE", "https://other.example.com")],
        [("AUTH__AUTHORIZER__REQUIRED_SCOPES", r#"["account", "orders"]"#)],
    ] {
        let server = TestServer::with(&with(&more)).await;
        let access = server.signed_in().await.string("access_token");
        assert_eq!(answer(&server, "ok", &access).await.unwrap()["isAuthorized"], false, "{more:?}");
    }
    let server = TestServer::with(&with(&[("AUTH__AUTHORIZER__REQUIRED_SCOPES", r#"["account"]"#)])).await;
    let access = server.signed_in().await.string("access_token");
    assert_eq!(answer(&server, "ok", &access).await.unwrap()["isAuthorized"], true);
}

#[tokio::test]
async fn sec_tk_02_forged_tokens_are_denied() {
    let server = TestServer::with(&GUARDED).await;
    for (index, (name, token)) in forgeries(&server).await.into_iter().enumerate() {
        assert_eq!(answer(&server, "ok", &token).await.unwrap()["isAuthorized"], index == 0, "{name}");
    }
}

#[tokio::test]
async fn sec_se_10_a_dead_session_is_denied_where_live_sessions_are_checked() {
    for (checked, expected) in [("true", false), ("false", true)] {
        let server = TestServer::with(&with(&[("AUTH__AUTHORIZER__CHECK_LIVE_SESSION", checked)])).await;
        server.register(EMAIL, PASSWORD).await;
        let access = server.login(EMAIL, PASSWORD).await.string("access_token");
        assert_eq!(answer(&server, "ok", &access).await.unwrap()["isAuthorized"], true);
        server.as_bearer(reqwest::Method::POST, "/v1/logout", &access).await;
        assert_eq!(answer(&server, "ok", &access).await.unwrap()["isAuthorized"], expected, "checked: {checked}");
    }
}

#[tokio::test]
async fn without_keys_the_function_fails_instead_of_deciding() {
    let server = TestServer::with_secrets_manager(&with(&[("AUTH__AWS__MAX_ATTEMPTS", "1")])).await;
    server.secrets_manager.set(Mood::Down);
    assert_eq!(answer(&server, "forged", "").await, None);
}

#[tokio::test]
async fn sec_tk_06_it_does_not_start_without_an_audience() {
    let server = TestServer::start().await;
    let missing = (authorizer::FUNCTION.needs)(&server.app.config).err().unwrap();
    assert!(missing.to_string().contains("AUTH__AUTHORIZER__AUDIENCE"), "{missing}");
}

/// An application's token for the API that the authorizer guards.
#[tokio::test]
async fn sec_oc_35_an_applications_token_is_let_in_for_as_long_as_its_grant_lives() {
    const ORDERS: &str = "https://orders.example";
    for checks in ["false", "true"] {
        let variables = [
            ("AUTH__AUTHORIZER__AUDIENCE", ORDERS),
            ("AUTH__AUTHORIZER__CHECK_LIVE_SESSION", checks),
            ("AUTH__AUTHORIZER__REQUIRED_SCOPES", r#"["orders:read"]"#),
        ];
        let server = TestServer::with(&variables).await;
        register_applications(&server).await;
        server.register(EMAIL, PASSWORD).await;
        let asked = [("resource", ORDERS), ("scope", "openid orders:read")];
        let code = code_of(&server, &mut Browser::default(), &asked).await;
        let tokens = ask_for_tokens(&server, &exchange(&code, &[])).await;
        let access = tokens.string("access_token");
        let allowed = answer(&server, "ok", &access).await.unwrap();
        assert_eq!(
            (&allowed["isAuthorized"], &allowed["context"]["scope"]),
            (&json!(true), &json!("openid orders:read"))
        );
        for other in [tokens.string("id_token"), server.login(EMAIL, PASSWORD).await.string("access_token")] {
            assert_eq!(answer(&server, "ok", &other).await.unwrap()["isAuthorized"], false, "another audience");
        }
        let session = server.login(EMAIL, PASSWORD).await.string("access_token");
        let ended = server.as_bearer(reqwest::Method::DELETE, "/v1/sessions", &session).await;
        assert_eq!(ended.status, 204);
        let still = answer(&server, "ok", &access).await.unwrap();
        assert_eq!(still["isAuthorized"], checks == "false", "it is asked only where that is set");
    }
}
