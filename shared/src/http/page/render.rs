//! Making a page of words, parts and looks.

use std::sync::LazyLock;

use http::{HeaderValue, StatusCode, header};
use minijinja::context;
use minijinja::value::{Serde, Value};

use super::Page;
use super::action::Action;
use super::form::{Form, FormPage};
use super::look::{self, ICON, Look, STYLE, Script};
use super::notice::Notice;
use crate::config::{Config, Service};
use crate::domain::language::Language;
use crate::domain::oauth::client_brand::ClientBrand;
use crate::domain::oauth::continuation::{ACCOUNT, AUTHORIZE, LOGOUT};
use crate::http::problem::Problem;
use crate::http::reply::{Reply, retry_after};
use crate::templates::{Templates, plain};

macro_rules! files {
    ($($name:literal)+) => { [$(($name, include_str!(concat!("../../../templates/pages/", $name)))),+] };
}

/// A language's words, each page's by its name.
macro_rules! words {
    ($language:literal) => {
        words!($language: "page" "login" "login-code" "second-factor" "register" "forgot" "consent" "sign-out" "leaving" "account"
            "account-email" "account-password" "account-second-factor" "account-delete" "verify-email" "reset-password" "confirm-email-change"
            "undo-email-change" "undo-factor" "keep-factors"
            "remove-factors" "keep-account" "sign-in" "message")
    };
    ($language:literal: $($name:literal)+) => {
        [$((
            concat!($language, "/", $name, ".html"),
            include_str!(concat!("../../../templates/pages/", $language, "/", $name, ".html")),
        )),+]
    };
}

static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| {
    let parts = files!("page.html"
        "parts/account.html" "parts/address.html" "parts/alert.html" "parts/code.html" "parts/consent-buttons.html" "parts/factors.html"
        "parts/flow.html" "parts/form-account-delete.html" "parts/form-account-email.html"
        "parts/form-account-password.html" "parts/form-address.html" "parts/form-consent.html" "parts/form-login.html"
        "parts/form-login-code.html" "parts/form-register.html" "parts/form-second-factor.html" "parts/form-sign-out.html" "parts/leaving.html"
        "parts/logo.html" "parts/mark.html" "parts/passkey.html" "parts/password.html" "parts/remember-device.html" "parts/remember.html" "parts/username.html"
        "parts/ways.html");
    Templates::new(&[&parts[..], &words!("en"), &words!("de")].concat())
});

/// Makes the reply.
pub fn render(page: Page<'_>, language: Language, config: &Config) -> Result<Reply, Problem> {
    render_for(page, language, config, None)
}

/// As [`render`], of a page on the way to a client.
pub fn render_for(
    page: Page<'_>,
    language: Language,
    config: &Config,
    client: Option<&ClientBrand>,
) -> Result<Reply, Problem> {
    let look = Look::new(config.brand().map_err(Problem::internal)?, client);
    draw(page, language, &config.service, &look)
}

/// As [`render`], whatever it looks like.
pub(crate) fn draw(page: Page<'_>, language: Language, service: &Service, look: &Look) -> Result<Reply, Problem> {
    let (language, words) = (language.tag(), page.words());
    let script = match page {
        Page::Post { .. } => Script::Send,
        _ if page.has_password() && page.takes_passkey() => Script::RevealAndPasskey,
        _ if page.has_password() => Script::Reveal,
        _ if page.takes_passkey() => Script::Passkey,
        _ => Script::None,
    };
    let safe = |text: &str| Value::from_safe_string(text.to_owned());
    let own_style = look.style();
    let head_url = service.url.as_deref().filter(|_| look.name.is_none());
    let values = context! {
        language,
        path => safe(&page.path()),
        style => safe(STYLE),
        own_style => safe(&own_style),
        logo => look.logo.as_deref().map(plain),
        head_name => look.name.as_deref().unwrap_or(&service.name),
        head_url => head_url.map(plain),
        light => safe(&look.palettes.light.background.to_string()),
        dark => safe(&look.palettes.dark.background.to_string()),
        script => safe(script.text()),
        icon => safe(ICON),
        service_name => &service.name,
        url => service.url.as_deref().map(plain),
        support => service.support_link().as_deref().map(plain),
        support_name => service.support_address(),
        ..Value::from(Serde(page.shown()))
    };
    let body = TEMPLATES.render(&format!("{language}/{words}.html"), values).map_err(Problem::internal)?;
    let policy = look::policy(script, &own_style);
    let mut headers = vec![
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_LANGUAGE, HeaderValue::from_static(language)),
        (header::VARY, HeaderValue::from_static("accept-language")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_str(&policy).map_err(Problem::internal)?),
    ];
    let wait = match page {
        Page::TryLater { retry_after, .. } => retry_after,
        Page::Form(FormPage { refusal: Some(refusal), .. })
        | Page::Consent { page: FormPage { refusal: Some(refusal), .. }, .. } => refusal.retry_after(),
        _ => None,
    };
    headers.extend(wait.map(retry_after));
    Ok(Reply { status: page.status(), headers, body: body.into_bytes() })
}

/// What a person sees of a refusal that has no page of its own.
pub fn refusal(problem: &Problem, path: &str, language: Language, config: &Config) -> Result<Reply, Problem> {
    let status = problem.status;
    let later =
        status.is_server_error() || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
    let is_missing = matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED);
    let page = match path.strip_prefix("/ui/").and_then(Action::named) {
        Some(action) if later => Page::TryLater { action, status, retry_after: problem.retry_after },
        None if later && is_sign_in(path) => Page::Message { notice: Notice::Down, status },
        found if !is_missing && (found.is_some() || is_sign_in(path)) => {
            Page::Message { notice: Notice::NotUnderstood, status }
        }
        _ => Page::Message { notice: Notice::NotFound, status },
    };
    render(page, language, config)
}

/// Whether an application's person signs in at this path.
fn is_sign_in(path: &str) -> bool {
    path == AUTHORIZE
        || path == LOGOUT
        || path.starts_with(ACCOUNT)
        || path == Form::Consent.path()
        || path == Form::SecondFactor.path()
        || path.strip_prefix("/ui/").and_then(Form::named).is_some()
}
