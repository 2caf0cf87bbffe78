//! Against a stand-in that is as strict as a mail server: commands in their order, whole lines, and after STARTTLS
//! everything anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::domain::email::Email;

/// What the stand-in does otherwise than a good server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Good,
    /// Encrypted from the beginning.
    Implicit,
    WithoutStarttls,
    /// Somebody in between says this right behind the answer to STARTTLS.
    Injecting,
    /// Answers this command so.
    Answering(&'static str, &'static str),
    /// Says nothing to it.
    Silent(&'static str),
    /// Hangs up at it, before it answers.
    HangsUp(&'static str),
    /// Hangs up when a mail is there, for good.
    LosesTheAnswer,
    /// Hangs up after each mail, which it has answered.
    ClosesAfterwards,
}

struct StandIn {
    port: u16,
    authority: tempfile_like::File,
    mails: Arc<Mutex<Vec<(String, String, String)>>>,
    connections: Arc<AtomicUsize>,
    mood: Arc<Mutex<Mood>>,
}

/// A file that goes with its test.
mod tempfile_like {
    use std::path::PathBuf;

    pub(super) struct File(pub(super) PathBuf);

    impl File {
        pub(super) fn with(name: &str, text: &str) -> Self {
            use std::sync::atomic::{AtomicUsize, Ordering};
            static FILES: AtomicUsize = AtomicUsize::new(0);
            let number = FILES.fetch_add(1, Ordering::SeqCst);
            let path = std::env::temp_dir().join(format!("wardgate-smtp-{}-{number}-{name}", std::process::id()));
            std::fs::write(&path, text).unwrap();
            Self(path)
        }
    }

    impl Drop for File {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }
}

impl StandIn {
    async fn start(mood: Mood) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let pem =
            format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(issuer.der()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stand_in = Self {
            port: listener.local_addr().unwrap().port(),
            authority: tempfile_like::File::with("ca.pem", &pem),
            mails: Arc::default(),
            connections: Arc::default(),
            mood: Arc::new(Mutex::new(mood)),
        };
        let (mails, connections) = (Arc::clone(&stand_in.mails), Arc::clone(&stand_in.connections));
        let mood = Arc::clone(&stand_in.mood);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.fetch_add(1, Ordering::SeqCst);
                let (acceptor, mails, mood) = (acceptor.clone(), Arc::clone(&mails), Arc::clone(&mood));
                // A client that hangs up ends its conversation.
                tokio::spawn(async move { converse(stream, acceptor, mails, mood).await });
            }
        });
        stand_in
    }

    fn transport(&self, more: &[(&str, &str)]) -> SmtpTransport {
        let port = self.port.to_string();
        let ca = self.authority.0.display().to_string();
        let tls = if *self.mood.lock().unwrap() == Mood::Implicit { "implicit" } else { "starttls" };
        let mut variables = vec![
            ("AUTH__STAGE", "development"),
            ("AUTH__MAIL__SENDER", "Wardgate <no-reply@auth.example.com>"),
            ("AUTH__MAIL__SMTP__HOST", "127.0.0.1"),
            ("AUTH__MAIL__SMTP__PORT", &port),
            ("AUTH__MAIL__SMTP__TLS", tls),
            ("AUTH__MAIL__SMTP__CA_FILE", &ca),
            ("AUTH__MAIL__SMTP__TIMEOUT_MS", "300"),
        ];
        variables.retain(|(name, _)| more.iter().all(|(given, _)| given != name));
        variables.extend_from_slice(more);
        let variables = variables.into_iter().filter(|(_, value)| !value.is_empty());
        let config = Config::load(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
        SmtpTransport::new(&config.unwrap()).unwrap()
    }

    fn taken(&self) -> Vec<(String, String, String)> {
        self.mails.lock().unwrap().clone()
    }

    fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }
}

trait Wire: AsyncBufRead + AsyncWrite + AsyncRead + Unpin + Send {}
impl<T: AsyncBufRead + AsyncWrite + AsyncRead + Unpin + Send> Wire for T {}

async fn say(wire: &mut dyn Wire, text: &str) -> Option<()> {
    wire.write_all(text.as_bytes()).await.ok()?;
    wire.flush().await.ok()
}

/// A whole line: one that ends in a line feed alone is no SMTP.
async fn line(wire: &mut dyn Wire) -> Option<String> {
    let mut line = String::new();
    wire.read_line(&mut line).await.ok()?;
    let line = line.strip_suffix("\r\n")?;
    assert!(!line.contains(['\r', '\n']));
    Some(line.to_owned())
}

async fn converse(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    mails: Arc<Mutex<Vec<(String, String, String)>>>,
    mood: Arc<Mutex<Mood>>,
) -> Option<()> {
    let begins = *mood.lock().unwrap();
    if begins == Mood::Implicit {
        let mut wire = BufReader::new(acceptor.accept(stream).await.ok()?);
        say(&mut wire, "220 stand-in\r\n").await?;
        return encrypted(&mut wire, &mails, &mood).await;
    }
    let mut wire = BufReader::new(stream);
    say(&mut wire, "220 stand-in\r\n").await?;
    assert_eq!(line(&mut wire).await?, "EHLO auth.example.com");
    if begins == Mood::WithoutStarttls {
        say(&mut wire, "250-stand-in\r\n250 AUTH PLAIN\r\n").await?;
        // Nothing may come any more, and no password above all.
        assert_eq!(line(&mut wire).await, None);
        return None;
    }
    say(&mut wire, "250-stand-in\r\n250-SIZE 1000000\r\n250 STARTTLS\r\n").await?;
    assert_eq!(line(&mut wire).await?, "STARTTLS");
    let injected = if begins == Mood::Injecting { "250 injected\r\n" } else { "" };
    say(&mut wire, &format!("220 go ahead\r\n{injected}")).await?;
    let mut wire = BufReader::new(acceptor.accept(wire.into_inner()).await.ok()?);
    encrypted(&mut wire, &mails, &mood).await
}

async fn encrypted(
    wire: &mut dyn Wire,
    mails: &Mutex<Vec<(String, String, String)>>,
    mood: &Mutex<Mood>,
) -> Option<()> {
    let (mut greeted, mut from, mut to) = (false, None, None);
    loop {
        let command = line(wire).await?;
        let verb = command.split([' ', ':']).next().unwrap().to_owned();
        let now = *mood.lock().unwrap();
        match now {
            Mood::Answering(at, answer) if at == verb => {
                say(wire, &format!("{answer}\r\n")).await?;
                continue;
            }
            Mood::Silent(at) if at == verb => std::future::pending().await,
            Mood::HangsUp(at) if at == verb => return None,
            _ => {}
        }
        let answer = match verb.as_str() {
            "EHLO" => {
                greeted = true;
                "250-stand-in\r\n250-AUTH LOGIN PLAIN\r\n250 8BITMIME"
            }
            _ if !greeted => "503 say EHLO first",
            "AUTH" => {
                let given = command.strip_prefix("AUTH PLAIN ").unwrap();
                if STANDARD.decode(given).unwrap() == b"\0wardgate\0s3cret pass" { "235 hello" } else { "535 no" }
            }
            "NOOP" => "250 here",
            "MAIL" if from.is_none() => {
                from = Some(command.strip_prefix("MAIL FROM:").unwrap().to_owned());
                "250 yes"
            }
            "RCPT" if from.is_some() => {
                to = Some(command.strip_prefix("RCPT TO:").unwrap().to_owned());
                "250 yes"
            }
            "DATA" if to.is_some() => {
                say(wire, "354 go on\r\n").await?;
                let mut message = String::new();
                loop {
                    let line = line(wire).await?;
                    if line == "." {
                        break;
                    }
                    message += line.strip_prefix('.').unwrap_or(&line);
                    message += "\r\n";
                }
                let now = *mood.lock().unwrap();
                match now {
                    Mood::Answering("message", answer) => {
                        say(wire, &format!("{answer}\r\n")).await?;
                        continue;
                    }
                    Mood::Silent("message") => std::future::pending().await,
                    Mood::HangsUp("message") => return None,
                    _ => {}
                }
                mails.lock().unwrap().push((from.take().unwrap(), to.take().unwrap(), message));
                match now {
                    Mood::LosesTheAnswer => return None,
                    Mood::ClosesAfterwards => return say(wire, "250 taken\r\n").await,
                    _ => "250 taken",
                }
            }
            "QUIT" => return say(wire, "221 bye\r\n").await,
            _ => "503 not now",
        };
        say(wire, &format!("{answer}\r\n")).await?;
    }
}

fn mail() -> OutgoingMail {
    let message = b"Subject: x\r\n\r\n.a line that begins with a dot\r\n".to_vec();
    OutgoingMail { to: Email::parse("Ada@Example.com").unwrap(), message }
}

/// Its code, and whether it is final.
async fn refused(transport: &SmtpTransport) -> (String, bool) {
    let error = transport.send(&mail()).await.unwrap_err();
    // PL-02: answers quote addresses.
    assert!(!error.to_string().contains('@'), "{error}");
    (error.code, error.is_final)
}

#[tokio::test]
async fn sa_11_a_mail_goes_out_by_starttls_and_by_implicit_tls_with_its_own_envelope() {
    for mood in [Mood::Good, Mood::Implicit] {
        let server = StandIn::start(mood).await;
        let transport = server.transport(&[]);
        transport.send(&mail()).await.unwrap();
        let (from, to) = ("<no-reply@auth.example.com>", "<Ada@example.com>");
        let [taken] = server.taken().try_into().unwrap();
        assert_eq!((taken.0.as_str(), taken.1.as_str()), (from, to), "{mood:?}");
        assert!(taken.2.starts_with("Subject: x\r\n\r\n.a line that begins with a dot\r\n"), "{taken:?}");
        // The connection waits for the next one.
        transport.send(&mail()).await.unwrap();
        transport.check().await.unwrap();
        assert_eq!((server.taken().len(), server.connections.load(Ordering::SeqCst)), (2, 2), "{mood:?}");
    }
}

#[tokio::test]
async fn sec_sa_11_nothing_is_said_to_a_server_that_is_not_encrypted_or_not_known() {
    for (mood, code) in [
        (Mood::WithoutStarttls, "it offers no STARTTLS"),
        (Mood::Injecting, "somebody speaks between STARTTLS and TLS"),
    ] {
        let server = StandIn::start(mood).await;
        assert_eq!(refused(&server.transport(&[])).await, (code.to_owned(), false));
        assert_eq!(server.taken(), []);
    }
    let (server, other) = (StandIn::start(Mood::Good).await, StandIn::start(Mood::Good).await);
    let others = other.authority.0.display().to_string();
    for ca in ["", &others] {
        let transport = server.transport(&[("AUTH__MAIL__SMTP__CA_FILE", ca)]);
        assert_eq!(refused(&transport).await, ("its certificate is not trusted".to_owned(), false));
    }
    // It has a certificate for another name.
    let transport = server.transport(&[("AUTH__MAIL__SMTP__HOST", "localhost")]);
    assert_eq!(refused(&transport).await, ("its certificate is not trusted".to_owned(), false));
    assert_eq!(server.taken(), []);
}

#[tokio::test]
async fn sa_11_a_user_signs_in_with_the_password_that_the_file_has_now() {
    let server = StandIn::start(Mood::Good).await;
    let file = tempfile_like::File::with("password", "s3cret pass\n");
    let path = file.0.display().to_string();
    let user = [("AUTH__MAIL__SMTP__USER", "wardgate"), ("AUTH__MAIL__SMTP__PASSWORD_FILE", path.as_str())];
    let transport = server.transport(&user);
    transport.send(&mail()).await.unwrap();
    server.set(Mood::ClosesAfterwards);
    transport.send(&mail()).await.unwrap();
    std::fs::write(&file.0, "another").unwrap();
    // A person mends it, and then the mail goes out.
    assert_eq!(refused(&transport).await, ("535".to_owned(), false));
    std::fs::write(&file.0, "s3cret pass").unwrap();
    transport.send(&mail()).await.unwrap();
    assert_eq!(server.taken().len(), 3);
    std::fs::remove_file(&file.0).unwrap();
    assert_eq!(refused(&transport).await, ("the password file cannot be read".to_owned(), false));
}

#[tokio::test]
async fn sa_11_only_a_5xx_about_the_recipient_or_the_message_is_final() {
    let server = StandIn::start(Mood::Good).await;
    let transport = server.transport(&[]);
    for (command, answer, expected) in [
        ("RCPT", "550 no such user <ada@example.com>", ("550", true)),
        ("RCPT", "450 busy", ("450", false)),
        ("DATA", "554 no valid recipients", ("554", true)),
        ("message", "554 spam", ("554", true)),
        ("message", "451 later", ("451", false)),
        ("MAIL", "550 you may not", ("550", false)),
        ("MAIL", "421 closing", ("421", false)),
        ("EHLO", "554 go away", ("554", false)),
        ("RCPT", "nonsense", ("unreadable answer", false)),
    ] {
        server.set(Mood::Answering(command, answer));
        let (code, is_final) = refused(&transport).await;
        assert_eq!((code.as_str(), is_final), expected, "{command} {answer}");
    }
    server.set(Mood::Good);
    transport.send(&mail()).await.unwrap();
    assert_eq!(server.taken().len(), 1);
}

#[tokio::test]
async fn sa_11_a_server_that_says_nothing_is_left_and_its_connection_with_it() {
    let server = StandIn::start(Mood::Good).await;
    let transport = server.transport(&[]);
    for command in ["EHLO", "MAIL", "RCPT", "DATA", "message"] {
        server.set(Mood::Silent(command));
        assert_eq!(refused(&transport).await, ("timeout".to_owned(), false), "{command}");
        server.set(Mood::Good);
        let before = server.connections.load(Ordering::SeqCst);
        transport.send(&mail()).await.unwrap();
        // The one that was left is not used again: it would answer for the mail before.
        assert_eq!(server.connections.load(Ordering::SeqCst), before + 1, "{command}");
        transport.idle.lock().unwrap().clear();
    }
    assert_eq!(server.taken().len(), 5);
}

#[tokio::test]
async fn sa_11_a_mail_is_doubled_only_where_the_answer_about_it_was_lost() {
    let server = StandIn::start(Mood::Good).await;
    let transport = server.transport(&[]);
    for command in ["MAIL", "RCPT", "DATA", "message"] {
        server.set(Mood::HangsUp(command));
        let (code, is_final) = refused(&transport).await;
        assert!(!is_final && (code == "unreadable answer" || code == "the connection broke"), "{command}: {code}");
        assert_eq!(server.taken().len(), 0, "{command}");
    }
    server.set(Mood::LosesTheAnswer);
    assert!(!refused(&transport).await.1);
    server.set(Mood::Good);
    transport.send(&mail()).await.unwrap();
    assert_eq!(server.taken().len(), 2);
    // One that the server has closed while it waited costs no try.
    server.set(Mood::ClosesAfterwards);
    transport.send(&mail()).await.unwrap();
    transport.send(&mail()).await.unwrap();
    assert_eq!(server.taken().len(), 4);
}

#[test]
fn what_the_configuration_names_has_to_be_there() {
    let transport = |more: &[(&str, &str)]| {
        let variables = [("AUTH__STAGE", "development"), ("AUTH__MAIL__SMTP__HOST", "127.0.0.1")];
        let variables = variables.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        SmtpTransport::new(&Config::load(variables).unwrap()).err().map(|error| error.to_string())
    };
    assert_eq!(transport(&[]), None);
    let empty = tempfile_like::File::with("empty.pem", "");
    for file in ["/nowhere/ca.pem", empty.0.to_str().unwrap()] {
        let said = transport(&[("AUTH__MAIL__SMTP__CA_FILE", file)]).unwrap();
        assert!(said.contains("`mail.smtp.ca_file` from AUTH__MAIL__SMTP__CA_FILE"), "{said}");
    }
}
