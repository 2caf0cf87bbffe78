//! What every endpoint has in common: limits, headers, CORS, 404 and 405 (SE-07 to SE-09).

use http::Method;
use serde_json::json;
use wardgate::http::openapi::{Bearer, Body, Operation};
use wardgate_server::endpoints::ENDPOINTS;

use crate::harness::{EMAIL, PASSWORD, TestServer};

fn concrete(path: &str) -> String {
    path.replace("{id}", "ses_00000000000000000000000000")
        .replace("{page}", "keep-account")
        .replace("{section}", "profile")
}

#[tokio::test]
async fn sec_se_07_every_response_has_the_security_headers_and_a_request_id() {
    let server = TestServer::start().await;
    for (endpoint, _) in ENDPOINTS.iter() {
        let answer = server.send(server.request(endpoint.method().clone(), &concrete(endpoint.path()))).await;
        assert!(answer.header("strict-transport-security").contains("includeSubDomains"), "{}", endpoint.name);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        let leads_on = answer.status == 303;
        assert_eq!(answer.header("referrer-policy"), if leads_on { "no-referrer" } else { "same-origin" });
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"));
        assert!(answer.header("x-request-id").starts_with("req_"));
        let public = endpoint.path().starts_with("/.well-known/");
        assert_eq!(answer.header("cache-control") == "no-store", !public, "{}", endpoint.name);
    }
}

#[tokio::test]
async fn sec_se_07_the_servers_own_pages_have_them_too() {
    let server = TestServer::start().await;
    for path in ["/openapi.json", "/metrics", "/nowhere"] {
        let answer = server.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert!(answer.header("x-request-id").starts_with("req_"), "{path}");
    }
}

/// Also what the router and its layers answer by themselves.
#[tokio::test]
async fn sec_se_07_preflights_and_refused_paths_and_methods_have_the_headers_too() {
    let server = TestServer::start().await;
    let origin = [("origin", "http://localhost:3000"), ("access-control-request-method", "POST")];
    for (method, path, headers) in [
        (Method::OPTIONS, "/v1/login", &origin[..]),
        (Method::OPTIONS, "/v1/login", &[]),
        (Method::OPTIONS, "/nowhere", &[]),
        (Method::PUT, "/v1/login", &[]),
        (Method::GET, "/nowhere", &[]),
        (Method::GET, "/%ff", &[]),
        (Method::HEAD, "/health", &[]),
        (Method::GET, "/metrics", &[]),
        (Method::GET, "/dev/outbox", &[]),
    ] {
        let request =
            headers.iter().fold(server.request(method.clone(), path), |it, (name, value)| it.header(*name, *value));
        let answer = server.send(request).await;
        assert!(answer.header("strict-transport-security").contains("includeSubDomains"), "{method} {path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{method} {path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{method} {path}");
    }
}

/// Every endpoint that wants a token, asked for nonsense by nobody.
#[tokio::test]
async fn sec_sa_25_authentication_comes_before_validation() {
    let server = TestServer::start().await;
    for (endpoint, _) in ENDPOINTS.iter().filter(|(_, operation)| operation.bearer == Bearer::Required) {
        let path = endpoint.path().replace("{id}", "nonsense");
        for (query, media_type, body) in [
            ("?limit=0", "application/json", "{}"),
            ("?limit=a&limit=b&unknown=1&cursor=x", "application/json", "{"),
            ("", "text/plain", "nonsense"),
            ("", "application/json", r#"{"unknown":1}"#),
        ] {
            for token in [None, Some("nonsense"), Some("eyJhbGciOiJub25lIn0.e30.")] {
                let request = server.request(endpoint.method().clone(), &format!("{path}{query}"));
                let request = request.header("content-type", media_type).body(body);
                let request = if let Some(token) = token { request.bearer_auth(token) } else { request };
                let answer = server.send(request).await;
                assert_eq!(answer.status, 401, "{} {query} {body} {token:?}: {}", endpoint.name, answer.text);
            }
        }
    }
}

#[tokio::test]
async fn the_description_is_made_once_and_asked_about_by_its_tag() {
    let server = TestServer::start().await;
    let first = server.get("/openapi.json").await;
    assert_eq!((first.status, first.header("content-type")), (200, "application/json"));
    assert_eq!(first.header("content-length"), first.text.len().to_string());
    let tag = first.header("etag").to_owned();
    for (asked, expected) in
        [(tag.clone(), 304), (format!("W/{tag}"), 304), (format!("\"a\", {tag}"), 304), ("\"a\"".to_owned(), 200)]
    {
        let request = server.request(Method::GET, "/openapi.json").header("if-none-match", &asked);
        let answer = server.send(request).await;
        assert_eq!((answer.status, answer.header("etag")), (expected, tag.as_str()), "{asked}");
    }
}

#[tokio::test]
async fn sec_se_08_no_bad_body_gets_a_500_from_any_endpoint() {
    let server = TestServer::start().await;
    let bodies: [&[u8]; 12] = [
        b"",
        b"null",
        b"[]",
        b"{",
        b"{}",
        b"\xff\xfe",
        br#"{"email":null,"password":null,"refresh_token":null}"#,
        br#"{"email":{"a":[]},"password":1,"refresh_token":[]}"#,
        br#"{"email":"a","email":"b"}"#,
        br#"{"unknown":1}"#,
        br#"{"email":"a@b.example","password":""}"#,
        "{\"email\":\"a@b.example\",\"password\":\"\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\"}"
            .as_bytes(),
    ];
    // What asks for no body and for nobody has nothing to refuse.
    let asks = |of: &Operation| !matches!((of.request, of.bearer), (Body::None, Bearer::Ignored));
    let asking = ENDPOINTS.iter().filter(|(endpoint, of)| *endpoint.method() != Method::GET && asks(of));
    for (endpoint, _) in asking {
        for body in bodies {
            let request = server.request(endpoint.method().clone(), &concrete(endpoint.path()));
            let request = request.header("content-type", "application/json").body(body);
            let answer = server.send(request).await;
            assert!((400..500).contains(&answer.status), "{} {body:?}: {}", endpoint.name, answer.text);
            let problem = answer.json();
            if endpoint.path().starts_with("/oauth2/") {
                assert_eq!(answer.header("content-type"), "application/json");
                assert!(!problem["error"].is_null() && !problem["error_description"].is_null(), "{}", answer.text);
                continue;
            }
            assert_eq!(answer.header("content-type"), "application/problem+json");
            assert_eq!(problem["request_id"], answer.header("x-request-id"));
            for member in ["type", "title", "status", "detail", "code"] {
                assert!(!problem[member].is_null(), "{member} of {}", answer.text);
            }
        }
    }
}

/// A page's refusals are pages, since a person reads them: but only what a form has sent.
#[tokio::test]
async fn sec_se_08_no_bad_form_gets_a_500_from_any_page() {
    let server = TestServer::start().await;
    let bodies: [&[u8]; 7] = [
        b"",
        b"token",
        b"token=",
        b"token=a&token=b",
        b"token=%00%ff\xff&csrf=%",
        b"unknown=1",
        b"token=pr_m1.a.b&new_password=%00&csrf=",
    ];
    for (endpoint, _) in ENDPOINTS.iter().filter(|(endpoint, _)| endpoint.path().starts_with("/ui/")) {
        let posted = endpoint.routes.iter().find(|route| route.method == Some(Method::POST));
        let path = posted.map_or_else(|| endpoint.path(), |route| route.path);
        for body in bodies {
            let request = server.request(Method::POST, &concrete(path));
            let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
            let answer = server.send(request).await;
            assert!((400..500).contains(&answer.status), "{} {body:?}: {}", endpoint.name, answer.text);
            assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        }
    }
}

#[tokio::test]
async fn sec_se_08_bodies_over_64_kib_are_refused_and_the_client_sees_it() {
    let server = TestServer::start().await;
    for (size, status) in [(64 * 1024, 400), (64 * 1024 + 1, 413), (900 * 1024, 413)] {
        let request = server.request(Method::POST, "/v1/login").header("content-type", "application/json");
        let answer = server.send(request.body("x".repeat(size))).await;
        assert_eq!(answer.status, status, "{size}");
    }
}

#[tokio::test]
async fn sec_se_08_another_content_type_is_415() {
    let server = TestServer::start().await;
    for path in ["/v1/register", "/v1/login", "/v1/token/refresh", "/v1/logout"] {
        for content_type in ["text/plain", "application/x-www-form-urlencoded"] {
            let request = server.request(Method::POST, path).header("content-type", content_type).body("{}");
            assert_eq!(server.send(request).await.status, 415, "{path} {content_type}");
        }
        let answer = server.send(server.request(Method::POST, path).body("{}")).await;
        assert_eq!((answer.status, answer.string("code").as_str()), (415, "unsupported_media_type"));
    }
}

#[tokio::test]
async fn unknown_paths_are_404_and_other_methods_405_with_allow() {
    let server = TestServer::start().await;
    for path in ["/", "/v1", "/v1/login/", "/dev/nothing", "/v2/login"] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, answer.string("code").as_str()), (404, "not_found"), "{path}");
    }
    let answer = server.send(server.request(Method::PUT, "/v1/sessions")).await;
    assert_eq!((answer.status, answer.string("code").as_str()), (405, "method_not_allowed"));
    let mut allowed: Vec<&str> = answer.header("allow").split(',').map(str::trim).collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["DELETE", "GET", "HEAD", "OPTIONS"]);
}

#[tokio::test]
async fn sec_se_07_cors_is_an_allowlist() {
    let allowed = [("AUTH__HTTP__ALLOWED_ORIGINS", r#"["https://app.example.com"]"#)];
    let server = TestServer::with(&allowed).await;
    for (origin, expected) in [
        ("https://app.example.com", "https://app.example.com"),
        ("https://evil.example.com", ""),
        ("https://app.example.com.evil.example", ""),
        ("null", ""),
    ] {
        let preflight = server
            .request(Method::OPTIONS, "/v1/login")
            .header("origin", origin)
            .header("access-control-request-method", "POST");
        let answer = server.send(preflight).await;
        assert_eq!(answer.header("access-control-allow-origin"), expected, "preflight from {origin}");
        let answer = server.send(server.request(Method::GET, "/health").header("origin", origin)).await;
        assert_eq!(answer.header("access-control-allow-origin"), expected, "{origin}");
    }
}

/// A cache in front would hand one page's answer to all.
#[tokio::test]
async fn sec_ed_04_what_caches_keep_says_the_same_to_every_origin() {
    let allowed = [("AUTH__HTTP__ALLOWED_ORIGINS", r#"["https://app.example.com"]"#)];
    let server = TestServer::with(&allowed).await;
    for path in ["/.well-known/jwks.json", "/.well-known/openid-configuration"] {
        let answers = ["https://app.example.com", "https://evil.example.com", ""].map(|origin| {
            let request = server.request(Method::GET, path);
            server.send(if origin.is_empty() { request } else { request.header("origin", origin) })
        });
        for answer in futures::future::join_all(answers).await {
            assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
            for absent in ["vary", "access-control-allow-credentials", "set-cookie"] {
                assert_eq!(answer.header(absent), "", "{path}: {absent}");
            }
        }
    }
}

#[tokio::test]
async fn sec_se_09_a_client_cannot_choose_its_address() {
    let server = TestServer::with(&[("AUTH__LIMITS__LOGIN_SOURCE__LIMIT", "2")]).await;
    for (hop, expected) in [("203.0.113.1", 401), ("203.0.113.2", 401), ("203.0.113.3", 429)] {
        let body = json!({ "email": EMAIL, "password": PASSWORD });
        let request = server.request(Method::POST, "/v1/login").header("x-forwarded-for", hop).json(&body);
        assert_eq!(server.send(request).await.status, expected);
    }
}

#[tokio::test]
async fn sec_se_09_clients_behind_a_proxy_that_adds_ports_have_sources_of_their_own() {
    let trusted = [("AUTH__HTTP__TRUSTED_PROXIES", r#"["127.0.0.0/8"]"#), ("AUTH__LIMITS__LOGIN_SOURCE__LIMIT", "1")];
    let server = TestServer::with(&trusted).await;
    for hop in ["203.0.113.1:1", "203.0.113.2:1", "\"[2001:db8:1::1]:1\"", "203.0.113.3:1, 127.0.0.9:443"] {
        for expected in [401, 429] {
            let body = json!({ "email": format!("{}@example.com", hop.len()), "password": PASSWORD });
            let request = server.request(Method::POST, "/v1/login").header("x-forwarded-for", hop).json(&body);
            assert_eq!(server.send(request).await.status, expected, "{hop}");
        }
    }
}

#[tokio::test]
async fn sec_se_09_behind_a_trusted_proxy_the_rightmost_foreign_hop_counts() {
    let trusted = [("AUTH__HTTP__TRUSTED_PROXIES", r#"["127.0.0.0/8"]"#)];
    let server = TestServer::with(&trusted).await;
    server.register(EMAIL, PASSWORD).await;
    let body = json!({ "email": EMAIL, "password": PASSWORD });
    let request = server.request(Method::POST, "/v1/login").header("x-forwarded-for", "198.51.100.9, 203.0.113.7");
    let access = server.send(request.json(&body)).await.string("access_token");
    let sessions = server.as_bearer(Method::GET, "/v1/sessions", &access).await.json();
    assert_eq!(sessions["items"][0]["address"], "203.0.113.7");
}

#[tokio::test]
async fn metrics_count_requests_by_endpoint_and_status() {
    let server = TestServer::start().await;
    server.get("/v1/me").await;
    server.signed_in().await;
    let metrics = server.get("/metrics").await;
    assert_eq!(metrics.status, 200);
    assert!(metrics.text.contains(r#"wardgate_requests_total{endpoint="me",status="401"}"#), "{}", metrics.text);
    for name in [
        r#"wardgate_request_duration_seconds_bucket{endpoint="me",le="0.005"}"#,
        r#"wardgate_sign_ins_total{outcome="signed_in"}"#,
        r#"wardgate_store_duration_seconds_count{operation="TransactWriteItems"}"#,
    ] {
        assert!(metrics.text.contains(name), "{name} is missing in {}", metrics.text);
    }
}
