//! `POST /oauth2/token`

use reqwest::Method;
use wardgate_verify::{KeySet, Verifier};

use crate::harness::applications::{
    CALLBACK, CHALLENGE, SECRET, VERIFIER, ask_for_tokens, claims, code_of, exchange, give_secret, refresh, register,
    register_applications, with_applications,
};
use crate::harness::pages::Browser;
use crate::harness::store_edge::Disturbance;
use crate::harness::{AUDIT_TABLE, Answer, EMAIL, PASSWORD, TABLE, TestServer};
use crate::permissions::observer::{Observer, expect};

const PAGE: &str = "https://page.example/?from=us";
const ORDERS: &str = "https://orders.example";

/// Every branch that asks something of AWS.
pub async fn drive(observer: &mut Observer) {
    register_applications(&observer.server).await;
    observer.server.register(EMAIL, PASSWORD).await;
    let mut browser = Browser::default();
    let code = code_of(&observer.server, &mut browser, &[("resource", ORDERS)]).await;
    let members = exchange(&code, &[]);
    for status in [200, 400, 400] {
        observer.see("token", async |it| expect(ask_for_tokens(it, &members).await.status, status)).await;
        observer.server.clock.advance(11);
    }
    let page = [("client_id", "page"), ("redirect_uri", PAGE)];
    let code = code_of(&observer.server, &mut browser, &page).await;
    let token = as_page(&observer.server, &exchange(&code, &page)).await.string("refresh_token");
    let members = refresh(&token, &[("client_id", "page")]);
    for status in [200, 400] {
        observer.see("token", async |it| expect(as_page(it, &members).await.status, status)).await;
        observer.server.clock.advance(11);
    }
}

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status, answer.string("error").as_str()), (status, error), "{}", answer.text);
    assert!(!answer.string("error_description").is_empty());
    assert_eq!((answer.header("content-type"), answer.header("cache-control")), ("application/json", "no-store"));
}

async fn shop() -> (TestServer, Browser) {
    (with_applications().await, Browser::default())
}

/// The page asks, which has no secret.
async fn as_page(server: &TestServer, members: &[(String, String)]) -> Answer {
    server.send(server.request(Method::POST, "/oauth2/token").form(members)).await
}

/// Tokens of the page's.
async fn of_page(server: &TestServer, browser: &mut Browser) -> Answer {
    let page = [("client_id", "page"), ("redirect_uri", PAGE)];
    let code = code_of(server, browser, &page).await;
    as_page(server, &exchange(&code, &page)).await
}

/// The page refreshes.
async fn refreshed(server: &TestServer, token: &str) -> Answer {
    as_page(server, &refresh(token, &[("client_id", "page")])).await
}

/// Whether a client's access token still opens the userinfo endpoint.
async fn opens(server: &TestServer, answer: &Answer) -> bool {
    server.as_bearer(Method::GET, "/oauth2/userinfo", &answer.string("access_token")).await.status == 200
}

#[tokio::test]
async fn sec_oc_07_sec_oc_15_sec_oc_33_a_code_is_exchanged_once_for_an_access_token_and_an_id_token() {
    let (server, mut browser) = shop().await;
    let code = code_of(&server, &mut browser, &[("nonce", "n-1"), ("scope", "openid email phone")]).await;
    server.store.reset();
    let answer = ask_for_tokens(&server, &exchange(&code, &[])).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(server.store.rounds(), [vec!["GetItem"], vec!["GetItem", "GetItem", "UpdateItem"]]);
    let body = answer.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&"Bearer".into(), &300.into()));
    assert_eq!(body["scope"], "email openid", "what is left is told");
    assert!(body["refresh_token"].as_str().unwrap().starts_with("or_s1."), "OC-04: {body}");
    assert_eq!(answer.header("cache-control"), "no-store");

    let (access, id) = (claims(&answer.string("access_token")), claims(&answer.string("id_token")));
    assert_eq!(access["aud"], serde_json::json!([format!("{}/oauth2/userinfo", server.base)]));
    assert!(access["gid"].as_str().unwrap().starts_with("grt_") && access.get("sid").is_none(), "{access}");
    assert_eq!((&access["client_id"], &access["scope"]), (&"shop".into(), &"email openid".into()));
    assert_eq!((&id["iss"], &id["aud"], &id["nonce"]), (&server.base.clone().into(), &"shop".into(), &"n-1".into()));
    assert_eq!((&id["acr"], &id["amr"]), (&"urn:wardgate:1fa".into(), &serde_json::json!(["pwd"])));
    assert_eq!(id["exp"].as_i64().unwrap() - id["iat"].as_i64().unwrap(), 600);
    assert!(id["auth_time"].as_i64() <= id["iat"].as_i64() && id.get("nbf").is_none(), "OC-15, OC-33: {id}");
    assert_eq!(id["sub"], access["sub"]);
    assert!(!id["sid"].as_str().unwrap().starts_with("ses_") && id.get("email").is_none(), "{id}");
}

#[tokio::test]
async fn sec_oc_34_an_access_token_is_for_one_api_signed_as_that_asks_for() {
    let (server, mut browser) = shop().await;
    let code =
        code_of(&server, &mut browser, &[("resource", "https://orders.example/"), ("scope", "orders:read")]).await;
    let answer = ask_for_tokens(&server, &exchange(&code, &[])).await;
    assert_eq!((answer.status, &answer.json()["expires_in"]), (200, &120.into()), "{}", answer.text);
    assert!(answer.json().get("id_token").is_none(), "nobody asked for openid");
    let keys = KeySet::parse(server.get("/.well-known/jwks.json").await.text.as_bytes()).unwrap();
    let verifier = Verifier::new(server.base.clone(), [ORDERS]).unwrap().require_scopes(["orders:read"]).unwrap();
    let now = server.context().now.unix_seconds();
    let token = verifier.verify(&keys, &answer.string("access_token"), now).unwrap();
    assert_eq!((token.aud, token.client_id.as_str()), (vec![ORDERS.to_owned()], "shop"));
    let header = jsonwebtoken::decode_header(answer.string("access_token")).unwrap();
    assert_eq!((header.alg, header.typ.as_deref()), (jsonwebtoken::Algorithm::ES256, Some("at+jwt")));
    // It is none of ours: neither the API nor the userinfo endpoint takes it.
    assert_eq!(server.as_bearer(Method::GET, "/v1/me", &answer.string("access_token")).await.status, 401);
    assert!(!opens(&server, &answer).await);
}

#[tokio::test]
async fn sec_oc_04_no_token_of_a_client_is_a_persons_session_to_our_own_api() {
    let (server, mut browser) = shop().await;
    let code = code_of(&server, &mut browser, &[]).await;
    let answer = ask_for_tokens(&server, &exchange(&code, &[])).await;
    for token in [answer.string("access_token"), answer.string("id_token")] {
        for (method, path) in [(Method::GET, "/v1/me"), (Method::GET, "/v1/sessions"), (Method::POST, "/v1/logout")] {
            assert_eq!(server.as_bearer(method, path, &token).await.status, 401, "{path}");
        }
    }
}

#[tokio::test]
async fn sec_oc_11_sec_oc_46_clients_that_are_unknown_or_show_a_wrong_secret_look_alike() {
    let (server, mut browser) = shop().await;
    let code = code_of(&server, &mut browser, &[]).await;
    let ask = async |id: &str, secret: Option<&str>| {
        let request = server.request(Method::POST, "/oauth2/token").basic_auth(id, secret);
        server.send(request.form(&exchange(&code, &[]))).await
    };
    let mut texts = Vec::new();
    for (id, secret) in [
        ("shop", Some("wgcs_wrong")),
        ("shop", Some("")),
        ("shop", None),
        ("nobody", Some(SECRET)),
        ("no body", Some(SECRET)),
        ("stranger", Some("wgcs_wrong")),
        ("page", Some("wgcs_any")),
    ] {
        let answer = ask(id, secret).await;
        assert_refused(&answer, 401, "invalid_client");
        assert_eq!(answer.header("www-authenticate"), "Basic realm=\"token\"");
        texts.push(answer.text);
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
    // In the body as well, and then without a challenge that browsers would ask people by.
    let answer = |secret: &'static str| {
        let members = exchange(&code, &[("client_id", "shop"), ("client_secret", secret)]);
        server.send(server.request(Method::POST, "/oauth2/token").form(&members))
    };
    let wrong = answer("wgcs_wrong").await;
    assert_refused(&wrong, 401, "invalid_client");
    assert_eq!(wrong.header("www-authenticate"), "");
    assert_refused(&answer("").await, 401, "invalid_client");
    // None of them has used the code up (OC-11).
    assert_eq!(answer(SECRET).await.status, 200);
}

#[tokio::test]
async fn sec_oc_07_what_does_not_belong_to_a_code_uses_nothing_up() {
    let (server, mut browser) = shop().await;
    let code = code_of(&server, &mut browser, &[]).await;
    for wrong in [
        ("code_verifier", ""),
        ("code_verifier", CHALLENGE),
        ("redirect_uri", "https://shop.example/callback/"),
        ("code", "ac_s1.x.y"),
        ("code", &code.replacen("ac_", "lf_", 1)),
        ("code", &format!("{code}A")),
    ] {
        assert_refused(&ask_for_tokens(&server, &exchange(&code, &[wrong])).await, 400, "invalid_grant");
    }
    for missing in ["code", "redirect_uri", "grant_type"] {
        assert_refused(&ask_for_tokens(&server, &exchange(&code, &[(missing, "")])).await, 400, "invalid_request");
    }
    let twice = [exchange(&code, &[]), exchange(&code, &[])].concat();
    assert_refused(&ask_for_tokens(&server, &twice).await, 400, "invalid_request");
    for kind in ["password", "client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer"] {
        let members = exchange(&code, &[("grant_type", kind)]);
        assert_refused(&ask_for_tokens(&server, &members).await, 400, "unsupported_grant_type");
    }
    assert_refused(&ask_for_tokens(&server, &exchange(&code, &[("resource", ORDERS)])).await, 400, "invalid_target");
}

#[tokio::test]
async fn sec_oc_07_a_code_lives_for_a_minute() {
    let (server, mut browser) = shop().await;
    let [first, second] = [code_of(&server, &mut browser, &[]).await, code_of(&server, &mut browser, &[]).await];
    server.clock.advance(58);
    assert_eq!(ask_for_tokens(&server, &exchange(&first, &[])).await.status, 200);
    server.clock.advance(2);
    assert_refused(&ask_for_tokens(&server, &exchange(&second, &[])).await, 400, "invalid_grant");
}

#[tokio::test]
async fn sec_oc_12_another_clients_code_is_none_and_stays() {
    let (server, mut browser) = shop().await;
    let code = code_of(&server, &mut browser, &[]).await;
    let members = exchange(&code, &[("client_id", "page"), ("redirect_uri", CALLBACK)]);
    let answer = server.send(server.request(Method::POST, "/oauth2/token").form(&members)).await;
    assert_refused(&answer, 400, "invalid_grant");
    let answer = ask_for_tokens(&server, &exchange(&code, &[])).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    // Nor does its second attempt end what the code has given.
    server.clock.advance(20);
    assert_refused(
        &server.send(server.request(Method::POST, "/oauth2/token").form(&members)).await,
        400,
        "invalid_grant",
    );
    assert!(opens(&server, &answer).await);
}

#[tokio::test]
async fn sec_oc_08_a_code_that_comes_again_ends_its_grant_unless_it_is_the_client_at_once() {
    let (server, mut browser) = shop().await;
    let code = code_of(&server, &mut browser, &[]).await;
    let answer = ask_for_tokens(&server, &exchange(&code, &[])).await;
    server.clock.advance(5);
    assert_refused(&ask_for_tokens(&server, &exchange(&code, &[])).await, 400, "invalid_grant");
    assert!(opens(&server, &answer).await, "pages in development send twice");
    server.clock.advance(5);
    assert_refused(&ask_for_tokens(&server, &exchange(&code, &[])).await, 400, "invalid_grant");
    assert!(!opens(&server, &answer).await);
    let lines = server.items(AUDIT_TABLE, "USER#").await;
    assert!(lines.iter().any(|line| line["action"].as_s().is_ok_and(|it| it == "code_reused")));
    // Who has a copy of the code and of the secret, and another verifier, ends it at once.
    let code = code_of(&server, &mut browser, &[]).await;
    let answer = ask_for_tokens(&server, &exchange(&code, &[])).await;
    assert_refused(
        &ask_for_tokens(&server, &exchange(&code, &[("code_verifier", CHALLENGE)])).await,
        400,
        "invalid_grant",
    );
    assert!(!opens(&server, &answer).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_oc_09_fifty_who_exchange_one_code_at_a_time_have_one_success_between_them() {
    let (server, mut browser) = shop().await;
    let code = code_of(&server, &mut browser, &[]).await;
    let members = exchange(&code, &[]);
    let answers = futures::future::join_all((0..50).map(|_| ask_for_tokens(&server, &members))).await;
    let (right, wrong): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((right.len(), wrong.len()), (1, 49));
    assert!(wrong.iter().all(|answer| answer.string("error") == "invalid_grant"));
    assert!(opens(&server, right[0]).await);
    ask_for_tokens(&server, &exchange(&code, &[("code_verifier", CHALLENGE)])).await;
    assert!(!opens(&server, right[0]).await, "with any wrong one after it, nothing lives");
}

#[tokio::test]
async fn sec_oc_09_a_lost_answer_of_the_table_costs_nobody_the_code() {
    let (server, mut browser) = shop().await;
    let code = code_of(&server, &mut browser, &[]).await;
    server.store.disturb("UpdateItem", Disturbance::LostAnswer, 1);
    let answer = ask_for_tokens(&server, &exchange(&code, &[])).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(opens(&server, &answer).await);
}

#[tokio::test]
async fn sec_se_04_a_code_of_a_session_that_has_ended_gives_nothing() {
    let (server, mut browser) = shop().await;
    let code = code_of(&server, &mut browser, &[]).await;
    let api = server.login(EMAIL, PASSWORD).await.string("access_token");
    assert_eq!(server.as_bearer(Method::DELETE, "/v1/sessions", &api).await.status, 204);
    assert_refused(&ask_for_tokens(&server, &exchange(&code, &[])).await, 400, "invalid_grant");
}

#[tokio::test]
async fn sec_oc_25_a_page_of_another_origin_is_not_the_client() {
    let (server, mut browser) = shop().await;
    let page = [("client_id", "page"), ("redirect_uri", "https://page.example/?from=us")];
    let code = code_of(&server, &mut browser, &page).await;
    let members = exchange(&code, &page);
    let ask = async |origin: &str| {
        let request = server.request(Method::POST, "/oauth2/token").header("origin", origin);
        server.send(request.form(&members)).await
    };
    for origin in ["https://evil.example", "null", "https://page.example.evil.example", "http://page.example"] {
        let refused = ask(origin).await;
        assert_refused(&refused, 400, "invalid_request");
        assert_eq!(refused.header("access-control-allow-origin"), "*", "the page may read why");
    }
    // A public client shows itself by Basic with an empty secret where its library knows no other way.
    let by_basic = server.request(Method::POST, "/oauth2/token").basic_auth("page", Some("")).header("origin", "null");
    assert_refused(&server.send(by_basic.form(&members)).await, 400, "invalid_request");
    let answer = ask("https://page.example").await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, "*"), "{}", answer.text);
}

#[tokio::test]
async fn sec_oc_06_a_legacy_client_needs_no_challenge_and_one_that_it_sent_holds() {
    let (server, mut browser) = shop().await;
    let file = r#"
        [[client]]
        id = "old"
        kind = "web"
        name = { en = "Old" }
        redirect_uris = ["https://old.example/callback"]
        consent = "none"
        pkce = "legacy"
    "#;
    register(&server, file).await;
    give_secret(&server, "old").await;
    let old = [("client_id", "old"), ("redirect_uri", "https://old.example/callback")];
    let ask = async |code: &str, verifier: &str| {
        let members = exchange(code, &[old[1], ("code_verifier", verifier)]);
        let request = server.request(Method::POST, "/oauth2/token").basic_auth("old", Some(SECRET));
        server.send(request.form(&members)).await
    };
    let without = [old[0], old[1], ("code_challenge", ""), ("code_challenge_method", "")];
    let code = code_of(&server, &mut browser, &without).await;
    assert_refused(&ask(&code, VERIFIER).await, 400, "invalid_grant");
    assert_eq!(ask(&code, "").await.status, 200);
    let code = code_of(&server, &mut browser, &old).await;
    assert_refused(&ask(&code, "").await, 400, "invalid_grant");
    assert_eq!(ask(&code, VERIFIER).await.status, 200);
}

#[tokio::test]
async fn sec_oc_01_unknown_members_are_passed_over_and_another_media_type_is_none() {
    let (server, mut browser) = shop().await;
    let code = code_of(&server, &mut browser, &[]).await;
    let json = server.request(Method::POST, "/oauth2/token").basic_auth("shop", Some(SECRET));
    let answer = server.send(json.json(&serde_json::json!({ "grant_type": "authorization_code" }))).await;
    assert_refused(&answer, 415, "invalid_request");
    let members = exchange(&code, &[("audience", "x"), ("utm", "a")]);
    assert_eq!(ask_for_tokens(&server, &members).await.status, 200);
}

#[tokio::test]
async fn sec_oc_10_the_token_of_a_client_with_a_secret_stays_and_its_life_slides() {
    let (server, mut browser) = shop().await;
    let code = code_of(&server, &mut browser, &[("nonce", "n"), ("scope", "openid email profile")]).await;
    let first = ask_for_tokens(&server, &exchange(&code, &[])).await;
    let token = first.string("refresh_token");
    let idle = i64::try_from(server.app.config.sessions.idle_seconds).unwrap();
    let auth_time = claims(&first.string("id_token"))["auth_time"].clone();
    for _ in 0..3 {
        server.clock.advance(idle - 1);
        server.store.reset();
        let again = ask_for_tokens(&server, &refresh(&token, &[])).await;
        assert_eq!(again.status, 200, "an application in daily use never asks the browser: {}", again.text);
        // After so long a time what operators have set is read first.
        let rounds = server.store.rounds();
        assert!(
            rounds.ends_with(&[
                vec!["GetItem".to_owned()],
                ["GetItem", "GetItem", "UpdateItem"].map(str::to_owned).into()
            ]),
            "{rounds:?}"
        );
        assert_eq!(again.string("refresh_token"), token);
        let id = claims(&again.string("id_token"));
        assert_eq!((&id["auth_time"], id.get("nonce")), (&auth_time, None), "OC-15");
        assert!(opens(&server, &again).await);
    }
    server.clock.advance(idle);
    assert_refused(&ask_for_tokens(&server, &refresh(&token, &[])).await, 400, "invalid_grant");
}

#[tokio::test]
async fn sec_oc_10_the_token_of_a_public_client_changes_and_an_old_one_ends_its_family_alone() {
    let (server, mut browser) = shop().await;
    let [one, other] = [of_page(&server, &mut browser).await, of_page(&server, &mut browser).await];
    server.clock.advance(60);
    let second = refreshed(&server, &one.string("refresh_token")).await;
    assert_ne!(second.string("refresh_token"), one.string("refresh_token"));
    // A lost answer is given again, byte for byte.
    server.clock.advance(5);
    let repeated = refreshed(&server, &one.string("refresh_token")).await;
    assert_eq!(repeated.string("refresh_token"), second.string("refresh_token"));
    server.clock.advance(5);
    assert_refused(&refreshed(&server, &one.string("refresh_token")).await, 400, "invalid_grant");
    assert_refused(&refreshed(&server, &second.string("refresh_token")).await, 400, "invalid_grant");
    assert!(!opens(&server, &second).await);
    let lines = server.items(AUDIT_TABLE, "USER#").await;
    assert!(lines.iter().any(|line| line["action"].as_s().is_ok_and(|it| it == "client_refresh_reused")));
    // The person's other families go on, and so does the session in the browser.
    assert_eq!(refreshed(&server, &other.string("refresh_token")).await.status, 200);
    code_of(&server, &mut browser, &[("prompt", "none")]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_oc_10_fifty_refreshes_at_a_time_keep_everybody_signed_in() {
    let (server, mut browser) = shop().await;
    let token = of_page(&server, &mut browser).await.string("refresh_token");
    server.clock.advance(60);
    let answers = futures::future::join_all((0..50).map(|_| refreshed(&server, &token))).await;
    let mut successors: Vec<String> = answers.iter().map(|answer| answer.string("refresh_token")).collect();
    successors.sort();
    successors.dedup();
    assert_eq!(successors.len(), 1, "one family, one successor");
    server.clock.advance(60);
    assert_eq!(refreshed(&server, &successors[0]).await.status, 200);
}

#[tokio::test]
async fn sec_oc_12_a_refresh_token_works_for_its_client_alone_and_another_ends_nothing() {
    let (server, mut browser) = shop().await;
    let token = of_page(&server, &mut browser).await.string("refresh_token");
    server.clock.advance(60);
    assert_eq!(refreshed(&server, &token).await.status, 200);
    server.clock.advance(60);
    // Too old by now, which would end the family if it were its client's.
    assert_refused(&ask_for_tokens(&server, &refresh(&token, &[])).await, 400, "invalid_grant");
    let of_shop = code_of(&server, &mut browser, &[]).await;
    let of_shop = ask_for_tokens(&server, &exchange(&of_shop, &[])).await.string("refresh_token");
    assert_refused(&refreshed(&server, &of_shop).await, 400, "invalid_grant");
    assert_eq!(ask_for_tokens(&server, &refresh(&of_shop, &[])).await.status, 200);
    let twice = ask_for_tokens(&server, &[refresh(&of_shop, &[]), refresh(&of_shop, &[])].concat()).await;
    assert_refused(&twice, 400, "invalid_request");
    let only_the_token = [refresh(&of_shop, &[]), refresh(&of_shop, &[])[1..].to_vec()].concat();
    let twice = ask_for_tokens(&server, &only_the_token).await;
    assert_eq!(twice.string("error_description"), "a parameter stands twice", "OC-01");
    for other in ["", "or_s1.x.y", &of_shop.replacen("or_", "rt_", 1), &format!("{of_shop}A")] {
        let status = ask_for_tokens(&server, &refresh(other, &[])).await;
        assert_eq!(status.status, 400, "{other}: {}", status.text);
    }
    // Nor does our own API take one, or give one that would be taken here.
    assert_eq!(server.refresh(&of_shop).await.status, 401);
    let own = server.login(EMAIL, PASSWORD).await.string("refresh_token");
    assert_refused(&ask_for_tokens(&server, &refresh(&own, &[])).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_refresh_narrows_what_it_gives_and_never_the_grant() {
    let (server, mut browser) = shop().await;
    let more = [("scope", "openid email orders:read"), ("resource", ORDERS)];
    let code = code_of(&server, &mut browser, &more).await;
    let token = ask_for_tokens(&server, &exchange(&code, &[])).await.string("refresh_token");
    let narrow = ask_for_tokens(&server, &refresh(&token, &[("scope", "orders:read"), ("resource", ORDERS)])).await;
    assert_eq!((narrow.string("scope").as_str(), narrow.json().get("id_token")), ("orders:read", None));
    assert_eq!(claims(&narrow.string("access_token"))["aud"], serde_json::json!([ORDERS]));
    let wide = ask_for_tokens(&server, &refresh(&token, &[])).await;
    assert_eq!(wide.string("scope"), "email openid orders:read");
    let members = refresh(&token, &[("scope", "openid profile")]);
    assert_refused(&ask_for_tokens(&server, &members).await, 400, "invalid_scope");
    let members = refresh(&token, &[("resource", "https://elsewhere.example")]);
    assert_refused(&ask_for_tokens(&server, &members).await, 400, "invalid_target");
}

#[tokio::test]
async fn sec_se_04_what_ends_the_session_ends_its_refresh_tokens() {
    let (server, mut browser) = shop().await;
    let token = of_page(&server, &mut browser).await.string("refresh_token");
    let api = server.login(EMAIL, PASSWORD).await.string("access_token");
    assert_eq!(server.as_bearer(Method::DELETE, "/v1/sessions", &api).await.status, 204);
    server.clock.advance(60);
    assert_refused(&refreshed(&server, &token).await, 400, "invalid_grant");
    let token = of_page(&server, &mut browser).await.string("refresh_token");
    let me = server.login(EMAIL, PASSWORD).await;
    let bearer = me.string("access_token");
    let listed = server.as_bearer(Method::GET, "/v1/sessions", &bearer).await.json();
    let ids = listed["items"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap());
    for id in ids.filter(|id| *id != me.string("session_id")) {
        assert_eq!(server.as_bearer(Method::DELETE, &format!("/v1/sessions/{id}"), &bearer).await.status, 204);
    }
    server.clock.advance(60);
    assert_refused(&refreshed(&server, &token).await, 400, "invalid_grant");
}

#[tokio::test]
async fn sec_oc_51_an_export_says_what_applications_have_and_an_erasure_leaves_none_of_it() {
    let (server, mut browser) = shop().await;
    let code = code_of(&server, &mut browser, &[("resource", ORDERS)]).await;
    ask_for_tokens(&server, &exchange(&code, &[])).await;
    let answer = server.login(EMAIL, PASSWORD).await;
    let document = server.as_bearer(Method::GET, "/v1/me/export", &answer.string("access_token")).await;
    let [grant] = document.json()["applications"].as_array().unwrap().clone().try_into().unwrap();
    assert_eq!((&grant["client_id"], &grant["scopes"]), (&"shop".into(), &serde_json::json!(["email", "openid"])));
    assert_eq!((&grant["resources"], grant["taken_at"].is_string()), (&serde_json::json!([ORDERS]), true));
    for secret in ["code_hash", "challenge", "refresh_hash", CHALLENGE] {
        assert!(!document.text.contains(secret), "{secret}");
    }
    let user = wardgate::domain::id::UserId::parse(claims(&answer.string("access_token"))["sub"].as_str().unwrap());
    server.app.store.erase_belongings(user.unwrap()).await.unwrap();
    assert!(server.items(TABLE, "USER#").await.iter().all(|item| !item["sk"].as_s().unwrap().starts_with("GRANT#")));
}

#[tokio::test]
async fn a_client_without_the_grant_gets_no_refresh_token_and_may_use_none() {
    let (server, mut browser) = shop().await;
    let cli = [("client_id", "cli"), ("redirect_uri", "http://127.0.0.1:4000/callback"), ("scope", "openid")];
    let code = code_of(&server, &mut browser, &cli).await;
    let answer = as_page(&server, &exchange(&code, &cli[..2])).await;
    assert_eq!((answer.status, answer.json().get("refresh_token")), (200, None), "{}", answer.text);
    let members = refresh("or_s1.x.y", &[("client_id", "cli")]);
    assert_refused(&as_page(&server, &members).await, 400, "unauthorized_client");
}

#[tokio::test]
async fn what_is_down_is_told_in_oauths_terms_and_the_code_stays() {
    let (server, mut browser) = shop().await;
    let code = code_of(&server, &mut browser, &[]).await;
    server.store.disturb("GetItem", Disturbance::ServerError, 6);
    let answer = ask_for_tokens(&server, &exchange(&code, &[])).await;
    assert_refused(&answer, 503, "temporarily_unavailable");
    assert!(!answer.header("retry-after").is_empty());
    assert_eq!(ask_for_tokens(&server, &exchange(&code, &[])).await.status, 200);
}

#[tokio::test]
async fn sec_ot_09_neither_code_nor_token_is_in_the_table() {
    let (server, mut browser) = shop().await;
    let code = code_of(&server, &mut browser, &[]).await;
    let answer = ask_for_tokens(&server, &exchange(&code, &[])).await;
    let kept = format!("{:?}{:?}", server.items(TABLE, "").await, server.items(AUDIT_TABLE, "").await);
    for secret in [code.split('.').nth(1).unwrap(), &answer.string("access_token"), VERIFIER, SECRET] {
        assert!(!kept.contains(secret), "{secret}");
    }
}
