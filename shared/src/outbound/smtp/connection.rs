//! A connection to the mail server, encrypted before anything is said that matters.
//!
//! TLS is made here and not by the library, which after STARTTLS goes on reading what came before it: somebody in between
//! could so put answers into the conversation (RFC 3207, 6; CVE-2011-0411 is the same on the other side).

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::extension::ClientId;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader, ReadBuf,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use zeroize::Zeroizing;

use super::{broken, failed};
use crate::config::{Config, ConfigError, MailTls};
use crate::outbound::OutboundError;
use crate::tls::client_config;

/// The most bytes of an answer before TLS.
const MOST_ANSWER: u64 = 16 * 1024;

/// Where the mail server is, whom we take for it, and who we are.
pub(super) struct Server {
    host: String,
    port: u16,
    tls: MailTls,
    connector: TlsConnector,
    name: ServerName<'static>,
    hello: ClientId,
    credentials: Option<(String, PathBuf)>,
}

impl Server {
    pub(super) fn new(config: &Config) -> Result<Self, ConfigError> {
        let smtp = &config.mail.smtp;
        let wrong = |key: &str, expected: &str| ConfigError::WrongValue {
            key: key.to_owned(),
            source_name: config.source_of(key),
            expected: expected.to_owned(),
        };
        let host = smtp.host.clone().ok_or_else(|| ConfigError::missing("mail.smtp.host"))?;
        let name = ServerName::try_from(host.clone());
        let name = name.map_err(|_| wrong("mail.smtp.host", "expected the mail server's name or address"))?;
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(file) = &smtp.ca_file {
            let none =
                |_| wrong("mail.smtp.ca_file", "expected a file with certificates (PEM), all of which can be read");
            roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_file_iter(file).map_err(none)? {
                roots.add(certificate.map_err(none)?).map_err(|_| {
                    wrong("mail.smtp.ca_file", "expected certificates of authorities, which this one is not")
                })?;
            }
            if roots.is_empty() {
                return Err(wrong("mail.smtp.ca_file", "expected a file with at least one certificate (PEM)"));
            }
        }
        let tls = client_config(roots).map_err(|_| wrong("mail.smtp.tls", "expected a version of TLS"))?;
        Ok(Self {
            host,
            port: smtp.port,
            tls: smtp.tls,
            connector: TlsConnector::from(Arc::new(tls)),
            name,
            hello: ClientId::Domain(config.mail.sender.address().domain().to_owned()),
            credentials: smtp.user.clone().zip(smtp.password_file.clone()),
        })
    }

    /// A connection that has said who it is.
    pub(super) async fn connect(&self) -> Result<AsyncSmtpConnection, OutboundError> {
        let unreachable = |_| broken("connection failed");
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(unreachable)?;
        tcp.set_nodelay(true).map_err(unreachable)?;
        let stream: Box<dyn AsyncTokioStream> = match self.tls {
            MailTls::Implicit => Box::new(Encrypted { greeting: b"", stream: self.encrypt(tcp).await? }),
            MailTls::Starttls => {
                let tcp = self.agree_on_tls(tcp).await?;
                Box::new(Encrypted { greeting: GREETING, stream: self.encrypt(tcp).await? })
            }
            // What a name leads to is known only now.
            MailTls::None if !tcp.peer_addr().is_ok_and(|address| address.ip().is_loopback()) => {
                return Err(broken("plain text to another machine"));
            }
            MailTls::None => Box::new(tcp),
        };
        let connected = AsyncSmtpConnection::connect_with_transport(stream, &self.hello).await;
        let mut connection = connected.map_err(|error| failed(&error))?;
        if let Some((user, file)) = &self.credentials {
            let password = std::fs::read_to_string(file).map(Zeroizing::new);
            let password = password.map_err(|_| broken("the password file cannot be read"))?;
            let credentials = Credentials::new(user.clone(), password.trim_end().to_owned());
            let signed_in = connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await;
            signed_in.map_err(|error| failed(&error))?;
        }
        Ok(connection)
    }

    async fn encrypt(&self, tcp: TcpStream) -> Result<TlsStream<TcpStream>, OutboundError> {
        self.connector.connect(self.name.clone(), tcp).await.map_err(|error| {
            let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
            broken(match cause {
                Some(rustls::Error::InvalidCertificate(_)) => "its certificate is not trusted",
                Some(_) => "TLS failed",
                None => "the connection broke",
            })
        })
    }

    /// Greeting, EHLO and STARTTLS (RFC 3207). Without all three there is no going on.
    async fn agree_on_tls(&self, tcp: TcpStream) -> Result<TcpStream, OutboundError> {
        let mut stream = BufReader::new(tcp);
        expect(&answer(&mut stream).await?, "220")?;
        let hello = format!("EHLO {}\r\n", self.hello);
        stream.write_all(hello.as_bytes()).await.map_err(|_| broken("the connection broke"))?;
        let offered = answer(&mut stream).await?;
        expect(&offered, "250")?;
        let has_tls = |line: &str| line.get(4..).is_some_and(|word| word.trim().eq_ignore_ascii_case("STARTTLS"));
        if !offered.lines().any(has_tls) {
            return Err(broken("it offers no STARTTLS"));
        }
        stream.write_all(b"STARTTLS\r\n").await.map_err(|_| broken("the connection broke"))?;
        expect(&answer(&mut stream).await?, "220")?;
        if !stream.buffer().is_empty() {
            return Err(broken("somebody speaks between STARTTLS and TLS"));
        }
        Ok(stream.into_inner())
    }
}

fn expect(answer: &str, code: &str) -> Result<(), OutboundError> {
    if answer.starts_with(code) { Ok(()) } else { Err(broken(answer.get(..3).unwrap_or("unreadable answer"))) }
}

/// All lines of an answer (RFC 5321, 4.2).
async fn answer(stream: &mut BufReader<TcpStream>) -> Result<String, OutboundError> {
    let mut text = Vec::new();
    let mut limited = stream.take(MOST_ANSWER);
    loop {
        let begin = text.len();
        limited.read_until(b'\n', &mut text).await.map_err(|_| broken("the connection broke"))?;
        let line = text.get(begin..).unwrap_or_default();
        if !line.ends_with(b"\n") {
            return Err(broken("unreadable answer"));
        }
        if line.get(3) != Some(&b'-') {
            return String::from_utf8(text).map_err(|_| broken("unreadable answer"));
        }
    }
}

/// What the library waits for first. After STARTTLS the server has greeted already.
const GREETING: &[u8] = b"220 ready\r\n";

/// An encrypted stream, before which something is read that has been said already.
#[derive(Debug)]
struct Encrypted {
    greeting: &'static [u8],
    stream: TlsStream<TcpStream>,
}

impl AsyncTokioStream for Encrypted {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.get_ref().0.peer_addr()
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let said = self.greeting;
        if said.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, into);
        }
        let (now, later) = said.split_at(said.len().min(into.remaining()));
        into.put_slice(now);
        self.greeting = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
