//! Whether mails and events can leave, where this server is to send them.

use wardgate::app::App;
use wardgate::aws::Connection;
use wardgate::config::MailTransport;
use wardgate::outbound::smtp::SmtpTransport;
use wardgate::outbound::webhook::Webhook;

use super::Fault;
use crate::jobs::transport;

const SETTING: &str = "mend what it names: docs/operations/configuration.md says what each key is";
const SERVER: &str = "see that AUTH__MAIL__SMTP__HOST and its port lead to a mail server that offers TLS, that its certificate is \
                      known or in AUTH__MAIL__SMTP__CA_FILE, and that it knows the user and the password";

const SECRET: &str =
    "put a secret of Standard Webhooks, whsec_ and base64, into the file of AUTH__EVENTS__WEBHOOK__SECRET_FILE";

pub(super) async fn faults(app: &App, connection: &Connection) -> Vec<Fault> {
    if !app.config.jobs.enabled {
        return Vec::new();
    }
    mails(app, connection).await.into_iter().chain(events(app)).collect()
}

/// The receiver itself is not asked: it has nothing to say before there is an event.
fn events(app: &App) -> Option<Fault> {
    app.config.events.webhook.url.as_ref()?;
    match Webhook::new(&app.config) {
        Err(error) => Some(Fault::lasting("events", error, SETTING)),
        Ok(webhook) => webhook.check().err().map(|error| Fault::passing("events", error, SECRET)),
    }
}

async fn mails(app: &App, connection: &Connection) -> Option<Fault> {
    let config = &app.config;
    if let Err(error) = transport(config, connection) {
        return Some(Fault::lasting("mails", error, SETTING));
    }
    // SES says whether it takes a mail when it is asked to.
    if config.mail.transport != Some(MailTransport::Smtp) {
        return None;
    }
    match SmtpTransport::new(config) {
        Err(error) => Some(Fault::lasting("mails", error, SETTING)),
        Ok(server) => {
            server.check().await.err().map(|error| Fault::passing("mail server", super::chain(&error), SERVER))
        }
    }
}
