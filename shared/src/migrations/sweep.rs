//! Going through the whole table once, not faster than is allowed, and stopping in time.

use std::time::Duration;

use futures::future::try_join_all;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::clock::Pause;
use crate::domain::migration::{Direction, Progress, Segment};
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;
use crate::migrations::{Course, Migration};
use crate::store::edits::{Edited, Item};
use crate::store::error::StoreError;

/// How often an item is judged again that others keep changing.
const JUDGED_AT_MOST: usize = 20;
/// The most items of a page, and how many the first has, when it is not known yet what items cost.
const LARGEST_PAGE: u32 = 250;
const FIRST_PAGE: u32 = 50;
/// The longest wait without a word.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What a sweep may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Items looked at in a second.
    pub items_per_second: u32,
    /// Capacity units in a second, reads and writes together.
    pub capacity_per_second: u32,
    /// Writes at a time.
    pub concurrent_writes: usize,
}

/// A sweep of one migration, one way.
pub struct Sweep<'a> {
    migration: &'a dyn Migration,
    direction: Direction,
    limits: Limits,
    pause: &'a dyn Pause,
    began: Timestamp,
    /// Since it began.
    seen: u64,
    milliunits: u64,
    /// Whether it writes.
    writes: bool,
}

/// What became of some items.
#[derive(Default)]
struct Outcome {
    changed: u64,
    tallies: Vec<String>,
    milliunits: u64,
}

impl<'a> Sweep<'a> {
    /// A sweep that begins now; a dry one judges and writes nothing.
    pub fn new(
        migration: &'a dyn Migration,
        direction: Direction,
        limits: Limits,
        pause: &'a dyn Pause,
        now: Timestamp,
        dry_run: bool,
    ) -> Self {
        Self { migration, direction, limits, pause, began: now, seen: 0, milliunits: 0, writes: !dry_run }
    }

    /// Items looked at since it began.
    pub const fn seen(&self) -> u64 {
        self.seen
    }

    /// Takes a page of each part of the table that is left. Until `expires` nobody else writes: no write begins so late
    /// that it could outlast that.
    pub async fn round(
        &mut self,
        course: &Course<'_>,
        progress: &Progress,
        expires: Timestamp,
    ) -> Result<Progress, Fault> {
        let segments = progress.segments.len();
        let open = || progress.segments.iter().enumerate().filter(|(_, segment)| !segment.done);
        let limit = self.page_size(open().count());
        let selection = self.migration.selection();
        let pages = try_join_all(open().map(async |(index, segment)| {
            let from = segment.position.as_ref();
            let page = course.app.store.scan_selected(&selection, (index, segments), from, limit).await?;
            Ok::<_, StoreError>((index, page))
        }))
        .await?;
        let last_write = expires.minus(Duration::from_millis(course.app.config.aws.operation_timeout_ms));
        let mut next = progress.clone();
        let mut items = Vec::new();
        for (index, page) in pages {
            if let Some(segment) = next.segments.get_mut(index) {
                *segment = Segment { done: page.next.is_none(), position: page.next };
            }
            next.seen += page.seen;
            self.seen += page.seen;
            self.milliunits += page.milliunits;
            items.extend(page.items);
        }
        let outcomes: Vec<Outcome> = stream::iter(items)
            .map(|item| self.change(course, item, last_write))
            .buffer_unordered(self.limits.concurrent_writes.max(1))
            .try_collect()
            .await?;
        for outcome in outcomes {
            next.changed += outcome.changed;
            self.milliunits += outcome.milliunits;
            for tally in outcome.tallies {
                *next.tallies.entry(tally).or_default() += 1;
            }
        }
        Ok(next)
    }

    /// About a second's worth, so that a round is short beside a lease, and a run that stops owes little time.
    fn page_size(&self, open: usize) -> u32 {
        let open = u32::try_from(open).unwrap_or(u32::MAX).max(1);
        // In capacity, by what items have cost so far.
        let capacity = u64::from(self.limits.capacity_per_second) * 1000 * self.seen / self.milliunits.max(1);
        let affordable = if self.seen == 0 { FIRST_PAGE } else { u32::try_from(capacity).unwrap_or(u32::MAX) };
        (self.limits.items_per_second.min(affordable) / open).clamp(1, LARGEST_PAGE)
    }

    /// Judges an item until the verdict is carried out, or there is nothing to carry out.
    async fn change(&self, course: &Course<'_>, item: Item, last_write: Timestamp) -> Result<Outcome, Fault> {
        let mut outcome = Outcome::default();
        let mut item = item;
        for _ in 0..JUDGED_AT_MOST {
            let verdict = match self.direction {
                Direction::Up => self.migration.up(course, &item).await?,
                Direction::Down => self.migration.down(course, &item).await?,
            };
            outcome.milliunits += verdict.milliunits;
            let edited = match verdict.edit {
                Some(edit) if self.writes => {
                    if course.app.clock.now() >= last_write {
                        return Err(StoreError::Unavailable("the lease ran out".to_owned()).into());
                    }
                    let (edited, milliunits) = course.app.store.edit(&edit).await?;
                    outcome.milliunits += milliunits;
                    outcome.changed = u64::from(matches!(edited, Edited::Changed));
                    edited
                }
                edit => {
                    outcome.changed = u64::from(edit.is_some());
                    Edited::Changed
                }
            };
            match edited {
                Edited::Changed => {
                    outcome.tallies = verdict.tally.into_iter().collect();
                    return Ok(outcome);
                }
                Edited::Superseded(None) => return Ok(outcome),
                Edited::Superseded(Some(now)) => item = now,
            }
        }
        Err(StoreError::Unavailable("an item is being changed all the time".to_owned()).into())
    }

    /// How long until the next round may begin.
    pub fn wait(&self, now: Timestamp) -> Duration {
        let by_items = self.seen * 1000 / u64::from(self.limits.items_per_second.max(1));
        let by_units = self.milliunits / u64::from(self.limits.capacity_per_second.max(1));
        self.began.plus(Duration::from_millis(by_items.max(by_units))).since(now)
    }

    /// Waits, though not longer than a lease lasts: whoever waits renews it in between.
    pub async fn rest(&self, wait: Duration) {
        self.pause.pause(wait.min(LONGEST_PAUSE)).await;
    }
}
