//! Requests to URLs that others wrote: over TLS, to public addresses alone, and nowhere else than where they lead at first
//! (OC-47, SA-12).

mod networks;

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use aws_smithy_types::body::SdkBody;
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use ipnet::IpNet;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use thiserror::Error;
use tower_service::Service;
use url::{Host, Url};

use crate::tls::client_config;
use networks::is_public;

/// Who is asked, and believed.
#[derive(Debug, Clone, Copy)]
pub struct Reach<'a> {
    /// Certificates (PEM) of the authorities that are believed instead of the public ones.
    pub ca_file: Option<&'a Path>,
    /// Networks in which they may be although they are not public.
    pub allowed_networks: &'a [IpNet],
    /// Whether this machine is asked too, and without TLS: on a laptop.
    pub this_machine: bool,
}

/// Why nobody can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PublicClientError {
    /// The file has none, or one that cannot be read.
    #[error("expected a file with certificates (PEM) of authorities, all of which can be read")]
    Authorities,
    /// There is no TLS.
    #[error("expected a version of TLS")]
    Tls,
}

/// An address that is not asked, or nobody who answers there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("connection failed")]
pub struct Unreachable;

/// Who asks. It follows nobody elsewhere.
pub struct PublicClient {
    client: Client<HttpsConnector<HttpConnector<PublicNames>>, SdkBody>,
    allowed: Arc<Allowed>,
}

impl PublicClient {
    /// Nobody is asked yet.
    pub fn new(reach: Reach<'_>) -> Result<Self, PublicClientError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(file) = reach.ca_file {
            roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_file_iter(file).map_err(|_| PublicClientError::Authorities)? {
                let certificate = certificate.map_err(|_| PublicClientError::Authorities)?;
                roots.add(certificate).map_err(|_| PublicClientError::Authorities)?;
            }
        }
        let tls = client_config(roots).map_err(|_| PublicClientError::Tls)?;
        let allowed = Arc::new(Allowed { networks: reach.allowed_networks.to_vec(), this_machine: reach.this_machine });
        let mut tcp = HttpConnector::new_with_resolver(PublicNames { allowed: Arc::clone(&allowed) });
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let https = HttpsConnectorBuilder::new().with_tls_config(tls);
        let https = if reach.this_machine { https.https_or_http() } else { https.https_only() };
        let https = https.enable_http1().wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(https);
        Ok(Self { client, allowed })
    }

    /// Whether this URL may be asked, as far as it says so itself: a name is looked up only then.
    pub fn may_ask(&self, url: &str) -> bool {
        let Ok(url) = Url::parse(url) else { return false };
        // An address is not looked up, and would not be asked about.
        match url.host() {
            Some(Host::Ipv4(address)) => self.allowed.has(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => self.allowed.has(IpAddr::V6(address)),
            Some(Host::Domain(_)) => true,
            None => false,
        }
    }

    /// Asks, once.
    pub async fn ask(&self, request: Request<SdkBody>) -> Result<Response<Incoming>, Unreachable> {
        if !self.may_ask(&request.uri().to_string()) || !self.is_secret(request.uri()) {
            return Err(Unreachable);
        }
        self.client.request(request).await.map_err(|_| Unreachable)
    }

    /// Without TLS, this machine alone is asked.
    fn is_secret(&self, uri: &Uri) -> bool {
        let is_this_machine = || {
            let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
            host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        };
        uri.scheme_str() == Some("https") || self.allowed.this_machine && is_this_machine()
    }
}

/// Which addresses are asked.
struct Allowed {
    networks: Vec<IpNet>,
    this_machine: bool,
}

impl Allowed {
    fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address)
            || self.this_machine && address.is_loopback()
            || self.networks.iter().any(|network| network.contains(&address))
    }
}

/// Looks names up, and connects to no address of theirs that is not public: a name leads wherever its owner likes.
#[derive(Clone)]
struct PublicNames {
    allowed: Arc<Allowed>,
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
            let found: Vec<SocketAddr> = found.filter(|address| allowed.has(address.ip())).collect();
            if found.is_empty() {
                return Err(std::io::Error::other("the name has no public address"));
            }
            Ok(found.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(networks: &[&str], this_machine: bool) -> PublicClient {
        let networks: Vec<IpNet> = networks.iter().map(|it| it.parse().unwrap()).collect();
        PublicClient::new(Reach { ca_file: None, allowed_networks: &networks, this_machine }).unwrap()
    }

    #[test]
    fn sec_oc_47_an_address_is_asked_only_where_everybody_would_reach_the_same_machine() {
        for url in ["https://127.0.0.1/", "https://169.254.169.254/", "https://[::1]/", "https://[::ffff:10.0.0.1]/"] {
            assert!(!client(&[], false).may_ask(url), "{url}");
        }
        assert!(!client(&["10.0.0.0/8"], false).may_ask("https://192.168.1.1/"));
        assert!(client(&["10.0.0.0/8"], false).may_ask("https://10.1.2.3/"));
        assert!(client(&[], true).may_ask("http://127.0.0.1:3000/") && !client(&[], true).may_ask("https://10.0.0.1/"));
        assert!(client(&[], false).may_ask("https://1.1.1.1/") && !client(&[], false).may_ask("mailto:a@example.com"));
    }

    #[test]
    fn sec_oc_47_without_tls_nobody_but_this_machine_is_asked() {
        let is_secret = |client: &PublicClient, uri: &str| client.is_secret(&uri.parse().unwrap());
        for uri in ["http://app.example.com/", "http://localhost:3000/", "http://127.0.0.1/", "http://[::1]:1/"] {
            assert!(!is_secret(&client(&["127.0.0.0/8"], false), uri), "{uri}");
        }
        for (uri, expected) in [
            ("https://app.example.com/", true),
            ("http://localhost:3000/", true),
            ("http://[::1]:1/", true),
            ("http://app.example.com/", false),
            ("http://localhost.example.com/", false),
        ] {
            assert_eq!(is_secret(&client(&[], true), uri), expected, "{uri}");
        }
    }
}
