//! Orders for mails are carried out at once; what fails waits in the table, each order for itself, so that one dead mailbox
//! holds nobody up (SA-11).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream;
use serde_json::json;
use wardgate::app::App;
use wardgate::current::Current;
use wardgate::domain::mail_order::MailOrder;
use wardgate::outbound::{MailQueue, MailTransport, OutboundError};
use wardgate::store::error::StoreError;
use wardgate::store::mail_retries::MailRetry;

/// After the first failure. Each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(10);
/// At the most.
const LONGEST_WAIT: Duration = Duration::from_hours(1);
/// How often an order is tried before a person has to look: for half a day.
pub const MOST_TRIES: u32 = 20;
/// How many that wait are looked at together.
const AT_ONCE: u16 = 100;

/// What is done one after the other.
type Work<'a> = BoxFuture<'a, Result<(), StoreError>>;

/// Those of one address together: two tries at one mail at a time would both send it.
fn by_address<T>(all: &[T], order: fn(&T) -> &MailOrder) -> Vec<Vec<&T>> {
    let mut groups: BTreeMap<&str, Vec<&T>> = BTreeMap::new();
    for one in all {
        groups.entry(&order(one).pk).or_default().push(one);
    }
    groups.into_values().collect()
}

/// How long an order waits that has failed so often.
pub fn wait(tries: u32) -> Duration {
    let doubled = 1_u32.checked_shl(tries.saturating_sub(1)).unwrap_or(u32::MAX);
    FIRST_WAIT.saturating_mul(doubled).min(LONGEST_WAIT)
}

/// The function `mailer`, and how many mails it may send at a time.
pub struct Mails {
    mailer: mailer::Parts,
    at_once: usize,
}

impl Mails {
    /// Sends by this transport.
    pub fn new(transport: Box<dyn MailTransport>, at_once: u32) -> Self {
        // A counter that begins with one would hide its first mail from whoever asks for an increase.
        metrics::counter!("wardgate_mails_given_up_total").increment(0);
        Self { mailer: mailer::Parts { transport }, at_once: usize::try_from(at_once).unwrap_or(1) }
    }

    /// Whether an order is carried out. It says itself why not.
    async fn carry_out(&self, app: &App, order: &MailOrder) -> bool {
        let body = serde_json::to_string(order).unwrap_or_default();
        let message = json!({ "messageId": order.id, "body": body, "eventSource": "aws:sqs" });
        let Ok(batch) = serde_json::from_value(json!({ "Records": [message] })) else { return false };
        let answer = (mailer::FUNCTION.handler)(app, &self.mailer, batch).await;
        answer.is_ok_and(|answer| answer.batch_item_failures.is_empty())
    }

    /// Does all of them, several at a time, and gives what went wrong first.
    async fn several(&self, works: Vec<Work<'_>>) -> Result<(), StoreError> {
        let done: Vec<_> = stream::iter(works).buffer_unordered(self.at_once).collect().await;
        done.into_iter().collect()
    }

    /// Tries the orders whose time has come. Whether there were any.
    pub async fn retry(&self, app: &App) -> Result<bool, StoreError> {
        let due = app.store.due_mail_retries(AT_ONCE, app.clock.now()).await?;
        let works = by_address(&due, |retry| &retry.order).into_iter().map(|retries| -> Work<'_> {
            Box::pin(async move {
                for retry in retries {
                    self.try_again(app, retry).await?;
                }
                Ok(())
            })
        });
        self.several(works.collect()).await?;
        Ok(!due.is_empty())
    }

    /// Whatever comes of it, the order is not lost.
    async fn try_first(&self, app: &App, order: &MailOrder) -> Result<(), StoreError> {
        if self.carry_out(app, order).await {
            return Ok(());
        }
        let due_at = app.clock.now().plus(wait(1));
        app.store.add_mail_retry(&MailRetry { order: order.clone(), tries: 1, due_at }).await
    }

    async fn try_again(&self, app: &App, retry: &MailRetry) -> Result<(), StoreError> {
        if self.carry_out(app, &retry.order).await {
            return app.store.drop_mail_retry(retry).await;
        }
        let (tries, now) = (retry.tries + 1, app.clock.now());
        if tries >= MOST_TRIES {
            metrics::counter!("wardgate_mails_given_up_total").increment(1);
            tracing::error!(id = retry.order.id, tries, "a mail is given up: nobody tries it any more");
            return app.store.give_mail_up(&MailRetry { tries, ..retry.clone() }, now).await;
        }
        let later = MailRetry { order: retry.order.clone(), tries, due_at: now.plus(wait(tries)) };
        app.store.postpone_mail_retry(retry, &later).await
    }
}

/// In place of a queue.
pub struct InlineQueue {
    mails: Arc<Mails>,
    current: Current,
}

impl InlineQueue {
    /// Carries orders out by these.
    pub fn new(mails: Arc<Mails>, current: Current) -> Self {
        Self { mails, current }
    }
}

impl MailQueue for InlineQueue {
    /// Once it returns, each order is carried out, or waits in the table.
    fn put<'a>(&'a self, orders: &'a [MailOrder]) -> BoxFuture<'a, Result<(), OutboundError>> {
        Box::pin(async move {
            let app = self.current.app().await;
            let (mails, app) = (&*self.mails, &*app);
            let works = by_address(orders, |order| order).into_iter().map(|orders| -> Work<'_> {
                Box::pin(async move {
                    for order in orders {
                        mails.try_first(app, order).await?;
                    }
                    Ok(())
                })
            });
            let put = mails.several(works.collect());
            put.await.map_err(|cause| OutboundError::passing("the table", cause.to_string()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sa_11_an_order_waits_from_ten_seconds_to_an_hour_and_for_half_a_day_in_all() {
        let waits: Vec<u64> = (1..MOST_TRIES).map(|tries| wait(tries).as_secs()).collect();
        assert_eq!(waits[..4], [10, 20, 40, 80]);
        assert!(waits.iter().all(|wait| *wait <= 3600) && waits.contains(&3600), "{waits:?}");
        let all: u64 = waits.iter().sum();
        assert!((10 * 3600..14 * 3600).contains(&all), "{all}");
        assert_eq!(wait(u32::MAX), LONGEST_WAIT);
    }
}
