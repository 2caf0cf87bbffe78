//! Whether mails can leave, where this server is to send them.

use wardgate::app::App;
use wardgate::aws::Connection;
use wardgate::config::MailTransport;
use wardgate::outbound::smtp::SmtpTransport;

use super::Fault;
use crate::jobs::transport;

const SETTING: &str = "mend what it names: docs/operations/configuration.md says what each key is";
const SERVER: &str = "see that AUTH__MAIL__SMTP__HOST and its port lead to a mail server that offers TLS, that its certificate is \
                      known or in AUTH__MAIL__SMTP__CA_FILE, and that it knows the user and the password";

pub(super) async fn faults(app: &App, connection: &Connection) -> Option<Fault> {
    let config = &app.config;
    if !config.jobs.enabled {
        return None;
    }
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
