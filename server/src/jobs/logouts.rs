//! Clients are told of ended sessions as mails are sent: what has to be told waits in the table, and is tried until it is taken
//! (SA-11). The stream waits for no client.

use futures::future::BoxFuture;
use wardgate::app::App;
use wardgate::config::{Config, ConfigError};
use wardgate::current::Current;
use wardgate::domain::oauth::logout_order::LogoutOrder;
use wardgate::outbound::backchannel::Backchannel;
use wardgate::outbound::{LogoutQueue, OutboundError};
use wardgate::store::error::StoreError;
use wardgate::store::retries::Retry;

use crate::jobs::retries::{AT_ONCE, Settled, settle};

/// The function `logout-notifier`.
pub struct Logouts {
    notifier: logout_notifier::Parts,
}

impl Logouts {
    /// As the configuration says. Nobody is told yet.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        // A counter that begins with one would hide its first order from whoever asks for an increase.
        metrics::counter!("wardgate_logouts_given_up_total").increment(0);
        Ok(Self { notifier: logout_notifier::Parts { backchannel: Backchannel::new(config)? } })
    }

    /// Tells whoever is to be told by now. Whether there was anybody.
    pub async fn retry(&self, app: &App) -> Result<bool, StoreError> {
        let due = app.store.due_retries::<LogoutOrder>(AT_ONCE, app.clock.now()).await?;
        if due.is_empty() {
            return Ok(false);
        }
        let orders: Vec<_> = due.iter().map(|retry| &retry.order).collect();
        let failed = logout_notifier::FUNCTION.hand_over(app, &self.notifier, &orders, |order| &order.id).await;
        for retry in &due {
            let is_done = !failed.contains(&retry.order.id);
            if settle(app, retry, is_done).await? == Settled::GivenUp {
                metrics::counter!("wardgate_logouts_given_up_total").increment(1);
                let (id, client_id) = (&retry.order.id, retry.order.client_id.as_str());
                tracing::error!(id, client_id, "a client is not told any more that a session has ended");
            }
        }
        Ok(true)
    }
}

/// In place of a queue.
pub struct TableQueue {
    current: Current,
}

impl TableQueue {
    /// Has orders wait in the table.
    pub fn new(current: Current) -> Self {
        Self { current }
    }
}

impl LogoutQueue for TableQueue {
    fn put<'a>(&'a self, orders: &'a [LogoutOrder]) -> BoxFuture<'a, Result<(), OutboundError>> {
        Box::pin(async move {
            let app = self.current.app().await;
            for order in orders {
                let retry = Retry { order: order.clone(), tries: 0, due_at: app.clock.now() };
                let put = app.store.add_retry(&retry).await;
                put.map_err(|cause| OutboundError::passing("the table", cause.to_string()))?;
            }
            Ok(())
        })
    }
}
