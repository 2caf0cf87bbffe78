//! The small pages that links in mails open. They work without JavaScript; showing one never uses its token up (OT-05).

use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, StatusCode, header};
use minijinja::context;
use minijinja::value::Value;
use ring::digest::{SHA256, digest};

use crate::domain::language::Language;
use crate::domain::password::PasswordRejection;
use crate::http::problem::Problem;
use crate::http::reply::{Reply, retry_after};
use crate::templates::Templates;

const STYLE: &str = include_str!("../../templates/pages/page.css");

macro_rules! files {
    ($($name:literal)+) => { [$(($name, include_str!(concat!("../../templates/pages/", $name)))),+] };
}

static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| {
    Templates::new(&files!("layout.html"
        "en/page.html" "en/verify-email.html" "en/reset-password.html" "en/confirm-email-change.html"
        "en/undo-email-change.html" "en/keep-account.html" "en/sign-in.html"
        "de/page.html" "de/verify-email.html" "de/reset-password.html" "de/confirm-email-change.html"
        "de/undo-email-change.html" "de/keep-account.html" "de/sign-in.html"))
});

/// SE-07. The style is the only thing that a page has, beside the icon that browsers ask for; its hash is that of the very text which is put in.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
});

/// What a page's button does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Confirms the address of an account.
    VerifyEmail,
    /// Sets a new password.
    ResetPassword,
    /// Confirms a new address.
    ConfirmEmailChange,
    /// Gives an account its former address back.
    UndoEmailChange,
    /// Cancels a deletion.
    KeepAccount,
    /// Signs in with a link from a mail.
    SignIn,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 6] = [
        Self::VerifyEmail,
        Self::ResetPassword,
        Self::ConfirmEmailChange,
        Self::UndoEmailChange,
        Self::KeepAccount,
        Self::SignIn,
    ];

    /// The action of `/ui/{name}`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.path().strip_prefix("/ui/") == Some(name))
    }

    /// Whether its POST reads or sets cookies, and so needs a token against forged requests (SE-06).
    pub const fn uses_cookies(self) -> bool {
        matches!(self, Self::VerifyEmail | Self::SignIn)
    }

    /// The page's path, which its form posts to.
    pub const fn path(self) -> &'static str {
        match self {
            Self::VerifyEmail => "/ui/verify-email",
            Self::ResetPassword => "/ui/reset-password",
            Self::ConfirmEmailChange => "/ui/confirm-email-change",
            Self::UndoEmailChange => "/ui/undo-email-change",
            Self::KeepAccount => "/ui/keep-account",
            Self::SignIn => "/ui/sign-in",
        }
    }
}

/// A page. The form posts `token`, `csrf` where there is one, and `new_password` for [`Action::ResetPassword`].
#[derive(Clone, Copy)]
pub enum Page<'a> {
    /// The form with the button.
    Confirm {
        /// What the button does.
        action: Action,
        /// The link's token.
        token: &'a str,
        /// A token against forged requests.
        csrf: Option<&'a str>,
        /// Why the password that was sent is not accepted; the status is 400 then.
        rejection: Option<&'a PasswordRejection>,
    },
    /// The address is verified, and a password has to be chosen (OT-10): the form of [`Action::ResetPassword`].
    ChoosePassword {
        /// The token that sets it.
        token: &'a str,
    },
    /// The link of [`Action::SignIn`] was asked for in another browser: its code has to be typed, by who knows the account
    /// (OT-11).
    TypeCode {
        /// The link's token.
        token: &'a str,
        /// A token against forged requests.
        csrf: &'a str,
        /// The account's address.
        email: &'a str,
        /// Whether the code that was typed is wrong; the status is 400 then.
        wrong: bool,
    },
    /// It is done.
    Done(Action),
    /// The link has expired, was used or is damaged: 400.
    LinkInvalid(Action),
    /// The form did not come from our page in this browser: 403.
    Refused(Action),
    /// What was sent is none of our forms.
    Unreadable {
        /// What was to be done.
        action: Action,
        /// 413 or 415.
        status: StatusCode,
    },
    /// There is no such page, or nothing that it could be sent: 404 or 405.
    Missing(StatusCode),
    /// Too many attempts, or something is down: try again later.
    TryLater {
        /// What was to be done.
        action: Action,
        /// 408, 429, 500 or 503.
        status: StatusCode,
        /// After how long.
        retry_after: Option<Duration>,
    },
}

impl fmt::Debug for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Page(<redacted>)")
    }
}

/// Makes the reply.
pub fn render(page: Page<'_>, language: Language, service_name: &str) -> Result<Reply, Problem> {
    let (action, status, values) = match page {
        Page::Confirm { action, token, csrf, rejection } => {
            let status = if rejection.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
            (Some(action), status, context! { kind => "confirm", token, csrf, ..reason(rejection) })
        }
        Page::ChoosePassword { token } => {
            let values = context! { kind => "confirm", token, csrf => None::<&str>, ..reason(None) };
            (Some(Action::ResetPassword), StatusCode::OK, values)
        }
        Page::TypeCode { token, csrf, wrong, .. } => {
            let status = if wrong { StatusCode::BAD_REQUEST } else { StatusCode::OK };
            let values = context! { kind => "confirm", token, csrf, ..reason(None) };
            (Some(Action::SignIn), status, values)
        }
        Page::Done(action) => (Some(action), StatusCode::OK, context! { kind => "done" }),
        Page::LinkInvalid(action) => (Some(action), StatusCode::BAD_REQUEST, context! { kind => "invalid" }),
        Page::Refused(action) => (Some(action), StatusCode::FORBIDDEN, context! { kind => "refused" }),
        Page::Unreadable { action, status } => (Some(action), status, context! { kind => "unreadable" }),
        Page::Missing(status) => (None, status, context! { kind => "missing" }),
        Page::TryLater { action, status, .. } => (Some(action), status, context! { kind => "later" }),
    };
    let path = action.map_or("/ui/page", Action::path);
    let language = language.tag();
    let style = Value::from_safe_string(STYLE.to_owned());
    let verified = matches!(page, Page::ChoosePassword { .. });
    let (email, wrong) = match page {
        Page::TypeCode { email, wrong, .. } => (Some(email), wrong),
        _ => (None, false),
    };
    let values = context! { language, service_name, verified, email, wrong, path => Value::from_safe_string(path.to_owned()), style, ..values };
    let file = format!("{language}/{}.html", path.trim_start_matches("/ui/"));
    let body = TEMPLATES.render(&file, values).map_err(Problem::internal)?.into_bytes();
    let mut headers = vec![
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_LANGUAGE, HeaderValue::from_static(language)),
        (header::VARY, HeaderValue::from_static("accept-language")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_str(&POLICY).map_err(Problem::internal)?),
    ];
    if let Page::TryLater { retry_after: Some(wait), .. } = page {
        headers.push(retry_after(wait));
    }
    Ok(Reply { status, headers, body })
}

/// What a person sees of a refusal that has no page of its own.
pub fn refusal(problem: &Problem, path: &str, language: Language, service_name: &str) -> Result<Reply, Problem> {
    let status = problem.status;
    let later =
        status.is_server_error() || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
    let page = match path.strip_prefix("/ui/").and_then(Action::named) {
        Some(action) if later => Page::TryLater { action, status, retry_after: problem.retry_after },
        Some(action) if !matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) => {
            Page::Unreadable { action, status }
        }
        _ => Page::Missing(status),
    };
    render(page, language, service_name)
}

fn reason(rejection: Option<&PasswordRejection>) -> Value {
    let code = rejection.map(PasswordRejection::code);
    match rejection {
        Some(PasswordRejection::TooShort { minimum, length }) => context! { rejection => code, minimum, length },
        Some(PasswordRejection::TooLong { maximum }) => context! { rejection => code, maximum },
        _ => context! { rejection => code },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(page: Page<'_>, language: Language) -> (Reply, String) {
        let reply = render(page, language, "Blue <b>Harbour").unwrap();
        let html = String::from_utf8(reply.body.clone()).unwrap();
        (reply, html)
    }

    fn header(reply: &Reply, name: &http::HeaderName) -> String {
        let found = reply.headers.iter().find(|(found, _)| found == name).unwrap();
        found.1.to_str().unwrap().to_owned()
    }

    #[test]
    fn sec_se_07_sec_ot_05_every_page_renders_in_every_language() {
        let rejections = [
            PasswordRejection::TooShort { minimum: 15, length: 3 },
            PasswordRejection::TooLong { maximum: 256 },
            PasswordRejection::Common,
            PasswordRejection::ContextWords { leaned_on: vec![] },
        ];
        for (language, action) in Language::ALL.into_iter().flat_map(|l| Action::ALL.map(move |a| (l, a))) {
            let confirm = |rejection| Page::Confirm { action, token: "a\"><script>", csrf: Some("c1"), rejection };
            let mut pages = vec![
                (confirm(None), 200),
                (Page::Done(action), 200),
                (Page::LinkInvalid(action), 400),
                (Page::Refused(action), 403),
                (Page::Unreadable { action, status: StatusCode::UNSUPPORTED_MEDIA_TYPE }, 415),
                (Page::Missing(StatusCode::NOT_FOUND), 404),
                (
                    Page::TryLater {
                        action,
                        status: StatusCode::TOO_MANY_REQUESTS,
                        retry_after: Some(Duration::from_mins(1)),
                    },
                    429,
                ),
            ];
            pages.extend(rejections.iter().map(|rejection| (confirm(Some(rejection)), 400)));
            for (page, status) in pages {
                let (reply, html) = shown(page, language);
                assert_eq!(reply.status.as_u16(), status);
                assert_eq!(header(&reply, &header::CONTENT_LANGUAGE), language.tag());
                assert!(html.contains(&format!("<html lang=\"{}\">", language.tag())), "{html}");
                assert_eq!(html.matches("<h1>").count(), 1, "{html}");
                assert!(!html.contains("<h1></h1>") && !html.contains("<p></p>"), "{html}");
                assert!(!["<script", "<b>", "{{", "{%", "src="].iter().any(|trace| html.contains(trace)), "{html}");
                let style = html.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
                let hash = STANDARD.encode(digest(&SHA256, style.as_bytes()));
                let policy = header(&reply, &header::CONTENT_SECURITY_POLICY);
                assert!(policy.contains(&format!("'sha256-{hash}'")) && policy.contains("frame-ancestors 'none'"));
                let form = matches!(page, Page::Confirm { .. });
                assert_eq!(html.contains(&format!("action=\"{}\"", action.path())), form);
                assert_eq!(html.contains("method=\"post\""), form);
                let password = form && action == Action::ResetPassword;
                for part in ["<label for=\"new_password\"", "id=\"new_password\"", "autocomplete=\"new-password\""] {
                    assert_eq!(html.contains(part), password, "{part}: {html}");
                }
                let rejected = password && status == 400;
                assert_eq!(html.contains("role=\"alert\""), rejected);
                assert_eq!(html.contains("aria-describedby=\"rules reason\" aria-invalid=\"true\""), rejected);
            }
        }
    }

    #[test]
    fn each_outcome_has_a_heading_of_its_own() {
        let heading = |page| shown(page, Language::German).1.split_once("<h1>").unwrap().1.to_owned();
        let action = Action::KeepAccount;
        let later = Page::TryLater {
            action,
            status: StatusCode::SERVICE_UNAVAILABLE,
            retry_after: Some(Duration::from_millis(4_001)),
        };
        for (page, expected) in [
            (Page::Confirm { action, token: "t", csrf: None, rejection: None }, "Konto behalten</h1>"),
            (Page::Done(action), "Ihr Konto bleibt bestehen</h1>"),
            (Page::LinkInvalid(action), "Dieser Link gilt nicht mehr</h1>"),
            (later, "Bitte versuchen Sie es später noch einmal</h1>"),
        ] {
            assert!(heading(page).starts_with(expected), "{expected}");
        }
        assert_eq!(header(&shown(later, Language::German).0, &header::RETRY_AFTER), "5");
    }

    #[test]
    fn a_refusal_without_a_page_of_its_own_has_one_for_people() {
        let problem = |status| Problem::new(status, "code", "Title.", "Detail.");
        for (path, status, expected) in [
            ("/ui/keep-account", StatusCode::REQUEST_TIMEOUT, "Please try again later"),
            ("/ui/keep-account", StatusCode::SERVICE_UNAVAILABLE, "Please try again later"),
            ("/ui/keep-account", StatusCode::PAYLOAD_TOO_LARGE, "Please open the link again"),
            ("/ui/keep-account", StatusCode::UNSUPPORTED_MEDIA_TYPE, "Please open the link again"),
            ("/ui/keep-account", StatusCode::METHOD_NOT_ALLOWED, "There is no such page"),
            ("/ui/nothing", StatusCode::PAYLOAD_TOO_LARGE, "There is no such page"),
            ("/", StatusCode::NOT_FOUND, "There is no such page"),
        ] {
            let reply = refusal(&problem(status), path, Language::English, "Harbour").unwrap();
            let html = String::from_utf8(reply.body).unwrap();
            assert!(
                reply.status == status && html.contains(&format!("<h1>{expected}</h1>")),
                "{path} {status}: {html}"
            );
        }
    }

    #[test]
    fn sec_ot_10_who_verified_without_having_chosen_the_password_is_asked_for_one() {
        for (language, lead) in
            [(Language::English, "Your address is confirmed."), (Language::German, "Ihre Adresse ist")]
        {
            let (reply, html) = shown(Page::ChoosePassword { token: "pr_t" }, language);
            assert_eq!(reply.status, 200);
            assert!(html.contains("action=\"/ui/reset-password\"") && html.contains("value=\"pr_t\""), "{html}");
            assert!(html.contains(lead), "{html}");
        }
    }

    #[test]
    fn sec_ot_11_who_did_not_ask_for_the_link_is_shown_the_account_and_asked_for_the_code() {
        for (language, wrong) in Language::ALL.into_iter().flat_map(|language| [(language, false), (language, true)]) {
            let page = Page::TypeCode { token: "ec_t", csrf: "c1", email: "ada@example.com", wrong };
            let (reply, html) = shown(page, language);
            assert_eq!(reply.status.as_u16(), if wrong { 400 } else { 200 });
            for part in ["ada@example.com", "<label for=\"code\"", "autocomplete=\"one-time-code\"", "value=\"ec_t\""] {
                assert!(html.contains(part), "{part}: {html}");
            }
            assert_eq!(html.contains("role=\"alert\""), wrong, "{html}");
            assert_eq!(html.contains("aria-describedby=\"reason\" aria-invalid=\"true\""), wrong, "{html}");
        }
    }

    #[test]
    fn debug_output_hides_the_token() {
        let page = Page::Confirm { action: Action::SignIn, token: "t0ken", csrf: None, rejection: None };
        assert_eq!(format!("{page:?}"), "Page(<redacted>)");
    }
}
