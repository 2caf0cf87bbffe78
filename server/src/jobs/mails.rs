//! Orders for mails are carried out at once; what fails waits in the table, each order for itself, so that one dead mailbox
//! holds nobody up (SA-11).

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream;
use wardgate::app::App;
use wardgate::current::Current;
use wardgate::domain::mail_order::MailOrder;
use wardgate::outbound::{MailQueue, MailTransport, OutboundError};
use wardgate::store::error::StoreError;
use wardgate::store::retries::Retry;

use crate::jobs::retries::{AT_ONCE, Settled, settle, wait};

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
        mailer::FUNCTION.hand_over(app, &self.mailer, &[order], |order| &order.id).await.is_empty()
    }

    /// Does all of them, several at a time, and gives what went wrong first.
    async fn several(&self, works: Vec<Work<'_>>) -> Result<(), StoreError> {
        let done: Vec<_> = stream::iter(works).buffer_unordered(self.at_once).collect().await;
        done.into_iter().collect()
    }

    /// Tries the orders whose time has come. Whether there were any.
    pub async fn retry(&self, app: &App) -> Result<bool, StoreError> {
        let due = app.store.due_retries::<MailOrder>(AT_ONCE, app.clock.now()).await?;
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
        app.store.add_retry(&Retry { order: order.clone(), tries: 1, due_at }).await
    }

    async fn try_again(&self, app: &App, retry: &Retry<MailOrder>) -> Result<(), StoreError> {
        let is_done = self.carry_out(app, &retry.order).await;
        if settle(app, retry, is_done).await? == Settled::GivenUp {
            metrics::counter!("wardgate_mails_given_up_total").increment(1);
            tracing::error!(id = retry.order.id, "a mail is given up: nobody tries it any more");
        }
        Ok(())
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
