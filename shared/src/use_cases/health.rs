//! Whether the service can do its work.

use std::time::Duration;

use crate::app::{App, RequestContext};
use crate::use_cases::fault::Fault;

/// The state of something that we depend on.
#[derive(Debug)]
pub struct Dependency {
    /// What it is.
    pub name: &'static str,
    /// What is wrong with it, if anything.
    pub fault: Option<Fault>,
    /// How long it took to answer.
    pub response_time: Duration,
}

/// Asks every dependency, in parallel.
pub async fn health(app: &App, context: &RequestContext) -> [Dependency; 2] {
    let store = async { app.store.ping().await.map_err(Fault::from) };
    let keys = async { app.secrets.public_keys(context.now).await.map(|_| ()).map_err(Fault::from) };
    let (store, keys) = futures::join!(timed(app, "dynamodb", store), timed(app, "keys", keys));
    [store, keys]
}

/// Whether requests can be served: the table answers and a key ring exists.
pub async fn is_ready(app: &App, context: &RequestContext) -> bool {
    let signs = |now| async move {
        let keys = app.secrets.public_keys(now).await?;
        Ok::<bool, Fault>(keys.ring.keys.iter().any(|key| key.validity.signs(now)))
    };
    let (store, signs) = futures::join!(app.store.ping(), signs(context.now));
    store.is_ok() && signs.unwrap_or(false)
}

async fn timed(app: &App, name: &'static str, check: impl Future<Output = Result<(), Fault>>) -> Dependency {
    let started = app.clock.now();
    let fault = check.await.err();
    Dependency { name, fault, response_time: app.clock.now().since(started) }
}
