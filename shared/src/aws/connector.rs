//! What carries the SDK's requests: HTTP/1.1 over TLS or plain TCP, with connections that are kept and used again.
//! The SDK's own client would link HTTP/2 and proxies too, and parse the roots for each service while a cold start waits
//! (docs/decisions/0017-http1-connector.md).

use std::error::Error;
use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::ErrorKind;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{CaptureConnection, Connected, HttpConnector as Tcp, capture_connection};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::tls::client_config;

/// Amazon Trust Services' five roots, which every AWS endpoint's certificate leads to: parsing the hundred and forty of
/// a system's store would be most of a first connection.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// An HTTP/1.1 client for every service, which reads its roots with the first request.
#[derive(Debug, Default)]
pub(super) struct Http1Client {
    connector: OnceLock<SharedHttpConnector>,
    /// Roots beside Amazon's.
    also: Vec<CertificateDer<'static>>,
}

impl Http1Client {
    /// One that trusts these roots, too.
    pub(super) fn trusting(pem: &[u8]) -> Result<Self, String> {
        let also: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let also = also.map_err(|error| error.to_string())?;
        if also.is_empty() {
            return Err("it is empty".to_owned());
        }
        // What cannot be parsed would be left out silently later.
        let mut roots = RootCertStore::empty();
        also.iter().try_for_each(|root| roots.add(root.clone())).map_err(|error| error.to_string())?;
        Ok(Self { connector: OnceLock::new(), also })
    }
}

impl HttpClient for Http1Client {
    /// Every service has the same timeouts (`aws::timeouts`), so that one connector, with its connections, serves all.
    fn http_connector(&self, settings: &HttpConnectorSettings, _components: &RuntimeComponents) -> SharedHttpConnector {
        let connector = || match client(&self.also, settings.connect_timeout()) {
            Ok(client) => SharedHttpConnector::new(Connector(client)),
            Err(cause) => SharedHttpConnector::new(WithoutTls(cause)),
        };
        self.connector.get_or_init(connector).clone()
    }
}

fn client(
    also: &[CertificateDer<'static>],
    connect_timeout: Option<Duration>,
) -> Result<Client<HttpsConnector<Tcp>, SdkBody>, rustls::Error> {
    let mut tcp = Tcp::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    // The handshake of TLS counts against the time of the attempt, as everything does.
    tcp.set_connect_timeout(connect_timeout);
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(client_config(roots(also))?)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    Ok(Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(https))
}

fn roots(also: &[CertificateDer<'static>]) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(AMAZON_ROOTS).filter_map(Result::ok));
    roots.add_parsable_certificates(also.iter().cloned());
    roots
}

#[derive(Debug)]
struct Connector(Client<HttpsConnector<Tcp>, SdkBody>);

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        };
        let connection = capture_connection(&mut request);
        if let Some(capture) = request.extensions().get::<CaptureSmithyConnection>() {
            capture.set_connection_retriever(move || metadata(&connection));
        }
        let answer = self.0.request(request);
        HttpConnectorFuture::new(async move {
            let answer = answer.await.map_err(classify)?;
            HttpResponse::try_from(answer.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// What the SDK needs to have a connection closed after an error that another connection may not meet.
fn metadata(connection: &CaptureConnection) -> Option<ConnectionMetadata> {
    connection.connection_metadata().as_ref()?;
    let connection = connection.clone();
    let poison = move || connection.connection_metadata().iter().for_each(Connected::poison);
    Some(ConnectionMetadata::builder().proxied(false).poison_fn(poison).build())
}

/// Which errors the SDK tries again: timeouts, broken connections, and answers that end too early.
fn classify(error: legacy::Error) -> ConnectorError {
    let io = find::<io::Error>(&error);
    let http = find::<hyper::Error>(&error);
    let timed_out = io.is_some_and(|io| io.kind() == io::ErrorKind::TimedOut);
    let is_connection = error.is_connect() || io.is_some();
    if timed_out || http.is_some_and(hyper::Error::is_timeout) {
        ConnectorError::timeout(error.into())
    } else if http.is_some_and(hyper::Error::is_user) {
        ConnectorError::user(error.into())
    } else if is_connection || http.is_some_and(|http| http.is_closed() || http.is_canceled()) {
        ConnectorError::io(error.into())
    } else {
        let kind = http.filter(|http| http.is_incomplete_message()).map(|_| ErrorKind::TransientError);
        ConnectorError::other(error.into(), kind)
    }
}

/// The first error of this type behind `error`, or `error` itself.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    std::iter::successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref())
}

/// Refuses every request, because rustls refuses its configuration.
#[derive(Debug)]
struct WithoutTls(rustls::Error);

impl HttpConnector for WithoutTls {
    fn call(&self, _request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(Err(ConnectorError::user(BoxError::from(self.0.clone()))))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;
    use std::sync::Arc;
    use std::thread;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

    /// Accepts as many connections as there are conversations, and says on each what its conversation has, one part a
    /// request. Then it hangs up.
    fn serve(conversations: &'static [&'static [&'static str]]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            for conversation in conversations {
                let mut stream = BufReader::new(listener.accept().unwrap().0);
                for answer in *conversation {
                    let mut line = String::new();
                    while stream.read_line(&mut line).is_ok_and(|length| length > 2) {
                        line.clear();
                    }
                    stream.get_mut().write_all(answer.as_bytes()).unwrap();
                }
            }
        });
        address
    }

    async fn get(connector: &Connector, url: String) -> Result<HttpResponse, ConnectorError> {
        connector.call(HttpRequest::get(url).unwrap()).await
    }

    fn connector() -> Connector {
        Connector(client(&[], Some(Duration::from_secs(5))).unwrap())
    }

    #[test]
    fn all_five_of_amazons_roots_are_read() {
        assert_eq!(roots(&[]).len(), 5);
    }

    #[tokio::test]
    async fn a_connection_is_used_again() {
        let (connector, address) = (connector(), serve(&[&[ANSWER, ANSWER]]));
        for _ in 0..2 {
            let answer = get(&connector, format!("http://{address}/")).await.unwrap();
            assert_eq!(answer.status().as_u16(), 200);
            let body = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap();
            assert_eq!(body.to_bytes(), "{}");
        }
    }

    #[tokio::test]
    async fn what_another_try_may_mend_is_told_apart() {
        let connector = connector();
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let refused = get(&connector, format!("http://{nobody}/")).await.unwrap_err();
        assert!(refused.is_io(), "{refused:?}");
        let silent = get(&connector, format!("http://{}/", serve(&[&[""]]))).await.unwrap_err();
        assert_eq!(silent.as_other(), Some(ErrorKind::TransientError), "{silent:?}");
        let not_http = get(&connector, format!("http://{}/", serve(&[&["SSH-2.0\r\n"]]))).await.unwrap_err();
        assert!(not_http.is_other() && not_http.as_other().is_none(), "{not_http:?}");
        let not_tls = get(&connector, format!("https://{}/", serve(&[&[ANSWER]]))).await.unwrap_err();
        assert!(not_tls.is_io(), "{not_tls:?}");
    }

    /// Answers one request over TLS, with a certificate that it signed itself, and gives that in PEM.
    fn serve_by_own_certificate() -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        let private = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
        let settings = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private.into())
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let settings = Arc::new(settings);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let session = rustls::ServerConnection::new(Arc::clone(&settings)).unwrap();
                let mut stream = BufReader::new(rustls::StreamOwned::new(session, stream));
                let mut line = String::new();
                // Whoever does not believe the certificate hangs up.
                if stream.read_line(&mut line).is_ok_and(|length| length > 0) {
                    stream.get_mut().write_all(ANSWER.as_bytes()).unwrap();
                }
            }
        });
        let pem = STANDARD.encode(certificate.der());
        let pem = format!("-----BEGIN CERTIFICATE-----\n{pem}\n-----END CERTIFICATE-----\n");
        (format!("https://localhost:{port}/"), pem)
    }

    #[tokio::test]
    async fn a_root_of_ones_own_is_believed_beside_amazons_and_no_other() {
        let (url, pem) = serve_by_own_certificate();
        let stranger = get(&connector(), url.clone()).await.unwrap_err();
        assert!(format!("{stranger:?}").contains("UnknownIssuer"), "{stranger:?}");
        let also = Http1Client::trusting(pem.as_bytes()).unwrap().also;
        assert_eq!(roots(&also).len(), 6);
        let trusting = Connector(client(&also, Some(Duration::from_secs(5))).unwrap());
        assert_eq!(get(&trusting, url).await.unwrap().status().as_u16(), 200);
    }
}
