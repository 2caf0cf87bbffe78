//! `GET` and `POST /oauth2/authorize`

use reqwest::Method;

use crate::harness::applications::{
    CALLBACK, SESSION, ask_for_tokens, authorize, button, exchange, leads_to, register_applications, register_file,
    register_instead, sent, with_applications,
};
use crate::harness::pages::{Browser, form, heading};
use crate::harness::relying_party::RelyingParty;
use crate::harness::store_edge::Disturbance;
use crate::harness::{AUDIT_TABLE, Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TABLE, TestServer};
use crate::permissions::observer::{Observer, expect};

/// Every branch that asks something of AWS.
pub async fn drive(observer: &mut Observer) {
    register_applications(&observer.server).await;
    observer.server.register(EMAIL, PASSWORD).await;
    let mut browser = Browser::default();
    let asked = browser.open(&observer.server, &authorize(&[])).await;
    browser.sign_in(&observer.server, &asked, EMAIL, PASSWORD).await;
    observer.see("authorize", async |it| expect(it.get(&authorize(&[])).await.status, 303)).await;
    observer.see("authorize", async |it| expect(browser.open(it, &authorize(&[])).await.status, 302)).await;
    let hinted = authorize(&[("id_token_hint", "x")]);
    observer.see("authorize", async |it| expect(browser.open(it, &hinted).await.status, 303)).await;
    // A client that is told of sign-outs is noted in the session.
    let told = RelyingParty::start().client("shop", "");
    register_instead(&observer.server, "shop", &told).await;
    let asks = authorize(&[("scope", "openid")]);
    observer.see("authorize", async |it| expect(browser.open(it, &asks).await.status, 302)).await;
}

/// An error that went back to the client.
#[track_caller]
fn assert_back(answer: &Answer, error: &str) {
    assert_eq!((answer.status, sent(answer, "error").as_deref()), (302, Some(error)), "{}", answer.header("location"));
    assert!(answer.header("location").starts_with(CALLBACK), "{}", answer.header("location"));
    assert_eq!(sent(answer, "code"), None);
}

#[track_caller]
fn assert_page(answer: &Answer, title: &str) {
    assert_eq!((answer.status, heading(answer)), (400, title), "{}", answer.text);
    assert_eq!(answer.header("location"), "");
}

/// A person who is signed in.
async fn signed_in(server: &TestServer) -> Browser {
    let mut browser = Browser::default();
    let asked = browser.open(server, &authorize(&[])).await;
    let back = browser.sign_in(server, &asked, EMAIL, PASSWORD).await;
    assert!(sent(&back, "code").is_some(), "{}", back.text);
    server.step();
    browser
}

#[tokio::test]
async fn sec_oc_03_a_person_signs_in_and_the_browser_goes_back_with_code_state_and_issuer() {
    let server = with_applications().await;
    let mut browser = Browser::default();
    let asked = browser.open(&server, &authorize(&[])).await;
    assert_eq!((asked.status, asked.header("referrer-policy")), (303, "no-referrer"));
    let shown = browser.open(&server, asked.header("location")).await;
    assert_eq!(heading(&shown), "Sign in to continue to Shop &amp; Co");
    let back = browser.sign_in(&server, &asked, EMAIL, PASSWORD).await;
    // From a form the way ends at a page, which leads on (OC-30).
    assert_eq!((back.status, heading(&back)), (200, "Back to Shop &amp; Co"), "{}", back.text);
    assert!(leads_to(&back).starts_with(&format!("{CALLBACK}?code=ac_")), "{}", leads_to(&back));
    assert_eq!(button(&back).0, leads_to(&back));
    assert_eq!(sent(&back, "state").as_deref(), Some("s t&ate"));
    assert_eq!(sent(&back, "iss").as_deref(), Some(server.base.as_str()));
    assert_eq!(back.header("referrer-policy"), "same-origin");
    assert_eq!(back.header("cache-control"), "no-store");
    // The code is in no table, and the trail says who got it.
    let code = sent(&back, "code").unwrap();
    let [grant] = server
        .items(TABLE, "USER#")
        .await
        .into_iter()
        .filter(|it| it.contains_key("code_hash"))
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    assert!(!format!("{grant:?}").contains(code.split('.').nth(1).unwrap()));
    let lines = server.items(AUDIT_TABLE, "USER#").await;
    let said: Vec<_> =
        lines.iter().filter_map(|line| Some((line["action"].as_s().ok()?, line.get("detail")?.as_s().ok()?))).collect();
    assert_eq!(said, [(&"client_authorized".to_owned(), &"shop".to_owned())]);
}

#[tokio::test]
async fn who_is_signed_in_is_not_asked_again_by_another_application() {
    let server = with_applications().await;
    let mut browser = signed_in(&server).await;
    server.store.reset();
    let page = [("client_id", "page"), ("redirect_uri", "https://page.example/?from=us")];
    let back = browser.open(&server, &authorize(&page)).await;
    assert_eq!(back.status, 302, "{}", back.text);
    assert!(
        back.header("location").starts_with("https://page.example/?from=us&code=ac_"),
        "{}",
        back.header("location")
    );
    assert_eq!(server.store.rounds(), [vec!["GetItem"], vec!["GetItem", "GetItem"], vec!["TransactWriteItems"]]);
}

#[tokio::test]
async fn sec_oc_02_sec_oc_46_a_browser_is_sent_nowhere_before_client_and_uri_belong_together() {
    let server = with_applications().await;
    let unknown = "This application is not known here";
    for client in ["nobody", "", "no body", "SHOP", &"a".repeat(65)] {
        assert_page(&server.get(&authorize(&[("client_id", client)])).await, unknown);
    }
    assert_page(&server.get(&format!("{}&client_id=shop", authorize(&[]))).await, unknown);
    assert_page(&server.get("/oauth2/authorize").await, unknown);
    let foreign = "This application is not set up right";
    for uri in [
        "",
        "https://shop.example/callback/",
        "https://shop.example/callback?x=y",
        "https://shop.example/Callback",
        "https://shop.example.evil.example/callback",
        "https://evil.example/callback",
        "https://page.example/?from=us",
        "javascript:alert(1)",
        "http://shop.example/callback",
    ] {
        // An error of its own would be told to whoever sits there.
        let asked = authorize(&[("redirect_uri", uri), ("response_type", "nothing")]);
        assert_page(&server.get(&asked).await, foreign);
    }
    assert_page(&server.get(&format!("{}&redirect_uri={CALLBACK}", authorize(&[]))).await, foreign);
}

#[tokio::test]
async fn sec_oc_46_a_client_that_is_gone_from_the_file_is_not_known() {
    let server = with_applications().await;
    register_file(&server, "").await;
    assert_page(&server.get(&authorize(&[])).await, "This application is not known here");
}

#[tokio::test]
async fn sec_oc_01_sec_oc_03_what_is_wrong_goes_back_to_the_client_with_state_and_issuer() {
    let server = with_applications().await;
    for (given, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("scope", "phone"), "invalid_scope"),
        (("resource", "https://elsewhere.example"), "invalid_target"),
        (("request", "eyJ"), "request_not_supported"),
        (("request_uri", "https://shop.example/request"), "request_uri_not_supported"),
        (("prompt", "none"), "login_required"),
        (("prompt", "none login"), "invalid_request"),
        (("prompt", "create login"), "invalid_request"),
        (("prompt", "often"), "invalid_request"),
        (("max_age", "+5"), "invalid_request"),
        (("max_age", "-1"), "invalid_request"),
        (("response_mode", "fragment"), "invalid_request"),
    ] {
        let back = server.get(&authorize(&[given])).await;
        assert_back(&back, error);
        assert_eq!(sent(&back, "state").as_deref(), Some("s t&ate"), "{given:?}");
        assert_eq!(sent(&back, "iss").as_deref(), Some(server.base.as_str()), "{given:?}");
    }
    assert_back(&server.get(&format!("{}&scope=openid", authorize(&[]))).await, "invalid_request");
}

#[tokio::test]
async fn sec_oc_13_prompt_none_shows_no_page() {
    let server = with_applications().await;
    let silent = authorize(&[("prompt", "none")]);
    assert_back(&server.get(&silent).await, "login_required");
    let mut browser = signed_in(&server).await;
    assert!(sent(&browser.open(&server, &silent).await, "code").is_some());
    server.clock.advance(100);
    assert_back(&browser.open(&server, &authorize(&[("prompt", "none"), ("max_age", "60")])).await, "login_required");
    let native = [("client_id", "cli"), ("redirect_uri", "http://127.0.0.1:4000/callback"), ("prompt", "none")];
    let back = browser.open(&server, &authorize(&native)).await;
    assert_eq!(sent(&back, "error").as_deref(), Some("interaction_required"), "OC-22");
}

/// Silently another person's code came back.
#[tokio::test]
async fn sec_oc_13_an_id_token_of_somebody_else_is_nobody_who_is_signed_in() {
    let server = with_applications().await;
    server.register("grace@example.com", PASSWORD).await;
    let mut tokens = Vec::new();
    for email in ["grace@example.com", EMAIL] {
        let mut browser = Browser::default();
        let asked = browser.open(&server, &authorize(&[])).await;
        let back = browser.sign_in(&server, &asked, email, PASSWORD).await;
        server.step();
        let answer = ask_for_tokens(&server, &exchange(&sent(&back, "code").unwrap(), &[])).await;
        tokens.push((answer.string("id_token"), browser));
    }
    let [(of_grace, _), (of_ada, mut browser)] = tokens.try_into().ok().unwrap();
    for (hint, expected) in
        [(of_ada.as_str(), None), (&of_grace, Some("login_required")), ("x", Some("login_required"))]
    {
        let back = browser.open(&server, &authorize(&[("prompt", "none"), ("id_token_hint", hint)])).await;
        assert_eq!(sent(&back, "error").as_deref(), expected, "{hint}");
        server.step();
    }
    let asked = browser.open(&server, &authorize(&[("id_token_hint", &of_grace)])).await;
    assert!(asked.header("location").starts_with("/ui/login?"), "{}", asked.text);
    // Whoever insists on being somebody else is not asked for ever.
    let back = browser.sign_in(&server, &asked, EMAIL, PASSWORD).await;
    assert_eq!(sent(&back, "error").as_deref(), Some("login_required"), "{}", back.text);
}

/// `prompt=login` was met by the sign-in of before, or asked for ever.
#[tokio::test]
async fn sec_oc_14_a_new_sign_in_is_asked_for_once_and_no_older_one_will_do() {
    let server = with_applications().await;
    let mut browser = signed_in(&server).await;
    for again in [[("prompt", "login")], [("max_age", "0")]] {
        server.clock.advance(5);
        let asked = browser.open(&server, &authorize(&again)).await;
        assert!(asked.header("location").starts_with("/ui/login?"), "{again:?}: {}", asked.header("location"));
        server.step();
        // Without having signed in, the way back leads to the page again.
        let flow = sent(&asked, "flow").unwrap();
        let shown = browser.open(&server, &format!("{}&wg_flow={flow}", authorize(&again))).await;
        assert!(shown.header("location").starts_with("/ui/login?"), "{again:?}");
        let back = browser.sign_in(&server, &asked, EMAIL, PASSWORD).await;
        assert!(sent(&back, "code").is_some(), "{again:?}: {}", back.header("location"));
        // The flow of another request opens nothing, and neither does one that is old.
        server.step();
        let other = browser.open(&server, &format!("{}&wg_flow={flow}", authorize(&[again[0], ("nonce", "n")]))).await;
        assert!(other.header("location").starts_with("/ui/login?"), "OC-28: {again:?}");
        server.clock.advance(3600);
        let late = browser.open(&server, &format!("{}&wg_flow={flow}", authorize(&again))).await;
        assert!(late.header("location").starts_with("/ui/login?"), "{again:?}");
    }
    // A sign-in that is young enough is one.
    server.clock.advance(30);
    let back = browser.open(&server, &authorize(&[("max_age", "4000")])).await;
    assert!(sent(&back, "code").is_some(), "{}", back.header("location"));
}

#[tokio::test]
async fn sec_oc_22_a_native_clients_person_presses_a_button_each_time() {
    let server = with_applications().await;
    let mut browser = signed_in(&server).await;
    for uri in ["http://127.0.0.1:4000/callback", "http://127.0.0.1:4001/callback", "com.example.cli:/callback"] {
        server.clock.advance(5);
        let native = [("client_id", "cli"), ("redirect_uri", uri), ("scope", "openid")];
        let asked = browser.open(&server, &authorize(&native)).await;
        let shown = browser.open(&server, asked.header("location")).await;
        assert_eq!(heading(&shown), "Continue to Command line?");
        assert!(shown.text.contains(EMAIL) && !shown.text.contains("value=\"deny\""), "{}", shown.text);
        server.step();
        let pressed = browser.press(&server, &shown, &[("decision", "allow")]).await;
        let back = browser.open(&server, pressed.header("location")).await;
        assert!(leads_to(&back).starts_with(&format!("{uri}?code=ac_")), "{}", leads_to(&back));
    }
    // Whoever signs in has pressed something.
    let native = [("client_id", "cli"), ("redirect_uri", "com.example.cli:/callback"), ("scope", "openid")];
    let mut other = Browser::default();
    let asked = other.open(&server, &authorize(&native)).await;
    let back = other.sign_in(&server, &asked, EMAIL, PASSWORD).await;
    assert!(leads_to(&back).starts_with("com.example.cli:/callback?code=ac_"), "{}", leads_to(&back));
}

#[tokio::test]
async fn whoever_is_to_choose_an_account_is_shown_which_one_it_is() {
    let server = with_applications().await;
    let mut browser = signed_in(&server).await;
    server.clock.advance(5);
    let asked = browser.open(&server, &authorize(&[("prompt", "select_account")])).await;
    let shown = browser.open(&server, asked.header("location")).await;
    assert_eq!(heading(&shown), "Continue to Shop &amp; Co?");
    assert!(shown.text.contains(EMAIL) && shown.text.contains("<a href=\"/ui/login?request="), "{}", shown.text);
    server.step();
    let pressed = browser.press(&server, &shown, &[("decision", "allow")]).await;
    let back = browser.open(&server, pressed.header("location")).await;
    assert!(sent(&back, "code").is_some(), "{}", back.text);
}

#[tokio::test]
async fn pages_are_in_the_language_that_the_application_asks_for() {
    let server = with_applications().await;
    let mut browser = Browser { language: "en", ..Browser::default() };
    let asked = browser.open(&server, &authorize(&[("ui_locales", "fr de-AT en")])).await;
    let shown = browser.open(&server, asked.header("location")).await;
    assert_eq!((heading(&shown), shown.header("content-language")), ("Anmelden und weiter zu Laden", "de"));
    let refused = browser.press(&server, &shown, &[("email", EMAIL), ("password", "not this one")]).await;
    assert_eq!((refused.status, refused.header("content-language")), (400, "de"));
    let back = browser.sign_in(&server, &asked, EMAIL, PASSWORD).await;
    assert_eq!((heading(&back), back.header("content-language")), ("Zurück zu Laden", "de"));
}

#[tokio::test]
async fn an_answer_comes_in_a_form_where_the_client_asks_for_that() {
    let server = with_applications().await;
    let mut browser = signed_in(&server).await;
    for (more, member) in [(("scope", "openid"), "code"), (("scope", "phone"), "error")] {
        let back = browser.open(&server, &authorize(&[("response_mode", "form_post"), more])).await;
        assert_eq!(back.status, 200, "{}", back.text);
        let sent = form(&back);
        assert_eq!(sent.action, CALLBACK);
        let names: Vec<&str> = sent.hidden.iter().map(|(name, _)| name.as_str()).collect();
        assert!(names.contains(&member) && names.contains(&"iss") && names.contains(&"state"), "{names:?}");
        let policy = back.header("content-security-policy");
        assert!(policy.contains("script-src 'sha256-") && !policy.contains("form-action"), "{policy}");
        server.step();
    }
}

#[tokio::test]
async fn sec_oc_17_a_page_that_was_left_open_for_59_minutes_still_completes_and_later_loses_nothing() {
    let server = with_applications().await;
    let again = [("prompt", "login")];
    let mut browser = Browser::default();
    let asked = browser.open(&server, &authorize(&again)).await;
    server.clock.advance(59 * 60);
    assert!(sent(&browser.sign_in(&server, &asked, EMAIL, PASSWORD).await, "code").is_some());
    let asked = browser.open(&server, &authorize(&again)).await;
    server.clock.advance(61 * 60);
    // It is asked once more, and goes on to the same request.
    let once_more = browser.sign_in(&server, &asked, EMAIL, PASSWORD).await;
    assert!(once_more.header("location").starts_with("/ui/login?"), "{}", once_more.header("location"));
    assert_eq!(sent(&once_more, "request"), sent(&asked, "request"));
    server.step();
    assert!(sent(&browser.sign_in(&server, &once_more, EMAIL, PASSWORD).await, "code").is_some());
}

#[tokio::test]
async fn sec_oc_27_sec_oc_32_a_form_of_another_site_is_led_to_the_same_request_by_get() {
    let server = with_applications().await;
    let mut browser = signed_in(&server).await;
    let path = authorize(&[]);
    let query = path.split_once('?').unwrap().1.to_owned();
    let form = server.request(Method::POST, "/oauth2/authorize").header("origin", "https://shop.example");
    let form = form.header("content-type", "application/x-www-form-urlencoded").body(query);
    // Browsers leave Lax cookies out of it.
    let led = server.send(form).await;
    assert_eq!(led.status, 303, "OC-32: {}", led.text);
    assert!(led.header("location").starts_with("/oauth2/authorize?"), "{}", led.header("location"));
    assert!(sent(&browser.open(&server, led.header("location")).await, "code").is_some());
    let json = server.send(server.request(Method::POST, "/oauth2/authorize").json(&serde_json::json!({}))).await;
    assert_eq!(json.status, 415);
}

#[tokio::test]
async fn sec_oc_20_what_is_too_long_has_a_page_of_its_own() {
    let server = with_applications().await;
    let long = authorize(&[("state", &"s".repeat(3000))]);
    assert_page(&server.get(&long).await, "This request is too long");
    let mut browser = Browser::default();
    let most = authorize(&[("state", &"s".repeat(2700))]);
    let asked = browser.open(&server, &most).await;
    assert!(asked.header("location").len() < 5000, "{}", asked.header("location").len());
    assert!(sent(&browser.sign_in(&server, &asked, EMAIL, PASSWORD).await, "code").is_some());
}

#[tokio::test]
async fn sec_oc_16_two_tabs_reach_their_own_client_in_either_order() {
    let server = with_applications().await;
    let page = [("client_id", "page"), ("redirect_uri", "https://page.example/?from=us")];
    for first_ends_first in [true, false] {
        let mut browser = Browser::default();
        let one = browser.open(&server, &authorize(&[])).await;
        let other = browser.open(&server, &authorize(&page)).await;
        let (shown_one, shown_other) = (
            browser.open(&server, one.header("location")).await,
            browser.open(&server, other.header("location")).await,
        );
        let typed = [("email", EMAIL), ("password", PASSWORD)];
        let order = if first_ends_first {
            [(&shown_one, "shop"), (&shown_other, "page")]
        } else {
            [(&shown_other, "page"), (&shown_one, "shop")]
        };
        for (shown, client) in order {
            let pressed = browser.press(&server, shown, &typed).await;
            assert_eq!(pressed.status, 303, "{}", pressed.text);
            server.step();
            let back = browser.open(&server, pressed.header("location")).await;
            assert!(leads_to(&back).starts_with(&format!("https://{client}.example/")), "{}", leads_to(&back));
        }
    }
}

#[tokio::test]
async fn sec_oc_19_a_hundred_requests_that_are_given_up_leave_the_cookies_of_one() {
    let server = with_applications().await;
    let mut browser = Browser::default();
    let mut after_one = Vec::new();
    for number in 0..100 {
        let asked = browser.open(&server, &authorize(&[("nonce", &number.to_string())])).await;
        browser.open(&server, asked.header("location")).await;
        if number == 0 {
            after_one = browser.cookies.keys().cloned().collect();
        }
    }
    assert_eq!(browser.cookies.keys().cloned().collect::<Vec<_>>(), after_one);
}

#[tokio::test]
async fn a_session_that_has_ended_or_is_forged_is_none() {
    let server = with_applications().await;
    let mut browser = signed_in(&server).await;
    let is_asked = |answer: &Answer| answer.header("location").starts_with("/ui/login?");
    let right = browser.cookies[SESSION].clone();
    for wrong in ["", "ss_s1.x.y", &right.replacen("ss_", "rt_", 1), &format!("{right}A")] {
        browser.cookies.insert(SESSION.to_owned(), wrong.to_owned());
        assert!(is_asked(&browser.open(&server, &authorize(&[])).await), "{wrong}");
    }
    browser.cookies.insert(SESSION.to_owned(), right);
    assert!(!is_asked(&browser.open(&server, &authorize(&[])).await));
    // It is ended where all sessions are listed: both are one house.
    server.step();
    let api = server.login(EMAIL, PASSWORD).await;
    let ended = server.as_bearer(Method::DELETE, "/v1/sessions", &api.string("access_token")).await;
    assert_eq!(ended.status, 204);
    assert!(is_asked(&browser.open(&server, &authorize(&[])).await));
}

#[tokio::test]
async fn sec_oc_23_scripts_and_frames_get_nothing_before_a_cookie_is_read() {
    let server = with_applications().await;
    let browser = signed_in(&server).await;
    server.store.reset();
    let cookies = format!("{SESSION}={}", browser.cookies[SESSION]);
    let silent = [("prompt", "none")];
    for (mode, destination, asked) in [
        ("cors", "empty", &[][..]),
        ("cors", "empty", &silent),
        ("no-cors", "image", &silent),
        ("navigate", "iframe", &[]),
        ("navigate", "object", &silent),
    ] {
        let request = server.request(Method::GET, &authorize(asked)).header("cookie", &cookies);
        let answer = server.send(request.header("sec-fetch-mode", mode).header("sec-fetch-dest", destination)).await;
        assert_eq!(answer.status, 403, "{mode}");
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
    assert!(server.store.rounds().is_empty());
}

/// A frame on another site's page comes without the session's cookie: the browser keeps it to itself.
#[tokio::test]
async fn sec_oc_26_a_frame_renews_silently_where_the_browser_sends_the_cookie() {
    let server = with_applications().await;
    let browser = signed_in(&server).await;
    let ask = async |cookie: Option<&str>| {
        let request = server.request(Method::GET, &authorize(&[("prompt", "none")]));
        let request = request.header("sec-fetch-mode", "navigate").header("sec-fetch-dest", "iframe");
        server.send(cookie.into_iter().fold(request, |it, cookie| it.header("cookie", cookie))).await
    };
    let cookie = format!("{SESSION}={}", browser.cookies[SESSION]);
    assert!(sent(&ask(Some(&cookie)).await, "code").is_some());
    assert_back(&ask(None).await, "login_required");
}

#[tokio::test]
async fn what_is_down_is_a_page_for_people() {
    let server = with_applications().await;
    server.store.disturb("GetItem", Disturbance::ServerError, 100);
    let request = server.request(Method::GET, &authorize(&[])).header("accept", "text/html");
    let answer = server.send(request).await;
    assert_eq!((answer.status, heading(&answer)), (503, "Please try again later"), "{}", answer.text);
}

/// Browsers hold a form's policy against all that its answer leads to: an application that led on to another origin of its own
/// left people on the sign-in page, without a word.
#[tokio::test]
async fn sec_oc_30_a_form_leads_to_pages_of_ours_alone() {
    let server = with_applications().await;
    for (client, uri) in [
        ("shop", CALLBACK),
        ("page", "https://page.example/?from=us"),
        ("cli", "http://127.0.0.1:4000/callback"),
        ("cli", "com.example.cli:/callback"),
    ] {
        let mut browser = Browser::default();
        let given = [("client_id", client), ("scope", "openid"), ("redirect_uri", uri)];
        let asked = browser.open(&server, &authorize(&given)).await;
        let shown = browser.open(&server, asked.header("location")).await;
        assert_eq!(form(&shown).action, "/ui/login");
        let policy = shown.header("content-security-policy").split("; ").find(|it| it.starts_with("form-action"));
        assert_eq!(policy, Some("form-action 'self'"));
        let mut answer = browser.press(&server, &shown, &[("email", EMAIL), ("password", PASSWORD)]).await;
        server.step();
        while answer.status == 303 {
            assert!(answer.header("location").starts_with('/'), "{client}: {}", answer.header("location"));
            answer = browser.open(&server, answer.header("location")).await;
        }
        assert_eq!(answer.status, 200, "{client}: {}", answer.text);
        assert!(leads_to(&answer).starts_with(uri), "{client}: {}", leads_to(&answer));
    }
}

#[tokio::test]
async fn another_password_ends_the_browsers_session() {
    let server = with_applications().await;
    let mut browser = signed_in(&server).await;
    let access = server.login(EMAIL, PASSWORD).await.string("access_token");
    let change = server.request(Method::POST, "/v1/password/change").bearer_auth(access);
    let change = change.json(&serde_json::json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD }));
    assert_eq!(server.send(change).await.status, 200);
    let asked = browser.open(&server, &authorize(&[])).await;
    assert!(asked.header("location").starts_with("/ui/login?"), "SE-04: {}", asked.header("location"));
}
