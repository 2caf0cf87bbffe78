//! What AWS does between the table's stream, the functions `events` and `mailer`, and the queue between them: the same
//! handlers, in this process.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dynoxide::Database;
use dynoxide::actions::describe_stream::DescribeStreamRequest;
use dynoxide::actions::get_records::{GetRecordsRequest, Record};
use dynoxide::actions::get_shard_iterator::GetShardIteratorRequest;
use dynoxide::actions::list_streams::ListStreamsRequest;
use futures::future::BoxFuture;
use serde_json::json;
use tokio::sync::watch;
use wardgate::app::App;
use wardgate::domain::mail_order::MailOrder;
use wardgate::outbound::{MailQueue, MailTransport, OutboundError};

use crate::dev::DevError;
use crate::dev::bus::Bus;
use crate::serve::stopped;

/// How often the stream is looked at.
const INTERVAL: Duration = Duration::from_millis(300);
/// The most records of a batch.
const RECORDS: usize = 100;
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
    database: Database,
    events: events::Parts,
    mailer: mailer::Parts,
    queue: Arc<Queue>,
    bus: Arc<Bus>,
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
        database: Database,
        transport: Box<dyn MailTransport>,
        position_file: Option<PathBuf>,
    ) -> Self {
        let (queue, bus) = (Arc::new(Queue::default()), Arc::new(Bus::default()));
        // Without the file, or with one that cannot be read, it begins at the beginning: what was sent is not sent again.
        let position = position_file.as_deref().and_then(|file| std::fs::read_to_string(file).ok());
        Self {
            app,
            database,
            events: events::Parts { queue: Box::new(Arc::clone(&queue)), bus: Box::new(Arc::clone(&bus)) },
            mailer: mailer::Parts { transport },
            queue,
            bus,
            position: tokio::sync::Mutex::new(position),
            position_file,
        }
    }

    /// The engine, for what has no place in the client's protocol.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// The events that were published.
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// Passes everything on that has happened so far.
    pub async fn drain(&self) -> Result<Drained, DevError> {
        let mut position = self.position.lock().await;
        loop {
            let records = self.records(position.clone()).await?;
            let idle = records.is_empty() && self.queue.is_empty();
            let passed_on = self.pass_on(records, &mut position).await?;
            let sent = self.send().await?;
            if !(passed_on && sent) {
                return Ok(Drained::Waiting);
            }
            if idle {
                break;
            }
        }
        // Orders that wait are in memory alone: only now would nothing be lost.
        if let (Some(file), Some(position)) = (&self.position_file, &*position) {
            let failed = |cause| DevError::Folder { folder: file.clone(), cause };
            std::fs::write(file, position).map_err(failed)?;
        }
        Ok(Drained::Empty)
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
    async fn send(&self) -> Result<bool, DevError> {
        let orders = self.queue.take();
        let mut waiting = Vec::new();
        for orders in orders.chunks(MESSAGES) {
            let message = |order: &MailOrder| {
                let body = serde_json::to_string(order).unwrap_or_default();
                json!({ "messageId": order.id, "body": body, "eventSource": "aws:sqs" })
            };
            let messages: Vec<_> = orders.iter().map(message).collect();
            let batch = serde_json::from_value(json!({ "Records": messages })).map_err(|error| engine(&error))?;
            let answer = (mailer::FUNCTION.handler)(&self.app, &self.mailer, batch).await;
            let failed = answer.map_err(|error| engine(&error))?.batch_item_failures;
            let has_failed = |order: &&MailOrder| failed.iter().any(|failed| failed.item_identifier == order.id);
            waiting.extend(orders.iter().filter(has_failed).cloned());
        }
        let all = waiting.is_empty();
        // It always takes them.
        let _ = self.queue.put(&waiting).await;
        Ok(all)
    }

    async fn records(&self, after: Option<String>) -> Result<Vec<Record>, DevError> {
        let config = &self.app.config;
        self.records_of(format!("{}-{}", config.store.table, config.stage.name()), after).await
    }

    /// The first changes of a table after the one with this number, as Lambda hands them over.
    pub async fn records_of(&self, table: String, after: Option<String>) -> Result<Vec<Record>, DevError> {
        let database = self.database.clone();
        let read = tokio::task::spawn_blocking(move || read(&database, table, after));
        read.await.map_err(|error| engine(&error))?
    }
}

fn read(database: &Database, table: String, after: Option<String>) -> Result<Vec<Record>, DevError> {
    let streams = ListStreamsRequest { table_name: Some(table), ..ListStreamsRequest::default() };
    let streams = database.list_streams(streams).map_err(|error| engine(&error))?.streams;
    let Some(stream) = streams.into_iter().next() else { return Err(engine(&"the table has no stream")) };
    let describe = DescribeStreamRequest { stream_arn: stream.stream_arn.clone(), ..DescribeStreamRequest::default() };
    let shards = database.describe_stream(describe).map_err(|error| engine(&error))?.stream_description.shards;
    let Some(shard) = shards.into_iter().next() else { return Ok(Vec::new()) };
    let from = if after.is_some() { "AFTER_SEQUENCE_NUMBER" } else { "TRIM_HORIZON" };
    let iterator = GetShardIteratorRequest {
        stream_arn: stream.stream_arn,
        shard_id: shard.shard_id,
        shard_iterator_type: from.to_owned(),
        sequence_number: after,
    };
    let iterator = database.get_shard_iterator(iterator).map_err(|error| engine(&error))?.shard_iterator;
    let request = GetRecordsRequest { shard_iterator: iterator.unwrap_or_default(), limit: Some(RECORDS) };
    Ok(database.get_records(request).map_err(|error| engine(&error))?.records)
}

fn engine(error: &dyn std::fmt::Display) -> DevError {
    DevError::Engine(error.to_string())
}
