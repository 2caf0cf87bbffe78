//! Whether the service can do its work.

use std::time::Duration;

use crate::app::App;
use crate::domain::request_context::RequestContext;
use crate::fault::Fault;

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
    let (store, keys) = futures::join!(timed(app, "dynamodb", store), timed(app, "keys", signs(app, context)));
    [store, keys]
}

/// Whether requests can be served: the table answers, and there is a key that signs what we are to issue.
pub async fn ready(app: &App, context: &RequestContext) -> Result<(), Fault> {
    let (store, signs) = futures::join!(app.store.ping(), signs(app, context));
    store?;
    signs
}

/// Whether a key that is published signs now.
async fn signs(app: &App, context: &RequestContext) -> Result<(), Fault> {
    let keys = app.secrets.public_keys(context.now).await?;
    keys.ring.current(app.config.tokens.algorithm, context.now)?;
    Ok(())
}

async fn timed(app: &App, name: &'static str, check: impl Future<Output = Result<(), Fault>>) -> Dependency {
    let started = app.clock.now();
    let fault = check.await.err();
    if let Some(cause) = &fault {
        tracing::warn!(dependency = name, %cause, "a dependency is down");
    }
    Dependency { name, fault, response_time: app.clock.now().since(started) }
}
