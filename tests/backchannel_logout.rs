//! Applications are told of sessions that have ended (OpenID Connect Back-Channel Logout 1.0): by stream, queue and notifier.

use std::collections::BTreeSet;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use reqwest::{Method, Url};
use serde_json::{Value, json};
use wardgate::config::{Config, Stage};
use wardgate::domain::oauth::client::ClientId;
use wardgate::outbound::backchannel::Backchannel;

use crate::harness::applications::{authorize, claims, give_secret, jose_header, register, register_applications};
use crate::harness::pages::Browser;
use crate::harness::relying_party::{RelyingParty, sign_in_to, sign_out, with_told};
use crate::harness::{EMAIL, OTHER_PASSWORD, PASSWORD, TABLE, TestServer};

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
    register_applications(&server).await;
    server.register(EMAIL, PASSWORD).await;
    let silent = RelyingParty::start();
    silent.register(&server, "told", "").await;
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
    let elsewhere = server.configured(|config: &mut Config| config.stage = Stage::Staging).await;
    let backchannel = Backchannel::new(&elsewhere.app.config).unwrap();
    let client = ClientId::parse("told").unwrap();
    let there = Url::parse(&relying_party.uri()).unwrap();
    for host in ["localhost", "127.0.0.1", "[::1]", "169.254.169.254"] {
        for scheme in ["http", "https"] {
            let mut url = there.clone();
            url.set_host(Some(host)).unwrap();
            url.set_scheme(scheme).unwrap();
            // Whoever has not answered is left alone for ten seconds.
            server.clock.advance(11);
            let now = server.app.clock.now();
            let asked = backchannel.post(&client, url.as_str(), &tokens.string("id_token"), now).await;
            let refused = asked.unwrap_err();
            assert_eq!((refused.code.as_str(), refused.is_final), ("connection failed", false), "{url}");
        }
    }
    assert_eq!(relying_party.taken().len(), 0);
}
