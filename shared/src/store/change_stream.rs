//! A table's stream, as its API gives it: for the standalone server, to which no Lambda hands records over (SA-10).

use std::sync::Arc;

use aws_sdk_dynamodbstreams::Client;
use aws_sdk_dynamodbstreams::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodbstreams::types::{OperationType, Record, ShardIteratorType};

use crate::aws::{self, Connection, OnFirstUse};
use crate::config::Config;
use crate::store::error::StoreError;
use crate::store::stream::{EventName, Images, StreamRecord, UserIdentity};

/// The most records of a page: as many as Lambda hands over.
const RECORDS: i32 = 100;

/// A table's newest stream.
#[derive(Debug, Clone)]
pub struct ChangeStream {
    client: OnFirstUse<Client>,
    table: Arc<str>,
}

/// A part of a stream, in which records are in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Its stream's name in AWS.
    pub stream: String,
    /// Its own.
    pub id: String,
    /// The one that it goes on from.
    pub parent: Option<String>,
}

/// Where in a shard to read on.
#[derive(Debug, Clone)]
pub struct Position(String);

/// Some records, in order.
#[derive(Debug)]
pub struct RecordPage {
    /// What happened.
    pub records: Vec<StreamRecord>,
    /// Where it goes on; `None` after the last record that there will be.
    pub next: Option<Position>,
}

impl ChangeStream {
    /// The stream of a table, by its full name.
    pub fn new(config: &Config, connection: &Connection, table: &str) -> Self {
        let (connection, settings) = (connection.clone(), config.aws);
        let client = aws::on_first_use(move || {
            let mut sdk = aws::builder!(aws_sdk_dynamodbstreams, connection, settings);
            sdk.set_endpoint_url(connection.endpoints.dynamodb_streams.clone());
            Client::from_conf(sdk.build())
        });
        Self { client, table: table.into() }
    }

    /// The table's full name.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The shards that still have records, in no order. None where the table has no stream.
    pub async fn shards(&self) -> Result<Vec<Shard>, StoreError> {
        let listed = self.client.list_streams().table_name(&*self.table).send().await?;
        let newest = listed.streams.unwrap_or_default().into_iter().max_by(|a, b| a.stream_label.cmp(&b.stream_label));
        let Some(stream) = newest.and_then(|stream| stream.stream_arn) else { return Ok(Vec::new()) };
        let (mut shards, mut last) = (Vec::new(), None);
        loop {
            let page = self.client.describe_stream().stream_arn(&stream).set_exclusive_start_shard_id(last);
            let Some(page) = page.send().await?.stream_description else { break };
            shards.extend(page.shards.unwrap_or_default().into_iter().filter_map(|shard| {
                Some(Shard { stream: stream.clone(), id: shard.shard_id?, parent: shard.parent_shard_id })
            }));
            last = page.last_evaluated_shard_id;
            if last.is_none() {
                break;
            }
        }
        Ok(shards)
    }

    /// Where to read on after the record with this number; without one, or where records after it are gone, at the first
    /// that there is.
    pub async fn position(&self, shard: &Shard, after: Option<&str>) -> Result<Option<Position>, StoreError> {
        let ask = |kind, number: Option<&str>| {
            let ask = self.client.get_shard_iterator().stream_arn(&shard.stream).shard_id(&shard.id);
            ask.shard_iterator_type(kind).set_sequence_number(number.map(str::to_owned)).send()
        };
        let from =
            if after.is_some() { ShardIteratorType::AfterSequenceNumber } else { ShardIteratorType::TrimHorizon };
        let answer = match ask(from, after).await {
            Err(error) if after.is_some() && error.code() == Some("TrimmedDataAccessException") => {
                tracing::error!(table = &*self.table, "changes were lost: nobody read them for a day");
                ask(ShardIteratorType::TrimHorizon, None).await?
            }
            answer => answer?,
        };
        Ok(answer.shard_iterator.map(Position))
    }

    /// The records from there on: a page.
    pub async fn records(&self, position: &Position) -> Result<RecordPage, StoreError> {
        let page = self.client.get_records().shard_iterator(&position.0).limit(RECORDS).send().await?;
        let records = page.records.unwrap_or_default().into_iter().map(StreamRecord::try_from);
        Ok(RecordPage {
            records: records.collect::<Result<_, _>>()?,
            next: page.next_shard_iterator.filter(|next| !next.is_empty()).map(Position),
        })
    }
}

impl TryFrom<Record> for StreamRecord {
    type Error = StoreError;

    fn try_from(record: Record) -> Result<Self, StoreError> {
        let incomplete = || StoreError::Incomplete("a stream record without all of its parts");
        let change = record.dynamodb.ok_or_else(incomplete)?;
        let event_name = match record.event_name {
            Some(OperationType::Insert) => EventName::Insert,
            Some(OperationType::Modify) => EventName::Modify,
            Some(OperationType::Remove) => EventName::Remove,
            _ => return Err(incomplete()),
        };
        Ok(Self {
            event_id: record.event_id.ok_or_else(incomplete)?,
            event_name,
            user_identity: record.user_identity.map(|who| UserIdentity { principal_id: who.principal_id }),
            dynamodb: Images {
                keys: change.keys.ok_or_else(incomplete)?.into(),
                old_image: change.old_image.filter(|image| !image.is_empty()).map(Into::into),
                new_image: change.new_image.filter(|image| !image.is_empty()).map(Into::into),
                sequence_number: change.sequence_number.ok_or_else(incomplete)?,
                approximate_creation_date_time: change
                    .approximate_creation_date_time
                    .ok_or_else(incomplete)?
                    .as_secs_f64(),
            },
        })
    }
}
