//! Events by HTTP, signed as Standard Webhooks has it, for the standalone server (SA-12).

use std::path::PathBuf;
use std::time::Duration;

use aws_smithy_types::body::SdkBody;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Request, header};
use ring::hmac;
use serde_json::json;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::config::{Config, ConfigError};
use crate::domain::event::Event;
use crate::domain::timestamp::Timestamp;
use crate::outbound::OutboundError;
use crate::outbound::public_client::{PublicClient, PublicClientError, Reach};

const SERVICE: &str = "the webhook";

/// Who is told.
pub struct Webhook {
    client: PublicClient,
    url: String,
    secrets: PathBuf,
    patience: Duration,
}

/// What is told of an event, as it is sent: the same for each delivery.
pub fn message(event: &Event) -> String {
    json!({ "type": event.kind.name(), "timestamp": event.detail.time, "data": event.detail }).to_string()
}

impl Webhook {
    /// The receiver that the configuration names. It is not asked yet.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let webhook = &config.events.webhook;
        let wrong = |key: &str, expected: &str| ConfigError::WrongValue {
            key: key.to_owned(),
            source_name: config.source_of(key),
            expected: expected.to_owned(),
        };
        let (Some(url), Some(secrets)) = (webhook.url.clone(), webhook.secret_file.clone()) else {
            return Err(ConfigError::missing("events.webhook.url"));
        };
        let reach = Reach {
            ca_file: webhook.ca_file.as_deref(),
            allowed_networks: &webhook.allowed_networks,
            this_machine: false,
        };
        let client = PublicClient::new(reach).map_err(|error| {
            let is_file = error == PublicClientError::Authorities;
            wrong(if is_file { "events.webhook.ca_file" } else { "events.webhook.url" }, &error.to_string())
        })?;
        if !client.may_ask(&url) {
            return Err(wrong(
                "events.webhook.url",
                "expected a public address, or one of events.webhook.allowed_networks (SA-12)",
            ));
        }
        Ok(Self { client, url, secrets, patience: Duration::from_millis(webhook.timeout_ms) })
    }

    /// Whether there is a secret to sign with.
    pub fn check(&self) -> Result<(), OutboundError> {
        self.signatures("").map(drop)
    }

    /// Tells of an event, by its id and its [`message`]. Taken is what answers 2xx in time; nobody is followed elsewhere.
    pub async fn post(&self, id: &str, message: &str, now: Timestamp) -> Result<(), OutboundError> {
        timeout(self.patience, self.deliver(id, message, now)).await.unwrap_or_else(|_| Err(failed("timeout")))
    }

    async fn deliver(&self, id: &str, message: &str, now: Timestamp) -> Result<(), OutboundError> {
        let at = now.unix_seconds();
        let request = Request::post(&self.url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", at)
            .header("webhook-signature", self.signatures(&format!("{id}.{at}.{message}"))?)
            .body(SdkBody::from(message))
            .map_err(|_| failed("no request"))?;
        let answer = self.client.ask(request).await.map_err(|error| failed(&error.to_string()))?;
        if answer.status().is_success() { Ok(()) } else { Err(failed(answer.status().as_str())) }
    }

    /// One for each secret.
    fn signatures(&self, signed: &str) -> Result<String, OutboundError> {
        let secrets = std::fs::read_to_string(&self.secrets).map(Zeroizing::new);
        let secrets = secrets.map_err(|_| failed("the secret file cannot be read"))?;
        let signatures: Option<Vec<String>> = secrets
            .split_whitespace()
            .map(|secret| {
                let secret = STANDARD.decode(secret.strip_prefix("whsec_")?).ok().map(Zeroizing::new)?;
                // As Standard Webhooks demands.
                let secret = (24..=64).contains(&secret.len()).then_some(secret)?;
                let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
                Some(format!("v1,{}", STANDARD.encode(hmac::sign(&key, signed.as_bytes()))))
            })
            .collect();
        let signatures = signatures.filter(|signatures| !signatures.is_empty());
        Ok(signatures.ok_or_else(|| failed("the secret is not whsec_ and base64 of 24 to 64 bytes"))?.join(" "))
    }
}

fn failed(code: &str) -> OutboundError {
    OutboundError::passing(SERVICE, code)
}
