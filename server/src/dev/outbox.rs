//! Where a laptop's mails go: into memory, and onto a page (PL-06).

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::RawQuery;
use axum::response::Response;
use axum::routing::get;
use futures::future::BoxFuture;
use http::{HeaderValue, StatusCode, header};
use mail_parser::MessageParser;
use minijinja::context;
use minijinja::value::Value;
use serde::{Deserialize, Serialize};
use wardgate::app::App;
use wardgate::config::Config;
use wardgate::domain::email::Email;
use wardgate::http::edge;
use wardgate::http::page::{ICON, STYLE};
use wardgate::http::reply::Reply;
use wardgate::outbound::{MailTransport, OutboundError, OutgoingMail};
use wardgate::templates::{Templates, plain};

use crate::dev::permit;
use crate::dev::pump::Pump;

/// The most mails that are kept.
const KEPT: usize = 10_000;
/// The most mails on the page.
const SHOWN: usize = 100;

static PAGE: LazyLock<Templates> = LazyLock::new(|| Templates::new(&[("outbox.html", include_str!("outbox.html"))]));

/// A mail as it would arrive, decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The address that it went to.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML.
    pub html: String,
    /// When (RFC 3339).
    pub sent_at: String,
}

/// Keeps the newest mails.
#[derive(Debug, Default)]
pub struct Outbox(Mutex<VecDeque<Mail>>);

impl Outbox {
    /// The mails to an address, oldest first; without an address all.
    pub fn mails(&self, to: Option<&str>) -> Vec<Mail> {
        // Whatever the spelling, as the service itself would take it.
        let to = to.map(|to| Email::parse(to).map_or_else(|_| to.to_owned(), |email| email.canonical().to_owned()));
        let mails = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        mails.iter().filter(|mail| to.as_ref().is_none_or(|to| to.eq_ignore_ascii_case(&mail.to))).cloned().collect()
    }
}

impl MailTransport for Outbox {
    fn send<'a>(&'a self, mail: &'a OutgoingMail) -> BoxFuture<'a, Result<(), OutboundError>> {
        let taken = decode(mail).map(|mail| {
            let mut mails = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if mails.len() == KEPT {
                mails.pop_front();
            }
            mails.push_back(mail);
        });
        let unreadable = || OutboundError::passing("the outbox", "not a MIME message");
        Box::pin(std::future::ready(taken.ok_or_else(unreadable)))
    }
}

fn decode(mail: &OutgoingMail) -> Option<Mail> {
    let message = MessageParser::default().parse(&mail.message)?;
    Some(Mail {
        to: mail.to.mailbox(),
        subject: message.subject()?.to_owned(),
        text: message.body_text(0)?.into_owned(),
        html: message.body_html(0)?.into_owned(),
        sent_at: message.date()?.to_rfc3339(),
    })
}

/// `GET /dev/outbox`; nothing where it is not allowed.
pub fn routes(config: &Config, pump: &Arc<Pump>, outbox: &Arc<Outbox>) -> Router {
    if permit(config).is_err() {
        return Router::new();
    }
    let (service, pump, outbox) = (config.service.name.clone(), Arc::clone(pump), Arc::clone(outbox));
    let answer = move |RawQuery(query): RawQuery| {
        let (service, pump, outbox) = (service.clone(), Arc::clone(&pump), Arc::clone(&outbox));
        async move {
            // Nobody has to wait or ask twice for a mail that is on its way.
            if let Err(cause) = pump.drain().await {
                tracing::warn!(%cause, "the table's stream cannot be read");
            }
            match to(query.as_deref().unwrap_or_default()) {
                Some(to) => json(&outbox.mails(Some(&to))),
                None => page(&service, &outbox.mails(None)),
            }
        }
    };
    Router::new().route("/dev/outbox", get(answer))
}

/// The standalone server's router, with the outbox.
pub fn router(app: &Arc<App>, pump: &Arc<Pump>, outbox: &Arc<Outbox>) -> Router {
    crate::router::router(app).merge(routes(&app.config, pump, outbox))
}

fn to(query: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "to").map(|(_, value)| value.into_owned())
}

fn json(mails: &[Mail]) -> Response {
    let body = serde_json::to_vec(mails).unwrap_or_default();
    reply(vec![(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body)
}

fn page(service: &str, mails: &[Mail]) -> Response {
    let mail = |mail: &Mail| {
        let pieces = pieces(&mail.text);
        let Mail { to, subject, html, sent_at, .. } = mail.clone();
        // A link opens beside the outbox: pages of ours are shown in no frame.
        let html = html.replacen("<head>", "<head><base target=\"_blank\">", 1);
        context! { to, subject, html, sent_at, pieces }
    };
    let shown: Vec<Value> = mails.iter().rev().take(SHOWN).map(mail).collect();
    let safe = |text: &str| Value::from_safe_string(text.to_owned());
    let rendered = PAGE.render("outbox.html", context! { service, shown, style => safe(STYLE), icon => safe(ICON) });
    let csp = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; frame-ancestors 'none'";
    let headers = vec![
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(csp)),
    ];
    reply(headers, rendered.unwrap_or_default().into_bytes())
}

fn reply(headers: Vec<(header::HeaderName, HeaderValue)>, body: Vec<u8>) -> Response {
    edge::finish(Reply { status: StatusCode::OK, headers, body }, "outbox").map(Body::from)
}

/// The text, with its links apart.
fn pieces(text: &str) -> Vec<Value> {
    let is_link = |word: &str| word.starts_with("https://") || word.starts_with("http://");
    text.split_inclusive(char::is_whitespace)
        .flat_map(|word| {
            let (word, space) = word.split_at(word.trim_end().len());
            [context! { text => plain(word), link => is_link(word) }, context! { text => space, link => false }]
        })
        .collect()
}
