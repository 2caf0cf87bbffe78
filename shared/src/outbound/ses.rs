//! Mails through the Simple Email Service.

use std::time::Duration;

use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::primitives::Blob;
use aws_sdk_sesv2::types::{Destination, EmailContent, RawMessage};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use futures::future::BoxFuture;

use crate::aws::{Connection, builder};
use crate::config::{Config, ConfigError};
use crate::outbound::{MailTransport, OutboundError, OutgoingMail, check_sender};

const SERVICE: &str = "SES";
/// How long one mail may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The service, in the connection's region.
#[derive(Debug)]
pub struct SesTransport {
    client: Client,
    /// As a header field has it: SES takes nothing but ASCII here.
    sender: String,
}

impl SesTransport {
    /// Sends as the configured sender.
    pub fn new(config: &Config, connection: &Connection) -> Result<Self, ConfigError> {
        check_sender(config, "a sender that SES has verified for this account")?;
        let timeouts = TimeoutConfig::builder().connect_timeout(PATIENCE).operation_timeout(PATIENCE).build();
        let mut sdk = builder!(aws_sdk_sesv2, connection, config.aws)
            // Trying again could send the mail again. The queue does it, once it is known that the answer is lost.
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts);
        sdk.set_endpoint_url(connection.endpoints.sesv2.clone());
        Ok(Self { client: Client::from_conf(sdk.build()), sender: config.mail.sender.encoded() })
    }
}

impl MailTransport for SesTransport {
    fn send<'a>(&'a self, mail: &'a OutgoingMail) -> BoxFuture<'a, Result<(), OutboundError>> {
        Box::pin(async move {
            let unsendable = |_| OutboundError::passing(SERVICE, "no message");
            let raw = RawMessage::builder().data(Blob::new(mail.message.clone())).build().map_err(unsendable)?;
            let request = self
                .client
                .send_email()
                .from_email_address(&self.sender)
                .destination(Destination::builder().to_addresses(mail.to.mailbox()).build())
                .content(EmailContent::builder().raw(raw).build());
            request.send().await.map(|_| ()).map_err(|error| OutboundError::of(SERVICE, &error))
        })
    }
}
