//! What operators are told.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

use crate::domain::migration::{Direction, MigrationState, MigrationStatus, Progress};
use crate::domain::timestamp::Timestamp;
use crate::use_cases::migrate::plan::Known;

/// What a run has done.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Whether something is left to be done: the same is to be asked for again.
    pub more: bool,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// What this run finished.
    pub finished: Vec<Step>,
    /// What it did not finish.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running: Option<Step>,
    /// Why it stopped before its time: the table had no capacity. It goes on when it is asked for again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interrupted: Option<String>,
    /// Why nothing more is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refusal>,
    /// Where a dry run goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume: Option<Resume>,
}

impl Report {
    pub(in crate::use_cases) fn refused(self, refusal: Refusal) -> Self {
        Self { refused: Some(refusal), ..self }
    }
}

/// A migration, one way, and how far it is.
#[derive(Debug, Serialize)]
pub struct Step {
    /// Which.
    pub number: String,
    /// What it is called.
    pub name: String,
    /// Which way.
    pub direction: Direction,
    /// What it is done for.
    pub revision: String,
    /// Items looked at.
    pub seen: u64,
    /// Items changed, or that would be.
    pub changed: u64,
    /// About how many items there are.
    pub total: Option<u64>,
    /// Items in a second, in this run; none at the end.
    pub rate: Option<u64>,
    /// About how long it takes until the end.
    pub seconds_left: Option<u64>,
    /// How many items now are what.
    pub tallies: BTreeMap<String, u64>,
}

impl Step {
    pub(in crate::use_cases) fn new(state: &MigrationState, seen: u64, took: Duration) -> Self {
        let Progress { seen: all, changed, total, ref tallies, .. } = state.progress;
        let done = state.progress.is_done();
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let rate = seen.saturating_mul(1000).checked_div(milliseconds).unwrap_or(seen);
        let left = total.map(|total| total.saturating_sub(all)).and_then(|left| left.checked_div(rate));
        Self {
            number: state.number.clone(),
            name: state.name.clone(),
            direction: state.direction,
            revision: state.revision.clone(),
            seen: all,
            changed,
            total,
            rate: (!done).then_some(rate),
            seconds_left: if done { Some(0) } else { left },
            tallies: tallies.clone(),
        }
    }
}

/// Why something is not done, in a word and in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// For programs.
    pub code: &'static str,
    /// For people.
    pub detail: String,
    /// Until when somebody else has the lock unless they renew it.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub until: Option<Timestamp>,
}

impl Refusal {
    pub(in crate::use_cases) fn new(code: &'static str, detail: String) -> Self {
        Self { code, detail, until: None }
    }

    pub(in crate::use_cases) fn locked(state: &MigrationState, until: Timestamp) -> Self {
        let detail = format!(
            "another run is at {} {}; unless it writes again, its lock ends at {}",
            state.number,
            state.name,
            until.rfc3339()
        );
        Self { until: Some(until), ..Self::new("locked", detail) }
    }

    pub(in crate::use_cases) fn lost(state: &MigrationState) -> Self {
        let detail = format!("another run has taken over {} {}; this one has stopped", state.number, state.name);
        Self::new("lock_lost", detail)
    }
}

/// Where a dry run goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// How many steps are done.
    pub done: usize,
    /// How far the next one is.
    #[serde(default)]
    pub progress: Option<Progress>,
}

/// How every migration stands.
#[derive(Debug, Serialize)]
pub struct Listing {
    /// The time of the answer.
    #[serde(serialize_with = "rfc3339")]
    pub now: Timestamp,
    /// In order.
    pub migrations: Vec<Standing>,
}

/// How a migration stands.
#[derive(Debug, Serialize)]
pub struct Standing {
    /// Which.
    pub number: String,
    /// What it is called.
    pub name: String,
    /// When it was written.
    pub timestamp: String,
    /// Whether code that does not know it cannot read what it leaves.
    pub contract: bool,
    /// Whether this release knows it.
    pub known: bool,
    /// `pending`, `running` either way, `applied` or `reverted`. Something of it may lie in the table where it is running
    /// or applied.
    pub status: &'static str,
    /// Whether a run would apply it now.
    pub due: bool,
    /// What it is done for.
    pub revision: Option<String>,
    /// When it was applied last.
    #[serde(serialize_with = "as_text")]
    pub applied_at: Option<Timestamp>,
    /// Until when somebody has its lock.
    #[serde(serialize_with = "as_text")]
    pub locked_until: Option<Timestamp>,
    /// What was counted.
    pub tallies: BTreeMap<String, u64>,
}

impl Listing {
    pub(in crate::use_cases) fn new(known: &[Known<'_>], states: &[MigrationState], now: Timestamp) -> Self {
        let strangers = states.iter().filter(|state| !known.iter().any(|it| it.number() == state.number));
        let mut migrations: Vec<Standing> = known.iter().map(|it| Standing::of(it, now)).collect();
        migrations.extend(strangers.map(|state| Standing::stranger(state, now)));
        migrations.sort_by(|one, other| one.number.cmp(&other.number));
        Self { now, migrations }
    }
}

impl Standing {
    fn of(known: &Known<'_>, now: Timestamp) -> Self {
        let definition = known.migration.definition();
        let bare = Self {
            number: definition.number.to_owned(),
            name: definition.name.to_owned(),
            timestamp: definition.timestamp.to_owned(),
            contract: definition.contract,
            known: true,
            status: "pending",
            due: known.is_due(None),
            revision: None,
            applied_at: None,
            locked_until: None,
            tallies: BTreeMap::new(),
        };
        known
            .state
            .map_or_else(|| bare, |state| Self { known: true, due: known.is_due(None), ..Self::stranger(state, now) })
    }

    /// One that a later release has applied.
    fn stranger(state: &MigrationState, now: Timestamp) -> Self {
        Self {
            number: state.number.clone(),
            name: state.name.clone(),
            timestamp: state.timestamp.clone(),
            contract: state.contract,
            known: false,
            status: match state.status {
                MigrationStatus::Running => "running",
                MigrationStatus::Applied => "applied",
                MigrationStatus::Reverted => "reverted",
            },
            due: false,
            revision: Some(state.revision.clone()),
            applied_at: state.applied_at,
            locked_until: state.expires.filter(|expires| now < *expires),
            tallies: state.progress.tallies.clone(),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn rfc3339<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.rfc3339())
}

#[expect(clippy::ref_option, reason = "serde wants it so")]
fn as_text<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(Timestamp::rfc3339).serialize(serializer)
}
