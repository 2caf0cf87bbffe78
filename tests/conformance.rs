//! The modules of the OpenID Foundation's conformance suite, told again under their own names: what each asks of a provider, asked
//! of ours. The suite itself needs a server and a browser of its own. `docs/conformance.md` lists them; none of it is a
//! certification.

mod basic;
mod logout;

use reqwest::Method;
use serde_json::Value;

use crate::harness::applications::{CALLBACK, SECRET, authorize, claims, exchange, register_applications, sent};
use crate::harness::pages::{Browser, form};
use crate::harness::{Answer, EMAIL, PASSWORD, TestServer, repository};

/// How a plan has the provider answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ResponseMode {
    Query,
    FormPost,
}

/// A provider, a person with a name, and the suite's browser. The suite's client is older than PKCE: one module alone sends it.
struct Suite {
    server: TestServer,
    browser: Browser,
    mode: ResponseMode,
}

impl Suite {
    async fn start() -> Self {
        Self::answered_by(ResponseMode::Query).await
    }

    async fn answered_by(mode: ResponseMode) -> Self {
        let server = TestServer::start().await;
        register_applications(&server).await;
        let body = serde_json::json!({ "email": EMAIL, "password": PASSWORD, "name": "Ada Lovelace" });
        assert_eq!(server.post("/v1/register", &body).await.status, 202);
        Self { server, browser: Browser::default(), mode }
    }

    /// The suite's request, with more or others.
    fn request(&self, more: &[(&str, &str)]) -> String {
        let mut given =
            vec![("client_id", "suite"), ("code_challenge", ""), ("code_challenge_method", ""), ("nonce", "n1")];
        if self.mode == ResponseMode::FormPost {
            given.push(("response_mode", "form_post"));
        }
        given.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
        given.extend(more);
        authorize(&given)
    }

    /// What the provider has sent to the client by this name, in the way that the plan asks for.
    fn sent(&self, back: &Answer, name: &str) -> Option<String> {
        match self.mode {
            ResponseMode::Query => sent(back, name),
            ResponseMode::FormPost => {
                let form = form(back);
                assert_eq!((back.status, form.action.as_str()), (200, CALLBACK), "{}", back.text);
                form.hidden.into_iter().find(|(found, _)| found == name).map(|(_, value)| value)
            }
        }
    }

    /// Where a request ends at the client, by signing in where that is asked for.
    async fn come_back(&mut self, more: &[(&str, &str)]) -> Answer {
        let asked = self.browser.open(&self.server, &self.request(more)).await;
        let back = match asked.status {
            303 => self.browser.sign_in(&self.server, &asked, EMAIL, PASSWORD).await,
            _ => asked,
        };
        self.server.clock.advance(2);
        back
    }

    async fn tokens_of(&self, back: &Answer) -> Answer {
        let code = self.sent(back, "code").unwrap_or_else(|| panic!("no code: {} {}", back.status, back.text));
        assert_eq!(self.sent(back, "state").as_deref(), Some("s t&ate"));
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
        let back = self.browser.open(&self.server, &self.request(&[("prompt", "none")])).await;
        self.server.step();
        self.sent(&back, "error").as_deref() == Some("login_required")
    }
}

/// Each module as a test of its name, in each plan that has it.
macro_rules! plans {
    ($($module:ident),* $(,)?) => {
        mod query {
            use super::{ResponseMode, Suite, basic};
            $(#[tokio::test]
            async fn $module() {
                basic::$module(Suite::answered_by(ResponseMode::Query).await).await;
            })*
        }

        mod form_post {
            use super::{ResponseMode, Suite, basic};
            $(#[tokio::test]
            async fn $module() {
                basic::$module(Suite::answered_by(ResponseMode::FormPost).await).await;
            })*
        }
    };
}

plans! {
    oidcc_server,
    oidcc_server_client_secret_post,
    oidcc_response_type_missing,
    oidcc_idtoken_signature,
    oidcc_userinfo_get,
    oidcc_userinfo_post_header,
    oidcc_userinfo_post_body,
    oidcc_ensure_request_without_nonce_succeeds_for_code_flow,
    oidcc_scope_profile,
    oidcc_scope_email,
    oidcc_scope_address,
    oidcc_scope_phone,
    oidcc_scope_all,
    oidcc_display_page,
    oidcc_display_popup,
    oidcc_prompt_login,
    oidcc_prompt_none_logged_in,
    oidcc_prompt_none_not_logged_in,
    oidcc_max_age_1,
    oidcc_max_age_10000,
    oidcc_ensure_request_with_unknown_parameter_succeeds,
    oidcc_id_token_hint,
    oidcc_login_hint,
    oidcc_ui_locales,
    oidcc_claims_locales,
    oidcc_claims_essential,
    oidcc_ensure_request_with_acr_values_succeeds,
    oidcc_codereuse,
    oidcc_codereuse_30seconds,
    oidcc_ensure_registered_redirect_uri,
    oidcc_ensure_post_request_succeeds,
    oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported,
    oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported,
    oidcc_refresh_token,
    oidcc_ensure_request_with_valid_pkce_succeeds,
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

/// `docs/conformance.md` names each of these tests, and no other.
#[test]
fn the_table_of_modules_is_that_of_the_tests() {
    let files = ["tests/conformance.rs", "tests/conformance/basic.rs", "tests/conformance/logout.rs"];
    let source: String = files.map(|file| std::fs::read_to_string(repository(file)).unwrap()).concat();
    let tests = source
        .lines()
        .filter_map(|line| line.trim_start_matches("pub(super) ").strip_prefix("async fn oidcc_")?.split('(').next());
    let mut tests: Vec<String> = tests.map(|name| format!("oidcc-{}", name.replace('_', "-"))).collect();
    let table = std::fs::read_to_string(repository("docs/conformance.md")).unwrap();
    let named = |line: &str| Some(line.strip_prefix("| `")?.split('`').next()?.to_owned());
    let mut listed: Vec<String> = table.lines().filter_map(named).filter(|name| name.starts_with("oidcc-")).collect();
    tests.sort();
    listed.sort();
    assert_eq!(listed, tests);
}
