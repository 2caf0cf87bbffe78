//! A laptop's queue before the function `logout-notifier`. A client that does not answer is tried again with whatever comes next,
//! and forgotten in the end: mostly it is not running.

use std::sync::{Mutex, OnceLock, PoisonError};

use futures::future::BoxFuture;
use wardgate::app::App;
use wardgate::domain::oauth::logout_order::LogoutOrder;
use wardgate::outbound::backchannel::Backchannel;
use wardgate::outbound::{LogoutQueue, OutboundError};

/// How often an order is tried.
const TRIES: u32 = 20;

/// Orders that wait, and how often they have been tried.
#[derive(Default)]
pub(super) struct Logouts {
    waiting: Mutex<Vec<(LogoutOrder, u32)>>,
    notifier: OnceLock<Option<logout_notifier::Parts>>,
}

impl Logouts {
    /// Tries every order that waits, once.
    pub(super) async fn turn(&self, app: &App) {
        let notifier = self.notifier.get_or_init(|| {
            let made = Backchannel::new(&app.config);
            let made = made.inspect_err(|cause| tracing::warn!(%cause, "no client can be told of ended sessions"));
            made.ok().map(|backchannel| logout_notifier::Parts { backchannel })
        });
        let Some(notifier) = notifier else { return };
        let tried = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if tried.is_empty() {
            return;
        }
        let orders: Vec<_> = tried.iter().map(|(order, _)| order).collect();
        let failed = logout_notifier::FUNCTION.hand_over(app, notifier, &orders, |order| &order.id).await;
        let again = tried.into_iter().filter(|(order, tries)| *tries + 1 < TRIES && failed.contains(&order.id));
        let again = again.map(|(order, tries)| (order, tries + 1));
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).extend(again);
    }
}

impl LogoutQueue for Logouts {
    fn put<'a>(&'a self, orders: &'a [LogoutOrder]) -> BoxFuture<'a, Result<(), OutboundError>> {
        let orders = orders.iter().map(|order| (order.clone(), 0));
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).extend(orders);
        Box::pin(std::future::ready(Ok(())))
    }
}
