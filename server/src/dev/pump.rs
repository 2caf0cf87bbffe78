//! What AWS does between the table's stream, the functions `events`, `mailer`, `logout-notifier` and `edge-sync`, and the queues
//! between them: the same handlers, in this process.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dynoxide::actions::get_records::Record;
use futures::future::BoxFuture;
use serde_json::json;
use tokio::sync::watch;
use wardgate::app::App;
use wardgate::domain::mail_order::MailOrder;
use wardgate::outbound::{MailQueue, MailTransport, OutboundError};

use crate::dev::DevError;
use crate::dev::bus::Bus;
use crate::dev::deny_list::DenyList;
use crate::dev::logouts::Logouts;
use crate::dev::streams::{self, Streams};
use crate::serve::stopped;

/// How often the stream is looked at.
const INTERVAL: Duration = Duration::from_millis(300);
/// The most messages of a batch.
const MESSAGES: usize = 10;

/// Orders for mails that wait.
#[derive(Debug, Default)]
struct Queue(Mutex<VecDeque<MailOrder>>);

impl Queue {
    fn take(&self) -> Vec<MailOrder> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect()
    }

    fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

impl MailQueue for Queue {
    fn put<'a>(&'a self, orders: &'a [MailOrder]) -> BoxFuture<'a, Result<(), OutboundError>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(orders.iter().cloned());
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Moves changes of the table on to where they lead.
pub struct Pump {
    app: Arc<App>,
    streams: Streams,
    events: events::Parts,
    mailer: mailer::Parts,
    queue: Arc<Queue>,
    bus: Arc<Bus>,
    deny_list: Arc<DenyList>,
    logouts: Arc<Logouts>,
    /// The last record that was passed on.
    position: tokio::sync::Mutex<Option<String>>,
    position_file: Option<PathBuf>,
}

/// Whether everything has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// It has.
    Empty,
    /// Something failed and waits for the next time.
    Waiting,
}

impl Pump {
    /// A pump from the engine's table to `transport`. With a file it goes on where it last stopped.
    pub fn new(
        app: Arc<App>,
        engine: Streams,
        transport: Box<dyn MailTransport>,
        position_file: Option<PathBuf>,
    ) -> Self {
        let (queue, bus) = (Arc::new(Queue::default()), Arc::new(Bus::default()));
        let deny_list = Arc::new(DenyList::default());
        let logouts = Arc::new(Logouts::default());
        // Without the file, or with one that cannot be read, it begins at the beginning: what was sent is not sent again.
        let position = position_file.as_deref().and_then(|file| std::fs::read_to_string(file).ok());
        let position = position.filter(|position| streams::number(position).is_some());
        Self {
            app,
            streams: engine,
            events: events::Parts {
                queue: Box::new(Arc::clone(&queue)),
                bus: Box::new(Arc::clone(&bus)),
                edge: Some(Box::new(Arc::clone(&deny_list))),
                logouts: Some(Box::new(Arc::clone(&logouts))),
            },
            mailer: mailer::Parts { transport },
            queue,
            bus,
            deny_list,
            logouts,
            position: tokio::sync::Mutex::new(position),
            position_file,
        }
    }

    /// The engine's streams.
    pub fn streams(&self) -> &Streams {
        &self.streams
    }

    /// The events that were published.
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// What an edge refuses.
    pub fn deny_list(&self) -> &Arc<DenyList> {
        &self.deny_list
    }

    /// Passes everything on that has happened so far.
    pub async fn drain(&self) -> Result<Drained, DevError> {
        let mut position = self.position.lock().await;
        loop {
            let records = self.streams.records(self.table(), position.clone()).await?;
            let idle = records.is_empty() && self.queue.is_empty();
            let passed_on = self.pass_on(records, &mut position).await?;
            let sent = self.send().await;
            self.deny_list.turn(&self.app).await;
            self.logouts.turn(&self.app).await;
            if !(passed_on && sent) {
                return Ok(Drained::Waiting);
            }
            if let Some(position) = &*position {
                // Orders that wait are in memory alone: only now would nothing be lost.
                if !idle {
                    self.remember(position)?;
                }
                self.streams.trim(self.table(), position.clone()).await?;
            }
            if idle {
                return Ok(Drained::Empty);
            }
        }
    }

    /// Keeps how far everything has arrived. Written whole under another name first: half a number is another position.
    fn remember(&self, position: &str) -> Result<(), DevError> {
        let Some(file) = &self.position_file else { return Ok(()) };
        let fresh = file.with_extension("new");
        let written = std::fs::write(&fresh, position).and_then(|()| std::fs::rename(&fresh, file));
        written.map_err(|cause| DevError::Folder { folder: file.clone(), cause })
    }

    /// Drains again and again until a stop is asked for.
    pub async fn run(self: Arc<Self>, stop: watch::Receiver<bool>) {
        let mut interval = tokio::time::interval(INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut stop = std::pin::pin!(stopped(stop));
        loop {
            tokio::select! {
                () = &mut stop => return,
                _ = interval.tick() => {}
            }
            if let Err(cause) = self.drain().await {
                tracing::warn!(%cause, "the table's stream cannot be read");
            }
            // On AWS the function `audit-watch` reads it; nobody does here.
            if let Err(cause) = self.streams.trim_unread(self.named(&self.app.config.store.audit_table)).await {
                tracing::warn!(%cause, "the audit table's stream cannot be trimmed");
            }
        }
    }

    /// Gives the records to the function `events`. Whether it took them all.
    async fn pass_on(&self, records: Vec<Record>, position: &mut Option<String>) -> Result<bool, DevError> {
        let numbers: Vec<String> = records.iter().map(|record| record.dynamodb.sequence_number.clone()).collect();
        let Some(last) = numbers.last() else { return Ok(true) };
        let batch = serde_json::from_value(json!({ "Records": records })).map_err(|error| engine(&error))?;
        let answer = (events::FUNCTION.handler)(&self.app, &self.events, batch).await;
        let failed = answer.map_err(|error| engine(&error))?.batch_item_failures.pop();
        let done = match &failed {
            None => Some(last),
            Some(failed) => {
                let first = numbers.iter().position(|number| *number == failed.item_identifier).unwrap_or_default();
                first.checked_sub(1).and_then(|before| numbers.get(before))
            }
        };
        if let Some(done) = done {
            *position = Some(done.clone());
        }
        Ok(failed.is_none())
    }

    /// Gives the orders to the function `mailer`. Whether it carried them all out; the others wait again.
    async fn send(&self) -> bool {
        let orders = self.queue.take();
        let mut waiting = Vec::new();
        for orders in orders.chunks(MESSAGES) {
            let handed: Vec<_> = orders.iter().collect();
            let failed = mailer::FUNCTION.hand_over(&self.app, &self.mailer, &handed, |order| &order.id).await;
            waiting.extend(orders.iter().filter(|order| failed.contains(&order.id)).cloned());
        }
        let all = waiting.is_empty();
        // It always takes them.
        let _ = self.queue.put(&waiting).await;
        all
    }

    fn table(&self) -> String {
        self.named(&self.app.config.store.table)
    }

    fn named(&self, table: &str) -> String {
        format!("{table}-{}", self.app.config.stage.name())
    }
}

fn engine(error: &dyn std::fmt::Display) -> DevError {
    DevError::Engine(error.to_string())
}
