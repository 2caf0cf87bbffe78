//! Whether mails can leave, where this server is to send them.

use wardgate::app::App;
use wardgate::config::MailTransport;
use wardgate::outbound::smtp::SmtpTransport;

use super::Fault;

const NOBODY: &str =
    "set AUTH__MAIL__TRANSPORT to smtp or ses, or AUTH__JOBS__ENABLED=false where other replicas send the mails";
const SERVER: &str = "see that AUTH__MAIL__SMTP__HOST and its port lead to a mail server that offers TLS, that its certificate is \
                      known or in AUTH__MAIL__SMTP__CA_FILE, and that it knows the user and the password";

pub(super) async fn faults(app: &App) -> Vec<Fault> {
    let config = &app.config;
    if !config.jobs.enabled {
        return Vec::new();
    }
    match config.mail.transport {
        None => vec![Fault::lasting("mails", "nobody carries them: `mail.transport` is not set", NOBODY)],
        // SES says whether it takes a mail when it is asked to.
        Some(MailTransport::Ses) => Vec::new(),
        Some(MailTransport::Smtp) => match SmtpTransport::new(config) {
            Err(error) => vec![Fault::lasting("mails", error, SERVER)],
            Ok(transport) => {
                let checked = transport.check().await;
                checked
                    .err()
                    .map(|error| Fault::passing("mail server", super::chain(&error), SERVER))
                    .into_iter()
                    .collect()
            }
        },
    }
}
