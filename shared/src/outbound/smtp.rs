//! Mails through a mail server (RFC 6409), for the standalone server (SA-11). The envelope and the message are our own; the
//! library speaks the protocol ([decision 66](../../../docs/decisions/0066-mails-by-smtp.md)).

mod connection;
#[cfg(test)]
mod tests;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::config::{Config, ConfigError};
use crate::outbound::smtp::connection::Server;
use crate::outbound::{MailTransport, OutboundError, OutgoingMail, check_sender};

const SERVICE: &str = "the mail server";

/// The mail server, with the connections that wait for their next mail.
pub struct SmtpTransport {
    server: Server,
    /// The envelope's sender, to which bounces go.
    from: Address,
    idle: Mutex<Vec<AsyncSmtpConnection>>,
    slots: Semaphore,
    patience: Duration,
}

impl SmtpTransport {
    /// The server that the configuration names. It is not asked yet.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        check_sender(config, "a sender that the mail server takes mails from")?;
        let (smtp, address) = (&config.mail.smtp, config.mail.sender.address());
        let from = address.mailbox().parse().map_err(|_| ConfigError::WrongValue {
            key: "mail.sender".to_owned(),
            source_name: config.source_of("mail.sender"),
            expected: "expected an address that SMTP can name".to_owned(),
        })?;
        Ok(Self {
            server: Server::new(config)?,
            from,
            idle: Mutex::default(),
            slots: Semaphore::new(usize::try_from(smtp.connections).unwrap_or(1)),
            patience: Duration::from_millis(smtp.timeout_ms),
        })
    }

    /// Whether the server can be reached, is who it has to be, and lets us in.
    pub async fn check(&self) -> Result<(), OutboundError> {
        let connected = timeout(self.patience, self.server.connect()).await;
        self.keep(connected.unwrap_or_else(|_| Err(broken("timeout")))?);
        Ok(())
    }

    async fn deliver(&self, mail: &OutgoingMail) -> Result<(), OutboundError> {
        let no_address = |_| OutboundError { is_final: true, ..broken("no address") };
        let to: Address = mail.to.mailbox().parse().map_err(no_address)?;
        let mut connection = match self.waiting().await {
            Some(connection) => connection,
            None => self.server.connect().await?,
        };
        match self.converse(&mut connection, to, &mail.message).await {
            Ok(()) => self.keep(connection),
            Err(cause) => {
                // It says QUIT where somebody still listens.
                connection.abort().await;
                return Err(cause);
            }
        }
        Ok(())
    }

    /// What the server says of the recipient and the message is about this mail; anything before is about us, and a person
    /// mends it.
    async fn converse(
        &self,
        connection: &mut AsyncSmtpConnection,
        to: Address,
        message: &[u8],
    ) -> Result<(), OutboundError> {
        let about_us = |error: Error| failed(&error);
        let about_it = |error: Error| OutboundError { is_final: error.is_permanent(), ..failed(&error) };
        connection.command(Mail::new(Some(self.from.clone()), vec![])).await.map_err(about_us)?;
        connection.command(Rcpt::new(to, vec![])).await.map_err(about_it)?;
        connection.command(Data).await.map_err(about_it)?;
        connection.message(message).await.map_err(about_it)?;
        Ok(())
    }

    /// One that the server has not closed meanwhile.
    async fn waiting(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let mut connection = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if connection.test_connected().await {
                return Some(connection);
            }
        }
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

impl MailTransport for SmtpTransport {
    fn send<'a>(&'a self, mail: &'a OutgoingMail) -> BoxFuture<'a, Result<(), OutboundError>> {
        Box::pin(async move {
            // Nobody closes it.
            let _slot = self.slots.acquire().await;
            // The library's own time-out does not cover a server that says nothing. What is cut short is dropped with its
            // connection: the next mail must not read this one's answers.
            timeout(self.patience, self.deliver(mail)).await.unwrap_or_else(|_| Err(broken("timeout")))
        })
    }
}

fn broken(code: &str) -> OutboundError {
    OutboundError::passing(SERVICE, code)
}

/// The code of an answer alone: its text may quote an address.
fn failed(error: &Error) -> OutboundError {
    match error.status() {
        Some(status) => broken(&status.to_string()),
        None if error.is_response() => broken("unreadable answer"),
        None if error.is_client() => broken("the server lacks what we need of it"),
        None => broken("the connection broke"),
    }
}
