//! The examples that are pages, and the pages of mailed links, in a real browser, against the server as `make run` starts it. `make test`
//! prepares the browser; where it cannot be had the test says that it was skipped, and `REQUIRE_INTEROP=1` makes that a failure.

use std::path::{Path, PathBuf};
use std::process::Command;

use axum::Router;
use axum::routing::get;
use http::header::CONTENT_TYPE;

use super::Server;
use super::run::run;

pub(super) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The browser's program, if this machine has one.
#[expect(clippy::disallowed_methods, reason = "asks the machine that runs the test, not the configuration")]
fn browser() -> Option<PathBuf> {
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|program| program.exists())
}

#[expect(clippy::disallowed_methods, reason = "asks whoever runs the test, not the configuration")]
pub(super) fn required() -> bool {
    std::env::var_os("REQUIRE_INTEROP").is_some()
}

/// Serves the example's files, and says where.
async fn serve_page() -> String {
    let file = |name: &str, content_type: &'static str| {
        let text = std::fs::read_to_string(repository("examples/spa").join(name)).unwrap();
        get(async move || ([(CONTENT_TYPE, content_type)], text))
    };
    let page = Router::new()
        .route("/", file("index.html", "text/html"))
        .route("/style.css", file("style.css", "text/css"))
        .route("/app.js", file("app.js", "text/javascript"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, page).await });
    format!("http://localhost:{port}")
}

/// SE-06, SE-05, OT-10, PW-06: register, verify, sign in, list sessions, change the password, sign out, in both colour
/// schemes. The screenshots stay in target/browser.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_page_works_in_a_browser() {
    let Some(browser) = prepared() else { return };
    let page = serve_page().await;
    let folder = tempfile::tempdir().unwrap();
    let origins = format!(r#"["{page}"]"#);
    let listed = [("AUTH__HTTP__ALLOWED_ORIGINS", origins.as_str()), ("AUTH__PASSKEYS__ORIGINS", &origins)];
    let server = Server::start_with(folder.path(), &listed);
    // Cookies belong to a host, and so does the issuer: the page and the API share the name localhost.
    let api = server.base.replace("127.0.0.1", "localhost");
    tokio::task::spawn_blocking(move || walk("spa.mjs", &browser, &[&page, &api])).await.unwrap();
}

/// OT-05, OT-10, OT-12, SE-06, SE-07: each page from the mail's link, without JavaScript, in both colour schemes.
#[test]
fn the_pages_of_mailed_links_work_in_a_browser_without_javascript() {
    let Some(browser) = prepared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with(folder.path(), &[("AUTH__ACCOUNTS__REQUIRE_VERIFIED_EMAIL", "true")]);
    walk("pages.mjs", &browser, &[&server.base.replace("127.0.0.1", "localhost")]);
}

/// MF-01, MF-09, SE-07: a passkey of each kind, added, shown and removed on pages, in both colour schemes.
#[test]
fn sec_mf_09_passkeys_are_added_and_shown_on_pages_in_a_browser() {
    let Some(browser) = prepared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with(folder.path(), &[]);
    walk("passkeys.mjs", &browser, &[&server.base.replace("127.0.0.1", "localhost")]);
}

/// OT-02, SE-06: buttons that are pressed twice, and two links that are opened from a mail on another site's page.
#[test]
fn sec_ot_02_a_button_that_is_pressed_twice_says_what_it_did_in_a_browser() {
    let Some(browser) = prepared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with(folder.path(), &[("AUTH__ACCOUNTS__REQUIRE_VERIFIED_EMAIL", "true")]);
    walk("presses.mjs", &browser, &[&server.base.replace("127.0.0.1", "localhost")]);
}

/// OC-03, OC-06, OC-15, OC-30: an application on a server, by openid-client: sign-in, refresh, errors, sign-out, and a session that ends
/// elsewhere.
#[test]
fn the_example_on_a_server_signs_people_in_in_a_browser() {
    example("web.mjs");
}

/// OC-06, OC-10, OC-24, OC-30: a page of another origin, by oidc-client-ts: sign-in, renewal, two tabs, sign-out, and a session that ends
/// elsewhere.
#[test]
fn the_example_of_another_origin_signs_people_in_in_a_browser() {
    example("oidc_spa.mjs");
}

/// OC-10, OC-24: a page in React and the API that it asks, with Wardgate on another host, and on another port of the same.
#[test]
fn the_example_in_react_signs_people_in_and_asks_its_api_in_a_browser() {
    example_on_hosts("react.mjs");
}

/// An application in Next.js whose session is a sealed cookie, with Wardgate on another host, and on another port of the same.
#[test]
fn the_example_in_nextjs_signs_people_in_in_a_browser() {
    example_on_hosts("nextjs.mjs");
}

/// Cookies ignore ports, so that two ports show little of what two hosts do.
fn example_on_hosts(script: &str) {
    let Some(browser) = prepared() else { return };
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let other_host = Server::start_with(folders[0].path(), &[("AUTH__TOKENS__ISSUER", "http://127.0.0.1:{port}")]);
    let other_port = Server::start(folders[1].path());
    walk(script, &browser, &[&other_host.base, &other_port.base.replace("127.0.0.1", "localhost")]);
}

/// The script starts the example itself, and has the browser find it where its client is registered.
fn example(script: &str) {
    let Some(browser) = prepared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    walk(script, &browser, &[&server.base.replace("127.0.0.1", "localhost")]);
}

/// The browser, if there are also the packages that drive it, and those of the examples.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn prepared() -> Option<PathBuf> {
    let packages = [
        "tests/browser/node_modules/playwright-core",
        "tests/browser/node_modules/axe-core",
        "examples/web/node_modules/openid-client",
        "examples/oidc-spa/node_modules/oidc-client-ts",
        "examples/react/node_modules/vite",
        "examples/nextjs/node_modules/next",
        "examples/node-lambda/node_modules/@wardgate/verifier",
    ]
    .map(repository);
    let browser = browser().filter(|_| packages.iter().all(|package| package.exists()));
    if browser.is_none() {
        assert!(!required(), "the browser test is not prepared");
        eprintln!("SKIPPED: the browser test is not prepared; `make test` does that where Node.js and Chromium are");
    }
    browser
}

/// The examples stand alone, and so have copies of the style.
#[test]
fn the_examples_begin_with_the_style_of_the_pages() {
    for (example, style, page) in [
        ("spa", "style.css", "index.html"),
        ("web", "style.css", "pages.mjs"),
        ("oidc-spa", "style.css", "index.html"),
        ("react", "src/style.css", "index.html"),
        ("nextjs", "src/app/style.css", "src/app/layout.tsx"),
    ] {
        let read = |name: &str| std::fs::read_to_string(repository("examples").join(example).join(name)).unwrap();
        let style = read(style);
        let begins = style.starts_with(wardgate::http::page::STYLE);
        assert!(begins, "copy shared/templates/pages/page.css to the beginning of the style of examples/{example}");
        assert!(read(page).contains(wardgate::http::page::ICON), "the icon of examples/{example} is another");
    }
}

/// Runs a script, which says `ok` for each colour scheme, or each way to walk.
fn walk(script: &str, browser: &Path, addresses: &[&str]) {
    let screenshots = repository("target/browser");
    std::fs::create_dir_all(&screenshots).unwrap();
    let mut node = Command::new("node");
    node.arg(repository("tests/browser").join(script)).arg(browser).args(addresses).arg(screenshots);
    let said = run(&mut node);
    assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), 2, "{said}");
}
