//! Whether a password is known from somebody's breach (PW-05), asked so that whoever answers learns next to nothing:
//! five hex digits of its SHA-1 go out, all known endings of such hashes come back, padded to hide even their number.
//! The service is one that speaks the Pwned Passwords range protocol.

use std::sync::OnceLock;
use std::time::Duration;

use aws_smithy_types::body::SdkBody;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use ring::digest;
use rustls::RootCertStore;
use thiserror::Error;

use crate::domain::hex;
use crate::domain::password::Password;
use crate::telemetry::metrics::{self, BreachCheck as Outcome};
use crate::tls::client_config;

/// How many hex digits go out.
const PREFIX: usize = 5;
/// More than any answer has: about a thousand lines of forty bytes.
const MAX_ANSWER: usize = 512 * 1024;

/// Of the very types that carry the SDK's requests, so that no function links the client twice.
type BreachClient = Client<HttpsConnector<HttpConnector>, SdkBody>;

/// Asks, if it is configured. Only functions that take new passwords link a client for it.
#[derive(Debug, Default)]
pub struct BreachCheck {
    client: OnceLock<BreachClient>,
}

/// Why there is no answer.
#[derive(Debug, Error)]
enum NoAnswer {
    #[error("the URL is none")]
    Url(#[from] http::Error),
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    #[error("no connection: {0}")]
    Connection(#[from] hyper_util::client::legacy::Error),
    #[error("status {0}")]
    Status(StatusCode),
    #[error("the answer broke off or is too long")]
    Body(#[from] Box<dyn std::error::Error + Send + Sync>),
    #[error("it took too long")]
    Timeout(#[from] tokio::time::error::Elapsed),
}

impl BreachCheck {
    /// Whether the service at `range_url` knows the password. A service that is down or slow never keeps anybody from
    /// choosing one: the check is skipped, and counted.
    pub async fn knows(&self, range_url: &str, timeout: Duration, password: &Password) -> bool {
        let asked = async { tokio::time::timeout(timeout, self.ask(range_url, password)).await? };
        let (known, outcome) = match asked.await {
            Ok(true) => (true, Outcome::Breached),
            Ok(false) => (false, Outcome::Clear),
            Err(cause) => {
                tracing::warn!(%cause, "skipped the breach check");
                (false, Outcome::Skipped)
            }
        };
        metrics::breach_check(outcome);
        known
    }

    async fn ask(&self, range_url: &str, password: &Password) -> Result<bool, NoAnswer> {
        let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, password.expose().as_bytes());
        let hash = hex(hash.as_ref()).to_ascii_uppercase();
        let (prefix, ending) = hash.split_at(PREFIX);
        let request =
            Request::get(format!("{range_url}{prefix}")).header("Add-Padding", "true").body(SdkBody::empty())?;
        let answer = self.client()?.request(request).await?;
        if answer.status() != StatusCode::OK {
            return Err(NoAnswer::Status(answer.status()));
        }
        let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await?.to_bytes();
        Ok(lists(&String::from_utf8_lossy(&body), ending))
    }

    fn client(&self) -> Result<&BreachClient, NoAnswer> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let https =
            HttpsConnectorBuilder::new().with_tls_config(client_config(roots)?).https_or_http().enable_http1().build();
        Ok(self.client.get_or_init(|| Client::builder(TokioExecutor::new()).build(https)))
    }
}

/// Whether an answer has this ending with a count. Padding has a count of nought.
fn lists(answer: &str, ending: &str) -> bool {
    answer
        .lines()
        .filter_map(|line| line.trim_end().split_once(':'))
        .any(|(listed, count)| listed == ending && count != "0")
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;
    use std::thread::{self, JoinHandle};

    use super::*;

    /// As the public service answered for the prefix of `password`, shortened, with a line of padding.
    const RECORDED: &str = "1D2DA4053E34E76F6576ED1DA63134B5E2A:2\r\n1D72CD07550416C216D8AD296BF5C0AE8E0:10\r\n\
                            1E4C9B93F3F0682250B6CF8331B7EE68FD8:9659365\r\n1F2B668E8AABEF1C59E9EC6F82E3F3CD786:1\r\n\
                            00000000000000000000000000000000000:0\r\n";

    /// Answers one request, and gives what was asked.
    fn service(status: &'static str, body: &'static str) -> (String, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/range/", listener.local_addr().unwrap());
        let asked = thread::spawn(move || {
            let mut stream = BufReader::new(listener.accept().unwrap().0);
            let mut request = String::new();
            while !request.ends_with("\r\n\r\n") {
                stream.read_line(&mut request).unwrap();
            }
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
            request
        });
        (url, asked)
    }

    async fn knows(url: &str, password: &str) -> bool {
        let password = Password::attempt(password).unwrap();
        BreachCheck::default().knows(url, Duration::from_secs(30), &password).await
    }

    #[tokio::test]
    async fn sec_pw_05_five_hex_digits_go_out_and_padding_is_asked_for() {
        let (url, asked) = service("200 OK", RECORDED);
        assert!(knows(&url, "password").await);
        let asked = asked.join().unwrap();
        assert!(asked.starts_with("GET /range/5BAA6 HTTP/1.1\r\n"), "{asked}");
        assert!(asked.to_ascii_lowercase().contains("add-padding: true"));
        assert!(!asked.contains("1E4C9"));
    }

    #[tokio::test]
    async fn sec_pw_05_a_password_that_is_not_listed_or_only_padded_is_taken() {
        let (url, _) = service("200 OK", RECORDED);
        assert!(!knows(&url, "analytical engines hum").await);
        assert!(!lists("1E4C9B93F3F0682250B6CF8331B7EE68FD8:0", "1E4C9B93F3F0682250B6CF8331B7EE68FD8"));
    }

    #[tokio::test]
    async fn sec_pw_05_a_service_that_is_down_blocks_nobody() {
        let (url, _) = service("503 Service Unavailable", "");
        assert!(!knows(&url, "password").await);
        assert!(!knows("http://127.0.0.1:1/range/", "password").await);
        assert!(!knows("not a url", "password").await);
    }
}
