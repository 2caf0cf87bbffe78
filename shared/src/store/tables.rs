//! Both tables as `infra/data.yaml` makes them, for a store that no stack makes: what a laptop has, and what
//! `wardgate-operate tables` is asked for. Nothing that answers requests calls it (PL-06).

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::client::Waiters as _;
use aws_sdk_dynamodb::error::DisplayErrorContext;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, PointInTimeRecoverySpecification, ScalarAttributeType,
    StreamSpecification, StreamViewType, TimeToLiveSpecification, TimeToLiveStatus,
};
use thiserror::Error;

/// How long a new table may take until it can be used.
const TO_BE_MADE: Duration = Duration::from_mins(5);

/// What was done about a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// It was not there.
    Created,
    /// It was there; its stream and its expiry are on, if they were not.
    Found,
}

/// Why a table is not as it has to be.
#[derive(Debug, Error)]
#[error("{table}: {cause}")]
pub struct TableError {
    table: String,
    cause: String,
}

/// Makes a table unless it exists: keys `pk` and `sk`, a stream of new and old images, and expiry by `ttl`. One that is
/// there keeps everything it has. It can be asked for again after whatever interrupted it.
pub async fn ensure(client: &Client, table: &str) -> Result<Made, TableError> {
    let made = create(client, table).await?;
    let waited = client.wait_until_table_exists().table_name(table).wait(TO_BE_MADE).await;
    let there = waited.map_err(|cause| failed(table, &cause))?;
    let there = there.into_result().map_err(|cause| failed(table, &cause))?.table;
    let is_ours = there.as_ref().is_some_and(|there| has_keys(there.key_schema()));
    if !is_ours {
        return Err(TableError {
            table: table.to_owned(),
            cause: "its keys are not pk and sk; it stays as it is".to_owned(),
        });
    }
    if !there.and_then(|table| table.stream_specification).is_some_and(|stream| stream.stream_enabled) {
        client
            .update_table()
            .table_name(table)
            .stream_specification(stream(table)?)
            .send()
            .await
            .map_err(|cause| failed(table, &cause))?;
    }
    let expiry = client.describe_time_to_live().table_name(table).send().await;
    let expiry = expiry.map_err(|cause| failed(table, &cause))?.time_to_live_description;
    let status = expiry.and_then(|expiry| expiry.time_to_live_status);
    if !matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)) {
        let ttl = TimeToLiveSpecification::builder().attribute_name("ttl").enabled(true).build();
        let ttl = ttl.map_err(|cause| failed(table, &cause))?;
        let updated = client.update_time_to_live().table_name(table).time_to_live_specification(ttl).send().await;
        updated.map_err(|cause| failed(table, &cause))?;
    }
    Ok(made)
}

/// Has a table protected from being deleted, and keeps every second of its last 35 days. An engine that is not DynamoDB
/// may know neither.
pub async fn protect(client: &Client, table: &str) -> Result<(), TableError> {
    let protected = client.update_table().table_name(table).deletion_protection_enabled(true).send().await;
    protected.map_err(|cause| failed(table, &cause))?;
    let every_second = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(true).build();
    let every_second = every_second.map_err(|cause| failed(table, &cause))?;
    let kept = client.update_continuous_backups().table_name(table);
    let kept = kept.point_in_time_recovery_specification(every_second).send().await;
    kept.map(drop).map_err(|cause| failed(table, &cause))
}

/// Whether these are the keys that every item has.
pub fn has_keys(schema: &[KeySchemaElement]) -> bool {
    let is = |name: &str, kind: &KeyType| schema.iter().any(|it| it.attribute_name() == name && it.key_type() == kind);
    schema.len() == 2 && is("pk", &KeyType::Hash) && is("sk", &KeyType::Range)
}

async fn create(client: &Client, table: &str) -> Result<Made, TableError> {
    let mut request = client
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .stream_specification(stream(table)?);
    for (attribute, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        let definition =
            AttributeDefinition::builder().attribute_name(attribute).attribute_type(ScalarAttributeType::S);
        let key = KeySchemaElement::builder().attribute_name(attribute).key_type(kind);
        request = request
            .attribute_definitions(definition.build().map_err(|cause| failed(table, &cause))?)
            .key_schema(key.build().map_err(|cause| failed(table, &cause))?);
    }
    match request.send().await {
        Ok(_) => Ok(Made::Created),
        Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_in_use_exception()) => {
            Ok(Made::Found)
        }
        Err(error) => Err(failed(table, &error)),
    }
}

fn stream(table: &str) -> Result<StreamSpecification, TableError> {
    let stream = StreamSpecification::builder().stream_enabled(true).stream_view_type(StreamViewType::NewAndOldImages);
    stream.build().map_err(|cause| failed(table, &cause))
}

fn failed(table: &str, cause: &(impl std::error::Error + ?Sized)) -> TableError {
    TableError { table: table.to_owned(), cause: DisplayErrorContext(cause).to_string() }
}
