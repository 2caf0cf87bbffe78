//! Logout tokens to clients' own servers (OpenID Connect Back-Channel Logout 1.0, 2.5).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_types::body::SdkBody;
use http::{Request, header};
use tokio::time::timeout;

use crate::config::{Config, ConfigError, Stage};
use crate::domain::oauth::client::ClientId;
use crate::domain::timestamp::Timestamp;
use crate::outbound::OutboundError;
use crate::outbound::public_client::{PublicClient, PublicClientError, Reach};

const SERVICE: &str = "the client";
/// For how long a client is not asked that has not answered: others wait behind it in the same queue (OC-42).
const LEFT_ALONE: Duration = Duration::from_secs(10);

/// Who tells them.
pub struct Backchannel {
    client: PublicClient,
    patience: Duration,
    left_alone: Mutex<BTreeMap<ClientId, Timestamp>>,
}

impl Backchannel {
    /// Nobody is told yet.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let settings = &config.backchannel_logout;
        let reach = Reach {
            ca_file: settings.ca_file.as_deref(),
            allowed_networks: &settings.allowed_networks,
            this_machine: config.stage == Stage::Development,
        };
        let client = PublicClient::new(reach).map_err(|error| {
            let is_file = error == PublicClientError::Authorities;
            let key = if is_file { "backchannel_logout.ca_file" } else { "backchannel_logout" };
            ConfigError::WrongValue {
                key: key.to_owned(),
                source_name: config.source_of(key),
                expected: error.to_string(),
            }
        })?;
        Ok(Self { client, patience: Duration::from_millis(settings.timeout_ms), left_alone: Mutex::default() })
    }

    /// Sends a client its token. What it answers other than 2xx it has not taken: 5xx, and no answer, is tried again, anything
    /// else is final.
    pub async fn post(&self, client: &ClientId, uri: &str, token: &str, now: Timestamp) -> Result<(), OutboundError> {
        let is_left_alone = self.locked().get(client).is_some_and(|until| now < *until);
        if is_left_alone {
            return Err(OutboundError::passing(SERVICE, "it has not answered just before"));
        }
        let sent = timeout(self.patience, self.send(uri, token)).await;
        let sent = sent.unwrap_or_else(|_| Err(OutboundError::passing(SERVICE, "timeout")));
        match &sent {
            Err(cause) if !cause.is_final => self.locked().insert(client.clone(), now.plus(LEFT_ALONE)),
            _ => self.locked().remove(client),
        };
        sent
    }

    async fn send(&self, uri: &str, token: &str) -> Result<(), OutboundError> {
        let failed = |code: &str, is_final| OutboundError { service: SERVICE, code: code.to_owned(), is_final };
        let body = form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", token).finish();
        let request = Request::post(uri)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(SdkBody::from(body))
            .map_err(|_| failed("no request", true))?;
        let answer = self.client.ask(request).await.map_err(|error| failed(&error.to_string(), false))?;
        let status = answer.status();
        if status.is_success() { Ok(()) } else { Err(failed(status.as_str(), !status.is_server_error())) }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, BTreeMap<ClientId, Timestamp>> {
        self.left_alone.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
