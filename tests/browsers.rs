//! What browsers and the proxies before them really send: cookies of others, parameters of mail systems, requests that are
//! no navigation, and what they ask for by themselves.

use http::HeaderValue;
use reqwest::Method;
use serde_json::json;
use wardgate::crypto::mail_token::MailToken;
use wardgate::domain::email::Email;
use wardgate::domain::nonce::Nonce;
use wardgate::domain::one_time::Purpose;

use crate::harness::pages::{Browser, assert_dead, form, heading};
use crate::harness::{Answer, EMAIL, PASSWORD, TestServer};

/// Listed in stage development.
const ORIGIN: &str = "http://localhost:3000";
const REFRESH: &str = "__Host-wardgate-refresh";
const NAVIGATION: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

async fn with_cookies(server: &TestServer, path: &str, cookies: &[&[u8]]) -> Answer {
    let mut request = server.request(Method::POST, path).header("origin", ORIGIN).json(&json!({}));
    for cookie in cookies {
        request = request.header("cookie", HeaderValue::from_bytes(cookie).unwrap());
    }
    server.send(request).await
}

/// The refresh token of a sign-in in cookie mode.
async fn token(server: &TestServer) -> String {
    let body = json!({ "email": EMAIL, "password": PASSWORD, "transport": "cookie" });
    let answer = server.send(server.request(Method::POST, "/v1/login").header("origin", ORIGIN).json(&body)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.header("set-cookie").split(';').next().unwrap().split_once('=').unwrap().1.to_owned()
}

#[tokio::test]
async fn sec_se_06_cookies_of_other_applications_do_not_hide_ours() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    let token = token(&server).await;
    let ours = format!("{REFRESH}={token}");
    let join = |parts: &[&[u8]]| parts.concat();
    for (name, headers) in [
        ("bytes outside ASCII", vec![join(&[b"theme=caf\xe9; ", ours.as_bytes()])]),
        ("UTF-8", vec![join(&["name=Zoë; ".as_bytes(), ours.as_bytes(), "; x=日本".as_bytes()])]),
        ("no blank", vec![join(&[b"a=1;", ours.as_bytes(), b";b=2"])]),
        ("blanks and tabs", vec![join(&[b"a=1 ;\t  ", ours.as_bytes(), b"  ; b=2"])]),
        ("no name", vec![join(&[b"nameless; =x; ;; ", ours.as_bytes()])]),
        ("quotes and equals signs", vec![join(&[b"a=\"x=y\"; b==; c=\"; ", ours.as_bytes()])]),
        ("a quoted value", vec![format!("{REFRESH}=\"{token}\"").into_bytes()]),
        ("a header each", vec![b"a=\xff".to_vec(), ours.clone().into_bytes(), b"b=2".to_vec()]),
        ("the same twice", vec![join(&[ours.as_bytes(), b"; ", ours.as_bytes()]), ours.clone().into_bytes()]),
    ] {
        let headers: Vec<&[u8]> = headers.iter().map(Vec::as_slice).collect();
        let answer = with_cookies(&server, "/v1/token/refresh", &headers).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text);
    }
}

#[tokio::test]
async fn sec_se_06_of_two_cookies_of_one_name_none_is_believed() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    let (own, planted) = (token(&server).await, token(&server).await);
    for (first, second) in [(&own, &planted), (&planted, &own)] {
        let both = format!("{REFRESH}={first}; {REFRESH}={second}");
        let answer = with_cookies(&server, "/v1/token/refresh", &[both.as_bytes()]).await;
        assert_eq!(answer.status, 401, "{}", answer.text);
        assert_eq!(cleared(&answer), [REFRESH], "the browser stays between the two");
    }
}

/// The names of the cookies that an answer removes.
fn cleared(answer: &Answer) -> Vec<String> {
    let set = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let cleared = set
        .filter(|cookie| cookie.contains("=; HttpOnly; SameSite=") && cookie.contains("; Secure; Path=/; Max-Age=0"));
    cleared.map(|cookie| cookie.split('=').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn sec_se_06_a_session_cookie_that_is_dead_or_not_ours_is_removed() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    let dead = token(&server).await;
    assert_eq!(with_cookies(&server, "/v1/logout", &[format!("{REFRESH}={dead}").as_bytes()]).await.status, 204);
    let answer = with_cookies(&server, "/v1/token/refresh", &[format!("{REFRESH}={dead}").as_bytes()]).await;
    assert_eq!((answer.status, cleared(&answer)), (401, vec![REFRESH.to_owned()]), "dead, refresh");
    for value in ["", "x", "rt_s1.AAAA.AAAA", "\"\"", "caf\u{e9}"] {
        for path in ["/v1/token/refresh", "/v1/logout"] {
            let answer = with_cookies(&server, path, &[format!("{REFRESH}={value}").as_bytes()]).await;
            assert_eq!((answer.status, cleared(&answer)), (401, vec![REFRESH.to_owned()]), "{path} {value}");
            assert_eq!(answer.header("content-type"), "application/problem+json");
        }
    }
    // Whose page is not listed can remove nothing, and a token in the body is none of the cookie's.
    let cookie = format!("{REFRESH}=x");
    let foreign = server.request(Method::POST, "/v1/token/refresh").header("cookie", &cookie).json(&json!({}));
    let foreign = server.send(foreign.header("origin", "https://evil.example")).await;
    assert_eq!((foreign.status, cleared(&foreign)), (403, vec![]));
    let body = json!({ "refresh_token": "x" });
    let in_body = server.request(Method::POST, "/v1/token/refresh").header("origin", ORIGIN).json(&body);
    let in_body = server.send(in_body.header("cookie", &cookie)).await;
    assert_eq!((in_body.status, cleared(&in_body)), (401, vec![]));
    let metrics = server.get("/metrics").await.text;
    assert!(metrics.contains(r#"wardgate_cookies_cleared_total{cookie="refresh"}"#), "{metrics}");
}

#[tokio::test]
async fn a_store_that_does_not_answer_costs_nobody_the_session_cookie() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    let token = token(&server).await;
    server.store.cut_after(0);
    let answer = with_cookies(&server, "/v1/token/refresh", &[format!("{REFRESH}={token}").as_bytes()]).await;
    assert!(answer.status >= 500 && answer.header("set-cookie").is_empty(), "{} {:?}", answer.status, answer.headers);
}

#[tokio::test]
async fn sec_ot_10_a_flow_cookie_that_is_not_ours_is_removed_and_in_nobodys_way() {
    let server = TestServer::with(&[("AUTH__ACCOUNTS__REQUIRE_VERIFIED_EMAIL", "true")]).await;
    server.register(EMAIL, PASSWORD).await;
    let token = crate::harness::link_token(&server.newest_mail(EMAIL).await);
    let mut browser = Browser::default();
    browser.cookies.insert("__Host-wardgate-flow".to_owned(), "ft_x.y.z".to_owned());
    let asked = browser.follow(&server, "verify-email", &token, &[]).await;
    assert_eq!((asked.status, heading(&asked)), (200, "Choose a new password"), "{}", asked.text);
    assert_eq!(cleared(&asked), ["__Host-wardgate-flow"]);
    let metrics = server.get("/metrics").await.text;
    assert!(metrics.contains(r#"wardgate_cookies_cleared_total{cookie="flow"}"#), "{metrics}");
}

#[tokio::test]
async fn sec_se_09_one_unreadable_hop_does_not_hide_the_proxys_own() {
    let server = TestServer::with(&[("AUTH__HTTP__TRUSTED_PROXIES", r#"["127.0.0.0/8"]"#)]).await;
    server.register(EMAIL, PASSWORD).await;
    let hops = HeaderValue::from_bytes(b"caf\xe9, 203.0.113.7").unwrap();
    let agent = HeaderValue::from_bytes(b"Caf\xc3\xa9/1.0").unwrap();
    let body = json!({ "email": EMAIL, "password": PASSWORD });
    let request = server.request(Method::POST, "/v1/login").header("x-forwarded-for", hops).header("user-agent", agent);
    let access = server.send(request.json(&body)).await.string("access_token");
    let sessions = server.as_bearer(Method::GET, "/v1/sessions", &access).await.json();
    assert_eq!(sessions["items"][0]["address"], "203.0.113.7", "a client hid behind the proxy's address");
    assert!(sessions.to_string().contains("Café/1.0"), "{sessions}");
}

#[tokio::test]
async fn an_unreadable_language_does_not_hide_the_others() {
    let server = TestServer::start().await;
    let languages = HeaderValue::from_bytes(b"x-caf\xe9, de").unwrap();
    let request = server.request(Method::GET, "/ui/sign-in?token=a").header("accept-language", languages);
    assert_eq!(server.send(request).await.header("content-language"), "de");
}

#[tokio::test]
async fn sec_se_08_parameters_that_mail_systems_add_do_not_close_a_page() {
    let server = TestServer::start().await;
    for query in [
        "token=a&utm_source=mail&utm_medium=email",
        "mc_cid=1&token=a",
        "token=a&fbclid=%ff&&=&x",
        "token=a&x=1&x=2",
        "%74oken=a",
        "token=a&Token=b&token%20=c",
    ] {
        let shown = server.get(&format!("/ui/sign-in?{query}")).await;
        assert_eq!(shown.status, 200, "{query}: {}", shown.text);
        assert!(form(&shown).hidden.contains(&("token".to_owned(), "a".to_owned())), "{query}");
        assert_eq!(form(&shown).action, "/ui/sign-in");
    }
    for query in ["token=a&token=b", "token=a&%74oken=b", "token=", "Token=a", "utm_source=mail", "token%5B%5D=a"] {
        assert_dead(&server.get(&format!("/ui/sign-in?{query}")).await);
    }
}

fn cors(answer: &Answer) -> Vec<String> {
    let names = answer.headers.keys().map(|name| name.as_str().to_owned());
    names.filter(|name| name.starts_with("access-control-")).collect()
}

#[tokio::test]
async fn sec_se_07_pages_have_no_cors_at_all() {
    let server = TestServer::start().await;
    for path in ["/ui/sign-in?token=a", "/ui/verify-email", "/ui/nothing", "/ui", "/ui/", "/ui/a/b", "/favicon.ico"] {
        for method in [Method::GET, Method::POST, Method::PUT, Method::OPTIONS] {
            let request = server.request(method.clone(), path).header("origin", ORIGIN);
            let request = request.header("access-control-request-method", "POST");
            let answer = server.send(request).await;
            assert_eq!(cors(&answer), [""; 0], "{method} {path}");
        }
    }
    let api = server.send(server.request(Method::GET, "/health").header("origin", ORIGIN)).await;
    assert!(!cors(&api).is_empty());
}

#[tokio::test]
async fn sec_se_07_a_page_answers_navigations_alone() {
    let server = TestServer::start().await;
    for (method, path) in
        [(Method::GET, "/ui/sign-in?token=a"), (Method::POST, "/ui/keep-account"), (Method::GET, "/ui/x")]
    {
        for (mode, dest) in [
            ("cors", "empty"),
            ("no-cors", "script"),
            ("same-origin", "empty"),
            ("navigate", "iframe"),
            ("websocket", ""),
        ] {
            let request =
                server.request(method.clone(), path).header("sec-fetch-mode", mode).header("sec-fetch-dest", dest);
            let answer = server.send(request.header(NAVIGATION.0, NAVIGATION.1)).await;
            assert_eq!((answer.status, answer.string("code").as_str()), (403, "not_a_navigation"), "{mode} {dest}");
            assert_eq!(answer.header("set-cookie"), "");
        }
    }
    for dest in ["document", ""] {
        let request = server.request(Method::GET, "/ui/sign-in?token=a").header("sec-fetch-mode", "navigate");
        let request = if dest.is_empty() { request } else { request.header("sec-fetch-dest", dest) };
        assert_eq!(server.send(request).await.status, 200);
    }
    let image = server
        .request(Method::GET, "/favicon.ico")
        .header("sec-fetch-mode", "no-cors")
        .header("sec-fetch-dest", "image");
    assert_eq!(server.send(image).await.status, 200);
}

#[tokio::test]
async fn the_icon_that_browsers_ask_for_is_there() {
    let server = TestServer::start().await;
    let icon = server.get("/favicon.ico").await;
    assert_eq!((icon.status, icon.header("content-type")), (200, "image/x-icon"));
    assert_eq!(icon.header("cache-control"), "public, max-age=86400");
    assert_eq!(icon.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn a_browser_that_is_lost_sees_a_page_and_a_program_a_problem() {
    let server = TestServer::start().await;
    let lost = [
        (Method::GET, "/ui/nothing", 404),
        (Method::GET, "/ui", 404),
        (Method::GET, "/ui/", 404),
        (Method::GET, "/ui/sign-in/", 404),
        (Method::GET, "/ui/a/b/c", 404),
        (Method::POST, "/ui/nothing", 405),
        (Method::POST, "/ui/a/b", 404),
        (Method::PUT, "/ui/sign-in", 405),
        (Method::GET, "/", 404),
        (Method::GET, "/nothing", 404),
        (Method::DELETE, "/ui/", 404),
    ];
    for (method, path, status) in lost {
        for (name, value) in [NAVIGATION, ("sec-fetch-mode", "navigate")] {
            let shown = server
                .send(server.request(method.clone(), path).header(name, value).header("accept-language", "de"))
                .await;
            assert_eq!(
                (shown.status, shown.header("content-type")),
                (status, "text/html; charset=utf-8"),
                "{method} {path}"
            );
            assert_eq!((heading(&shown), shown.header("content-language")), ("Diese Seite gibt es nicht", "de"));
            assert!(shown.header("content-security-policy").contains("frame-ancestors 'none'"));
            assert_eq!(shown.header("allow").is_empty(), status != 405, "{method} {path}");
        }
        let problem = server.send(server.request(method.clone(), path).header("accept", "application/json")).await;
        assert_eq!(
            (problem.status, problem.header("content-type")),
            (status, "application/problem+json"),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn a_deadline_that_is_missed_is_a_page_where_a_browser_reads_it() {
    let server = TestServer::with(&[("AUTH__HTTP__REQUEST_DEADLINE_MS", "100")]).await;
    let mut browser = Browser::default();
    let ring = server.app.secrets.mail_mac(server.app.clock.now()).await.unwrap();
    let token = MailToken {
        purpose: Purpose::KeepAccount,
        email_key: Email::parse(EMAIL).unwrap().key(),
        id: [7; 16],
        nonce: Nonce::new([7; 16]),
    };
    let token = token.seal(ring.current(server.app.clock.now()).unwrap());
    let shown = browser.open_link(&server, "keep-account", &token).await;
    assert_eq!(form(&shown).action, "/ui/keep-account");
    for (accept, content_type) in [(NAVIGATION.1, "text/html; charset=utf-8"), ("*/*", "application/problem+json")] {
        let held = server.store.hold("GetItem");
        let request = server.request(Method::POST, "/ui/keep-account").header("accept", accept);
        let late = server.send(request.form(&[("token", &token)])).await;
        held.release();
        assert_eq!((late.status, late.header("content-type")), (503, content_type), "{}", late.text);
        assert!(!late.header("retry-after").is_empty());
    }
}

#[tokio::test]
async fn sec_se_08_what_no_form_sends_is_refused_with_a_page_where_a_browser_reads_it() {
    let server = TestServer::start().await;
    for (content_type, size, status) in [
        ("text/plain", 1, 415),
        ("multipart/form-data; boundary=x", 1, 415),
        ("application/x-www-form-urlencoded", 65537, 413),
    ] {
        let request = || {
            let request = server.request(Method::POST, "/ui/keep-account").header("content-type", content_type);
            request.body("x".repeat(size))
        };
        let shown = server.send(request().header(NAVIGATION.0, NAVIGATION.1)).await;
        assert_eq!(
            (shown.status, shown.header("content-type")),
            (status, "text/html; charset=utf-8"),
            "{content_type}"
        );
        assert_eq!(heading(&shown), "This did not work");
        let problem = server.send(request()).await;
        assert_eq!((problem.status, problem.header("content-type")), (status, "application/problem+json"));
    }
}
