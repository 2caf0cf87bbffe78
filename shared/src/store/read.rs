//! Reads of one item, and queries of a partition, strongly consistent all. What the SDK awaits is boxed, here and where the store
//! writes: a hundred futures deep by itself, it leaves an endpoint too few of those that the compiler looks into.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::query::{QueryError, QueryOutput};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_async::future::pagination_stream::PaginationStream;
use serde::de::DeserializeOwned;

use crate::store::Store;
use crate::store::attributes::{Item, string};
use crate::store::error::StoreError;
use crate::store::keys::Key;

impl Store {
    /// Reads the item under a key.
    pub(super) async fn read<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, StoreError> {
        Ok(self.read_item(key).await?.map(serde_dynamo::from_item).transpose()?)
    }

    /// Reads the item under a key as it lies there. Not generic: what awaits is linked once.
    pub(super) async fn read_item(&self, key: &Key) -> Result<Option<Item>, StoreError> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key.attributes()));
        Ok(Box::pin(get.consistent_read(true).send()).await?.item)
    }

    /// A query of the items under a key's partition.
    pub(super) fn partition(&self, key: &Key) -> QueryFluentBuilder {
        self.query(&self.table, key.pk())
    }

    /// A query of the lines in a partition of the audit trail.
    pub(super) fn lines(&self, partition: &str) -> QueryFluentBuilder {
        self.query(&self.audit_table, string(partition))
    }

    fn query(&self, table: &str, partition: AttributeValue) -> QueryFluentBuilder {
        let query = self.client.query().table_name(table).consistent_read(true);
        query.key_condition_expression("pk = :pk").expression_attribute_values(":pk", partition)
    }

    /// A query of those of them whose sort keys begin with the key's.
    pub(super) fn beginning_with(&self, key: &Key) -> QueryFluentBuilder {
        self.partition(key)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":prefix", key.sk())
    }
}

/// The first page of a query.
pub(super) async fn first_page<T: DeserializeOwned>(query: QueryFluentBuilder) -> Result<Vec<T>, StoreError> {
    Ok(serde_dynamo::from_items(Box::pin(query.send()).await?.items.unwrap_or_default())?)
}

/// The pages of a query, one after the other.
pub(super) struct Pages(PaginationStream<Result<QueryOutput, SdkError<QueryError>>>);

impl Pages {
    pub(super) fn of(query: QueryFluentBuilder) -> Self {
        Self(query.into_paginator().send())
    }

    /// The items of the next page; `None` after the last. A page may have none.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Item>>, StoreError> {
        Ok(self.0.try_next().await?.map(|page| page.items.unwrap_or_default()))
    }

    /// As [`Self::next`], read.
    pub(super) async fn read_next<T: DeserializeOwned>(&mut self) -> Result<Option<Vec<T>>, StoreError> {
        Ok(self.next().await?.map(serde_dynamo::from_items).transpose()?)
    }
}
