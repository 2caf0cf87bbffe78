//! The brand: pages on the way to a client have the client's, and all others the service's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use ring::digest::{SHA256, digest};
use wardgate::use_cases::clients::{ClientsError, Registry, carry_out, plan};

use crate::harness::applications::authorize;
use crate::harness::pages::{Browser, heading};
use crate::harness::{Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TestServer, link_token};

const OF_THE_SERVICE: &str = "data:image/svg+xml;base64,PHN2ZyB2aWV3Qm94PSIwIDAgOCA4Ij48L3N2Zz4=";
const OF_THE_SHOP: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAYAAADED76L";
const SERVICE: [(&str, &str); 3] = [
    ("AUTH__BRAND__LOGO", OF_THE_SERVICE),
    ("AUTH__BRAND__LIGHT__ACCENT", "#005f3c"),
    ("AUTH__SERVICE__NAME", "Blue Harbour"),
];

const CLIENTS: &str = r##"
[[client]]
id = "shop"
kind = "web"
name = { en = "Shop & Co" }
redirect_uris = ["https://shop.example/callback"]
post_logout_redirect_uris = ["https://shop.example/bye"]
scopes = ["openid", "email"]
consent = "none"

[client.brand]
name = "The Shop"
logo = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAYAAADED76L"
light.accent = "#b3005e"
dark.link = "#ff9ecb"

[[client]]
id = "page"
kind = "spa"
name = { en = "Page" }
redirect_uris = ["https://page.example/callback"]
scopes = ["openid", "email"]
consent = "none"
"##;

async fn register(server: &TestServer, clients: &str) -> Result<usize, ClientsError> {
    let registry: Registry = toml::from_str(clients).unwrap();
    let steps = plan(&server.app, &registry, false).await?;
    for step in &steps {
        carry_out(&server.app, &server.context(), step).await?;
    }
    Ok(steps.len())
}

async fn branded() -> TestServer {
    let server = TestServer::with(&SERVICE).await;
    register(&server, CLIENTS).await.unwrap();
    server.register(EMAIL, PASSWORD).await;
    server
}

/// What a page looks like: its logo, the name at its head, and its variables of both schemes, each by its first value.
#[derive(Debug, PartialEq, Eq)]
struct Look {
    logo: String,
    name: String,
    light: [String; 2],
    dark: [String; 2],
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split_once(after).unwrap().0
}

/// The text of each style of a page.
fn styles(page: &Answer) -> Vec<&str> {
    page.text.split("<style>").skip(1).map(|rest| rest.split_once("</style>").unwrap().0).collect()
}

#[track_caller]
fn look(page: &Answer) -> Look {
    let head = between(&page.text, "<header class=\"brand\">", "</header>");
    let [_, own] = styles(page).try_into().unwrap_or_else(|_| panic!("{}", page.text));
    let (light, dark) = own.split_once("@media (prefers-color-scheme: dark)").unwrap();
    let colours = |scheme: &str| ["accent", "link"].map(|it| between(scheme, &format!("--{it}: "), ";").to_owned());
    let name = head.trim_end().rsplit_once("</").unwrap().0.rsplit_once('>').unwrap().1.to_owned();
    Look { logo: between(head, "<img src=\"", "\"").to_owned(), name, light: colours(light), dark: colours(dark) }
}

fn of_the_service() -> Look {
    let [accent, dark, link] = ["#005f3c", "#2f62e0", "#9dbcff"].map(str::to_owned);
    let (logo, name) = (OF_THE_SERVICE.to_owned(), "Blue Harbour".to_owned());
    Look { logo, name, light: [accent.clone(), accent], dark: [dark, link] }
}

fn of_the_shop() -> Look {
    let [accent, dark, link] = ["#b3005e", "#2f62e0", "#ff9ecb"].map(str::to_owned);
    let (logo, name) = (OF_THE_SHOP.to_owned(), "The Shop".to_owned());
    Look { logo, name, light: [accent.clone(), accent], dark: [dark, link] }
}

/// A page that has been shown, and what was seen on it.
#[track_caller]
fn assert_looks(page: &Answer, title: &str, expected: &Look) {
    assert!(heading(page).starts_with(title), "{title}: {}", page.text);
    assert_eq!(look(page), *expected, "{title}");
}

#[tokio::test]
async fn every_page_on_the_way_to_a_client_has_its_brand() {
    let (server, shop) = (branded().await, of_the_shop());
    let mut browser = Browser::default();
    let asked = browser.open(&server, &authorize(&[])).await;
    let login = browser.open(&server, asked.header("location")).await;
    assert_looks(&login, "Sign in to continue to Shop", &shop);
    let typed = [("email", EMAIL), ("password", OTHER_PASSWORD)];
    assert_looks(&browser.press(&server, &login, &typed).await, "Sign in to continue to Shop", &shop);
    let request = asked.header("location").split_once('?').unwrap().1;
    for (path, title, typed) in [
        ("/ui/login-code", "Sign in with a code", vec![("email", EMAIL)]),
        (
            "/ui/register",
            "Create an account",
            vec![("email", "grace@example.com"), ("name", ""), ("new_password", PASSWORD)],
        ),
        ("/ui/forgot", "Forgot", vec![("email", EMAIL)]),
    ] {
        let shown = browser.open(&server, &format!("{path}?{request}")).await;
        assert_eq!((shown.status, look(&shown)), (200, of_the_shop()), "{title}: {}", shown.text);
        let pressed = browser.press(&server, &shown, &typed).await;
        assert_eq!((pressed.status, look(&pressed)), (200, of_the_shop()), "{title}: {}", pressed.text);
        server.step();
    }
    let pressed = browser.press(&server, &login, &[("email", EMAIL), ("password", PASSWORD)]).await;
    server.step();
    let leaving = browser.open(&server, pressed.header("location")).await;
    assert_looks(&leaving, "Back to Shop", &shop);
    server.step();
    let asked = browser.open(&server, &authorize(&[("prompt", "consent")])).await;
    assert!(asked.header("location").starts_with("/ui/consent?"), "{}", asked.header("location"));
    let consent = browser.open(&server, asked.header("location")).await;
    assert_eq!((consent.status, look(&consent)), (200, of_the_shop()), "{}", consent.text);
    let denied = browser.press(&server, &consent, &[("decision", "deny")]).await;
    assert_looks(&denied, "Back to Shop", &shop);
    let by_form = browser.open(&server, &authorize(&[("response_mode", "form_post")])).await;
    assert_looks(&by_form, "Back to Shop", &shop);
    server.step();
    let way_out = "/oauth2/logout?client_id=shop&post_logout_redirect_uri=https://shop.example/bye";
    let asked = browser.open(&server, way_out).await;
    let shown = browser.open(&server, asked.header("location")).await;
    assert_looks(&shown, "Sign out", &shop);
    let pressed = browser.press(&server, &shown, &[]).await;
    let leaving = browser.open(&server, pressed.header("location")).await;
    assert_looks(&leaving, "Back to Shop", &shop);
}

#[tokio::test]
async fn every_other_page_has_the_services_brand() {
    let (server, service) = (branded().await, of_the_service());
    let mut browser = Browser::default();
    for (path, title) in [
        ("/ui/login", "Sign in"),
        ("/ui/register", "Create an account"),
        ("/ui/nothing", "This page does not exist"),
        ("/oauth2/authorize?client_id=nobody", "This application is not known here"),
        ("/ui/login?request=aHR0cHM6Ly9ldmlsLmV4YW1wbGUvP2E9Yg", "This did not work"),
        ("/ui/verify-email?token=", "This link no longer works"),
        ("/ui/verify-email?token=x", "Confirm"),
    ] {
        let request = server.request(Method::GET, path).header("accept", "text/html");
        assert_looks(&browser.send(request, &server).await, title, &service);
    }
    // A client that has none.
    let page = [("client_id", "page"), ("redirect_uri", "https://page.example/callback")];
    let asked = browser.open(&server, &authorize(&page)).await;
    let login = browser.open(&server, asked.header("location")).await;
    assert_looks(&login, "Sign in to continue to Page", &service);
    // Whoever is signed in by one that has one is at home all the same.
    let asked = browser.open(&server, &authorize(&[])).await;
    browser.sign_in(&server, &asked, EMAIL, PASSWORD).await;
    server.step();
    assert_looks(&browser.open(&server, "/ui/account").await, "Your account", &service);
}

/// Opening the page of a mailed link asks nothing of the table, and so knows no client.
#[tokio::test]
async fn pages_of_mailed_links_have_the_services_brand_wherever_they_lead_on_to() {
    let mut variables = SERVICE.to_vec();
    variables.push(("AUTH__ACCOUNTS__REQUIRE_VERIFIED_EMAIL", "true"));
    let server = TestServer::with(&variables).await;
    register(&server, CLIENTS).await.unwrap();
    let mut browser = Browser::default();
    let asked = browser.open(&server, &authorize(&[("prompt", "create")])).await;
    let shown = browser.open(&server, asked.header("location")).await;
    browser.press(&server, &shown, &[("email", EMAIL), ("name", ""), ("new_password", PASSWORD)]).await;
    server.step();
    let token = link_token(&server.newest_mail(EMAIL).await);
    let opened = browser.open_link(&server, "verify-email", &token).await;
    assert_eq!(look(&opened), of_the_service());
    let verified = browser.press(&server, &opened, &[]).await;
    assert!(verified.text.contains("Continue to Shop &amp; Co"), "{}", verified.text);
    assert_eq!(look(&verified), of_the_service());
}

#[tokio::test]
async fn sec_se_07_the_policy_has_both_styles_by_their_hashes_and_nothing_else() {
    let server = branded().await;
    let mut browser = Browser::default();
    let asked = browser.open(&server, &authorize(&[])).await;
    for path in ["/ui/login", asked.header("location")] {
        let page = browser.open(&server, path).await;
        let hashes = styles(&page).into_iter().map(|style| STANDARD.encode(digest(&SHA256, style.as_bytes())));
        let hashes: Vec<String> = hashes.map(|hash| format!("'sha256-{hash}'")).collect();
        assert_eq!(hashes.len(), 2, "{}", page.text);
        let policy = page.header("content-security-policy");
        let directive = |name: &str| policy.split("; ").find(|it| it.split(' ').next() == Some(name)).unwrap();
        assert_eq!(directive("style-src"), format!("style-src {}", hashes.join(" ")));
        assert_eq!(directive("img-src"), "img-src data:");
        assert_eq!(directive("default-src"), "default-src 'none'");
        // Of variables alone.
        let own = styles(&page)[1].replace("@media (prefers-color-scheme: dark)", "").replace(":root", "");
        let left = own.split([';', '{', '}']).map(str::trim).filter(|it| !it.is_empty());
        assert!(left.clone().count() == 10 && left.clone().all(|it| it.starts_with("--")), "{own}");
    }
}

#[tokio::test]
async fn a_service_without_a_brand_has_one_style_and_no_picture() {
    let server = TestServer::start().await;
    let page = server.get("/ui/login").await;
    assert_eq!((page.status, styles(&page).len()), (200, 1), "{}", page.text);
    assert!(!page.text.contains("<img"), "{}", page.text);
}

#[tokio::test]
async fn a_client_with_a_brand_that_nobody_could_read_is_refused_before_anything_is_written() {
    let server = branded().await;
    let script = STANDARD.encode("<svg viewBox=\"0 0 8 8\"><script>alert(1)</script></svg>");
    for (written, instead, why) in [
        (
            "#b3005e",
            "#ff8000".to_owned(),
            "brand.light.accent: expected a contrast of at least 4.5:1 between the white text of buttons and the accent, and \
             it is 2.51:1",
        ),
        (
            "#ff9ecb",
            "#b3005e".to_owned(),
            "brand.dark.link: expected a contrast of at least 4.5:1 between links and the background, and it is 2.77:1",
        ),
        (OF_THE_SHOP, format!("data:text/html;base64,{script}"), "brand.logo: expected an SVG or a PNG in base64, as"),
        (OF_THE_SHOP, format!("data:image/svg+xml;base64,{script}"), "brand.logo: expected an SVG that says its shape"),
        (OF_THE_SHOP, "https://shop.example/logo.png".to_owned(), "brand.logo: expected an SVG or a PNG in base64, as"),
        ("The Shop", " ".to_owned(), "brand.name: expected 1 to 100 characters"),
    ] {
        let text = CLIENTS.replace(written, &instead).replace("Shop & Co", "Other");
        let refused = register(&server, &text).await.unwrap_err().to_string();
        assert!(refused.starts_with(&format!("client shop: {why}")), "{instead}: {refused}");
    }
    assert_eq!(register(&server, CLIENTS).await.unwrap(), 0, "the table still says what it did");
}

/// A logo is content: whoever reads the difference, or the trail, sees which it is and not what.
#[tokio::test]
async fn a_difference_names_a_logo_by_its_digest() {
    let server = branded().await;
    let svg = format!("<svg viewBox=\"0 0 8 8\">{}</svg>", " ".repeat(900));
    let logo = format!("data:image/svg+xml;base64,{}", STANDARD.encode(svg));
    let registry: Registry = toml::from_str(&CLIENTS.replace(OF_THE_SHOP, &logo)).unwrap();
    let [step] = plan(&server.app, &registry, false).await.unwrap().try_into().unwrap();
    assert!(step.difference.contains(&format!("… ({} bytes, SHA-256 ", logo.len())), "{}", step.difference);
    assert!(step.difference.contains(OF_THE_SHOP) && !step.difference.contains(&logo), "{}", step.difference);
    assert!(step.difference.lines().all(|line| line.len() < 600), "{}", step.difference);
}

#[tokio::test]
async fn a_brand_that_is_gone_from_the_file_is_gone_from_the_pages() {
    let server = branded().await;
    let (before, rest) = CLIENTS.split_once("[client.brand]").unwrap();
    let without = format!("{before}{}", &rest[rest.find("[[client]]").unwrap()..]);
    let registry: Registry = toml::from_str(&without).unwrap();
    let [step] = plan(&server.app, &registry, false).await.unwrap().try_into().unwrap();
    assert!(step.difference.starts_with("client shop: changed\n  brand: {"), "{}", step.difference);
    assert!(step.difference.ends_with("} -> null"), "{}", step.difference);
    carry_out(&server.app, &server.context(), &step).await.unwrap();
    let mut browser = Browser::default();
    let asked = browser.open(&server, &authorize(&[])).await;
    assert_eq!(look(&browser.open(&server, asked.header("location")).await), of_the_service());
    assert_eq!(register(&server, &without).await.unwrap(), 0);
}
