//! Events to a webhook: each at once, where none of its user waits; what fails waits in the table, each user's in order, and
//! is tried again as mails are (SA-12).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use wardgate::app::App;
use wardgate::current::Current;
use wardgate::domain::event::Event;
use wardgate::domain::timestamp::Timestamp;
use wardgate::outbound::webhook::{Webhook, message};
use wardgate::outbound::{EventBus, OutboundError};
use wardgate::store::error::StoreError;
use wardgate::store::event_retries::EventRetry;

use crate::jobs::retries::{MOST_TRIES, wait};

/// How many that wait are looked at together.
const AT_ONCE: u16 = 100;
/// For how long a receiver that has failed is not asked by the stream: mails come by the same stream, and must not wait for it.
const LEFT_ALONE: Duration = Duration::from_secs(10);

/// Who is told, and how far those that wait have been looked at.
pub struct Told {
    webhook: Webhook,
    left_alone_until: Mutex<Option<Timestamp>>,
    /// How many have waited: of one millisecond, too, each has a place.
    waited: AtomicU64,
    /// The last user whose events were looked at.
    seen: Mutex<String>,
}

impl Told {
    /// Tells this one.
    pub fn new(webhook: Webhook) -> Self {
        // A counter that begins with one would hide its first event from whoever asks for an increase.
        metrics::counter!("wardgate_events_given_up_total").increment(0);
        Self { webhook, left_alone_until: Mutex::default(), waited: AtomicU64::new(0), seen: Mutex::default() }
    }

    async fn try_first(&self, app: &App, event: &Event) -> Result<(), StoreError> {
        let (now, user_id, message) = (app.clock.now(), event.detail.user_id.to_string(), message(event));
        let left_alone = *self.left_alone_until.lock().unwrap_or_else(PoisonError::into_inner);
        let is_left_alone = left_alone.is_some_and(|until| now < until);
        // Behind those that wait, or it would be told before what happened first.
        if !is_left_alone && !app.store.has_event_retries(&user_id).await? {
            match self.webhook.post(&event.detail.id, &message, now).await {
                Ok(()) => return Ok(()),
                Err(cause) => {
                    tracing::warn!(id = event.detail.id, %cause, "an event waits for another try");
                    *self.left_alone_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(now.plus(LEFT_ALONE));
                }
            }
        }
        let place = format!("{:015}#{:010}", now.millis(), self.waited.fetch_add(1, Ordering::Relaxed));
        let due_at = now.plus(wait(1));
        let retry = EventRetry { id: event.detail.id.clone(), user_id, place, message, tries: 1, due_at };
        app.store.put_event_retry(&retry, now).await
    }

    /// Tells what waits, user after user, each from the first that waits on, until one is not taken: whoever is not there
    /// has not to be asked once more for each user. Whether anything was told.
    pub async fn retry(&self, app: &App) -> Result<bool, StoreError> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let page = app.store.event_retries(&seen, AT_ONCE).await?;
        let mut told = false;
        for of_a_user in page.chunk_by(|one, next| one.user_id == next.user_id) {
            let now = app.clock.now();
            if of_a_user.first().is_some_and(|first| now < first.due_at) {
                continue;
            }
            for retry in of_a_user {
                if let Err(cause) = self.webhook.post(&retry.id, &retry.message, now).await {
                    self.not_taken(app, retry, &cause).await?;
                    return Ok(told);
                }
                app.store.drop_event_retry(retry).await?;
                told = true;
            }
        }
        let last = page.last().map(|retry| retry.user_id.clone()).filter(|_| page.len() == usize::from(AT_ONCE));
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = last.unwrap_or_default();
        Ok(told)
    }

    async fn not_taken(&self, app: &App, retry: &EventRetry, cause: &OutboundError) -> Result<(), StoreError> {
        let (tries, now) = (retry.tries + 1, app.clock.now());
        if tries >= MOST_TRIES {
            metrics::counter!("wardgate_events_given_up_total").increment(1);
            tracing::error!(id = retry.id, tries, %cause, "an event is given up: nobody tells of it any more");
            return app.store.give_event_up(&EventRetry { tries, ..retry.clone() }, now).await;
        }
        let later = EventRetry { tries, due_at: now.plus(wait(tries)), ..retry.clone() };
        app.store.put_event_retry(&later, now).await
    }
}

/// In place of a bus.
pub struct WebhookBus {
    told: Arc<Told>,
    current: Current,
}

impl WebhookBus {
    /// Tells by this.
    pub fn new(told: Arc<Told>, current: Current) -> Self {
        Self { told, current }
    }
}

impl EventBus for WebhookBus {
    /// Once it returns, each event was taken, or waits in the table.
    fn publish<'a>(&'a self, events: &'a [Event]) -> BoxFuture<'a, Result<(), OutboundError>> {
        Box::pin(async move {
            let app = self.current.app().await;
            for event in events {
                let told = self.told.try_first(&app, event).await;
                told.map_err(|cause| OutboundError::passing("the table", cause.to_string()))?;
            }
            Ok(())
        })
    }
}
