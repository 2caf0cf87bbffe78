//! What leaves the service by itself: mails, the orders for them, events, and what the edge is told. Each has two
//! implementations, AWS's and a laptop's, so these are traits. What the smoke test asks of AWS it has on AWS alone.

#[cfg(feature = "backchannel")]
pub mod backchannel;
#[cfg(feature = "smoke")]
pub mod codedeploy;
pub mod edge;
#[cfg(feature = "eventbridge")]
pub mod eventbridge;
#[cfg(feature = "smoke")]
pub mod functions;
#[cfg(feature = "cloudfrontkeyvaluestore")]
pub mod key_value_store;
#[cfg(feature = "backchannel")]
pub mod public_client;
#[cfg(feature = "sesv2")]
pub mod ses;
#[cfg(feature = "smtp")]
pub mod smtp;
#[cfg(feature = "sqs")]
pub mod sqs;
#[cfg(feature = "webhook")]
pub mod webhook;

use std::sync::Arc;

use futures::future::BoxFuture;
use thiserror::Error;

use crate::domain::email::Email;
use crate::domain::event::Event;
use crate::domain::mail_order::MailOrder;
use crate::domain::oauth::logout_order::LogoutOrder;

/// The `apiId` of a request that no gateway had: the smoke test's. A gateway's own are random.
pub const WITHOUT_GATEWAY: &str = "smoke";

/// A mail, ready to go.
pub struct OutgoingMail {
    /// Who gets it: the envelope, whatever the message says.
    pub to: Email,
    /// The whole message (RFC 5322).
    pub message: Vec<u8>,
}

/// What was handed over may not have arrived. Says why in a service's own error code, never with an address.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{service} did not take it: {code}")]
pub struct OutboundError {
    /// Which service.
    pub service: &'static str,
    /// Its error code.
    pub code: String,
    /// Whether no other try can end otherwise.
    pub is_final: bool,
}

impl OutboundError {
    /// What another try may mend.
    pub fn passing(service: &'static str, code: impl Into<String>) -> Self {
        Self { service, code: code.into(), is_final: false }
    }
}

#[cfg(any(
    feature = "cloudfrontkeyvaluestore",
    feature = "eventbridge",
    feature = "sesv2",
    feature = "smoke",
    feature = "sqs"
))]
impl OutboundError {
    /// Of a failed call: its code alone, since messages quote what was sent.
    fn of<E>(
        service: &'static str,
        error: &aws_smithy_runtime_api::client::result::SdkError<E, aws_smithy_runtime_api::http::Response>,
    ) -> Self
    where
        E: aws_smithy_types::error::metadata::ProvideErrorMetadata,
    {
        use aws_smithy_runtime_api::client::result::SdkError;
        let code = match error {
            SdkError::ServiceError(context) => context.err().meta().code().unwrap_or("unknown"),
            SdkError::TimeoutError(_) => "timeout",
            SdkError::DispatchFailure(_) => "connection failed",
            SdkError::ResponseError(_) => "unreadable answer",
            _ => "the request could not be built",
        };
        Self::passing(service, code)
    }
}

/// The default sender is for a laptop: whoever sends to people needs another one.
#[cfg(any(feature = "sesv2", feature = "smtp"))]
fn check_sender(config: &crate::config::Config, expected: &str) -> Result<(), crate::config::ConfigError> {
    use crate::config::{ConfigError, Stage};
    if config.stage == Stage::Development || !config.mail.sender.address().domain().ends_with(".localhost") {
        return Ok(());
    }
    Err(ConfigError::WrongValue {
        key: "mail.sender".to_owned(),
        source_name: "config/default.toml".to_owned(),
        expected: format!("expected {expected}; set AUTH__MAIL__SENDER"),
    })
}

/// Carries mails.
pub trait MailTransport: Send + Sync {
    /// Hands a mail over. After an error it may have gone out all the same.
    fn send<'a>(&'a self, mail: &'a OutgoingMail) -> BoxFuture<'a, Result<(), OutboundError>>;
}

/// Keeps orders for mails until they are carried out. It drops an order that it has just had (the same id), and hands
/// out one order of an address at a time.
pub trait MailQueue: Send + Sync {
    /// Takes the orders: all of them, or an error.
    fn put<'a>(&'a self, orders: &'a [MailOrder]) -> BoxFuture<'a, Result<(), OutboundError>>;
}

/// Keeps orders to tell clients of ended sessions until they are carried out, in no order, and now and then hands one out twice.
pub trait LogoutQueue: Send + Sync {
    /// Takes the orders: all of them, or an error, after which some may have been taken.
    fn put<'a>(&'a self, orders: &'a [LogoutOrder]) -> BoxFuture<'a, Result<(), OutboundError>>;
}

/// Tells whoever listens what has happened.
pub trait EventBus: Send + Sync {
    /// Takes the events: all of them, or an error.
    fn publish<'a>(&'a self, events: &'a [Event]) -> BoxFuture<'a, Result<(), OutboundError>>;
}

impl<T: MailTransport + ?Sized> MailTransport for Arc<T> {
    fn send<'a>(&'a self, mail: &'a OutgoingMail) -> BoxFuture<'a, Result<(), OutboundError>> {
        (**self).send(mail)
    }
}

impl<T: MailQueue + ?Sized> MailQueue for Arc<T> {
    fn put<'a>(&'a self, orders: &'a [MailOrder]) -> BoxFuture<'a, Result<(), OutboundError>> {
        (**self).put(orders)
    }
}

impl<T: LogoutQueue + ?Sized> LogoutQueue for Arc<T> {
    fn put<'a>(&'a self, orders: &'a [LogoutOrder]) -> BoxFuture<'a, Result<(), OutboundError>> {
        (**self).put(orders)
    }
}

impl<T: EventBus + ?Sized> EventBus for Arc<T> {
    fn publish<'a>(&'a self, events: &'a [Event]) -> BoxFuture<'a, Result<(), OutboundError>> {
        (**self).publish(events)
    }
}
