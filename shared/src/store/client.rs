//! The SDK client, put together by hand: no credential chain, no aws-lc, nothing a cold start would wait for.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Builder, IdentityCache, Region, StalledStreamProtectionConfig};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use thiserror::Error;

use crate::config;
use crate::store::retry::RetryTransactionConflicts;

/// Where the table is and who asks.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The AWS region.
    pub region: String,
    /// Another endpoint than the region's own: the embedded engine, an emulator, a compatible cluster.
    pub endpoint_url: Option<String>,
    /// Whose requests these are.
    pub credentials: SharedCredentialsProvider,
    /// What carries the requests. Tests count and disturb them here, below the SDK.
    pub http_client: SharedHttpClient,
}

/// A variable that has to be set is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the environment variable {0} is not set")]
pub struct MissingVariable(&'static str);

impl Connection {
    /// Reads AWS's own variables. Lambda puts the role's credentials there and starts a new process before they expire.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, MissingVariable> {
        let required = |name| variable(name).ok_or(MissingVariable(name));
        let credentials = Credentials::new(
            required("AWS_ACCESS_KEY_ID")?,
            required("AWS_SECRET_ACCESS_KEY")?,
            variable("AWS_SESSION_TOKEN"),
            None,
            "environment",
        );
        Ok(Self {
            region: required("AWS_REGION")?,
            endpoint_url: variable("AWS_ENDPOINT_URL_DYNAMODB").or_else(|| variable("AWS_ENDPOINT_URL")),
            credentials: SharedCredentialsProvider::new(credentials),
            http_client: https_client(),
        })
    }

    /// An engine on this machine, which takes any credentials.
    pub fn local(endpoint_url: String) -> Self {
        Self {
            region: "eu-central-1".to_owned(),
            endpoint_url: Some(endpoint_url),
            credentials: SharedCredentialsProvider::new(Credentials::new("local", "local", None, None, "local")),
            http_client: aws_smithy_http_client::Builder::new().build_http(),
        }
    }
}

/// An HTTP client with TLS by rustls and ring.
pub fn https_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}

/// Builds the client.
pub fn build(connection: Connection, config: &config::Store) -> Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(config.attempt_timeout_ms))
        .operation_attempt_timeout(Duration::from_millis(config.attempt_timeout_ms))
        .operation_timeout(Duration::from_millis(config.operation_timeout_ms))
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(config.max_attempts)
        .with_initial_backoff(Duration::from_millis(25))
        .with_max_backoff(Duration::from_millis(400));
    let mut builder = Builder::new()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(connection.region))
        .credentials_provider(connection.credentials)
        .http_client(connection.http_client)
        .sleep_impl(TokioSleep::new())
        .time_source(SystemTimeSource::new())
        .identity_cache(IdentityCache::no_cache())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .timeout_config(timeouts)
        .retry_config(retries)
        .retry_classifier(RetryTransactionConflicts);
    builder.set_endpoint_url(connection.endpoint_url);
    Client::from_conf(builder.build())
}
