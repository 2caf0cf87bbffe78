//! Whether the store has the tables, and can do what they need: not every engine that speaks DynamoDB's protocol can.

use std::error::Error;
use std::fmt::Debug;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, StreamViewType, TableDescription, TimeToLiveStatus, TransactWriteItem,
};
use wardgate::app::App;
use wardgate::aws::Connection;
use wardgate::store::client;
use wardgate::store::tables::has_keys;

use super::Fault;

const REACH: &str = "see that it runs, that AWS_REGION and AWS_ENDPOINT_URL_DYNAMODB lead to it, and that its certificate is \
                     Amazon's or in AWS_CA_BUNDLE";
const RIGHTS: &str = "give whoever asks the rights of docs/operations/standalone.md";
const TABLES: &str = "wardgate-operate tables makes it, as infra/data.yaml does: keys pk and sk, ttl, and a stream of new and old \
                      images";
const ENGINE: &str = "take another store: docs/operations/standalone.md names those that can";
/// No item has this key.
const NOBODY: &str = "PREFLIGHT";

pub(super) async fn faults(app: &App, connection: &Connection) -> Vec<Fault> {
    let client = client::build(connection, app.config.aws);
    let named = |table: &str| format!("{table}-{}", app.config.stage.name());
    let (table, audit) = (named(&app.config.store.table), named(&app.config.store.audit_table));
    let mut faults = of_table(&client, &table).await;
    // What does not answer for one table does not for the other.
    if faults.iter().any(|fault| fault.may_pass) {
        return faults;
    }
    faults.extend(of_table(&client, &audit).await);
    if faults.is_empty() {
        faults.extend(of_transactions(&client, &table).await);
    }
    faults
}

async fn of_table(client: &Client, name: &str) -> Vec<Fault> {
    let about = format!("table {name}");
    let table = match client.describe_table().table_name(name).send().await {
        Ok(answer) => answer.table.unwrap_or_else(|| TableDescription::builder().build()),
        Err(error) => return vec![refused(&about, &error)],
    };
    let mut faults = Vec::new();
    let mut lacks = |what: &str| faults.push(Fault::lasting(about.clone(), what, TABLES));
    if !has_keys(table.key_schema()) {
        lacks("its keys are not pk and sk");
    }
    let stream = table.stream_specification();
    if stream.is_none_or(|stream| stream.stream_view_type() != Some(&StreamViewType::NewAndOldImages)) {
        lacks("it has no stream of new and old images");
    }
    match client.describe_time_to_live().table_name(name).send().await {
        Ok(answer) => {
            let ttl = answer.time_to_live_description();
            let is_on = ttl
                .and_then(|ttl| ttl.time_to_live_status())
                .is_some_and(|status| matches!(status, TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling));
            if !is_on || ttl.and_then(|ttl| ttl.attribute_name()) != Some("ttl") {
                lacks("it does not delete items by their attribute ttl");
            }
        }
        Err(error) => faults.push(refused(&about, &error)),
    }
    faults
}

/// Asks for a transaction that has to fail, for the one reason that it says.
async fn of_transactions(client: &Client, table: &str) -> Option<Fault> {
    let about = format!("table {table}");
    let check = ConditionCheck::builder()
        .table_name(table)
        .key("pk", AttributeValue::S(NOBODY.to_owned()))
        .key("sk", AttributeValue::S(NOBODY.to_owned()))
        .condition_expression("attribute_exists(pk)")
        .build();
    let check = match check {
        Ok(check) => TransactWriteItem::builder().condition_check(check).build(),
        Err(error) => return Some(Fault::lasting(about, error, ENGINE)),
    };
    match client.transact_write_items().transact_items(check).send().await {
        Ok(_) => Some(Fault::lasting(about, "a transaction whose condition does not hold succeeds", ENGINE)),
        Err(error) => {
            let reasons = error.as_service_error().and_then(|error| match error {
                TransactWriteItemsError::TransactionCanceledException(canceled) => {
                    canceled.cancellation_reasons.clone()
                }
                _ => None,
            });
            let held = reasons.unwrap_or_default().iter().any(|reason| reason.code() == Some("ConditionalCheckFailed"));
            if held {
                return None;
            }
            let refused = refused(&about, &error);
            // Rights and outages look as everywhere; an operation that it does not know is the engine's.
            let unknown = refused.found.contains("UnknownOperation") || refused.found.contains("ValidationException");
            Some(if unknown {
                Fault { found: format!("no transactions: {}", refused.found), remedy: ENGINE, ..refused }
            } else {
                refused
            })
        }
    }
}

/// What an error of the store says: whose fault it is, and no more than its code.
fn refused<E, R>(about: &str, error: &SdkError<E, R>) -> Fault
where
    E: ProvideErrorMetadata + Error + 'static,
    R: Debug + 'static,
{
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    match code {
        Some("ResourceNotFoundException") => Fault::lasting(about, "it does not exist", TABLES),
        Some(code @ ("InternalServerError" | "ThrottlingException" | "ServiceUnavailable")) => {
            Fault::passing(about, code, REACH)
        }
        Some(code) => Fault::lasting(about, format!("the store refuses: {code}"), RIGHTS),
        None => Fault::passing(about, super::chain(error), REACH),
    }
}
