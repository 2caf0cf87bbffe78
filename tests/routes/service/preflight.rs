//! `OPTIONS /{proxy+}`

use reqwest::Method;
use wardgate::http::cors::Cors;
use wardgate_server::endpoints::ENDPOINTS;

use crate::harness::{Answer, TestServer};

const LISTED: &str = "https://app.example.com";
const ALLOWED: [(&str, &str); 1] = [("AUTH__HTTP__ALLOWED_ORIGINS", r#"["https://app.example.com"]"#)];

async fn ask(server: &TestServer, path: &str, origin: &str, method: &str) -> Answer {
    let request = server.request(Method::OPTIONS, path).header("origin", origin);
    server.send(request.header("access-control-request-method", method)).await
}

/// By each route that there is, so that none is left out.
#[tokio::test]
async fn sec_oc_24_each_route_is_answered_by_the_class_of_its_endpoint() {
    let server = TestServer::with(&ALLOWED).await;
    for (endpoint, _) in ENDPOINTS.iter().filter(|(endpoint, _)| endpoint.name != "preflight") {
        for route in endpoint.routes {
            let path = route.path.replace("{proxy+}", "a/b").replace('{', "x").replace('}', "");
            for origin in [LISTED, "https://evil.example"] {
                let answer = ask(&server, &path, origin, route.method.as_ref().map_or("POST", Method::as_str)).await;
                let (expected, credentials) = match endpoint.cors {
                    Cors::Public => ("*", ""),
                    Cors::Listed if origin == LISTED => (LISTED, "true"),
                    Cors::Listed | Cors::None => ("", ""),
                };
                assert_eq!(answer.header("access-control-allow-origin"), expected, "{origin} of {route}");
                assert_eq!(answer.header("access-control-allow-credentials"), credentials, "{origin} of {route}");
                assert_eq!(answer.header("set-cookie"), "", "{route}");
            }
        }
    }
}

#[tokio::test]
async fn a_preflight_says_methods_headers_and_how_long_it_holds() {
    let server = TestServer::with(&ALLOWED).await;
    let listed = ask(&server, "/v1/me", LISTED, "PATCH").await;
    assert_eq!(listed.status, 204);
    assert!(listed.header("access-control-allow-methods").contains("PATCH"));
    assert_eq!(listed.header("access-control-allow-headers"), "authorization, content-type");
    assert_eq!((listed.header("access-control-max-age"), listed.header("vary")), ("7200", "origin"));
    let public = ask(&server, "/.well-known/jwks.json", "https://evil.example", "GET").await;
    assert!(public.header("access-control-allow-headers").contains("dpop"));
    assert_eq!(public.header("vary"), "");
}

#[tokio::test]
async fn a_path_without_an_endpoint_has_none() {
    let server = TestServer::with(&ALLOWED).await;
    for path in ["/v1/nothing", "/nothing", "/v1/sessions/a/b"] {
        let answer = ask(&server, path, LISTED, "GET").await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (404, ""), "{path}");
    }
}
