//! Events by HTTP, signed as Standard Webhooks has it, for the standalone server (SA-12).

mod networks;

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_smithy_types::body::SdkBody;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Request, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use ipnet::IpNet;
use ring::hmac;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::json;
use tokio::time::timeout;
use tower_service::Service;
use url::{Host, Url};
use zeroize::Zeroizing;

use crate::config::{Config, ConfigError};
use crate::domain::event::Event;
use crate::domain::timestamp::Timestamp;
use crate::outbound::OutboundError;
use crate::tls::client_config;
use networks::is_public;

const SERVICE: &str = "the webhook";

/// Who is told.
pub struct Webhook {
    client: Client<HttpsConnector<HttpConnector<PublicNames>>, SdkBody>,
    url: String,
    secrets: PathBuf,
    patience: Duration,
}

/// What is told of an event, as it is sent: the same for each delivery.
pub fn message(event: &Event) -> String {
    json!({ "type": event.kind.name(), "timestamp": event.detail.time, "data": event.detail }).to_string()
}

impl Webhook {
    /// The receiver that the configuration names. It is not asked yet.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let webhook = &config.events.webhook;
        let wrong = |key: &str, expected: &str| ConfigError::WrongValue {
            key: key.to_owned(),
            source_name: config.source_of(key),
            expected: expected.to_owned(),
        };
        let (Some(url), Some(secrets)) = (webhook.url.clone(), webhook.secret_file.clone()) else {
            return Err(ConfigError::missing("events.webhook.url"));
        };
        let allowed: Arc<[IpNet]> = webhook.allowed_networks.clone().into();
        // An address is not looked up, and would not be asked about.
        let address = Url::parse(&url).ok().and_then(|url| match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            _ => None,
        });
        if address.is_some_and(|address| !is_allowed(address, &allowed)) {
            return Err(wrong(
                "events.webhook.url",
                "expected a public address, or one of events.webhook.allowed_networks (SA-12)",
            ));
        }
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(file) = &webhook.ca_file {
            roots = RootCertStore::empty();
            let none = "expected a file with certificates (PEM) of authorities, all of which can be read";
            for certificate in CertificateDer::pem_file_iter(file).map_err(|_| wrong("events.webhook.ca_file", none))? {
                let certificate = certificate.map_err(|_| wrong("events.webhook.ca_file", none))?;
                roots.add(certificate).map_err(|_| wrong("events.webhook.ca_file", none))?;
            }
        }
        let tls = client_config(roots).map_err(|_| wrong("events.webhook.url", "expected a version of TLS"))?;
        let mut tcp = HttpConnector::new_with_resolver(PublicNames { allowed });
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_only().enable_http1().wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(https);
        Ok(Self { client, url, secrets, patience: Duration::from_millis(webhook.timeout_ms) })
    }

    /// Whether there is a secret to sign with.
    pub fn check(&self) -> Result<(), OutboundError> {
        self.signatures("").map(drop)
    }

    /// Tells of an event, by its id and its [`message`]. Taken is what answers 2xx in time; nobody is followed elsewhere.
    pub async fn post(&self, id: &str, message: &str, now: Timestamp) -> Result<(), OutboundError> {
        timeout(self.patience, self.deliver(id, message, now)).await.unwrap_or_else(|_| Err(failed("timeout")))
    }

    async fn deliver(&self, id: &str, message: &str, now: Timestamp) -> Result<(), OutboundError> {
        let at = now.unix_seconds();
        let request = Request::post(&self.url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", at)
            .header("webhook-signature", self.signatures(&format!("{id}.{at}.{message}"))?)
            .body(SdkBody::from(message))
            .map_err(|_| failed("no request"))?;
        let answer = self.client.request(request).await.map_err(|_| failed("connection failed"))?;
        if answer.status().is_success() { Ok(()) } else { Err(failed(answer.status().as_str())) }
    }

    /// One for each secret.
    fn signatures(&self, signed: &str) -> Result<String, OutboundError> {
        let secrets = std::fs::read_to_string(&self.secrets).map(Zeroizing::new);
        let secrets = secrets.map_err(|_| failed("the secret file cannot be read"))?;
        let signatures: Option<Vec<String>> = secrets
            .split_whitespace()
            .map(|secret| {
                let secret = STANDARD.decode(secret.strip_prefix("whsec_")?).ok().map(Zeroizing::new)?;
                // As Standard Webhooks demands.
                let secret = (24..=64).contains(&secret.len()).then_some(secret)?;
                let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
                Some(format!("v1,{}", STANDARD.encode(hmac::sign(&key, signed.as_bytes()))))
            })
            .collect();
        let signatures = signatures.filter(|signatures| !signatures.is_empty());
        Ok(signatures.ok_or_else(|| failed("the secret is not whsec_ and base64 of 24 to 64 bytes"))?.join(" "))
    }
}

fn failed(code: &str) -> OutboundError {
    OutboundError::passing(SERVICE, code)
}

fn is_allowed(address: IpAddr, allowed: &[IpNet]) -> bool {
    let address = address.to_canonical();
    is_public(address) || allowed.iter().any(|network| network.contains(&address))
}

/// Looks names up, and connects to no address of theirs that is not public: a name leads wherever its owner likes.
#[derive(Clone)]
struct PublicNames {
    allowed: Arc<[IpNet]>,
}

impl Service<Name> for PublicNames {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let allowed = Arc::clone(&self.allowed);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.filter(|address| is_allowed(address.ip(), &allowed)).collect();
            if found.is_empty() {
                return Err(std::io::Error::other("the name has no public address"));
            }
            Ok(found.into_iter())
        })
    }
}
