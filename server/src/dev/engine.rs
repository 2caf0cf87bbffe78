//! The embedded DynamoDB engine, on a loopback port of its own.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, StreamSpecification,
    StreamViewType, TimeToLiveSpecification,
};
use dynoxide::Database;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use wardgate::aws::Connection;
use wardgate::config::Config;
use wardgate::store::client::build;

use crate::dev::DevError;
use crate::dev::streams::Streams;
use crate::serve::stopped;

/// The engine deletes nothing by itself; AWS takes up to days over it.
const TTL_SWEEP: Duration = Duration::from_mins(5);

/// A running engine.
pub struct Engine {
    /// The changes of its tables.
    pub streams: Streams,
    /// Where it listens.
    pub endpoint_url: String,
    /// Ends when the engine has stopped.
    pub task: JoinHandle<Result<(), String>>,
}

/// Starts an engine over the file, or in memory.
pub async fn start(file: Option<&Path>, stop: watch::Receiver<bool>) -> Result<Engine, DevError> {
    let streams = Streams::open(file)?;
    let database = streams.database();
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| DevError::Engine(error.to_string()))?;
    let address = listener.local_addr().map_err(|error| DevError::Engine(error.to_string()))?;
    tokio::spawn(sweep(database.clone(), stop.clone()));
    let task = tokio::spawn(dynoxide::server::serve_with_shutdown(listener, database.clone(), stopped(stop)));
    Ok(Engine { streams, endpoint_url: format!("http://{address}"), task })
}

/// Creates both tables unless they exist. Keys, and TTL on `ttl`, as docs/architecture.md has them.
pub async fn create_tables(connection: &Connection, config: &Config) -> Result<(), DevError> {
    let client = build(connection, config.aws);
    let failed = |error: aws_sdk_dynamodb::Error| DevError::Engine(error.to_string());
    let existing = client.list_tables().send().await.map_err(|error| failed(error.into()))?.table_names;
    let existing = existing.unwrap_or_default();
    for name in [&config.store.table, &config.store.audit_table] {
        let name = format!("{name}-{}", config.stage.name());
        if !existing.contains(&name) {
            create_table(&client, &name).await.map_err(failed)?;
        }
        enable_stream(&client, &name).await.map_err(failed)?;
    }
    Ok(())
}

/// Gives a table its stream, unless it has it: tables of older versions have none.
async fn enable_stream(client: &Client, name: &str) -> Result<(), aws_sdk_dynamodb::Error> {
    let table = client.describe_table().table_name(name).send().await?.table;
    if table.and_then(|table| table.stream_specification).is_some_and(|stream| stream.stream_enabled) {
        return Ok(());
    }
    let stream = StreamSpecification::builder().stream_enabled(true).stream_view_type(StreamViewType::NewAndOldImages);
    client.update_table().table_name(name).stream_specification(stream.build()?).send().await?;
    Ok(())
}

async fn create_table(client: &Client, name: &str) -> Result<(), aws_sdk_dynamodb::Error> {
    let key = |attribute: &str, kind| KeySchemaElement::builder().attribute_name(attribute).key_type(kind).build();
    let string = |attribute: &str| {
        AttributeDefinition::builder().attribute_name(attribute).attribute_type(ScalarAttributeType::S).build()
    };
    client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(string("pk")?)
        .attribute_definitions(string("sk")?)
        .key_schema(key("pk", KeyType::Hash)?)
        .key_schema(key("sk", KeyType::Range)?)
        .send()
        .await?;
    let ttl = TimeToLiveSpecification::builder().attribute_name("ttl").enabled(true).build()?;
    client.update_time_to_live().table_name(name).time_to_live_specification(ttl).send().await?;
    Ok(())
}

async fn sweep(database: Database, stop: watch::Receiver<bool>) {
    let mut interval = tokio::time::interval(TTL_SWEEP);
    let mut stop = std::pin::pin!(stopped(stop));
    loop {
        tokio::select! {
            () = &mut stop => return,
            _ = interval.tick() => {}
        }
        let database = database.clone();
        let swept = tokio::task::spawn_blocking(move || database.sweep_ttl().map_err(|error| error.to_string())).await;
        if let Ok(Err(cause)) = swept {
            tracing::warn!(cause, "the embedded store could not delete expired items");
        }
    }
}
