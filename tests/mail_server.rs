//! Mails to a mail server that is not ours: aiosmtpd, over STARTTLS with a private authority, for who signs in. `make test`
//! prepares it; where Python is missing the test says that it was skipped, and `REQUIRE_INTEROP=1` makes that a failure.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use wardgate::config::Config;
use wardgate::domain::email::Email;
use wardgate::outbound::smtp::SmtpTransport;
use wardgate::outbound::{MailTransport as _, OutgoingMail};

use crate::harness::{EMAIL, PASSWORD, TestServer, repository};

#[expect(clippy::disallowed_methods, reason = "asks whoever runs the test, not the configuration")]
fn required() -> bool {
    std::env::var_os("REQUIRE_INTEROP").is_some()
}

fn pem(kind: &str, der: &[u8]) -> String {
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", STANDARD.encode(der))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
async fn sa_11_aiosmtpd_takes_our_mails_and_we_understand_its_refusals() {
    let python = repository(".tools/smtp-venv/bin/python");
    if !python.exists() {
        assert!(!required(), "aiosmtpd is not prepared: {} is missing", python.display());
        eprintln!("SKIPPED: aiosmtpd is not prepared; `make test` does that where Python is installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let authority = file("ca.pem", pem("CERTIFICATE", issuer.der()));
    let certificate = file("certificate.pem", pem("CERTIFICATE", certificate.der()));
    let key = file("key.pem", pem("PRIVATE KEY", &key.serialize_der()));
    let password = file("password", "s3cret pass\n".to_owned());
    let script = repository("tests/interop/mail_server.py");
    let mut process = Command::new(python)
        .arg(script)
        .args([&certificate, &key, "wardgate", "s3cret pass"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
    let port = said.next().unwrap().unwrap();

    let transport = |password: &str| {
        let variables = [
            ("AUTH__STAGE", "development"),
            ("AUTH__MAIL__TRANSPORT", "smtp"),
            ("AUTH__MAIL__SMTP__HOST", "127.0.0.1"),
            ("AUTH__MAIL__SMTP__PORT", &port),
            ("AUTH__MAIL__SMTP__CA_FILE", &authority),
            ("AUTH__MAIL__SMTP__USER", "wardgate"),
            ("AUTH__MAIL__SMTP__PASSWORD_FILE", password),
        ];
        let config = Config::load(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
        SmtpTransport::new(&config.unwrap()).unwrap()
    };
    let sends = transport(&password);
    // A mail as it is made, and one that is all dots.
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    server.mails(EMAIL).await;
    let made = server.mail_edge.newest().unwrap();
    let dots = b"Subject: dots\r\n\r\n.\r\n..\r\n.x".to_vec();
    for message in [made, dots] {
        let expected = String::from_utf8(message.clone()).unwrap();
        sends.send(&OutgoingMail { to: Email::parse(EMAIL).unwrap(), message }).await.unwrap();
        let taken: Value = serde_json::from_str(&said.next().unwrap().unwrap()).unwrap();
        assert_eq!((&taken["from"], &taken["to"]), (&json!("no-reply@wardgate.localhost"), &json!([EMAIL])));
        let lines: Vec<&str> = taken["lines"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        assert_eq!(lines.join("\r\n").trim_end(), expected.trim_end());
    }
    let refused = async |transport: &SmtpTransport, to: &str| {
        let mail = OutgoingMail { to: Email::parse(to).unwrap(), message: b"Subject: x\r\n\r\ny".to_vec() };
        let error = transport.send(&mail).await.unwrap_err();
        (error.code, error.is_final)
    };
    assert_eq!(refused(&sends, "550ada@example.com").await, ("550".to_owned(), true));
    assert_eq!(refused(&sends, "450ada@example.com").await, ("450".to_owned(), false));
    let wrong = file("wrong", "another".to_owned());
    assert_eq!(refused(&transport(&wrong), EMAIL).await, ("535".to_owned(), false));
    sends.check().await.unwrap();
    drop(process.stdin.take());
    process.wait().unwrap();
}
