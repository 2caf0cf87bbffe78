//! A data migration: which way it goes, how far it is, and who is at it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::timestamp::Timestamp;

/// Which way a migration goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// It is applied.
    Up,
    /// It is taken back.
    Down,
}

impl Direction {
    /// As operators read it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// How a migration stands in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MigrationStatus {
    /// Begun and not at its end, whether somebody is at it or not.
    Running,
    /// Every item has been gone through.
    Applied,
    /// Taken back, every item has been gone through.
    Reverted,
}

/// An item's keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The partition key.
    pub pk: String,
    /// The sort key.
    pub sk: String,
}

/// How far one part of the table has been gone through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// The last item that was looked at; none at the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// Whether that was the last.
    pub done: bool,
}

/// How far the whole table has been gone through, and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The parts of the table.
    pub segments: Vec<Segment>,
    /// Items looked at.
    pub seen: u64,
    /// Items changed, or that would be. What a run that died had changed after it last wrote this is not counted again.
    pub changed: u64,
    /// How many items the table had at the beginning. The service counts every six hours.
    pub total: Option<u64>,
    /// What the migration itself counts: how many items now are what.
    pub tallies: BTreeMap<String, u64>,
}

impl Progress {
    /// The beginning.
    pub fn new(segments: usize, total: Option<u64>) -> Self {
        Self { segments: vec![Segment::default(); segments], total, ..Self::default() }
    }

    /// Whether every part is done.
    pub fn is_done(&self) -> bool {
        self.segments.iter().all(|segment| segment.done)
    }
}

/// A migration in a table: its lock, what it is done for, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrationState {
    /// Four digits; migrations go in their order.
    pub number: String,
    /// What it is called.
    pub name: String,
    /// When it was written, `yyyymmddhhmmss`.
    pub timestamp: String,
    /// SHA-256 of its source, in hex. Another source is another migration.
    pub checksum: String,
    /// Whether code that does not know it cannot read what it leaves.
    pub contract: bool,
    /// How it stands.
    pub status: MigrationStatus,
    /// Which way it goes, or went last.
    pub direction: Direction,
    /// What it is done for: another one makes it due again.
    pub revision: String,
    /// What taking it back goes back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Grows with each write of this item: a write of somebody who has lost the lock fails.
    pub version: u64,
    /// Who is at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// When the owner counts as dead unless it wrote again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// When this way began.
    pub started_at: Timestamp,
    /// When it was applied last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_at: Option<Timestamp>,
    /// How far it is.
    pub progress: Progress,
}

impl MigrationState {
    /// Until when somebody else than `owner` holds the lock, at `now`.
    pub fn locked_for(&self, owner: &str, now: Timestamp) -> Option<Timestamp> {
        let other = self.owner.as_deref().is_some_and(|holder| holder != owner);
        self.expires.filter(|expires| other && now < *expires)
    }
}
