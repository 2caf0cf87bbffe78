//! Applications that send browsers to us, and the browsers that they send.

use reqwest::Url;
use wardgate::domain::oauth::client::ClientId;
use wardgate::use_cases::clients::{self, Registry, carry_out, plan};

use super::pages::{Browser, unescaped};
use super::{Answer, EMAIL, PASSWORD, TestServer};

/// The verifier of RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// And its challenge.
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// Where the shop's answers go.
pub const CALLBACK: &str = "https://shop.example/callback";
/// The cookie that keeps a session in a browser.
pub const SESSION: &str = "__Host-wardgate-session";

const CLIENTS: &str = r#"
[[resource]]
uri = "https://orders.example"
name = { en = "Orders" }
scopes."orders:read" = { en = "Read your orders" }
algorithm = "ES256"
access_seconds = 120

[[client]]
id = "shop"
kind = "web"
name = { en = "Shop & Co", de = "Laden" }
redirect_uris = ["https://shop.example/callback"]
post_logout_redirect_uris = ["https://shop.example/bye", "https://shop.example/bye?from=us"]
grants = ["authorization_code", "refresh_token"]
scopes = ["openid", "profile", "email", "offline_access", "orders:read"]
resources = ["https://orders.example"]
consent = "none"

[[client]]
id = "page"
kind = "spa"
name = { en = "Page" }
redirect_uris = ["https://page.example/?from=us", "https://page.example/callback"]
scopes = ["openid", "email"]
grants = ["authorization_code", "refresh_token"]
consent = "none"

[[client]]
id = "cli"
kind = "native"
name = { en = "Command line" }
redirect_uris = ["http://127.0.0.1/callback", "com.example.cli:/callback"]
scopes = ["openid"]
consent = "none"

[[client]]
id = "stranger"
kind = "web"
name = { en = "Stranger" }
redirect_uris = ["https://stranger.example/callback", "https://other.example/callback"]
scopes = ["openid", "email", "orders:read"]
resources = ["https://orders.example"]

[[client]]
id = "suite"
kind = "web"
name = { en = "Suite" }
redirect_uris = ["https://shop.example/callback"]
post_logout_redirect_uris = ["https://shop.example/bye"]
grants = ["authorization_code", "refresh_token"]
scopes = ["openid", "profile", "email"]
consent = "none"
pkce = "legacy"

[[client]]
id = "orders"
kind = "resource_server"
name = { en = "Orders" }
resources = ["https://orders.example"]
"#;

/// Registers what a file says, and nothing else.
pub async fn register_file(server: &TestServer, file: &str) {
    let registry: Registry = toml::from_str(file).unwrap();
    for step in plan(&server.app, &registry, false).await.unwrap() {
        carry_out(&server.app, &server.context(), &step).await.unwrap();
    }
}

/// Registers clients beside the applications.
pub async fn register(server: &TestServer, clients: &str) {
    register_file(server, &format!("{CLIENTS}{clients}")).await;
}

/// Registers a client in the place of the application with its id.
pub async fn register_instead(server: &TestServer, id: &str, client: &str) {
    let others = CLIENTS.split("[[client]]").filter(|it| !it.starts_with(&format!("\nid = \"{id}\"\n")));
    let others: Vec<&str> = others.collect();
    register_file(server, &format!("{}\n{client}", others.join("[[client]]"))).await;
}

/// Has a client show itself by [`SECRET`].
pub async fn give_secret(server: &TestServer, client: &str) {
    let client = ClientId::parse(client).unwrap();
    clients::give_secret(&server.app, &server.context(), &client, SECRET).await.unwrap();
}

/// Registers the applications.
pub async fn register_applications(server: &TestServer) {
    register(server, "").await;
    for client in ["shop", "stranger", "suite", "orders"] {
        give_secret(server, client).await;
    }
}

/// A server with the applications and a person.
pub async fn with_applications() -> TestServer {
    let server = TestServer::start().await;
    register_applications(&server).await;
    server.register(EMAIL, PASSWORD).await;
    server.store.reset();
    server
}

/// The request of the shop, with more behind it; of two parameters of a name, the second one counts.
pub fn authorize(more: &[(&str, &str)]) -> String {
    let mut pairs = vec![
        ("client_id", "shop"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid email"),
        ("state", "s t&ate"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    pairs.retain(|(name, _)| more.iter().all(|(given, _)| given != name));
    pairs.extend(more);
    let query: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    format!("/oauth2/authorize?{}", query.join("&"))
}

fn encoded(value: &str) -> String {
    let mut url = Url::parse("https://x.example").unwrap();
    url.query_pairs_mut().append_pair("v", value);
    url.query().unwrap()[2..].to_owned()
}

/// Where an answer sends the browser: by a redirect, or by a page that leads on.
pub fn leads_to(answer: &Answer) -> String {
    match answer.text.split_once("<meta http-equiv=\"refresh\" content=\"0; url=") {
        Some((_, rest)) => unescaped(rest.split('"').next().unwrap()),
        None => answer.header("location").to_owned(),
    }
}

/// Where the button of a page leads that is at its end.
#[track_caller]
pub fn button(answer: &Answer) -> (String, String) {
    let link = answer.text.split_once("<a class=\"button\" href=\"").unwrap_or_else(|| panic!("{}", answer.text)).1;
    let (location, rest) = link.split_once("\">").unwrap();
    (unescaped(location), rest.split("</a>").next().unwrap().to_owned())
}

/// A parameter of where an answer sends the browser.
pub fn sent(answer: &Answer, name: &str) -> Option<String> {
    let base = Url::parse("https://auth.example.com").unwrap();
    let url = base.join(&leads_to(answer)).unwrap();
    url.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

impl Browser {
    /// Signs in on the page that a request has led to, and follows to where that leads.
    pub async fn sign_in(&mut self, server: &TestServer, asked: &Answer, email: &str, password: &str) -> Answer {
        let pressed = self.sign_in_only(server, asked, email, password).await;
        assert_eq!(pressed.status, 303, "{}", pressed.text);
        server.step();
        self.open(server, pressed.header("location")).await
    }

    /// As [`Self::sign_in`], and stays.
    pub async fn sign_in_only(&mut self, server: &TestServer, asked: &Answer, email: &str, password: &str) -> Answer {
        assert_eq!(asked.status, 303, "{}", asked.text);
        let shown = self.open(server, asked.header("location")).await;
        assert_eq!(shown.status, 200, "{}", shown.text);
        self.press(server, &shown, &[("email", email), ("password", password)]).await
    }
}

/// What the shop shows itself by.
pub const SECRET: &str = "wgcs_of-the-shop";

/// A browser whose person is signed in, and a code of the shop's for the request.
pub async fn code_of(server: &TestServer, browser: &mut Browser, more: &[(&str, &str)]) -> String {
    let asked = browser.open(server, &authorize(more)).await;
    let back = if asked.status == 303 { browser.sign_in(server, &asked, EMAIL, PASSWORD).await } else { asked };
    server.step();
    sent(&back, "code").unwrap_or_else(|| panic!("no code in {}", back.text))
}

/// What the shop sends for its tokens; of two members of a name, the second one counts, and empty ones are left out.
pub fn exchange(code: &str, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut members = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    members.retain(|(name, _)| more.iter().all(|(given, _)| given != name));
    members.extend(more.iter().filter(|(_, value)| !value.is_empty()));
    members.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The shop asks for its tokens.
pub async fn ask_for_tokens(server: &TestServer, members: &[(String, String)]) -> Answer {
    let request = server.request(reqwest::Method::POST, "/oauth2/token").basic_auth("shop", Some(SECRET));
    server.send(request.form(members)).await
}

/// What refreshes a client's tokens; of two members of a name, the second one counts.
pub fn refresh(token: &str, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut members = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
    members.retain(|(name, _)| more.iter().all(|(given, _)| given != name));
    members.extend(more);
    members.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The claims of a token, unverified.
pub fn claims(token: &str) -> serde_json::Value {
    part(token, 1)
}

/// The header of a token.
pub fn jose_header(token: &str) -> serde_json::Value {
    part(token, 0)
}

/// As a part of a token is written.
pub fn base64url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

fn part(token: &str, index: usize) -> serde_json::Value {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}
