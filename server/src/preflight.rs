//! What has to be there before the server serves anybody. Every fault is told at once, with what mends it (SA-01): a start
//! that stops at the first one is a start for each.

mod keys;
#[cfg(feature = "standalone")]
mod mail;
mod store;

use std::error::Error;
use std::fmt;
#[cfg(not(feature = "standalone"))]
use std::future::{Ready, ready};
use std::time::Duration;

use aws_credential_types::provider::ProvideCredentials as _;
use tokio::time::Instant;
use wardgate::app::App;
use wardgate::aws::Connection;

use crate::serve::pause;

/// How soon it looks again where time may mend what is wrong.
const AGAIN: Duration = Duration::from_secs(1);

/// Something without which nobody can be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What it is about: a table, a ring, a variable.
    pub about: String,
    /// What is there instead. Nothing secret.
    pub found: String,
    /// What mends it.
    pub remedy: &'static str,
    /// Whether time alone may mend it: what does not answer may answer soon.
    pub may_pass: bool,
}

impl Fault {
    fn lasting(about: impl Into<String>, found: impl fmt::Display, remedy: &'static str) -> Self {
        Self { about: about.into(), found: found.to_string(), remedy, may_pass: false }
    }

    fn passing(about: impl Into<String>, found: impl fmt::Display, remedy: &'static str) -> Self {
        Self { may_pass: true, ..Self::lasting(about, found, remedy) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { about, found, remedy, .. } = self;
        write!(formatter, "{about}: {found}; {remedy}")
    }
}

/// An error and what it comes from, in a line: of a connection the outermost alone says nothing.
fn chain(error: &(dyn Error + 'static)) -> String {
    let all = std::iter::successors(Some(error), |&error| error.source());
    let text = all.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Looks once.
pub async fn faults(app: &App, connection: &Connection) -> Vec<Fault> {
    if let Err(error) = connection.credentials.provide_credentials().await {
        let remedy = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where the chain finds a role: a profile, a web \
                      identity, a container's or an instance's";
        let credentials = Fault::passing("credentials", chain(&error), remedy);
        // Whoever cannot say who asks is refused everywhere for that one reason.
        let keys = if app.config.secrets.prefix.is_some() { Vec::new() } else { keys::faults(app).await };
        return std::iter::once(credentials).chain(keys).chain(mails(app, connection).await).collect();
    }
    let (store, keys, mails) =
        futures::future::join3(store::faults(app, connection), keys::faults(app), mails(app, connection)).await;
    store.into_iter().chain(keys).chain(mails).collect()
}

#[cfg(feature = "standalone")]
async fn mails(app: &App, connection: &Connection) -> Vec<Fault> {
    mail::faults(app, connection).await
}

/// This build sends none.
#[cfg(not(feature = "standalone"))]
fn mails(_app: &App, _connection: &Connection) -> Ready<Vec<Fault>> {
    ready(Vec::new())
}

/// Looks until nothing is wrong, or something is that time does not mend, or `patience` is over: a store may start beside
/// the server.
pub async fn wait(app: &App, connection: &Connection, patience: Duration) -> Vec<Fault> {
    let until = Instant::now() + patience;
    loop {
        let faults = faults(app, connection).await;
        let may_pass = faults.iter().all(|fault| fault.may_pass);
        if faults.is_empty() || !may_pass || Instant::now() + AGAIN > until {
            return faults;
        }
        for fault in &faults {
            tracing::warn!(about = fault.about, found = fault.found, "not there yet");
        }
        pause(AGAIN).await;
    }
}
