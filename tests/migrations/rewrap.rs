//! The re-wrap of password hashes under the hands of people who sign in (PW-02).

use futures::future::join_all;
use reqwest::Method;
use serde_json::json;
use wardgate::domain::email::Email;
use wardgate::migrations::MIGRATIONS;
use wardgate::use_cases::migrate::{Order, standing};

use super::{fill, finish, meaning, put_wrap_keys, ring, run, state, to, trail};
use crate::harness::secrets_manager::Mood;
use crate::harness::{EMAIL, OTHER_PASSWORD, PASSWORD, START, TABLE, TestServer};

/// The versions under which hashes are sealed.
async fn versions(server: &TestServer) -> Vec<u32> {
    let items = server.items(TABLE, "EMAIL#").await;
    let passwords = items.iter().filter_map(|item| item.get("password")?.as_m().ok());
    let mut versions: Vec<u32> = passwords.map(|it| it["key_version"].as_n().unwrap().parse().unwrap()).collect();
    versions.sort_unstable();
    versions.dedup();
    versions
}

#[tokio::test]
async fn sec_pw_02_it_is_due_again_with_each_key_that_seals_and_says_how_many_are_under_which() {
    let server = TestServer::start().await;
    fill(&server).await;
    let due = async || standing(&server.app, MIGRATIONS).await.unwrap().migrations[0].due;
    assert!(due().await);
    finish(&server, &Order::default()).await;
    assert!(!due().await);
    // A later key that does not seal yet changes nothing: others may not have it.
    put_wrap_keys(&server, &[(1, -1), (2, 600)]);
    assert!(!due().await);
    server.clock.set(START);
    server.clock.advance(600);
    assert!(due().await);
    let reports = finish(&server, &Order::default()).await;
    let step = &reports[0].finished[0];
    assert_eq!((step.number.as_str(), step.revision.as_str(), step.changed), ("0001", "2", 60));
    assert_eq!(step.tallies.iter().collect::<Vec<_>>(), [(&"sealed under version 2".to_owned(), &60)]);
    assert_eq!(versions(&server).await, [2]);
    assert!(!due().await && trail(&server).await.len() == 6);
    let kept = state(&server, "0001").await.unwrap();
    assert_eq!((kept["revision"].as_s().unwrap().as_str(), kept["before"].as_s().unwrap().as_str()), ("2", "1"));
}

/// Nothing is dropped without a word: what cannot be opened keeps its key in the report.
#[tokio::test]
async fn sec_pw_02_a_hash_whose_key_is_gone_stays_and_is_reported() {
    let server = TestServer::start().await;
    fill(&server).await;
    put_wrap_keys(&server, &[(2, -1), (3, 0)]);
    let before = super::bytes(&server).await;
    let reports = finish(&server, &to("0001")).await;
    let step = &reports[0].finished[0];
    assert_eq!(step.changed, 0);
    assert_eq!(step.tallies.iter().collect::<Vec<_>>(), [(&"sealed under version 1, not in the ring".to_owned(), &60)]);
    assert_eq!(super::bytes(&server).await, before);
}

#[tokio::test]
async fn sec_pw_02_a_moved_row_is_not_opened_and_is_reported() {
    let server = TestServer::start().await;
    fill(&server).await;
    put_wrap_keys(&server, &[(1, -1), (2, 0)]);
    let item = server.items(TABLE, "EMAIL#").await.into_iter().find(|item| item.contains_key("password")).unwrap();
    let (pk, sk) = (item["pk"].as_s().unwrap(), item["sk"].as_s().unwrap());
    let other = aws_sdk_dynamodb::types::AttributeValue::S(super::user(998).to_string());
    server.set_attribute(pk, sk, "user_id", other).await;
    let reports = finish(&server, &to("0001")).await;
    let tallies = &reports[0].finished[0].tallies;
    assert_eq!(tallies["sealed under version 1, damaged"], 1);
    assert_eq!(tallies["sealed under version 2"], 59);
}

#[tokio::test]
async fn sec_pw_02_taking_back_needs_the_earlier_key_and_says_so() {
    let server = TestServer::start().await;
    fill(&server).await;
    put_wrap_keys(&server, &[(1, -1), (2, 0)]);
    finish(&server, &to("0001")).await;
    put_wrap_keys(&server, &[(2, 0)]);
    server.clock.advance(3600);
    let fault = run(&server, &to("0000")).await.unwrap_err();
    assert_eq!(fault.to_string(), "no wrapping key of version 1");
    assert_eq!(versions(&server).await, [2]);
}

/// What comes before the first rotation of a stage.
#[tokio::test]
async fn before_there_are_keys_there_is_nothing_to_seal_and_the_others_are_applied() {
    let server = TestServer::with_secrets_manager(&[]).await;
    server.secrets_manager.set(Mood::Empty);
    let report = run(&server, &Order::default()).await.unwrap();
    let numbers: Vec<&str> = report.finished.iter().map(|step| step.number.as_str()).collect();
    assert_eq!((numbers, report.more), (vec!["0002", "0004"], false));
    assert!(!standing(&server.app, MIGRATIONS).await.unwrap().migrations[0].due);
}

/// People sign in, change their passwords and register while every hash is sealed anew, there and back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_pw_02_sign_ins_password_changes_and_registrations_meanwhile_lose_nothing() {
    let server = TestServer::start().await;
    let people: Vec<String> = (0..6).map(|index| format!("person-{index}@example.com")).collect();
    for email in &people {
        server.register(email, PASSWORD).await;
    }
    fill(&server).await;
    let before = meaning(&server).await;
    put_wrap_keys(&server, &[(1, -1), (2, 0)]);
    // So that every process has read the new ring.
    server.clock.advance(3600);
    server.login(&people[5], PASSWORD).await;
    let slow = Order { items_per_second: Some(60), ..Order::default() };
    let migrating = async {
        finish(&server, &slow).await;
        finish(&server, &Order { to: Some("0000".to_owned()), ..slow.clone() }).await;
        finish(&server, &slow).await;
    };
    let living = join_all(people.iter().enumerate().map(async |(index, email)| {
        let (mut known, mut next) = (PASSWORD, OTHER_PASSWORD);
        for _ in 0..2 {
            let signed_in = server.login(email, known).await;
            assert_eq!(signed_in.status, 200, "{email}: {}", signed_in.text);
            let change = server.request(Method::POST, "/v1/password/change");
            let change = change.bearer_auth(signed_in.string("access_token"));
            let body = json!({ "current_password": known, "new_password": next });
            let changed = server.send(change.json(&body)).await;
            assert_eq!(changed.status, 200, "{email}: {}", changed.text);
            (known, next) = (next, known);
        }
        let newcomer = format!("newcomer-{index}@example.com");
        server.register(&newcomer, PASSWORD).await;
        assert_eq!(server.login(&newcomer, PASSWORD).await.status, 200);
        (email.clone(), known)
    }));
    let ((), passwords) = futures::join!(migrating, living);
    for (email, password) in passwords {
        assert_eq!(server.login(&email, password).await.status, 200, "{email}");
        let key = Email::parse(&email).unwrap().key();
        assert!(server.app.store.read_credential(&key).await.unwrap().unwrap().password.is_some());
    }
    // What a later pass would find: nothing that any key but the last has sealed, once it has run again.
    finish(&server, &Order { again: Some(server.app.clock.now()), ..Order::default() }).await;
    assert_eq!(versions(&server).await, [2]);
    let after = meaning(&server).await;
    for (key, item) in before.iter().filter(|(key, _)| key.contains("REGISTRATION#reg_4")) {
        assert_eq!(after[key], item.replace("under 1", "under 2"), "{key}");
    }
    assert_eq!(ring(&server).keys.len(), 2);
}

#[tokio::test]
async fn sec_pw_02_who_registered_under_the_earlier_key_signs_in_when_it_is_gone() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    put_wrap_keys(&server, &[(1, -1), (2, 0)]);
    finish(&server, &Order::default()).await;
    put_wrap_keys(&server, &[(2, 0)]);
    server.clock.advance(86_400);
    let process = server.restarted().await;
    assert_eq!(process.login(EMAIL, PASSWORD).await.status, 200);
}
