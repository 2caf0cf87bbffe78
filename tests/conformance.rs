//! The modules of the OpenID Foundation's conformance suite, told again under their own names: what each asks of a provider, asked
//! of ours. The suite itself needs a server and a browser of its own. `docs/conformance.md` lists them; none of it is a
//! certification.

mod logout;

use reqwest::Method;
use serde_json::Value;

use crate::harness::applications::{
    CALLBACK, SECRET, authorize, claims, exchange, jose_header, refresh, register_applications, sent,
};
use crate::harness::pages::{Browser, form, heading};
use crate::harness::{Answer, EMAIL, PASSWORD, TestServer, repository};

/// A provider, a person with a name, and the suite's browser. The suite's client is older than PKCE: one module alone sends it.
struct Suite {
    server: TestServer,
    browser: Browser,
}

impl Suite {
    async fn start() -> Self {
        let server = TestServer::start().await;
        register_applications(&server).await;
        let body = serde_json::json!({ "email": EMAIL, "password": PASSWORD, "name": "Ada Lovelace" });
        assert_eq!(server.post("/v1/register", &body).await.status, 202);
        Self { server, browser: Browser::default() }
    }

    /// The suite's request, with more or others.
    fn request(more: &[(&str, &str)]) -> String {
        let mut given =
            vec![("client_id", "suite"), ("code_challenge", ""), ("code_challenge_method", ""), ("nonce", "n1")];
        given.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
        given.extend(more);
        authorize(&given)
    }

    /// Where a request ends at the client, by signing in where that is asked for.
    async fn come_back(&mut self, more: &[(&str, &str)]) -> Answer {
        let asked = self.browser.open(&self.server, &Self::request(more)).await;
        let back = match asked.status {
            303 => self.browser.sign_in(&self.server, &asked, EMAIL, PASSWORD).await,
            _ => asked,
        };
        self.server.clock.advance(2);
        back
    }

    async fn tokens_of(&self, back: &Answer) -> Answer {
        let code = sent(back, "code").unwrap_or_else(|| panic!("no code: {} {}", back.status, back.text));
        assert_eq!(sent(back, "state").as_deref(), Some("s t&ate"));
        self.ask("/oauth2/token", &exchange(&code, &[("code_verifier", "")])).await
    }

    /// Asks as the client.
    async fn ask(&self, path: &str, members: &[(String, String)]) -> Answer {
        let request = self.server.request(Method::POST, path).basic_auth("suite", Some(SECRET));
        self.server.send(request.form(members)).await
    }

    /// The whole way, and the claims of the ID token.
    async fn sign_in(&mut self, more: &[(&str, &str)]) -> (Answer, Value) {
        let back = self.come_back(more).await;
        let tokens = self.tokens_of(&back).await;
        assert_eq!(tokens.status, 200, "{}", tokens.text);
        let id_token = claims(&tokens.string("id_token"));
        assert_eq!(
            (id_token["iss"].as_str(), id_token["aud"].as_str()),
            (Some(self.server.base.as_str()), Some("suite"))
        );
        (tokens, id_token)
    }

    async fn userinfo(&self, tokens: &Answer) -> Value {
        let answer = self.server.as_bearer(Method::GET, "/oauth2/userinfo", &tokens.string("access_token")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    async fn logout(&mut self, more: &[(&str, &str)]) -> Answer {
        let mut url = reqwest::Url::parse("https://auth.example.com/oauth2/logout").unwrap();
        url.query_pairs_mut().extend_pairs(more);
        let mut answer =
            self.browser.open(&self.server, &format!("{}?{}", url.path(), url.query().unwrap_or(""))).await;
        if answer.status == 303 {
            // The person says yes.
            let shown = self.browser.open(&self.server, answer.header("location")).await;
            let mut pressed = self.browser.press(&self.server, &shown, &[]).await;
            if pressed.status == 303 {
                pressed = self.browser.open(&self.server, pressed.header("location")).await;
            }
            answer = pressed;
        }
        self.server.step();
        answer
    }

    async fn is_signed_out(&mut self) -> bool {
        let back = self.browser.open(&self.server, &Self::request(&[("prompt", "none")])).await;
        self.server.step();
        sent(&back, "error").as_deref() == Some("login_required")
    }
}

#[tokio::test]
async fn oidcc_server() {
    let mut suite = Suite::start().await;
    let (tokens, id_token) = suite.sign_in(&[]).await;
    assert_eq!((tokens.string("token_type").as_str(), id_token["nonce"].as_str()), ("Bearer", Some("n1")));
    assert_eq!(
        (tokens.header("cache-control"), suite.userinfo(&tokens).await["sub"] == id_token["sub"]),
        ("no-store", true)
    );
}

#[tokio::test]
async fn oidcc_server_client_secret_post() {
    let mut suite = Suite::start().await;
    let back = suite.come_back(&[]).await;
    let more = [("client_id", "suite"), ("client_secret", SECRET), ("code_verifier", "")];
    let members = exchange(&sent(&back, "code").unwrap(), &more);
    let tokens = suite.server.send(suite.server.request(Method::POST, "/oauth2/token").form(&members)).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
}

#[tokio::test]
async fn oidcc_response_type_missing() {
    let mut suite = Suite::start().await;
    let back = suite.come_back(&[("response_type", "")]).await;
    assert_eq!(sent(&back, "error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn oidcc_idtoken_signature() {
    let mut suite = Suite::start().await;
    let (tokens, _) = suite.sign_in(&[]).await;
    let header = jose_header(&tokens.string("id_token"));
    let keys = suite.server.get("/.well-known/jwks.json").await.json();
    let kids: Vec<&Value> = keys["keys"].as_array().unwrap().iter().map(|key| &key["kid"]).collect();
    assert!(header["alg"] == "RS256" && kids.contains(&&header["kid"]), "{header}");
}

#[tokio::test]
async fn oidcc_userinfo_get() {
    let mut suite = Suite::start().await;
    let (tokens, id_token) = suite.sign_in(&[]).await;
    assert_eq!(suite.userinfo(&tokens).await["sub"], id_token["sub"]);
}

#[tokio::test]
async fn oidcc_userinfo_post_header() {
    let mut suite = Suite::start().await;
    let (tokens, id_token) = suite.sign_in(&[]).await;
    let answer = suite.server.as_bearer(Method::POST, "/oauth2/userinfo", &tokens.string("access_token")).await;
    assert_eq!((answer.status, &answer.json()["sub"]), (200, &id_token["sub"]));
}

#[tokio::test]
async fn oidcc_userinfo_post_body() {
    let mut suite = Suite::start().await;
    let (tokens, id_token) = suite.sign_in(&[]).await;
    let request = suite.server.request(Method::POST, "/oauth2/userinfo");
    let answer = suite.server.send(request.form(&[("access_token", tokens.string("access_token"))])).await;
    assert_eq!((answer.status, &answer.json()["sub"]), (200, &id_token["sub"]));
}

#[tokio::test]
async fn oidcc_ensure_request_without_nonce_succeeds_for_code_flow() {
    let mut suite = Suite::start().await;
    assert!(suite.sign_in(&[("nonce", "")]).await.1.get("nonce").is_none());
}

#[tokio::test]
async fn oidcc_scope_profile() {
    let mut suite = Suite::start().await;
    let (tokens, _) = suite.sign_in(&[("scope", "openid profile")]).await;
    assert_eq!(suite.userinfo(&tokens).await["name"], "Ada Lovelace");
}

#[tokio::test]
async fn oidcc_scope_email() {
    let mut suite = Suite::start().await;
    let (tokens, _) = suite.sign_in(&[("scope", "openid email")]).await;
    let person = suite.userinfo(&tokens).await;
    assert!(person["email"] == EMAIL && person["email_verified"].is_boolean(), "{person}");
}

/// What is not supported is passed over.
#[tokio::test]
async fn oidcc_scope_address() {
    let mut suite = Suite::start().await;
    assert_eq!(suite.sign_in(&[("scope", "openid address")]).await.0.string("scope"), "openid");
}

#[tokio::test]
async fn oidcc_scope_phone() {
    let mut suite = Suite::start().await;
    assert_eq!(suite.sign_in(&[("scope", "openid phone")]).await.0.string("scope"), "openid");
}

#[tokio::test]
async fn oidcc_scope_all() {
    let mut suite = Suite::start().await;
    let (tokens, _) = suite.sign_in(&[("scope", "openid profile email address phone")]).await;
    assert_eq!(tokens.string("scope"), "email openid profile");
}

#[tokio::test]
async fn oidcc_display_page() {
    Suite::start().await.sign_in(&[("display", "page")]).await;
}

#[tokio::test]
async fn oidcc_display_popup() {
    Suite::start().await.sign_in(&[("display", "popup")]).await;
}

#[tokio::test]
async fn oidcc_prompt_login() {
    let mut suite = Suite::start().await;
    let (_, first) = suite.sign_in(&[]).await;
    suite.server.clock.advance(5);
    let asked = suite.browser.open(&suite.server, &Suite::request(&[("prompt", "login")])).await;
    assert!(asked.header("location").starts_with("/ui/login?"), "{}", asked.text);
    let (_, second) = suite.sign_in(&[("prompt", "login")]).await;
    assert!(second["auth_time"].as_i64() > first["auth_time"].as_i64(), "{first} {second}");
    assert_eq!(first["sub"], second["sub"]);
}

#[tokio::test]
async fn oidcc_prompt_none_logged_in() {
    let mut suite = Suite::start().await;
    let (_, first) = suite.sign_in(&[]).await;
    let back = suite.browser.open(&suite.server, &Suite::request(&[("prompt", "none")])).await;
    let second = claims(&suite.tokens_of(&back).await.string("id_token"));
    assert_eq!((&first["sub"], &first["auth_time"]), (&second["sub"], &second["auth_time"]));
}

#[tokio::test]
async fn oidcc_prompt_none_not_logged_in() {
    assert!(Suite::start().await.is_signed_out().await);
}

#[tokio::test]
async fn oidcc_max_age_1() {
    let mut suite = Suite::start().await;
    let (_, first) = suite.sign_in(&[]).await;
    suite.server.clock.advance(5);
    let asked = suite.browser.open(&suite.server, &Suite::request(&[("max_age", "1")])).await;
    assert!(asked.header("location").starts_with("/ui/login?"), "{}", asked.text);
    let (_, second) = suite.sign_in(&[("max_age", "1")]).await;
    assert!(second["auth_time"].as_i64() > first["auth_time"].as_i64(), "{first} {second}");
}

#[tokio::test]
async fn oidcc_max_age_10000() {
    let mut suite = Suite::start().await;
    let (_, first) = suite.sign_in(&[]).await;
    let back = suite.browser.open(&suite.server, &Suite::request(&[("max_age", "10000")])).await;
    let second = claims(&suite.tokens_of(&back).await.string("id_token"));
    assert_eq!(first["auth_time"], second["auth_time"]);
}

#[tokio::test]
async fn oidcc_ensure_request_with_unknown_parameter_succeeds() {
    Suite::start().await.sign_in(&[("extra", "foobar")]).await;
}

#[tokio::test]
async fn oidcc_id_token_hint() {
    let mut suite = Suite::start().await;
    let (tokens, first) = suite.sign_in(&[]).await;
    let hint = tokens.string("id_token");
    let silent = [("prompt", "none"), ("id_token_hint", hint.as_str())];
    let back = suite.browser.open(&suite.server, &Suite::request(&silent)).await;
    assert_eq!(claims(&suite.tokens_of(&back).await.string("id_token"))["sub"], first["sub"]);
}

#[tokio::test]
async fn oidcc_login_hint() {
    let mut suite = Suite::start().await;
    let asked = suite.browser.open(&suite.server, &Suite::request(&[("login_hint", "buffy@example.com")])).await;
    let shown = suite.browser.open(&suite.server, asked.header("location")).await;
    assert!(shown.text.contains("value=\"buffy@example.com\""), "{}", shown.text);
}

#[tokio::test]
async fn oidcc_ui_locales() {
    let mut suite = Suite::start().await;
    let asked = suite.browser.open(&suite.server, &Suite::request(&[("ui_locales", "se de")])).await;
    let shown = suite.browser.open(&suite.server, asked.header("location")).await;
    assert_eq!(shown.header("content-language"), "de");
}

#[tokio::test]
async fn oidcc_claims_locales() {
    Suite::start().await.sign_in(&[("claims_locales", "se")]).await;
}

/// The parameter is passed over, as discovery says.
#[tokio::test]
async fn oidcc_claims_essential() {
    Suite::start().await.sign_in(&[("claims", r#"{"userinfo":{"name":{"essential":true}}}"#)]).await;
}

#[tokio::test]
async fn oidcc_ensure_request_with_acr_values_succeeds() {
    let mut suite = Suite::start().await;
    let (_, id_token) = suite.sign_in(&[("acr_values", "urn:example:gold urn:wardgate:1fa")]).await;
    assert_eq!(id_token["acr"], "urn:wardgate:1fa");
}

/// Without a verifier nobody can tell that it is the client who asks again: what the code gave has ended.
async fn code_reuse(seconds: i64) {
    let mut suite = Suite::start().await;
    let back = suite.come_back(&[]).await;
    let tokens = suite.tokens_of(&back).await;
    suite.server.clock.advance(seconds);
    let again = suite.tokens_of(&back).await;
    assert_eq!((again.status, again.string("error").as_str()), (400, "invalid_grant"));
    let answer = suite.server.as_bearer(Method::GET, "/oauth2/userinfo", &tokens.string("access_token")).await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn oidcc_codereuse() {
    code_reuse(1).await;
}

#[tokio::test]
async fn oidcc_codereuse_30seconds() {
    code_reuse(30).await;
}

#[tokio::test]
async fn oidcc_ensure_registered_redirect_uri() {
    let mut suite = Suite::start().await;
    let answer = suite.come_back(&[("redirect_uri", "https://shop.example/callback/other")]).await;
    assert_eq!((answer.status, heading(&answer)), (400, "This application is not set up right"));
}

#[tokio::test]
async fn oidcc_ensure_post_request_succeeds() {
    let mut suite = Suite::start().await;
    let (_, query) =
        Suite::request(&[]).split_once('?').map(|(path, query)| (path.to_owned(), query.to_owned())).unwrap();
    let request = suite.server.request(Method::POST, "/oauth2/authorize");
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(query);
    let led = suite.browser.send(request, &suite.server).await;
    let asked = suite.browser.open(&suite.server, led.header("location")).await;
    let back = suite.browser.sign_in(&suite.server, &asked, EMAIL, PASSWORD).await;
    assert_eq!(suite.tokens_of(&back).await.status, 200);
}

#[tokio::test]
async fn oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported() {
    let mut suite = Suite::start().await;
    let back = suite.come_back(&[("request_uri", "https://shop.example/request")]).await;
    assert_eq!(sent(&back, "error").as_deref(), Some("request_uri_not_supported"));
}

#[tokio::test]
async fn oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported() {
    let mut suite = Suite::start().await;
    let back = suite.come_back(&[("request", "eyJhbGciOiJub25lIn0.e30.")]).await;
    assert_eq!(sent(&back, "error").as_deref(), Some("request_not_supported"));
}

#[tokio::test]
async fn oidcc_refresh_token() {
    let mut suite = Suite::start().await;
    let (tokens, first) = suite.sign_in(&[]).await;
    let refreshed = suite.ask("/oauth2/token", &refresh(&tokens.string("refresh_token"), &[])).await;
    let second = claims(&refreshed.string("id_token"));
    assert_eq!((&first["sub"], &first["auth_time"]), (&second["sub"], &second["auth_time"]));
    // Another client's.
    let request = suite.server.request(Method::POST, "/oauth2/token").basic_auth("shop", Some(SECRET));
    let stolen = suite.server.send(request.form(&refresh(&tokens.string("refresh_token"), &[]))).await;
    assert_eq!((stolen.status, stolen.string("error").as_str()), (400, "invalid_grant"));
}

#[tokio::test]
async fn oidcc_ensure_request_with_valid_pkce_succeeds() {
    use crate::harness::applications::{CHALLENGE, VERIFIER};
    let mut suite = Suite::start().await;
    let back = suite.come_back(&[("code_challenge", CHALLENGE), ("code_challenge_method", "S256")]).await;
    let members = exchange(&sent(&back, "code").unwrap(), &[("code_verifier", VERIFIER)]);
    assert_eq!(suite.ask("/oauth2/token", &members).await.status, 200);
}

#[tokio::test]
async fn oidcc_discovery_endpoint_verification() {
    let suite = Suite::start().await;
    let found = suite.server.get("/.well-known/openid-configuration").await;
    assert_eq!((found.status, found.header("content-type")), (200, "application/json"));
    let found = found.json();
    for member in [
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
        "response_types_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
        "scopes_supported",
        "claims_supported",
        "end_session_endpoint",
    ] {
        assert!(!found[member].is_null(), "{member}: {found}");
    }
    assert_eq!(found["issuer"], suite.server.base.as_str());
    assert_eq!(
        (&found["request_uri_parameter_supported"], &found["claims_parameter_supported"]),
        (&false.into(), &false.into())
    );
    assert!(found["id_token_signing_alg_values_supported"].as_array().unwrap().contains(&"RS256".into()));
}

/// Form Post: the same with the answer in a form.
#[tokio::test]
async fn oidcc_formpost_server() {
    let mut suite = Suite::start().await;
    let back = suite.come_back(&[("response_mode", "form_post")]).await;
    let sent = form(&back);
    assert_eq!((back.status, sent.action.replace("&#x2f;", "/").as_str()), (200, CALLBACK), "{}", back.text);
    let (_, code) = sent.hidden.iter().find(|(name, _)| name == "code").unwrap();
    let tokens = suite.ask("/oauth2/token", &exchange(code, &[("code_verifier", "")])).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
}

#[tokio::test]
async fn oidcc_formpost_prompt_none_not_logged_in() {
    let mut suite = Suite::start().await;
    let silent = [("response_mode", "form_post"), ("prompt", "none")];
    let back = suite.browser.open(&suite.server, &Suite::request(&silent)).await;
    assert!(form(&back).hidden.contains(&("error".to_owned(), "login_required".to_owned())), "{}", back.text);
}

/// `docs/conformance.md` names each of these tests, and no other.
#[test]
fn the_table_of_modules_is_that_of_the_tests() {
    let files = ["tests/conformance.rs", "tests/conformance/logout.rs"];
    let source: String = files.map(|file| std::fs::read_to_string(repository(file)).unwrap()).concat();
    let tests = source.lines().filter_map(|line| line.strip_prefix("async fn oidcc_")?.split('(').next());
    let mut tests: Vec<String> = tests.map(|name| format!("oidcc-{}", name.replace('_', "-"))).collect();
    let table = std::fs::read_to_string(repository("docs/conformance.md")).unwrap();
    let named = |line: &str| Some(line.strip_prefix("| `")?.split('`').next()?.to_owned());
    let mut listed: Vec<String> = table.lines().filter_map(named).filter(|name| name.starts_with("oidcc-")).collect();
    tests.sort();
    listed.sort();
    assert_eq!(listed, tests);
}
