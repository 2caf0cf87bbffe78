//! The deny list in a key-value store of `CloudFront`, which the functions of every edge location read.

use aws_sdk_cloudfrontkeyvaluestore::Client;
use aws_sdk_cloudfrontkeyvaluestore::config::endpoint::{Endpoint, EndpointFuture, Params, ResolveEndpoint};
use aws_sdk_cloudfrontkeyvaluestore::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudfrontkeyvaluestore::types::{DeleteKeyRequestListItem, PutKeyRequestListItem};
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::Document;
use futures::future::BoxFuture;

use crate::aws::{Connection, builder};
use crate::config::{Config, ConfigError};
use crate::outbound::OutboundError;
use crate::outbound::edge::{Changes, DenyStore, DenyStoreError, Page, StoreState};

const SERVICE: &str = "CloudFront KeyValueStore";
/// The most that it lists at once.
const PAGE: i32 = 50;

/// The store.
#[derive(Debug)]
pub struct KeyValueStore {
    client: Client,
    arn: String,
}

impl KeyValueStore {
    /// The store that the configuration names.
    pub fn new(config: &Config, connection: &Connection) -> Result<Self, ConfigError> {
        let arn = config.edge.store_arn.clone().ok_or_else(|| ConfigError::missing("edge.store_arn"))?;
        let mut sdk = builder!(aws_sdk_cloudfrontkeyvaluestore, connection, config.aws);
        if let Some(url) = connection.endpoints.cloudfront_keyvaluestore.clone() {
            sdk = sdk.endpoint_resolver(Literal(url));
        }
        Ok(Self { client: Client::from_conf(sdk.build()), arn })
    }
}

/// An endpoint as it is written. The client's own rules put the account's number before the host, which an emulator's does
/// not resolve with.
#[derive(Debug)]
struct Literal(String);

impl ResolveEndpoint for Literal {
    fn resolve_endpoint<'a>(&'a self, _: &'a Params) -> EndpointFuture<'a> {
        let text = |text: &str| Document::String(text.to_owned());
        let scheme = Document::Object(
            [
                ("name".to_owned(), text("sigv4a")),
                ("signingName".to_owned(), text("cloudfront-keyvaluestore")),
                ("signingRegionSet".to_owned(), Document::Array(vec![text("*")])),
            ]
            .into(),
        );
        let endpoint =
            Endpoint::builder().url(self.0.clone()).property("authSchemes", Document::Array(vec![scheme])).build();
        EndpointFuture::ready(Ok(endpoint))
    }
}

fn refused<E: ProvideErrorMetadata>(error: &SdkError<E, Response>) -> DenyStoreError {
    let meta = error.as_service_error().map(ProvideErrorMetadata::meta);
    let says = |word: &str| meta.and_then(|meta| meta.message()).is_some_and(|message| message.contains(word));
    match meta.and_then(|meta| meta.code()) {
        Some("ConflictException") => DenyStoreError::Conflict,
        // What a state that is not the present one is called is not written down.
        Some("ValidationException") if says("If-Match") => DenyStoreError::Conflict,
        Some("ResourceNotFoundException") => DenyStoreError::Missing,
        Some("ServiceQuotaExceededException") => DenyStoreError::Full,
        _ => DenyStoreError::Failed(OutboundError::of(SERVICE, error)),
    }
}

fn state(etag: &str, bytes: i64) -> StoreState {
    StoreState { etag: etag.to_owned(), bytes: u32::try_from(bytes).unwrap_or_default() }
}

fn unsendable<E>(_: E) -> DenyStoreError {
    OutboundError::passing(SERVICE, "a change that is no request").into()
}

impl DenyStore for KeyValueStore {
    fn describe(&self) -> BoxFuture<'_, Result<StoreState, DenyStoreError>> {
        Box::pin(async move {
            let answer = self.client.describe_key_value_store().kvs_arn(&self.arn).send().await;
            // That the store itself is not there is no key's absence.
            let answer = answer.map_err(|error| OutboundError::of(SERVICE, &error))?;
            Ok(state(answer.e_tag(), answer.total_size_in_bytes()))
        })
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<String>, DenyStoreError>> {
        Box::pin(async move {
            let answer = self.client.get_key().kvs_arn(&self.arn).key(key).send().await;
            match answer.map_err(|error| refused(&error)) {
                Ok(answer) => Ok(Some(answer.value().to_owned())),
                Err(DenyStoreError::Missing) => Ok(None),
                Err(cause) => Err(cause),
            }
        })
    }

    fn update<'a>(&'a self, etag: &'a str, changes: &'a Changes) -> BoxFuture<'a, Result<StoreState, DenyStoreError>> {
        Box::pin(async move {
            let mut update = self.client.update_keys().kvs_arn(&self.arn).if_match(etag);
            for (key, value) in &changes.puts {
                let put = PutKeyRequestListItem::builder().key(key).value(value).build();
                update = update.puts(put.map_err(unsendable)?);
            }
            for key in &changes.deletes {
                let delete = DeleteKeyRequestListItem::builder().key(key).build();
                update = update.deletes(delete.map_err(unsendable)?);
            }
            let answer = update.send().await.map_err(|error| refused(&error))?;
            Ok(state(answer.e_tag(), answer.total_size_in_bytes()))
        })
    }

    fn list(&self, from: Option<String>) -> BoxFuture<'_, Result<Page, DenyStoreError>> {
        Box::pin(async move {
            let answer = self.client.list_keys().kvs_arn(&self.arn).max_results(PAGE).set_next_token(from).send().await;
            let answer = answer.map_err(|error| OutboundError::of(SERVICE, &error))?;
            let entries = answer.items().iter().map(|item| (item.key().to_owned(), item.value().to_owned()));
            Ok(Page { entries: entries.collect(), next: answer.next_token().map(str::to_owned) })
        })
    }
}
