//! Every page in every state and every mail, for the tests that look at them and for `make screenshots`.

mod factors;
mod letters;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use http::StatusCode;
use serde_json::json;

use crate::config::{Brand, BrandColours, Service};
use crate::domain::audit::AuditAction;
use crate::domain::factors::PasswordKind;
use crate::domain::language::Language;
use crate::domain::password::{PasswordPolicy, PasswordRejection};
use crate::domain::timestamp::Timestamp;
use crate::http::page::{
    AccountPage, Action, ActivityRow, ApplicationRow, Asked, CodeField, FirstStep, Form, FormPage, FormRefusal, Look,
    Notice, Onward, Page, RememberDevice, SessionRow, draw,
};
use crate::mail::Letterhead;

pub(crate) use self::letters::letters;

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
            ("done", Page::Done { action, account: Some(ACCOUNT), onward: None }),
            ("done-unnamed", Page::Done { action, account: None, onward: None }),
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
    pages.extend(forms());
    pages.push(("signed-in".to_owned(), Page::SignedIn));
    pages.push(("signed-out".to_owned(), Page::SignedOut));
    let onward = Onward { location: "https://shop.example.com/callback?code=ac_k1", application: Some(APPLICATION) };
    pages.push(("leaving".to_owned(), Page::Leaving(onward)));
    pages.push(("leaving-by-form".to_owned(), Page::Post { onward, fields: &[("code", "ac_k1"), ("state", "a<b")] }));
    let onward = Some(Onward { location: "/oauth2/authorize?client_id=shop", application: Some(APPLICATION) });
    let page = Page::Done { action: Action::VerifyEmail, account: Some(ACCOUNT), onward };
    pages.push(("verify-email-for-an-application".to_owned(), page));
    for (name, notice, status) in [
        ("unknown-client", Notice::UnknownClient, StatusCode::BAD_REQUEST),
        ("foreign-redirect-uri", Notice::ForeignRedirectUri, StatusCode::BAD_REQUEST),
        ("too-long-request", Notice::TooLong, StatusCode::BAD_REQUEST),
        ("unverified-address", Notice::UnverifiedAddress, StatusCode::CONFLICT),
        ("down", Notice::Down, StatusCode::SERVICE_UNAVAILABLE),
    ] {
        pages.push((name.to_owned(), Page::Message { notice, status }));
    }
    pages.push(("not-found".to_owned(), Page::Message { notice: Notice::NotFound, status: StatusCode::NOT_FOUND }));
    let status = StatusCode::BAD_REQUEST;
    pages.push(("not-understood".to_owned(), Page::Message { notice: Notice::NotUnderstood, status }));
    pages
}

const ASKS: &[Asked<'_>] = &[
    Asked { scope: "openid", words: None },
    Asked { scope: "email", words: None },
    Asked { scope: "", words: Some("Read your <orders>") },
    Asked { scope: "orders:write", words: None },
];
const APPLICATION: &str = "Blue Harbour <Shop>";

/// A person's own page.
fn own_page() -> AccountPage<'static> {
    static ROWS: LazyLock<(Vec<SessionRow>, Vec<ApplicationRow>, Vec<ActivityRow>)> = LazyLock::new(|| {
        let at = || "2026-03-01 12:30 UTC".to_owned();
        let (device, address) = ("Firefox on Linux".to_owned(), Some("192.0.2.7".to_owned()));
        let session = |id: &str, current| {
            let (id, device, address) = (id.to_owned(), device.clone(), address.clone());
            SessionRow { id, current, device, address, at: at() }
        };
        let scopes = ["openid", "email", "orders:read"].map(str::to_owned).into();
        let application = ApplicationRow { id: "shop".to_owned(), name: APPLICATION.to_owned(), scopes, at: at() };
        let line = |action| ActivityRow { action, at: at(), device: Some(device.clone()), address: address.clone() };
        let lines = [AuditAction::SignedIn, AuditAction::PasswordChanged, AuditAction::Other].map(line).into();
        (vec![session("ses_1", true), session("ses_2", false)], vec![application], lines)
    });
    let (sessions, applications, activity) = &*ROWS;
    AccountPage {
        csrf: "c1",
        name: Some("Ada <b>"),
        email: ACCOUNT,
        second_factor: true,
        sessions,
        applications,
        activity,
        said: "",
    }
}

/// Every form, as it is opened and as it is refused.
fn forms() -> Vec<(String, Page<'static>)> {
    let plain = FormPage { csrf: "c1", by_code: true, sign_up: true, ..FormPage::default() };
    let asked = FormPage {
        request: Some("L29hdXRoMi9hdXRob3JpemU_"),
        flow: "lf_k1.abc.def",
        carried: "?request=L29hdXRoMi9hdXRob3JpemU_&flow=lf_k1.abc.def",
        application: Some(APPLICATION),
        account: Some(ACCOUNT),
        first_step: Some(FirstStep {
            mfa_token: "mt_k1.abc.def",
            by_link: true,
            passkey: true,
            app: true,
            remember_device: RememberDevice::offered(30, true),
        }),
        ..plain
    };
    let anywhere = [
        ("limited", FormRefusal::TooMany(Duration::from_mins(15))),
        ("down", FormRefusal::Down(Some(Duration::from_secs(1)))),
        ("forged", FormRefusal::Forged),
    ];
    let address = ("wrong-address", FormRefusal::Address);
    let off = ("switched-off", FormRefusal::SwitchedOff);
    let mut passwords: Vec<_> =
        REJECTIONS.iter().map(|(_, it)| ("wrong-password", FormRefusal::Password(it))).collect();
    passwords.truncate(1);
    let (same, wrong) = (("same-address", FormRefusal::SameAddress), ("wrong", FormRefusal::WrongPassword));
    let passwords_too = passwords.clone();
    let mut pages = Vec::new();
    for (name, form, own) in [
        ("login", Form::Login, vec![("wrong", FormRefusal::Wrong), ("late", FormRefusal::StartAgain), address]),
        ("login-code", Form::LoginCode, vec![address, off]),
        ("login-code-typed", Form::TypeLoginCode, vec![("wrong", FormRefusal::WrongCode)]),
        ("second-factor", Form::SecondFactor, factors::REFUSALS.to_vec()),
        ("register", Form::Register, [vec![address, ("wrong-name", FormRefusal::Name), off], passwords].concat()),
        ("forgot", Form::Forgot, vec![address]),
        ("sign-out", Form::SignOut, Vec::new()),
        ("account-email", Form::AccountEmail, vec![address, same, wrong]),
        ("account-password", Form::AccountPassword, [vec![wrong], passwords_too].concat()),
        ("account-delete", Form::AccountDelete, Vec::new()),
    ] {
        if form != Form::TypeLoginCode {
            pages.push((name.to_owned(), Page::Form(FormPage { form, ..plain })));
        }
        pages.push((format!("{name}-for-an-application"), Page::Form(FormPage { form, ..asked })));
        for (state, refusal) in own.into_iter().chain(anywhere) {
            let page = FormPage { form, refusal: Some(refusal), remember: true, name: Some("Ada"), ..asked };
            pages.push((format!("{name}-{state}"), Page::Form(page)));
        }
    }
    let passwordless = FormPage { password: PasswordKind::None, policy: PasswordPolicy::WithMfa, ..plain };
    for form in [Form::AccountEmail, Form::AccountPassword] {
        let page = FormPage { form, ..passwordless };
        pages.push((format!("{}-passwordless", &form.page()[4..].replace('/', "-")), Page::Form(page)));
    }
    let consent = FormPage { form: Form::Consent, ..asked };
    let forged = FormPage { refusal: Some(FormRefusal::Forged), ..consent };
    let host = "shop.example.com";
    for (name, page, asks) in
        [("consent", consent, ASKS), ("consent-forged", forged, ASKS), ("consent-to-nothing-new", consent, &[])]
    {
        pages.push((name.to_owned(), Page::Consent { page, host, asks }));
    }
    let onward = Some(Onward { location: "/ui/account", application: None });
    for (form, account) in [(Form::AccountEmail, Some(ACCOUNT)), (Form::AccountPassword, None)] {
        pages.push((format!("{}-done", &form.page()[4..].replace('/', "-")), Page::Changed { form, account, onward }));
    }
    let page = Page::Changed { form: Form::AccountDelete, account: None, onward: None };
    pages.push(("account-delete-done".to_owned(), page));
    pages.extend(
        ["", "saved"].map(|said| (format!("account{said}"), Page::Account(AccountPage { said, ..own_page() }))),
    );
    pages.extend(factors::pages());
    for (name, form) in [("register", Form::Register), ("forgot", Form::Forgot)] {
        let sign_in = "/ui/login?request=L29hdXRoMi9hdXRob3JpemU_&flow=lf_k1.abc.def";
        pages.push((format!("{name}-mailed"), Page::Mailed { form, account: ACCOUNT, sign_in }));
    }
    pages
}

/// Pages that between them have everything that a brand changes.
const BRANDED: [&str; 7] =
    ["login", "login-wrong", "register-for-an-application", "consent", "account", "forgot-mailed", "down"];

fn brand() -> Brand {
    let colours = |[accent, link, background, surface, text]: [&str; 5]| {
        let [accent, link, background, surface, text] =
            [accent, link, background, surface, text].map(|colour| Some(colour.to_owned()));
        BrandColours { accent, link, background, surface, text }
    };
    let logo = "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCAxNiA4Ij48cGF0aCBkPSJN\
                MCA4IDQgMGg4bDQgOHoiIGZpbGw9IiM4YTNiMTIiLz48L3N2Zz4=";
    Brand {
        logo: Some(logo.to_owned()),
        light: colours(["#8a3b12", "#8a3b12", "#fbf1e4", "#fffdf9", "#2a1a10"]),
        dark: colours(["#a8481a", "#ffb98a", "#1b130c", "#261b13", "#f4e9dc"]),
    }
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
    let pages = || pages().into_iter().map(|(name, page)| (name, page, Look::default()));
    let branded = || pages().filter(|(name, ..)| BRANDED.contains(&name.as_str()));
    let branded = || branded().map(|(name, page, _)| (format!("{name}-branded"), page, Look::new(brand(), None)));
    assert_eq!(branded().count(), BRANDED.len());
    for language in Language::ALL {
        for (name, page, look) in pages().chain(branded()) {
            let reply = draw(page, language, &service, &look).unwrap();
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
