//! From a table's stream to the function that reads it (SA-10): each shard by whoever has its lease, a shard after the one
//! that it goes on from, and a checkpoint once the handler has answered.

use std::collections::HashMap;

use futures::future::{BoxFuture, join_all};
use wardgate::app::App;
use wardgate::aws::Connection;
use wardgate::current::Current;
use wardgate::domain::timestamp::Timestamp;
use wardgate::fault::Fault;
use wardgate::store::change_stream::{ChangeStream, Position, Shard};
use wardgate::use_cases::events::{StreamBatch, StreamRecord};

use crate::jobs::lease::{ASKED, Asked, Holder, Lease};
use crate::jobs::schedule::is_due;

/// What came of looking: the most urgent one holds for several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// There was nothing.
    Idle,
    /// Something failed, and waits.
    Waiting,
    /// There was something, and there may be more.
    Worked,
}

/// A function that reads a stream.
pub trait Records: Send + Sync {
    /// Takes records. The first that has to come again, with all after it, by its number.
    fn take<'a>(&'a self, app: &'a App, records: Vec<StreamRecord>) -> BoxFuture<'a, Result<Option<String>, Fault>>;
}

/// The function `events`.
pub struct TableRecords(pub events::Parts);

impl Records for TableRecords {
    fn take<'a>(&'a self, app: &'a App, records: Vec<StreamRecord>) -> BoxFuture<'a, Result<Option<String>, Fault>> {
        Box::pin(async move {
            let mut answer = (events::FUNCTION.handler)(app, &self.0, StreamBatch { records }).await?;
            Ok(answer.batch_item_failures.pop().map(|failed| failed.item_identifier))
        })
    }
}

/// The function `audit-watch`.
pub struct AuditRecords;

impl Records for AuditRecords {
    fn take<'a>(&'a self, app: &'a App, records: Vec<StreamRecord>) -> BoxFuture<'a, Result<Option<String>, Fault>> {
        Box::pin(async move {
            (audit_watch::FUNCTION.handler)(app, &(), StreamBatch { records }).await?;
            Ok(None)
        })
    }
}

/// Moves a table's changes on.
pub struct Pump {
    current: Current,
    stream: ChangeStream,
    holder: Holder,
    name: &'static str,
    records: Box<dyn Records>,
    shards: Vec<Followed>,
    listed_at: Option<Timestamp>,
}

struct Followed {
    shard: Shard,
    state: State,
}

enum State {
    /// Somebody else reads it, or nobody. When it was asked for last.
    Elsewhere(Option<Timestamp>),
    /// It is read here, and where on.
    Here(Box<Lease>, Option<Position>),
    /// All of it was read.
    Finished,
}

impl Pump {
    /// A pump from a table, by its configured name, to a function. `name` is what measurements call it.
    pub fn new(
        current: &Current,
        connection: &Connection,
        holder: &Holder,
        table: (&wardgate::config::Config, &str),
        name: &'static str,
        records: Box<dyn Records>,
    ) -> Self {
        let (config, table) = table;
        let table = format!("{table}-{}", config.stage.name());
        Self {
            current: current.clone(),
            stream: ChangeStream::new(config, connection, &table),
            holder: holder.clone(),
            name,
            records,
            shards: Vec::new(),
            listed_at: None,
        }
    }

    /// Passes on what there is, a page of each shard.
    pub async fn turn(&mut self) -> Turn {
        let app = self.current.app().await;
        let now = app.clock.now();
        if app.writes().is_err() {
            // Leases are items, too (ED-17). Those that were held are left to end by themselves.
            (self.shards, self.listed_at) = (Vec::new(), None);
        } else if is_due(self.listed_at, ASKED, now) {
            self.listed_at = Some(now);
            match self.stream.shards().await {
                Ok(shards) => self.follow(shards),
                // What is known is read on.
                Err(cause) => {
                    tracing::warn!(table = self.stream.table(), %cause, "the table's stream cannot be looked at");
                }
            }
        }
        self.ask(&app, now).await;
        let (stream, records, name) = (&self.stream, &*self.records, self.name);
        let steps = self.shards.iter_mut().map(|followed| followed.step(&app, stream, records, name));
        let turns = join_all(steps).await;
        let held = self.shards.iter().filter(|followed| matches!(followed.state, State::Here(..))).count();
        metrics::gauge!("wardgate_shards_held", "stream" => name)
            .set(f64::from(u32::try_from(held).unwrap_or(u32::MAX)));
        turns.into_iter().max().unwrap_or(Turn::Idle)
    }

    /// Those that are listed no more have no records either.
    fn follow(&mut self, shards: Vec<Shard>) {
        let mut known: HashMap<String, State> =
            self.shards.drain(..).map(|followed| (followed.shard.id, followed.state)).collect();
        self.shards.extend(shards.into_iter().map(|shard| {
            let state = known.remove(&shard.id).unwrap_or(State::Elsewhere(None));
            Followed { shard, state }
        }));
    }

    /// Asks for the shards that nobody reads, as far as what comes before them has been read.
    async fn ask(&mut self, app: &App, now: Timestamp) {
        loop {
            let unread: Vec<String> = self
                .shards
                .iter()
                .filter(|followed| !matches!(followed.state, State::Finished))
                .map(|followed| followed.shard.id.clone())
                .collect();
            let next = self.shards.iter_mut().find(|followed| {
                let waits = followed.shard.parent.as_ref().is_some_and(|parent| unread.contains(parent));
                !waits && matches!(followed.state, State::Elsewhere(asked_at) if is_due(asked_at, ASKED, now))
            });
            let Some(followed) = next else { return };
            let lease = format!("stream#{}#{}", self.stream.table(), followed.shard.id);
            followed.state = match Lease::take(app, &lease, &self.holder).await {
                Ok(Asked::Taken(lease)) => State::Here(Box::new(lease), None),
                Ok(Asked::Busy) => State::Elsewhere(Some(now)),
                Ok(Asked::Finished) => State::Finished,
                Err(cause) => {
                    tracing::warn!(lease, %cause, "a lease could not be asked for");
                    State::Elsewhere(Some(now))
                }
            };
        }
    }

    /// Lets others have them at once.
    pub async fn give_back(&mut self) {
        let app = self.current.app().await;
        for followed in &mut self.shards {
            if let State::Here(lease, _) = std::mem::replace(&mut followed.state, State::Elsewhere(None)) {
                lease.give_back(&app).await;
            }
        }
    }
}

/// Why a shard is not read on just now.
enum Stopped {
    /// Another has it.
    Lost,
    /// What is said of it is tried again.
    Failed(String),
}

impl From<wardgate::store::error::StoreError> for Stopped {
    fn from(cause: wardgate::store::error::StoreError) -> Self {
        Self::Failed(cause.to_string())
    }
}

impl Followed {
    async fn step(&mut self, app: &App, stream: &ChangeStream, records: &dyn Records, name: &'static str) -> Turn {
        let State::Here(lease, position) = &mut self.state else { return Turn::Idle };
        match read(app, stream, records, name, (&self.shard, lease, position)).await {
            Ok(Read::On(turn)) => turn,
            Ok(Read::ToTheEnd) => {
                self.state = State::Finished;
                Turn::Worked
            }
            Err(Stopped::Lost) => {
                tracing::warn!(table = stream.table(), shard = self.shard.id, "a shard's lease was lost");
                self.state = State::Elsewhere(Some(app.clock.now()));
                Turn::Waiting
            }
            Err(Stopped::Failed(cause)) => {
                tracing::warn!(table = stream.table(), cause, "the table's stream waits for another try");
                *position = None;
                Turn::Waiting
            }
        }
    }
}

enum Read {
    On(Turn),
    ToTheEnd,
}

async fn read(
    app: &App,
    stream: &ChangeStream,
    records: &dyn Records,
    name: &'static str,
    (shard, lease, position): (&Shard, &mut Lease, &mut Option<Position>),
) -> Result<Read, Stopped> {
    if !lease.is_kept(app).await {
        return Err(Stopped::Lost);
    }
    let from = match position.take() {
        Some(from) => Some(from),
        None => stream.position(shard, lease.checkpoint()).await?,
    };
    let Some(from) = from else { return end(app, lease).await };
    let page = stream.records(&from).await?;
    let lag = page.records.first().map_or(0, |first| app.clock.now().since(first.at()).as_secs());
    metrics::gauge!("wardgate_stream_lag_seconds", "stream" => name)
        .set(f64::from(u32::try_from(lag).unwrap_or(u32::MAX)));
    let numbers: Vec<String> = page.records.iter().map(|record| record.sequence_number().to_owned()).collect();
    // Renewing a lease is a change, too: one that were answered with a checkpoint would go on for ever.
    let is_work = page.records.iter().any(|record| !record.is_of_a_lease());
    let mut failed = None;
    if is_work {
        let taken = lease.while_held(app, records.take(app, page.records)).await.ok_or(Stopped::Lost)?;
        failed = taken.map_err(|cause| Stopped::Failed(cause.to_string()))?;
    }
    let done = match &failed {
        None => numbers.last(),
        Some(failed) => {
            let first = numbers.iter().position(|number| number == failed).unwrap_or_default();
            first.checked_sub(1).and_then(|before| numbers.get(before))
        }
    };
    if let Some(done) = done {
        lease.note(done.clone());
        if is_work && !lease.renew(app).await? {
            return Err(Stopped::Lost);
        }
    }
    if failed.is_some() {
        return Ok(Read::On(Turn::Waiting));
    }
    if page.next.is_none() {
        return end(app, lease).await;
    }
    *position = page.next;
    Ok(Read::On(if is_work { Turn::Worked } else { Turn::Idle }))
}

async fn end(app: &App, lease: &Lease) -> Result<Read, Stopped> {
    if lease.finish(app).await? { Ok(Read::ToTheEnd) } else { Err(Stopped::Lost) }
}
