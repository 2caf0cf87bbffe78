//! The embedded engine's stream records. The engine never deletes them and looks for them without an index, so that each
//! write would take longer than the one before: docs/engine-growth.md. Its file is `SQLite`'s, and this sees to it there.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use dynoxide::Database;
use dynoxide::actions::get_records::{GetRecordsRequest, Record};
use dynoxide::actions::get_shard_iterator::GetShardIteratorRequest;
use dynoxide::actions::list_streams::ListStreamsRequest;
use dynoxide::streams::shard_id;
use rusqlite::{Connection, params};

use crate::dev::DevError;

/// The most records of a batch.
pub const RECORDS: usize = 100;
/// The most records that one turn deletes: more than one turn passes on, and few enough that no request waits.
const TRIMMED: usize = 1_000;

/// One for the number that a write gets, one for what is read of a shard: by the very expressions that the engine asks by.
const INDEXES: &str = "
    CREATE INDEX IF NOT EXISTS _wardgate_stream_numbers
        ON _stream_records (table_name, CAST(sequence_number AS INTEGER));
    CREATE INDEX IF NOT EXISTS _wardgate_stream_positions
        ON _stream_records (table_name, shard_id, CAST(sequence_number AS INTEGER));";

const TRIM: &str = "
    DELETE FROM _stream_records WHERE id IN (
        SELECT id FROM _stream_records WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) < ?2
        ORDER BY CAST(sequence_number AS INTEGER) LIMIT ?3)";

const NEWEST: &str = "SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records WHERE table_name = ?1";

/// An engine's streams.
#[derive(Clone)]
pub struct Streams {
    database: Database,
    connection: Arc<Mutex<Connection>>,
}

impl Streams {
    /// Opens the engine's file, or memory that only this engine knows, with the indexes. A file that has many records
    /// and no index yet takes seconds.
    pub fn open(file: Option<&Path>) -> Result<Self, DevError> {
        static MEMORIES: AtomicU64 = AtomicU64::new(0);
        let name = match file {
            Some(file) => file.to_string_lossy().into_owned(),
            // Unlike `:memory:`, a second connection reaches it.
            None => format!("file:/wardgate-{}?vfs=memdb", MEMORIES.fetch_add(1, Ordering::Relaxed)),
        };
        // The engine first: the tables are its own.
        let database = Database::new(&name).map_err(|error| engine(&error))?;
        let connection = Connection::open(&name).map_err(|error| engine(&error))?;
        connection.execute_batch(INDEXES).map_err(|error| engine(&error))?;
        Ok(Self { database, connection: Arc::new(Mutex::new(connection)) })
    }

    /// The engine, for what has no place in the client's protocol.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// The first changes of a table after the one with this number, as Lambda hands them over.
    pub async fn records(&self, table: String, after: Option<String>) -> Result<Vec<Record>, DevError> {
        self.clone().apart(move |streams| read(&streams.database, &table, after)).await
    }

    /// Deletes records of a table before the one with this number, but not all at once. That one stays: the engine
    /// counts on from its last record, and must never give a number below one that was passed on.
    pub async fn trim(&self, table: String, before: String) -> Result<(), DevError> {
        let Some(before) = number(&before) else { return Ok(()) };
        self.clone().apart(move |streams| streams.delete(&table, before)).await
    }

    /// Deletes records of a table that nobody reads, but for the last, and not all at once.
    pub async fn trim_unread(&self, table: String) -> Result<(), DevError> {
        self.clone()
            .apart(move |streams| {
                let newest: Option<i64> =
                    streams.ask(|connection| connection.query_row(NEWEST, [&table], |row| row.get(0)))?;
                newest.map_or(Ok(()), |newest| streams.delete(&table, newest))
            })
            .await
    }

    /// How many records of a table are kept.
    pub async fn kept(&self, table: String) -> Result<usize, DevError> {
        let count = "SELECT COUNT(*) FROM _stream_records WHERE table_name = ?1";
        self.clone()
            .apart(move |streams| streams.ask(|connection| connection.query_row(count, [&table], |row| row.get(0))))
            .await
    }

    fn delete(&self, table: &str, before: i64) -> Result<(), DevError> {
        self.ask(|connection| connection.execute(TRIM, params![table, before, TRIMMED])).map(drop)
    }

    fn ask<T>(&self, question: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, DevError> {
        question(&self.connection.lock().unwrap_or_else(PoisonError::into_inner)).map_err(|error| engine(&error))
    }

    /// Where waiting holds nobody up.
    async fn apart<T: Send + 'static>(
        self,
        work: impl FnOnce(&Self) -> Result<T, DevError> + Send + 'static,
    ) -> Result<T, DevError> {
        tokio::task::spawn_blocking(move || work(&self)).await.map_err(|error| engine(&error))?
    }
}

/// A record's number as it is stored, from how the engine shows it: with 10^20 added. `None` for what is not one.
pub(super) fn number(shown: &str) -> Option<i64> {
    let digits = shown.strip_prefix('1').filter(|digits| digits.len() == 20)?;
    digits.parse().ok()
}

/// Asking for the stream's description, too, would count all of its records.
fn read(database: &Database, table: &str, after: Option<String>) -> Result<Vec<Record>, DevError> {
    let streams = ListStreamsRequest { table_name: Some(table.to_owned()), ..ListStreamsRequest::default() };
    let streams = database.list_streams(streams).map_err(|error| engine(&error))?.streams;
    let Some(stream) = streams.into_iter().next() else { return Err(engine(&"the table has no stream")) };
    let from = if after.is_some() { "AFTER_SEQUENCE_NUMBER" } else { "TRIM_HORIZON" };
    let iterator = GetShardIteratorRequest {
        stream_arn: stream.stream_arn,
        shard_id: shard_id(table),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What version 3.2.0 of the engine asks for a write's number and for a shard's records.
    const ENGINES: [&str; 2] = [
        "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records WHERE table_name = ?1",
        "SELECT event_name, keys_json, new_image, old_image, sequence_number, created_at, user_identity, event_id
         FROM _stream_records
         WHERE table_name = ?1 AND shard_id = ?2 AND CAST(sequence_number AS INTEGER) > ?3
         ORDER BY CAST(sequence_number AS INTEGER) ASC
         LIMIT ?4",
    ];

    fn write(streams: &Streams, table: &str, numbers: std::ops::RangeInclusive<i64>) {
        let insert = "INSERT INTO _stream_records
            (table_name, event_name, keys_json, sequence_number, shard_id, created_at)
            VALUES (?1, 'INSERT', '{}', ?2, ?3, 0)";
        for number in numbers {
            let (number, shard) = (number.to_string(), shard_id(table));
            streams.ask(|connection| connection.execute(insert, params![table, number, shard])).unwrap();
        }
    }

    fn shown(number: i64) -> String {
        format!("1{number:020}")
    }

    /// Otherwise each write and each look at the stream reads every record that there is.
    #[test]
    fn what_is_asked_of_the_records_is_found_by_an_index() {
        let streams = Streams::open(None).unwrap();
        for question in ENGINES.into_iter().chain([TRIM, NEWEST]) {
            let plan: Vec<String> = streams
                .ask(|connection| {
                    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {question}"))?;
                    let nothing = vec![rusqlite::types::Null; statement.parameter_count()];
                    statement.query_map(rusqlite::params_from_iter(nothing), |row| row.get("detail"))?.collect()
                })
                .unwrap();
            let plan = plan.join("\n");
            assert!(plan.contains("INDEX _wardgate_stream_"), "{question}\n{plan}");
            assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{question}\n{plan}");
        }
    }

    /// An engine whose records are all gone begins to count by the clock, which may have been set back.
    #[tokio::test]
    async fn trimming_leaves_the_record_that_the_engine_counts_on_from() {
        let streams = Streams::open(None).unwrap();
        write(&streams, "T", 1..=30);
        write(&streams, "U", 1..=5);
        let trim = async |before: &str| {
            streams.trim("T".to_owned(), before.to_owned()).await.unwrap();
            streams.kept("T".to_owned()).await.unwrap()
        };
        for nonsense in ["", "5", "nonsense", "200000000000000000020"] {
            assert_eq!(trim(nonsense).await, 30, "{nonsense}");
        }
        assert_eq!(trim(&shown(10)).await, 21);
        assert_eq!(trim(&shown(30)).await, 1);
        assert_eq!(streams.kept("U".to_owned()).await.unwrap(), 5);
        streams.trim_unread("U".to_owned()).await.unwrap();
        streams.trim_unread("of nobody".to_owned()).await.unwrap();
        assert_eq!(streams.kept("U".to_owned()).await.unwrap(), 1);
    }

    /// A folder of an earlier version may hold a million: a write must not wait for all of them.
    #[tokio::test]
    async fn one_turn_deletes_only_so_many() {
        let streams = Streams::open(None).unwrap();
        write(&streams, "T", 1..=2_500);
        let mut kept = Vec::new();
        for _ in 0..3 {
            streams.trim("T".to_owned(), shown(2_500)).await.unwrap();
            kept.push(streams.kept("T".to_owned()).await.unwrap());
        }
        assert_eq!(kept, [1_500, 500, 1]);
    }

    #[tokio::test]
    async fn memories_are_apart_and_a_file_of_an_earlier_version_gets_the_indexes() {
        let (one, other) = (Streams::open(None).unwrap(), Streams::open(None).unwrap());
        write(&one, "T", 1..=1);
        assert_eq!(other.kept("T".to_owned()).await.unwrap(), 0);

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("store.sqlite");
        drop(Database::new(file.to_str().unwrap()).unwrap());
        for _ in 0..2 {
            let opened = Streams::open(Some(&file)).unwrap();
            let indexes = "SELECT COUNT(*) FROM sqlite_master WHERE name LIKE '\\_wardgate%' ESCAPE '\\'";
            assert_eq!(
                opened.ask(|connection| connection.query_row(indexes, [], |row| row.get::<_, i64>(0))).unwrap(),
                2
            );
        }
    }
}
