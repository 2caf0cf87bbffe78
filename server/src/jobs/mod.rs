//! What AWS does around the functions: their own handlers, under leases in the table, so that each thing is done by one
//! replica at a time (SA-09 … SA-13, [decision 67](../../../docs/decisions/0067-work-under-leases.md)).

mod bus;
pub mod events;
pub mod lease;
pub mod logouts;
pub mod mails;
pub mod retries;
pub mod schedule;
pub mod stream;

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, join3};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use wardgate::app::{App, Needs};
use wardgate::aws::Connection;
use wardgate::config::{Config, ConfigError, MailTransport};
use wardgate::current::Current;
use wardgate::outbound::eventbridge::EventBridgeBus;
use wardgate::outbound::ses::SesTransport;
use wardgate::outbound::smtp::SmtpTransport;
use wardgate::outbound::webhook::Webhook;
use wardgate::outbound::{self, EventBus, LogoutQueue};

use crate::jobs::bus::LogBus;
use crate::jobs::events::{Told, WebhookBus};
use crate::jobs::lease::Holder;
use crate::jobs::logouts::{Logouts, TableQueue};
use crate::jobs::mails::{InlineQueue, Mails};
use crate::jobs::schedule::Schedule;
use crate::jobs::stream::{AuditRecords, Pump, TableRecords, Turn};
use crate::serve::stopped;

/// How often each job is looked at where there is nothing to do.
const INTERVAL: Duration = Duration::from_secs(1);

/// What the jobs are made of.
pub struct Jobs {
    table: Pump,
    audit: Pump,
    schedule: Schedule,
    /// How long what is under way at a stop may still take.
    patience: Duration,
}

impl Jobs {
    /// The jobs of a server. Nothing is done yet; what the configuration lacks for them is named.
    pub fn new(app: &Arc<App>, connection: &Connection) -> Result<Self, JobsError> {
        let config = &app.config;
        let transport = transport(config, connection)?;
        let bus: Box<dyn EventBus> = match config.mail.event_bus {
            Some(_) => Box::new(EventBridgeBus::new(config, connection)?),
            None if config.events.webhook.url.is_some() => return Self::telling(app, connection, transport),
            None => Box::new(LogBus),
        };
        Self::with(app, connection, transport, bus)
    }

    /// As [`Self::with`], for who tells a webhook of events.
    pub fn telling(
        app: &Arc<App>,
        connection: &Connection,
        transport: Box<dyn outbound::MailTransport>,
    ) -> Result<Self, JobsError> {
        let told = Arc::new(Told::new(Webhook::new(&app.config)?));
        let current = Current::new(Arc::clone(app), Needs { rings: &[], table: true });
        let bus = Box::new(WebhookBus::new(Arc::clone(&told), current));
        let mut jobs = Self::with(app, connection, transport, bus)?;
        jobs.schedule.tell(told);
        Ok(jobs)
    }

    /// As [`Self::new`], with these ways out.
    pub fn with(
        app: &Arc<App>,
        connection: &Connection,
        transport: Box<dyn outbound::MailTransport>,
        bus: Box<dyn EventBus>,
    ) -> Result<Self, JobsError> {
        let holder = Holder::new(&*app.entropy)?;
        let current = Current::new(Arc::clone(app), Needs { rings: &[], table: true });
        let mails = Arc::new(Mails::new(transport, app.config.mail.smtp.connections));
        let queue = InlineQueue::new(Arc::clone(&mails), current.clone());
        let logouts = Some(Box::new(TableQueue::new(current.clone())) as Box<dyn LogoutQueue>);
        let parts = ::events::Parts { queue: Box::new(queue), bus, edge: None, logouts };
        let (config, store) = (&app.config, &app.config.store);
        let pump =
            |table: &str, name, records| Pump::new(&current, connection, &holder, (config, table), name, records);
        Ok(Self {
            table: pump(&store.table, "table", Box::new(TableRecords(parts))),
            audit: pump(&store.audit_table, "audit", Box::new(AuditRecords)),
            schedule: Schedule::new(current.clone(), holder.clone(), mails, Logouts::new(config)?),
            patience: Duration::from_millis(config.http.drain_ms),
        })
    }

    /// Everything there is to do now, once.
    pub async fn turn(&mut self) -> Turn {
        let Self { table, audit, schedule, .. } = self;
        let (table, audit, schedule) = join3(Job::turn(table), Job::turn(audit), Job::turn(schedule)).await;
        table.max(audit).max(schedule)
    }

    /// Does it until a stop is asked for, and gives the leases back: whoever is left goes on at once.
    pub async fn run(mut self, stop: watch::Receiver<bool>) {
        let patience = self.patience;
        join3(
            repeat(stop.clone(), patience, &mut self.table),
            repeat(stop.clone(), patience, &mut self.audit),
            repeat(stop, patience, &mut self.schedule),
        )
        .await;
    }

    /// As [`Self::run`], in the background.
    pub fn start(self, stop: watch::Receiver<bool>) -> JoinHandle<()> {
        tokio::spawn(self.run(stop))
    }
}

/// Why the jobs do not begin.
#[derive(Debug, thiserror::Error)]
pub enum JobsError {
    /// The configuration lacks something.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is no randomness.
    #[error(transparent)]
    Entropy(#[from] wardgate::entropy::NoEntropy),
}

/// A job that is looked at again and again.
trait Job: Send {
    fn turn(&mut self) -> BoxFuture<'_, Turn>;
    fn give_back(&mut self) -> BoxFuture<'_, ()>;
}

impl Job for Pump {
    fn turn(&mut self) -> BoxFuture<'_, Turn> {
        Box::pin(Self::turn(self))
    }

    fn give_back(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(Self::give_back(self))
    }
}

impl Job for Schedule {
    fn turn(&mut self) -> BoxFuture<'_, Turn> {
        Box::pin(Self::turn(self))
    }

    fn give_back(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(Self::give_back(self))
    }
}

async fn repeat(stop: watch::Receiver<bool>, patience: Duration, job: &mut dyn Job) {
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut asked_to_stop = pin!(stopped(stop.clone()));
    // A mail whose answer is not waited for would be sent again.
    let mut over = pin!(async {
        stopped(stop.clone()).await;
        let _ = timeout(patience, pending::<()>()).await;
    });
    while !*stop.borrow() {
        let turn = tokio::select! {
            () = &mut over => break,
            turn = job.turn() => turn,
        };
        if turn != Turn::Worked {
            tokio::select! {
                () = &mut asked_to_stop => break,
                _ = interval.tick() => {}
            }
        }
    }
    job.give_back().await;
}

/// What carries mails. A server that would lose them does not start.
pub(crate) fn transport(
    config: &Config,
    connection: &Connection,
) -> Result<Box<dyn outbound::MailTransport>, ConfigError> {
    match config.mail.transport {
        Some(MailTransport::Ses) => Ok(Box::new(SesTransport::new(config, connection)?)),
        Some(MailTransport::Smtp) => Ok(Box::new(SmtpTransport::new(config)?)),
        None => Err(ConfigError::WrongValue {
            key: "mail.transport".to_owned(),
            source_name: "config/default.toml".to_owned(),
            expected: "expected ses or smtp, since this server sends the mails: set AUTH__MAIL__TRANSPORT, or \
                       AUTH__JOBS__ENABLED=false where other replicas do"
                .to_owned(),
        }),
    }
}
