//! Whose requests to AWS these are: whoever the SDK's chain finds, from variables to the instance's role. A server outlives
//! what it finds and asks again in time; a function has variables alone, and so no chain.

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::SharedCredentialsProvider;
use wardgate::aws::{Connection, ConnectionError, http_client};

/// The connection of this process. Nobody is asked for credentials yet.
pub async fn connection(variable: impl Fn(&str) -> Option<String>) -> Result<Connection, ConnectionError> {
    // A client of its own: the endpoints of a machine's role answer at other times than AWS's services.
    let settings = ProviderConfig::default().with_http_client(http_client(&variable)?);
    let chain = DefaultCredentialsChain::builder().configure(settings).build().await;
    Connection::renewing(variable, SharedCredentialsProvider::new(chain))
}
