//! Applying migrations and taking them back, a part of the way in each run, until nothing is left to be done.
//!
//! A run may end anywhere, also between two store requests. The state of a migration is written after each round, on
//! condition that nobody else has written it since; that is the lock. What a run that died had changed after that is
//! found as it should be by the next one, which begins with the same items.

mod order;
mod plan;
mod rehearsal;
mod report;

use std::time::Duration;

use crate::app::App;
use crate::clock::Pause;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::hex;
use crate::domain::language::Language;
use crate::domain::migration::{Direction, MigrationState, MigrationStatus, Progress};
use crate::domain::origin::Origin;
use crate::domain::request_context::RequestContext;
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;
use crate::migrations::sweep::Sweep;
use crate::migrations::{Course, Migration};
use crate::store::error::StoreError;
use crate::store::migrations::Saved;
use futures::future::try_join_all;
pub use order::Order;
use plan::Known;
pub use report::{Listing, Refusal, Report, Resume, Standing, Step};

/// How long a runner counts as alive after its last word.
const LEASE: Duration = Duration::from_mins(1);
/// In how many parts the table is gone through.
const SEGMENTS: usize = 4;

/// What a run needs beside the App.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// What this release knows.
    pub migrations: &'a [&'a dyn Migration],
    /// Lets time pass.
    pub pause: &'a dyn Pause,
}

/// How every migration stands, known to this release or not.
pub async fn standing(app: &App, migrations: &[&dyn Migration]) -> Result<Listing, Fault> {
    let now = app.clock.now();
    let states = app.store.migration_states().await?;
    let known = known(app, migrations, &states, now).await?;
    Ok(Listing::new(&known, &states, now))
}

/// Does as much of what is left to be done as there is time for, in the region that writes (ED-17).
pub async fn migrate(app: &App, run: Run<'_>, order: &Order) -> Result<Report, Fault> {
    app.writes_now().await?;
    let runner = Runner { app, run, order, until: order.until(app, app.clock.now()), owner: owner(app)? };
    if order.dry_run { runner.rehearse().await } else { runner.perform().await }
}

fn owner(app: &App) -> Result<String, Fault> {
    Ok(hex(&app.entropy.bytes::<16>()?))
}

async fn known<'a>(
    app: &App,
    migrations: &'a [&'a dyn Migration],
    states: &'a [MigrationState],
    now: Timestamp,
) -> Result<Vec<Known<'a>>, Fault> {
    try_join_all(migrations.iter().map(async |migration| {
        let number = migration.definition().number;
        let state = states.iter().find(|state| state.number == number);
        Ok(Known { migration: *migration, state, aim: migration.aim(app, now).await? })
    }))
    .await
}

struct Runner<'a> {
    app: &'a App,
    run: Run<'a>,
    order: &'a Order,
    until: Timestamp,
    owner: String,
}

/// How one migration's part of a run ended.
enum Ended {
    Done(Step),
    OutOfTime(Step),
    Refused(Refusal),
}

impl Runner<'_> {
    async fn perform(&self) -> Result<Report, Fault> {
        let mut report = Report::default();
        loop {
            let now = self.app.clock.now();
            let states = self.app.store.migration_states().await?;
            let known = known(self.app, self.run.migrations, &states, now).await?;
            let to = self.order.to.as_deref();
            if let Err(refusal) = plan::check(&known, &states, to).and_then(|()| self.unlocked(&states, now)) {
                return Ok(report.refused(refusal));
            }
            let Some((next, direction)) = plan::steps(&known, to, self.order.again).first().copied() else {
                return Ok(report);
            };
            let Some(next) = known.get(next) else { return Ok(report) };
            if now >= self.until {
                return Ok(Report { more: true, ..report });
            }
            match self.advance(next, direction, now).await {
                Ok(Ended::Done(step)) => report.finished.push(step),
                Ok(Ended::OutOfTime(step)) => return Ok(Report { more: true, running: Some(step), ..report }),
                Ok(Ended::Refused(refusal)) => return Ok(report.refused(refusal)),
                // What was written by then stays, and it goes on from there.
                Err(Fault::Store(StoreError::Unavailable(cause))) => {
                    return Ok(Report { more: true, interrupted: Some(cause), ..report });
                }
                Err(fault) => return Err(fault),
            }
        }
    }

    fn request_id(&self) -> &str {
        self.order.asked_by.as_deref().unwrap_or("migrate")
    }

    fn unlocked(&self, states: &[MigrationState], now: Timestamp) -> Result<(), Refusal> {
        let held = states.iter().find_map(|state| Some((state, state.locked_for(&self.owner, now)?)));
        held.map_or(Ok(()), |(state, until)| Err(Refusal::locked(state, until)))
    }

    /// Takes the lock of a migration, and goes on with it or begins it.
    async fn advance(&self, known: &Known<'_>, direction: Direction, now: Timestamp) -> Result<Ended, Fault> {
        let Some(mut state) = self.begun(known, direction, now).await? else {
            // Its keys went between two looks.
            return Ok(Ended::Refused(Refusal::new("nothing_to_do", "it can no longer be done".to_owned())));
        };
        if self.save(&mut state, None).await? == Saved::Lost {
            return Ok(Ended::Refused(Refusal::lost(&state)));
        }
        // Whoever took another migration's lock at the same time sees this one, or is seen here.
        if let Err(refusal) = self.unlocked(&self.app.store.migration_states().await?, now) {
            self.release(&mut state).await?;
            return Ok(Ended::Refused(refusal));
        }
        let ended = self.sweep(known.migration, &mut state).await;
        if ended.is_err() {
            // So that the next one need not wait for the lease. Where this fails, it waits.
            if let Err(cause) = self.release(&mut state).await {
                tracing::warn!(%cause, "could not give back a migration's lock");
            }
        }
        ended
    }

    /// The state to go on from: the one that is there, if it goes the same way for the same end, or a new one.
    async fn begun(
        &self,
        known: &Known<'_>,
        direction: Direction,
        now: Timestamp,
    ) -> Result<Option<MigrationState>, Fault> {
        if let Some(state) = known.state
            && state.status == MigrationStatus::Running
            && state.direction == direction
        {
            return Ok(Some(state.clone()));
        }
        let (revision, before) = match (direction, known.state, &known.aim) {
            (Direction::Down, Some(state), _) => (state.revision.clone(), state.before.clone()),
            (_, _, Some(aim)) => (aim.revision.clone(), aim.before.clone()),
            _ => return Ok(None),
        };
        let definition = known.migration.definition();
        Ok(Some(MigrationState {
            number: definition.number.to_owned(),
            name: definition.name.to_owned(),
            timestamp: definition.timestamp.to_owned(),
            checksum: definition.checksum(),
            contract: definition.contract,
            status: MigrationStatus::Running,
            direction,
            revision,
            before,
            version: known.state.map_or(0, |state| state.version),
            owner: None,
            expires: None,
            started_at: now,
            applied_at: known.state.and_then(|state| state.applied_at),
            progress: Progress::new(SEGMENTS, self.app.store.estimated_items().await?),
        }))
    }

    /// Goes on with a migration whose lock is held, until it is done or the time is over.
    async fn sweep(&self, migration: &dyn Migration, state: &mut MigrationState) -> Result<Ended, Fault> {
        let (app, began) = (self.app, self.app.clock.now());
        let mut sweep = Sweep::new(migration, state.direction, self.order.limits(), self.run.pause, began, false);
        while !state.progress.is_done() {
            let expires = state.expires.unwrap_or(began);
            let progress = sweep.round(&Course::of(app, state), &state.progress, expires).await?;
            state.progress = progress;
            if self.save(state, None).await? == Saved::Lost {
                return Ok(Ended::Refused(Refusal::lost(state)));
            }
            loop {
                let now = app.clock.now();
                let wait = sweep.wait(now);
                if state.progress.is_done() {
                    break;
                }
                if now >= self.until {
                    let step = Step::new(state, sweep.seen(), now.since(began));
                    self.release(state).await?;
                    return Ok(Ended::OutOfTime(step));
                }
                if wait.is_zero() {
                    break;
                }
                sweep.rest(wait.min(self.until.since(now))).await;
                if self.save(state, None).await? == Saved::Lost {
                    return Ok(Ended::Refused(Refusal::lost(state)));
                }
            }
        }
        let now = app.clock.now();
        let step = Step::new(state, sweep.seen(), now.since(began));
        let ended = match state.direction {
            Direction::Up => MigrationStatus::Applied,
            Direction::Down => MigrationStatus::Reverted,
        };
        if self.save(state, Some(ended)).await? == Saved::Lost {
            return Ok(Ended::Refused(Refusal::lost(state)));
        }
        tracing::info!(
            migration = state.number,
            direction = state.direction.name(),
            seen = state.progress.seen,
            changed = state.progress.changed,
            "migrated"
        );
        Ok(Ended::Done(step))
    }

    /// Writes the state and renews the lease; with an end also that, without the lease and with a line of the trail.
    async fn save(&self, state: &mut MigrationState, ended: Option<MigrationStatus>) -> Result<Saved, Fault> {
        let now = self.app.clock.now();
        state.version += 1;
        let Some(ended) = ended else {
            state.owner = Some(self.owner.clone());
            state.expires = Some(now.plus(LEASE));
            return Ok(self.app.store.save_migration(state).await?);
        };
        state.status = ended;
        (state.owner, state.expires) = (None, None);
        if ended == MigrationStatus::Applied {
            state.applied_at = Some(now);
        }
        let context = RequestContext {
            now,
            origin: Origin::new(None, None),
            language: Language::default(),
            request_id: self.request_id().to_owned(),
        };
        let audit = self.app.audit(&context, Subject::Stage, AuditAction::Migrated, None)?;
        Ok(self.app.store.finish_migration(state, &audit).await?)
    }

    /// Gives the lock back before the end. Where it is lost, there is nothing to give back.
    async fn release(&self, state: &mut MigrationState) -> Result<(), Fault> {
        state.version += 1;
        (state.owner, state.expires) = (None, None);
        self.app.store.save_migration(state).await?;
        Ok(())
    }
}
