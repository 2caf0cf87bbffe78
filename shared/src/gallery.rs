//! Every page in every state and every mail, for the tests that look at them and for `make screenshots`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use http::StatusCode;
use serde_json::json;

use crate::config::Service;
use crate::domain::language::Language;
use crate::domain::password::PasswordRejection;
use crate::domain::timestamp::Timestamp;
use crate::http::page::{Action, CodeField, LoginPage, LoginRefusal, Notice, Page, render};
use crate::mail::{Letter, Letterhead};

const LINK: &str = "https://auth.example.com/ui/page?token=mt_k1.abc-_9.def";
const ACCOUNT: &str = "ada.lovelace@example.com";
const REJECTIONS: [(&str, &PasswordRejection); 5] = [
    ("too-short", &PasswordRejection::TooShort { minimum: 15, length: 3 }),
    ("too-long", &PasswordRejection::TooLong { maximum: 256 }),
    ("common", &PasswordRejection::Common),
    ("breached", &PasswordRejection::Breached),
    ("context", &PasswordRejection::ContextWords { leaned_on: Vec::new() }),
];

/// A service that has everything that can be set.
pub(crate) fn service(name: &str) -> Service {
    Service {
        name: name.to_owned(),
        url: Some("https://app.example.com/".to_owned()),
        support: Some("help@example.com".to_owned()),
    }
}

/// Every page, with a name. What is refused and typed again has `wrong` in it.
pub(crate) fn pages() -> Vec<(String, Page<'static>)> {
    let token = "a\"><script>";
    let mut pages = Vec::new();
    for action in Action::ALL {
        let csrf = action.uses_cookies().then_some("c1");
        let later = |status, seconds| {
            let retry_after = Some(Duration::from_secs(seconds));
            Page::TryLater { action, status, retry_after }
        };
        for (state, page) in [
            ("form", Page::Confirm { action, token, csrf, rejection: None }),
            ("done", Page::Done { action, account: Some(ACCOUNT) }),
            ("done-unnamed", Page::Done { action, account: None }),
            ("invalid", Page::LinkInvalid(action)),
            ("refused", Page::Refused(action)),
            ("limited", later(StatusCode::TOO_MANY_REQUESTS, 900)),
            ("down", later(StatusCode::SERVICE_UNAVAILABLE, 1)),
        ] {
            pages.push((format!("{}-{state}", &action.path()[4..]), page));
        }
        if action.uses_cookies() {
            let field = if action == Action::SignIn { CodeField::Characters(8) } else { CodeField::Digits(8) };
            for (state, wrong) in [("code", false), ("code-wrong", true)] {
                let page = Page::TypeCode { action, token, csrf, account: Some(ACCOUNT), field, wrong };
                pages.push((format!("{}-{state}", &action.path()[4..]), page));
            }
        }
    }
    let action = Action::ResetPassword;
    for (reason, rejection) in REJECTIONS {
        let page = Page::Confirm { action, token, csrf: None, rejection: Some((rejection, ACCOUNT)) };
        pages.push((format!("reset-password-wrong-{reason}"), page));
    }
    pages.push(("choose-password".to_owned(), Page::ChoosePassword { token, account: ACCOUNT }));
    let plain = LoginPage { csrf: "c1", ..LoginPage::default() };
    let asked = LoginPage {
        request: Some("L29hdXRoMi9hdXRob3JpemU_"),
        flow: "lf_k1.abc.def",
        application: Some("Blue Harbour <Shop>"),
        leads_to: Some("https://shop.example.com"),
        account: Some(ACCOUNT),
        ..plain
    };
    pages.push(("login".to_owned(), Page::Login(plain)));
    pages.push(("login-for-an-application".to_owned(), Page::Login(asked)));
    for (state, refusal) in [
        ("wrong", LoginRefusal::Wrong),
        ("wrong-address", LoginRefusal::Address),
        ("limited", LoginRefusal::TooMany(Duration::from_mins(15))),
        ("down", LoginRefusal::Down(Some(Duration::from_secs(1)))),
        ("forged", LoginRefusal::Forged),
    ] {
        let is_typed_wrong = refusal.is_typed_wrong();
        let page = LoginPage { refusal: Some(refusal), remember: true, is_typed_wrong, ..asked };
        pages.push((format!("login-{state}"), Page::Login(page)));
    }
    for (name, notice, status) in [
        ("unknown-client", Notice::UnknownClient, StatusCode::BAD_REQUEST),
        ("foreign-redirect-uri", Notice::ForeignRedirectUri, StatusCode::BAD_REQUEST),
        ("too-long-request", Notice::TooLong, StatusCode::BAD_REQUEST),
        ("down", Notice::Down, StatusCode::SERVICE_UNAVAILABLE),
    ] {
        pages.push((name.to_owned(), Page::Message { notice, status }));
    }
    pages.push(("not-found".to_owned(), Page::Message { notice: Notice::NotFound, status: StatusCode::NOT_FOUND }));
    let status = StatusCode::BAD_REQUEST;
    pages.push(("not-understood".to_owned(), Page::Message { notice: Notice::NotUnderstood, status }));
    pages
}

/// Every mail.
pub(crate) fn letters() -> Vec<(&'static str, Letter)> {
    let link = || LINK.to_owned();
    let code = || "482913".to_owned();
    let at = Timestamp::from_millis(1_772_368_200_250);
    let device = || "Firefox on Linux".to_owned();
    vec![
        ("verification", Letter::Verification { link: link(), code: code(), hours: 24, required: true }),
        (
            "verification-of-a-usable-account",
            Letter::Verification { link: link(), code: code(), hours: 1, required: false },
        ),
        ("owner-notice", Letter::OwnerNotice),
        ("password-reset", Letter::PasswordReset { link: link(), minutes: 30 }),
        ("email-code", Letter::EmailCode { link: Some(link()), code: code(), minutes: 10 }),
        ("email-code-alone", Letter::EmailCode { link: None, code: code(), minutes: 1 }),
        ("email-change", Letter::EmailChange { link: link(), hours: 1 }),
        ("email-changed", Letter::EmailChanged { undo_link: link(), days: 7 }),
        ("password-changed", Letter::PasswordChanged),
        ("new-device", Letter::NewDevice { device: device(), address: Some("192.0.2.7".to_owned()), at }),
        ("new-device-unplaced", Letter::NewDevice { device: device(), address: None, at }),
        ("session-reused", Letter::SessionReused { device: device(), address: Some("192.0.2.7".to_owned()), at }),
        ("session-reused-unplaced", Letter::SessionReused { device: device(), address: None, at }),
        ("deletion-scheduled", Letter::DeletionScheduled { keep_link: link(), erase_at: at }),
    ]
}

/// What stands around a letter.
pub(crate) fn letterhead<'a>(service: &'a Service, recipient_name: Option<&'a str>) -> Letterhead<'a> {
    Letterhead {
        service_name: &service.name,
        url: service.url.as_deref(),
        support: service.support.as_deref(),
        recipient: ACCOUNT,
        recipient_name,
        at: Timestamp::from_millis(1_772_368_200_250),
    }
}

/// `make screenshots` and the browser's test look at what this writes: a JSON file with the HTML of everything.
#[test]
#[expect(clippy::disallowed_methods, reason = "asks whoever runs the test, not the configuration")]
fn everything_that_people_see_is_written_where_a_browser_finds_it() {
    let service = service("Blue Harbour");
    let mut gallery = Vec::new();
    for language in Language::ALL {
        for (name, page) in pages() {
            let reply = render(page, language, &service).unwrap();
            let policy = reply.headers.iter().find(|(name, _)| name == http::header::CONTENT_SECURITY_POLICY).unwrap();
            let html = String::from_utf8(reply.body).unwrap();
            let status = reply.status.as_u16();
            let policy = policy.1.to_str().unwrap();
            gallery.push(json!({ "kind": "page", "name": name, "language": language.tag(), "html": html,
                "status": status, "policy": policy }));
        }
        for (name, letter) in letters() {
            let mail = letter.render(language, &letterhead(&service, Some("Ada"))).unwrap();
            gallery.push(json!({ "kind": "mail", "name": name, "language": language.tag(), "html": mail.html,
                "subject": mail.subject, "text": mail.text }));
        }
    }
    assert!(gallery.len() > 100);
    if let Some(path) = std::env::var_os("GALLERY") {
        fs::write(Path::new(&path), serde_json::to_vec(&gallery).unwrap()).unwrap();
    }
}
