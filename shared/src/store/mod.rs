//! The one table. A method is one atomic transition with a named outcome; nothing here gets and then puts.

pub mod accounts;
pub mod address_items;
pub mod audit;
pub mod audit_changes;
#[cfg(feature = "dynamodbstreams")]
pub mod change_stream;
pub mod changes;
pub mod client;
pub mod clients;
pub mod edits;
pub mod erasures;
pub mod error;
pub mod event_retries;
pub mod keys;
pub mod leases;
pub mod limits;
pub mod migrations;
pub mod oauth;
pub mod one_time;
pub mod outbox;
mod repeats;
pub mod restored;
pub mod restored_items;
pub mod settings;
pub mod sign_in;
pub mod stream;
pub mod synthetic;
pub mod tables;
pub mod writer;

mod attributes;
mod outcome;
mod read;
pub mod retries;
mod retry;
mod transaction;
mod write;

use aws_sdk_dynamodb::Client;

use crate::aws::OnFirstUse;

/// The table and the audit table.
#[derive(Debug, Clone)]
pub struct Store {
    client: OnFirstUse<Client>,
    table: String,
    audit_table: String,
    audit_retention_days: u32,
}

impl Store {
    /// A store over `client` that uses these tables.
    pub fn new(client: OnFirstUse<Client>, table: String, audit_table: String, audit_retention_days: u32) -> Self {
        Self { client, table, audit_table, audit_retention_days }
    }
}
