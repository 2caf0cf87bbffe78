//! What the embedded store keeps of its changes does not grow with use, and nothing is lost for it (docs/engine-growth.md).
//! That the engine finds what it keeps by an index hold the tests of `server/src/dev/streams.rs`.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use wardgate_server::dev::outbox::Outbox;
use wardgate_server::dev::pump::{Drained, Pump};

use crate::harness::mail_edge::MailDisturbance;
use crate::harness::{AUDIT_TABLE, EMAIL, PASSWORD, TABLE, TestServer};

async fn kept(server: &TestServer, table: &str) -> usize {
    server.pump.streams().kept(table.to_owned()).await.unwrap()
}

#[tokio::test]
async fn what_has_been_passed_on_is_not_kept() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    for _ in 0..30 {
        server.login(EMAIL, PASSWORD).await;
    }
    // More than one batch.
    assert!(kept(&server, TABLE).await > 100);
    assert_eq!(server.pump.drain().await.unwrap(), Drained::Empty);
    assert_eq!(kept(&server, TABLE).await, 1);

    server.login(EMAIL, PASSWORD).await;
    assert_eq!(server.pump.drain().await.unwrap(), Drained::Empty);
    assert_eq!(kept(&server, TABLE).await, 1);
    // That is for `audit-watch`, which a test asks itself.
    assert!(kept(&server, AUDIT_TABLE).await > 30);
}

#[tokio::test]
async fn what_waits_is_kept_until_its_mail_has_arrived() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    server.verify_directly(EMAIL).await;
    server.mails(EMAIL).await;
    server.mail_edge.disturb(MailDisturbance::Refused, 20);
    assert_eq!(server.post("/v1/password/forgot", &json!({ "email": EMAIL })).await.status, 202);
    let written = kept(&server, TABLE).await;
    assert!(written > 1);
    for _ in 0..3 {
        assert_eq!(server.pump.drain().await.unwrap(), Drained::Waiting);
        assert!(kept(&server, TABLE).await >= written, "a record was deleted before its mail arrived");
    }
    server.mail_edge.mend();
    let before = server.arrived(EMAIL).len();
    assert_eq!(server.mails(EMAIL).await.len(), before + 1);
    assert_eq!(kept(&server, TABLE).await, 1);
}

/// A pump as `make run` has it, which goes on where the last one stopped.
fn pump(server: &TestServer, file: PathBuf) -> (Pump, Arc<Outbox>) {
    let outbox = Arc::new(Outbox::default());
    let streams = server.pump.streams().clone();
    (Pump::new(Arc::clone(&server.app), streams, Box::new(Arc::clone(&outbox)), Some(file)), outbox)
}

#[tokio::test]
async fn a_pump_that_starts_again_loses_nothing_and_repeats_nothing_even_when_its_file_is_broken() {
    let server = TestServer::with(&[("AUTH__ACCOUNTS__REQUIRE_VERIFIED_EMAIL", "true")]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stream.position");
    // Nothing yet; as it was left; cut short; no number at all.
    for (turn, left) in [None, None, Some(""), Some("10000"), Some("nonsense")].into_iter().enumerate() {
        if let Some(left) = left {
            std::fs::write(&file, left).unwrap();
        }
        let email = format!("ada{turn}@example.com");
        server.register(&email, PASSWORD).await;
        let (pump, outbox) = pump(&server, file.clone());
        assert_eq!(pump.drain().await.unwrap(), Drained::Empty, "{left:?}");
        let arrived = outbox.mails(None);
        assert_eq!((arrived.len(), outbox.mails(Some(&email)).len()), (1, 1), "{left:?}");
        assert_eq!(kept(&server, TABLE).await, 1);
        assert_eq!(pump.drain().await.unwrap(), Drained::Empty);
        assert_eq!(outbox.mails(None).len(), 1);
    }
}
