//! Events on an `EventBridge` bus (docs/events.md).

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use futures::future::BoxFuture;

use crate::aws::{Connection, builder};
use crate::config::{Config, ConfigError};
use crate::domain::event::{Event, SOURCE};
use crate::outbound::{EventBus, OutboundError};

const SERVICE: &str = "EventBridge";

/// The bus.
#[derive(Debug)]
pub struct EventBridgeBus {
    client: Client,
    name: String,
}

impl EventBridgeBus {
    /// The bus that the configuration names.
    pub fn new(config: &Config, connection: &Connection) -> Result<Self, ConfigError> {
        let name = config.mail.event_bus.clone().ok_or_else(|| ConfigError::missing("mail.event_bus"))?;
        let mut sdk = builder!(aws_sdk_eventbridge, connection, config.aws);
        sdk.set_endpoint_url(connection.endpoints.eventbridge.clone());
        Ok(Self { client: Client::from_conf(sdk.build()), name })
    }
}

impl EventBus for EventBridgeBus {
    fn publish<'a>(&'a self, events: &'a [Event]) -> BoxFuture<'a, Result<(), OutboundError>> {
        Box::pin(async move {
            let mut put = self.client.put_events();
            for event in events {
                let detail = serde_json::to_string(&event.detail);
                let detail = detail.map_err(|_| OutboundError::passing(SERVICE, "an event that is no JSON"))?;
                let entry = PutEventsRequestEntry::builder()
                    .event_bus_name(&self.name)
                    .source(SOURCE)
                    .detail_type(event.kind.name())
                    .detail(detail);
                put = put.entries(entry.build());
            }
            let answer = put.send().await.map_err(|error| OutboundError::of(SERVICE, &error))?;
            // An entry that was taken has an id and no code.
            match answer.entries().iter().find_map(|entry| entry.error_code()) {
                None => Ok(()),
                Some(code) => Err(OutboundError::passing(SERVICE, code.to_owned())),
            }
        })
    }
}
