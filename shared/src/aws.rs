//! What the SDK clients have in common, put together by hand: no credential chain, no aws-lc, nothing that a cold start
//! would wait for (rules 1 and 2 of docs/performance.md).

mod connector;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::config::IdentityCache;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::identity::SharedIdentityCache;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use thiserror::Error;

use crate::config;
use connector::Http1Client;

/// Where AWS is and who asks.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The region.
    pub region: String,
    /// Other endpoints than the region's own: the embedded engine, an emulator, a compatible cluster.
    pub endpoints: Endpoints,
    /// Whose requests these are.
    pub credentials: SharedCredentialsProvider,
    /// Keeps what the provider gave until shortly before it expires, or keeps nothing.
    pub identity_cache: SharedIdentityCache,
    /// What carries the requests. Tests count and disturb them here, below the SDK.
    pub http_client: SharedHttpClient,
}

/// Endpoints by service; `None` for the region's own.
#[derive(Debug, Clone, Default)]
pub struct Endpoints {
    /// `DynamoDB`'s.
    pub dynamodb: Option<String>,
    /// `DynamoDB` Streams'.
    pub dynamodb_streams: Option<String>,
    /// Secrets Manager's.
    pub secrets_manager: Option<String>,
    /// SQS's.
    pub sqs: Option<String>,
    /// The Simple Email Service's.
    pub sesv2: Option<String>,
    /// `EventBridge`'s.
    pub eventbridge: Option<String>,
    /// Lambda's.
    pub lambda: Option<String>,
    /// `CodeDeploy`'s.
    pub codedeploy: Option<String>,
}

/// The variables do not say how to reach AWS.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConnectionError {
    /// A variable that has to be set is not.
    #[error("the environment variable {0} is not set")]
    MissingVariable(&'static str),
    /// The roots that `AWS_CA_BUNDLE` names cannot be had.
    #[error("AWS_CA_BUNDLE: {path} has no certificates in PEM: {cause}")]
    CaBundle {
        /// Which file.
        path: String,
        /// What is wrong with it.
        cause: String,
    },
}

impl Connection {
    /// Reads AWS's own variables. Lambda puts the role's credentials there and starts a new process before they expire.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConnectionError> {
        let required = |name| required(&variable, name);
        let credentials = Credentials::new(
            required("AWS_ACCESS_KEY_ID")?,
            required("AWS_SECRET_ACCESS_KEY")?,
            variable("AWS_SESSION_TOKEN"),
            None,
            "environment",
        );
        // In variables nothing expires.
        Self::new(&variable, SharedCredentialsProvider::new(credentials), IdentityCache::no_cache())
    }

    /// As [`Self::from_environment`], for a process that outlives its credentials: `provider` is asked for new ones in time.
    pub fn renewing(
        variable: impl Fn(&str) -> Option<String>,
        provider: SharedCredentialsProvider,
    ) -> Result<Self, ConnectionError> {
        Self::new(&variable, provider, IdentityCache::lazy().build())
    }

    fn new(
        variable: &impl Fn(&str) -> Option<String>,
        credentials: SharedCredentialsProvider,
        identity_cache: SharedIdentityCache,
    ) -> Result<Self, ConnectionError> {
        let endpoint = |name: &str| variable(name).or_else(|| variable("AWS_ENDPOINT_URL"));
        let endpoints = Endpoints {
            dynamodb: endpoint("AWS_ENDPOINT_URL_DYNAMODB"),
            dynamodb_streams: endpoint("AWS_ENDPOINT_URL_DYNAMODB_STREAMS"),
            secrets_manager: endpoint("AWS_ENDPOINT_URL_SECRETS_MANAGER"),
            sqs: endpoint("AWS_ENDPOINT_URL_SQS"),
            sesv2: endpoint("AWS_ENDPOINT_URL_SESV2"),
            eventbridge: endpoint("AWS_ENDPOINT_URL_EVENTBRIDGE"),
            lambda: endpoint("AWS_ENDPOINT_URL_LAMBDA"),
            codedeploy: endpoint("AWS_ENDPOINT_URL_CODEDEPLOY"),
        };
        Ok(Self {
            region: required(variable, "AWS_REGION")?,
            endpoints,
            credentials,
            identity_cache,
            http_client: http_client(variable)?,
        })
    }

    /// An engine on this machine, which takes any credentials.
    pub fn local(dynamodb: String) -> Self {
        Self {
            region: "eu-central-1".to_owned(),
            endpoints: Endpoints {
                dynamodb_streams: Some(dynamodb.clone()),
                dynamodb: Some(dynamodb),
                ..Endpoints::default()
            },
            credentials: SharedCredentialsProvider::new(Credentials::new("local", "local", None, None, "local")),
            identity_cache: IdentityCache::no_cache(),
            http_client: SharedHttpClient::new(Http1Client::default()),
        }
    }
}

fn required(variable: impl Fn(&str) -> Option<String>, name: &'static str) -> Result<String, ConnectionError> {
    variable(name).ok_or(ConnectionError::MissingVariable(name))
}

/// What carries requests, and trusts Amazon's roots and those in the file that `AWS_CA_BUNDLE` names: a store of one's own
/// has a certificate of one's own.
pub fn http_client(variable: impl Fn(&str) -> Option<String>) -> Result<SharedHttpClient, ConnectionError> {
    let Some(path) = variable("AWS_CA_BUNDLE") else { return Ok(SharedHttpClient::new(Http1Client::default())) };
    let client = std::fs::read(&path).map_err(|error| error.to_string()).and_then(|pem| Http1Client::trusting(&pem));
    client.map(SharedHttpClient::new).map_err(|cause| ConnectionError::CaBundle { path, cause })
}

/// An SDK client that is built when it is first used, because building one reads the SDK's table of partitions. Not
/// every function uses every service.
pub type OnFirstUse<T> = Arc<LazyLock<T, Box<dyn FnOnce() -> T + Send>>>;

/// A client that `build` will build.
pub(crate) fn on_first_use<T>(build: impl FnOnce() -> T + Send + 'static) -> OnFirstUse<T> {
    Arc::new(LazyLock::new(Box::new(build)))
}

/// One attempt's and one call's time.
pub(crate) fn timeouts(config: config::Aws) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(config.attempt_timeout_ms))
        .operation_attempt_timeout(Duration::from_millis(config.attempt_timeout_ms))
        .operation_timeout(Duration::from_millis(config.operation_timeout_ms))
        .build()
}

/// How often and how soon a call is tried again; the SDK adds the jitter.
pub(crate) fn retries(config: config::Aws) -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(config.max_attempts)
        .with_initial_backoff(Duration::from_millis(25))
        .with_max_backoff(Duration::from_millis(400))
}

/// An SDK client's builder with everything that services share.
macro_rules! builder {
    ($sdk:ident, $connection:expr, $config:expr) => {
        $sdk::config::Builder::new()
            .behavior_version($sdk::config::BehaviorVersion::v2026_01_12())
            .region($sdk::config::Region::new($connection.region.clone()))
            .credentials_provider($connection.credentials.clone())
            .http_client($connection.http_client.clone())
            .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
            .time_source(aws_smithy_async::time::SystemTimeSource::new())
            .identity_cache($connection.identity_cache.clone())
            .stalled_stream_protection($sdk::config::StalledStreamProtectionConfig::disabled())
            .timeout_config($crate::aws::timeouts($config))
            .retry_config($crate::aws::retries($config))
    };
}
pub(crate) use builder;

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(name: &str) -> Option<String> {
        let value = match name {
            "AWS_REGION" => "eu-central-1",
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => "x",
            "AWS_ENDPOINT_URL" => "http://127.0.0.1:4566",
            "AWS_ENDPOINT_URL_DYNAMODB" => "http://127.0.0.1:8000",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[test]
    fn a_services_own_endpoint_goes_before_the_general_one() {
        let endpoints = Connection::from_environment(variables).unwrap().endpoints;
        assert_eq!(endpoints.dynamodb.as_deref(), Some("http://127.0.0.1:8000"));
        assert_eq!(endpoints.secrets_manager.as_deref(), Some("http://127.0.0.1:4566"));
    }

    #[test]
    fn a_missing_variable_is_named() {
        let without_region = |name: &str| variables(name).filter(|_| name != "AWS_REGION");
        let error = Connection::from_environment(without_region).unwrap_err();
        assert_eq!(error, ConnectionError::MissingVariable("AWS_REGION"));
    }

    #[test]
    fn a_bundle_without_certificates_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        for path in [path, "/nonexistent"] {
            let bundled = |name: &str| if name == "AWS_CA_BUNDLE" { Some(path.to_owned()) } else { variables(name) };
            let error = Connection::from_environment(bundled).unwrap_err().to_string();
            assert!(error.starts_with(&format!("AWS_CA_BUNDLE: {path} has no certificates in PEM: ")), "{error}");
        }
    }
}
