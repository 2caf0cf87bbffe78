//! Applications are told of sessions that have ended (OpenID Connect Back-Channel Logout 1.0): by stream, queue and notifier.

use std::collections::BTreeSet;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use reqwest::Method;
use serde_json::{Value, json};
use wardgate::config::Config;

use crate::harness::applications::{
    SECRET, ask_for_tokens, authorize, claims, exchange, jose_header, refresh, sent, with_applications,
};
use crate::harness::pages::{Browser, forms};
use crate::harness::relying_party::{RelyingParty, register};
use crate::harness::{Answer, EMAIL, PASSWORD, TABLE, TestServer};

const OTHER_PASSWORD: &str = "seven quiet rivers bend";

/// A server with an application that is told, beside those that are not.
async fn with_told(more: &str) -> (TestServer, RelyingParty) {
    let (server, relying_party) = (with_applications().await, RelyingParty::start());
    relying_party.register(&server, "told", more).await;
    give_secret(&server, "told").await;
    (server, relying_party)
}

async fn give_secret(server: &TestServer, client: &str) {
    let client = wardgate::domain::oauth::client::ClientId::parse(client).unwrap();
    wardgate::use_cases::clients::give_secret(&server.app, &server.context(), &client, SECRET).await.unwrap();
}

/// Signs the browser in to an application.
async fn sign_in_to(server: &TestServer, browser: &mut Browser, client: &str, scope: &str) -> Answer {
    let asked = browser.open(server, &authorize(&[("client_id", client), ("scope", scope)])).await;
    let back = if asked.status == 303 { browser.sign_in(server, &asked, EMAIL, PASSWORD).await } else { asked };
    server.step();
    let members = exchange(&sent(&back, "code").unwrap_or_else(|| panic!("no code in {}", back.text)), &[]);
    let request = server.request(Method::POST, "/oauth2/token").basic_auth(client, Some(SECRET)).form(&members);
    let tokens = server.send(request).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    server.step();
    tokens
}

/// What the application was told, once everything has arrived, and whether its key set says that it was us.
async fn told(server: &TestServer, relying_party: &RelyingParty) -> Vec<Value> {
    server.pump.drain().await.unwrap();
    let tokens = relying_party.taken();
    let keys: JwkSet = serde_json::from_value(server.get("/.well-known/jwks.json").await.json()).unwrap();
    for token in &tokens {
        let header = jsonwebtoken::decode_header(token).unwrap();
        let key = DecodingKey::from_jwk(keys.find(header.kid.as_deref().unwrap()).unwrap()).unwrap();
        let mut validation = Validation::new(header.alg);
        // The clock is a parameter.
        validation.validate_exp = false;
        validation.set_audience(&["told", "also"]);
        jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap();
        assert_eq!(header.typ.as_deref(), Some("logout+jwt"));
    }
    tokens.iter().map(|token| claims(token)).collect()
}

async fn sign_out(server: &TestServer, browser: &mut Browser, id_token: &str) {
    let out = browser.open(server, &format!("/oauth2/logout?id_token_hint={id_token}")).await;
    assert_eq!(out.status, 200, "{}", out.text);
    server.step();
}

#[tokio::test]
async fn sec_oc_41_sec_oc_42_the_session_that_ends_is_told_to_the_application_that_asked() {
    for algorithm in ["RS256", "ES256"] {
        let (server, relying_party) = with_told(&format!("id_token_algorithm = \"{algorithm}\"")).await;
        let mut browser = Browser::default();
        sign_in_to(&server, &mut browser, "shop", "openid").await;
        let tokens = sign_in_to(&server, &mut browser, "told", "openid").await;
        let id_token = claims(&tokens.string("id_token"));
        assert_eq!(told(&server, &relying_party).await, [json!(null); 0], "nothing has ended");
        sign_out(&server, &mut browser, &tokens.string("id_token")).await;
        let said = told(&server, &relying_party).await;
        let [said] = said.as_slice() else { panic!("{said:?}") };
        for name in ["iss", "aud", "sub", "sid"] {
            assert_eq!(said[name], id_token[name], "{name}");
        }
        assert_eq!(said["events"], json!({ "http://schemas.openid.net/event/backchannel-logout": {} }));
        let lives = said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap();
        assert!((1..=120).contains(&lives), "{lives}");
        assert_eq!(said["iat"].as_i64().unwrap(), server.app.clock.now().unix_seconds());
        assert!(said["jti"].is_string() && said.get("nonce").is_none(), "{said}");
        assert_eq!(told(&server, &relying_party).await, [json!(null); 0], "once");
    }
}

/// It is nothing that anything else here takes.
#[tokio::test]
async fn sec_oc_42_a_logout_token_is_no_id_token_and_no_access_token() {
    let (server, relying_party) = with_told("").await;
    let mut browser = Browser::default();
    let tokens = sign_in_to(&server, &mut browser, "told", "openid").await;
    sign_out(&server, &mut browser, &tokens.string("id_token")).await;
    server.pump.drain().await.unwrap();
    let token = relying_party.taken().remove(0);
    assert_eq!(jose_header(&token)["typ"], "logout+jwt");
    let mut other = Browser::default();
    sign_in_to(&server, &mut other, "told", "openid").await;
    let out = other.open(&server, &format!("/oauth2/logout?id_token_hint={token}")).await;
    assert_eq!(out.status, 400, "{}", out.text);
    for path in ["/oauth2/userinfo", "/v1/me"] {
        assert_eq!(server.as_bearer(Method::GET, path, &token).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn sec_oc_41_whoever_ends_a_session_and_wherever_the_application_hears_of_it() {
    let (server, relying_party) = with_told("").await;
    let sid = async |browser: &mut Browser| {
        let tokens = sign_in_to(&server, browser, "told", "openid").await;
        claims(&tokens.string("id_token"))["sid"].as_str().unwrap().to_owned()
    };
    let sids = |said: &[Value]| -> BTreeSet<String> {
        said.iter().map(|it| it["sid"].as_str().unwrap_or("all").to_owned()).collect()
    };
    // One session, by the API of another one.
    let first = sid(&mut Browser::default()).await;
    let access = server.login(EMAIL, PASSWORD).await.string("access_token");
    server.step();
    let sessions = server.as_bearer(Method::GET, "/v1/sessions", &access).await.json();
    let ids: Vec<&str> = sessions["items"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    let own = sessions["items"].as_array().unwrap().iter().find(|it| it["current"] == true).unwrap()["id"].clone();
    for id in ids.iter().filter(|id| own != **id) {
        server.as_bearer(Method::DELETE, &format!("/v1/sessions/{id}"), &access).await;
    }
    server.step();
    assert_eq!(sids(&told(&server, &relying_party).await), BTreeSet::from([first]));

    // All others: the asking one goes on, so that each of them is named.
    let (one, two) = (sid(&mut Browser::default()).await, sid(&mut Browser::default()).await);
    let ended = server.as_bearer(Method::DELETE, "/v1/sessions", &access).await;
    assert_eq!(ended.status, 204, "{}", ended.text);
    server.step();
    assert_eq!(sids(&told(&server, &relying_party).await), BTreeSet::from([one, two]));

    // Everything, by a mailed link: whoever is told of all ends all.
    sid(&mut Browser::default()).await;
    sid(&mut Browser::default()).await;
    server.verify_directly(EMAIL).await;
    assert_eq!(server.post("/v1/password/forgot", &json!({ "email": EMAIL })).await.status, 202);
    let link = crate::harness::link_token(&server.newest_mail(EMAIL).await);
    relying_party.taken();
    server.step();
    let reset = server.post("/v1/password/reset", &json!({ "token": link, "new_password": OTHER_PASSWORD })).await;
    assert_eq!(reset.status, 200, "{}", reset.text);
    server.step();
    assert_eq!(sids(&told(&server, &relying_party).await), BTreeSet::from(["all".to_owned()]));
}

#[tokio::test]
async fn sec_oc_41_an_item_that_the_table_deletes_is_a_session_that_has_ended() {
    let (server, relying_party) = with_told("").await;
    let tokens = sign_in_to(&server, &mut Browser::default(), "told", "openid").await;
    server.pump.drain().await.unwrap();
    for item in server.items(TABLE, "USER#").await {
        if item["sk"].as_s().unwrap().starts_with("SESSION#") {
            server.delete(TABLE, &item).await;
        }
    }
    let said = told(&server, &relying_party).await;
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0]["sid"], claims(&tokens.string("id_token"))["sid"]);
}

#[tokio::test]
async fn sec_oc_41_another_person_in_the_same_browser_ends_the_session_before() {
    let (server, relying_party) = with_told("").await;
    let mut browser = Browser::default();
    let tokens = sign_in_to(&server, &mut browser, "told", "openid").await;
    server.register("grace@example.com", PASSWORD).await;
    let asked =
        browser.open(&server, &authorize(&[("client_id", "told"), ("scope", "openid"), ("prompt", "login")])).await;
    browser.sign_in(&server, &asked, "grace@example.com", PASSWORD).await;
    server.step();
    let said = told(&server, &relying_party).await;
    let own = claims(&tokens.string("id_token"));
    assert_eq!(said.iter().map(|it| (&it["sub"], &it["sid"])).collect::<Vec<_>>(), [(&own["sub"], &own["sid"])]);
}

#[tokio::test]
async fn sec_oc_42_a_client_that_is_down_delays_nobody_and_is_told_by_another_token_later() {
    let (server, dead) = with_told("").await;
    let alive = RelyingParty::start();
    register(&server, &format!("{}{}", dead.client("told", ""), alive.client("also", ""))).await;
    give_secret(&server, "also").await;
    let mut browser = Browser::default();
    sign_in_to(&server, &mut browser, "told", "openid").await;
    let tokens = sign_in_to(&server, &mut browser, "also", "openid").await;
    dead.answers(503);
    sign_out(&server, &mut browser, &tokens.string("id_token")).await;
    assert_eq!(told(&server, &alive).await.len(), 1);
    let first = dead.taken();
    assert_eq!(first.len(), 1);
    // Whoever has just not answered is left alone for a moment.
    server.pump.drain().await.unwrap();
    assert_eq!(dead.taken().len(), 0);
    dead.answers(200);
    server.clock.advance(11);
    server.pump.drain().await.unwrap();
    let second = dead.taken();
    assert_eq!(second.len(), 1);
    let (first, second) = (claims(&first[0]), claims(&second[0]));
    assert_eq!(first["sid"], second["sid"]);
    assert_ne!(first["jti"], second["jti"]);
    assert_eq!(second["iat"].as_i64().unwrap(), server.app.clock.now().unix_seconds());
    server.clock.advance(60);
    server.pump.drain().await.unwrap();
    assert_eq!((dead.taken().len(), alive.taken().len()), (0, 0));
}

#[tokio::test]
async fn sec_oc_42_a_client_that_never_answers_is_waited_for_as_long_as_is_configured() {
    let server = TestServer::with(&[("AUTH__BACKCHANNEL_LOGOUT__TIMEOUT_MS", "200")]).await;
    crate::harness::applications::register_applications(&server).await;
    server.register(EMAIL, PASSWORD).await;
    let silent = RelyingParty::start();
    silent.register(&server, "told", "").await;
    give_secret(&server, "told").await;
    let mut browser = Browser::default();
    let tokens = sign_in_to(&server, &mut browser, "told", "openid").await;
    silent.hangs();
    sign_out(&server, &mut browser, &tokens.string("id_token")).await;
    server.pump.drain().await.unwrap();
    assert_eq!(silent.taken().len(), 1);
    silent.answers(204);
    server.clock.advance(11);
    server.pump.drain().await.unwrap();
    assert_eq!(silent.taken().len(), 1);
}

#[tokio::test]
async fn a_client_that_refuses_is_not_asked_again_and_one_that_is_gone_is_not_asked() {
    let (server, relying_party) = with_told("").await;
    let mut browser = Browser::default();
    for status in [302, 400, 404] {
        let tokens = sign_in_to(&server, &mut browser, "told", "openid").await;
        relying_party.answers(status);
        sign_out(&server, &mut browser, &tokens.string("id_token")).await;
        server.pump.drain().await.unwrap();
        assert_eq!(relying_party.taken().len(), 1, "{status}");
        server.clock.advance(60);
        server.pump.drain().await.unwrap();
        assert_eq!(relying_party.taken().len(), 0, "{status}");
    }
    relying_party.answers(200);
    sign_in_to(&server, &mut browser, "told", "openid").await;
    register(&server, "").await;
    let access = server.login(EMAIL, PASSWORD).await.string("access_token");
    server.step();
    assert_eq!(server.as_bearer(Method::DELETE, "/v1/sessions", &access).await.status, 204);
    assert_eq!(told(&server, &relying_party).await.len(), 0);
}

/// What a token can reach is not for an application's registration to say.
#[tokio::test]
async fn sec_oc_47_outside_development_a_client_on_this_machine_is_not_asked() {
    let (server, relying_party) = with_told("").await;
    let mut browser = Browser::default();
    let tokens = sign_in_to(&server, &mut browser, "told", "openid").await;
    let elsewhere = server.configured(|config: &mut Config| config.stage = wardgate::config::Stage::Staging).await;
    let backchannel = wardgate::outbound::backchannel::Backchannel::new(&elsewhere.app.config).unwrap();
    let client = wardgate::domain::oauth::client::ClientId::parse("told").unwrap();
    let now = server.app.clock.now();
    for host in
        ["http://localhost", "http://127.0.0.1", "https://127.0.0.1", "https://[::1]", "https://169.254.169.254"]
    {
        let refused =
            backchannel.post(&client, &format!("{host}/x"), &tokens.string("id_token"), now).await.unwrap_err();
        assert!(!refused.is_final, "{host}");
    }
    assert_eq!(relying_party.taken().len(), 0);
}

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
    assert_eq!(told(&server, &relying_party).await.len(), 1, "it is told of the sign-out all the same");
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
async fn offline_access_is_left_out_where_there_is_no_refresh_token() {
    let server = with_applications().await;
    let asked =
        Browser::default().open(&server, &authorize(&[("client_id", "cli"), ("scope", "openid offline_access")])).await;
    assert!(asked.status == 303 || asked.status == 400, "{}", asked.text);
    let mut browser = Browser::default();
    let tokens = {
        let code =
            crate::harness::applications::code_of(&server, &mut browser, &[("scope", "openid offline_access")]).await;
        ask_for_tokens(&server, &exchange(&code, &[])).await
    };
    assert_eq!(tokens.string("scope"), "offline_access openid");
    let discovery = server.get("/.well-known/openid-configuration").await.json();
    assert!(discovery["scopes_supported"].as_array().unwrap().contains(&json!("offline_access")));
    assert_eq!(
        (&discovery["backchannel_logout_supported"], &discovery["backchannel_logout_session_supported"]),
        (&json!(true), &json!(true))
    );
}
