//! The table's SDK client.

use aws_sdk_dynamodb::Client;

use crate::aws::{self, Connection, OnFirstUse};
use crate::config;
use crate::store::retry::RetryTransactionConflicts;
use crate::telemetry::store_latency::StoreLatency;

/// The client, to be built when it is first used.
pub fn on_first_use(connection: Connection, config: config::Aws) -> OnFirstUse<Client> {
    aws::on_first_use(move || build(&connection, config))
}

/// Builds the client.
pub fn build(connection: &Connection, config: config::Aws) -> Client {
    let mut builder = aws::builder!(aws_sdk_dynamodb, connection, config)
        .retry_classifier(RetryTransactionConflicts)
        .interceptor(StoreLatency);
    builder.set_endpoint_url(connection.endpoints.dynamodb.clone());
    Client::from_conf(builder.build())
}
