//! Erasing accounts: nothing of them stays but an anonymised trail, wherever a run dies.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use reqwest::Method;
use reqwest::header::USER_AGENT;
use serde_json::json;
use wardgate::domain::email::Email;
use wardgate::domain::one_time::Purpose;
use wardgate::use_cases::accounts::me_keep::me_keep;
use wardgate::use_cases::accounts::password_forgot::password_forgot;
use wardgate::use_cases::eraser::erase_accounts;
use wardgate::use_cases::mailed_link::LinkError;

use crate::harness::{AUDIT_TABLE, EMAIL, OTHER_PASSWORD, PASSWORD, TABLE, TestServer};

/// In seconds; short, so that many accounts can go one after the other while the keys last.
const GRACE: i64 = 3600;
const NAME: &str = "Ada Canary";
const AGENT: &str = "Canary/7.7";
/// Two months of trail, so that a run is not all queries.
const QUICK: [(&str, &str); 2] =
    [("AUTH__ACCOUNTS__DELETION_GRACE_SECONDS", "3600"), ("AUTH__STORE__AUDIT_RETENTION_DAYS", "1")];

/// Makes an account that leaves something everywhere, lets it leave, and says its id. Its time of grace is over.
async fn leave(server: &TestServer, email: &str) -> String {
    let body = json!({ "email": email, "password": PASSWORD, "name": NAME });
    server.post("/v1/register", &body).await;
    server.post("/v1/register", &body).await;
    let login = async |password: &str| {
        let login = server.request(Method::POST, "/v1/login").header(USER_AGENT, AGENT);
        server.send(login.json(&json!({ "email": email, "password": password }))).await
    };
    login(PASSWORD).await;
    let signed_in = login(PASSWORD).await;
    let access = signed_in.string("access_token");
    // A line that names two parties.
    for agent in [AGENT, "elsewhere"] {
        let refresh = server.request(Method::POST, "/v1/token/refresh").header(USER_AGENT, agent);
        server.send(refresh.json(&json!({ "refresh_token": signed_in.string("refresh_token") }))).await;
    }
    let id = server.as_bearer(Method::GET, "/v1/me", &access).await.string("id");
    let key = Email::parse(email).unwrap().key();
    former_address(server, &id).await;
    let device = format!("EMAIL#{}", key.as_str());
    server.set_attribute(&device, "DEVICE#dev_1", "user_id", AttributeValue::S(id.clone())).await;
    // A passkey, and whose it is.
    for (pk, sk) in
        [(format!("USER#{id}"), format!("FACTOR#passkey#{id}")), (format!("PASSKEY#{id}"), "OWNER".to_owned())]
    {
        server.set_attribute(&pk, &sk, "user_id", AttributeValue::S(id.clone())).await;
    }
    password_forgot(&server.app, &server.context(), &Email::parse(email).unwrap(), None).await.unwrap();
    let left = server.as_bearer(Method::DELETE, "/v1/me", &access).await;
    assert_eq!(left.status, 202, "{}", left.text);
    login(OTHER_PASSWORD).await;
    server.clock.advance(GRACE);
    id
}

/// What a change of address leaves at the address before.
async fn former_address(server: &TestServer, id: &str) {
    let key = Email::parse(&format!("{id}@example.net")).unwrap().key();
    let until = AttributeValue::N((server.context().now.millis() + 86_400_000).to_string());
    let former = HashMap::from([
        ("email_key".to_owned(), AttributeValue::S(key.as_str().to_owned())),
        ("reserved_until".to_owned(), until.clone()),
    ]);
    let former = AttributeValue::L(vec![AttributeValue::M(former)]);
    server.set_attribute(&format!("USER#{id}"), "PROFILE", "former_addresses", former).await;
    let partition = format!("EMAIL#{}", key.as_str());
    server.set_attribute(&partition, "CREDENTIAL", "user_id", AttributeValue::S(id.to_owned())).await;
    server.set_attribute(&partition, "CREDENTIAL", "reserved_until", until).await;
    server.set_attribute(&partition, "ONE_TIME#email_undo#otp_1", "user_id", AttributeValue::S(id.to_owned())).await;
}

/// Everything in either table that tells of the account, but the lines that may.
async fn traces(server: &TestServer, email: &str, id: &str) -> Vec<String> {
    let keys = [email.to_owned(), format!("{id}@example.net")].map(|email| Email::parse(&email).unwrap().key());
    let telling = |item: &str| {
        [email, NAME, AGENT, "127.0.0.1", keys[0].as_str(), keys[1].as_str()].iter().any(|trace| item.contains(trace))
    };
    let mut traces = Vec::new();
    for item in server.items(TABLE, "").await {
        let item = format!("{item:?}");
        if telling(&item) || item.contains(id) {
            traces.push(item);
        }
    }
    for line in server.items(AUDIT_TABLE, "").await {
        let line = format!("{line:?}");
        if telling(&line) {
            traces.push(line);
        }
    }
    traces
}

async fn erase(server: &TestServer) -> Result<u32, String> {
    erase_accounts(&server.app, "test").await.map_err(|fault| fault.to_string())
}

#[tokio::test]
async fn sec_pl_03_nothing_stays_but_an_anonymised_trail_and_the_address_is_free() {
    let server = TestServer::with(&QUICK).await;
    let id = leave(&server, EMAIL).await;
    assert!(traces(&server, EMAIL, &id).await.len() > 10);
    assert_eq!(erase(&server).await, Ok(1));
    assert_eq!(traces(&server, EMAIL, &id).await, Vec::<String>::new());
    let lines = server.items(AUDIT_TABLE, "").await;
    let mut actions: Vec<&str> = lines.iter().map(|line| line["action"].as_s().unwrap().as_str()).collect();
    actions.sort_unstable();
    assert_eq!(actions, ["deletion_requested", "erased", "refresh_replayed_elsewhere", "signed_in", "signed_in"]);
    for line in &lines {
        assert!(line["pk"].as_s().unwrap().starts_with(&format!("USER#{id}#")), "{line:?}");
        assert!(line.contains_key("at") && line.contains_key("request_id") && line.contains_key("ttl"));
    }
    assert_eq!(erase(&server).await, Ok(0));

    server.register(EMAIL, OTHER_PASSWORD).await;
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401);
    let access = server.login(EMAIL, OTHER_PASSWORD).await.string("access_token");
    let me = server.as_bearer(Method::GET, "/v1/me", &access).await;
    assert_ne!(me.string("id"), id);
    let activity = server.as_bearer(Method::GET, "/v1/me/activity", &access).await.json();
    assert_eq!(activity["items"].as_array().unwrap().len(), 1, "nothing of the account before");
}

#[tokio::test]
async fn nobody_is_erased_before_their_time_and_nobody_else_ever() {
    let server = TestServer::with(&QUICK).await;
    server.register("eve@example.com", PASSWORD).await;
    leave(&server, EMAIL).await;
    let eve = server.login("eve@example.com", PASSWORD).await;
    let items = async || {
        let mut kept = server.items(TABLE, "").await;
        kept.extend(server.items(AUDIT_TABLE, "").await);
        kept.len()
    };
    let before = items().await;
    server.clock.advance_millis(-1);
    assert_eq!(erase(&server).await, Ok(0));
    assert_eq!(items().await, before);
    server.clock.advance_millis(1);
    assert_eq!(erase(&server).await, Ok(1));
    assert_eq!(server.refresh(&eve.string("refresh_token")).await.status, 200);
    let access = server.login("eve@example.com", PASSWORD).await.string("access_token");
    let export = server.as_bearer(Method::GET, "/v1/me/export", &access).await.json();
    assert_eq!(export["activity"].as_array().unwrap().len(), 3);
    assert_eq!(export["activity"][1]["address"], "127.0.0.1");
}

/// Between any two requests, and at any of them.
#[tokio::test]
async fn a_run_that_dies_anywhere_is_finished_by_the_next() {
    let server = TestServer::with(&QUICK).await;
    for requests in 0.. {
        let email = format!("ada-{requests}@example.com");
        let id = leave(&server, &email).await;
        server.store.cut_after(requests);
        let died = erase(&server).await;
        server.store.mend();
        let done = died.is_ok();
        if !done {
            let turns = server.items(TABLE, "ERASURE").await;
            assert_eq!(turns.len(), 1, "after {requests}: the turn is lost");
            assert_eq!(erase(&server).await, Ok(1), "after {requests}");
        }
        assert_eq!(traces(&server, &email, &id).await, Vec::<String>::new(), "after {requests}");
        let erased = server.items(AUDIT_TABLE, &format!("USER#{id}#")).await;
        let erased = erased.iter().filter(|line| line["action"].as_s().unwrap() == "erased").count();
        assert_eq!(erased, 1, "after {requests}");
        if done {
            assert!(requests > 15, "only {requests} requests");
            return;
        }
    }
}

/// The address has a new owner between two runs: nothing of theirs may go.
#[tokio::test]
async fn what_a_new_owner_of_the_address_has_survives_the_rest_of_an_erasure() {
    let server = TestServer::with(&QUICK).await;
    let id = leave(&server, EMAIL).await;
    let key = Email::parse(EMAIL).unwrap().key();
    let mut requests = 0;
    // Dies as soon as the credential is gone.
    loop {
        server.store.cut_after(requests);
        assert!(erase(&server).await.is_err());
        server.store.mend();
        if server.items(TABLE, &format!("EMAIL#{}", key.as_str())).await.is_empty() {
            break;
        }
        requests += 1;
    }
    server.register(EMAIL, OTHER_PASSWORD).await;
    let owner = server.login(EMAIL, OTHER_PASSWORD).await;
    assert_eq!(owner.status, 200, "{}", owner.text);
    server.login(EMAIL, PASSWORD).await;
    let beside = async || (server.items(AUDIT_TABLE, "EMAIL#").await.len(), server.items(TABLE, "LIMIT#").await.len());
    let before = beside().await;
    assert_eq!(erase(&server).await, Ok(1));
    assert_eq!(beside().await, before);
    assert_eq!(server.refresh(&owner.string("refresh_token")).await.status, 200);
    assert_eq!(server.items(TABLE, &format!("USER#{id}")).await.len(), 0);
}

#[tokio::test]
async fn runs_at_a_time_erase_an_account_once() {
    let server = TestServer::with(&QUICK).await;
    let id = leave(&server, EMAIL).await;
    let runs = futures::future::join_all((0..4).map(|_| erase(&server))).await;
    let erased: u32 = runs.into_iter().map(Result::unwrap).sum();
    assert_eq!(erased, 1);
    assert_eq!(traces(&server, EMAIL, &id).await, Vec::<String>::new());
}

#[tokio::test]
async fn keeping_and_erasing_at_a_time_have_one_winner() {
    let server = TestServer::with(&QUICK).await;
    for round in 0..10 {
        let email = format!("ada-{round}@example.com");
        let id = leave(&server, &email).await;
        server.clock.advance_millis(-1);
        let token = server.last_mailed(&email, Purpose::KeepAccount).await.token;
        // A request has the time at which it came in.
        let context = server.context();
        server.clock.advance_millis(1);
        let (kept, erased) = futures::join!(me_keep(&server.app, &context, &token), erase(&server));
        match (kept, erased) {
            (Ok(_), Ok(0)) => assert_eq!(server.login(&email, PASSWORD).await.status, 200),
            (Err(LinkError::InvalidLink), Ok(1)) => {
                assert_eq!(traces(&server, &email, &id).await, Vec::<String>::new());
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(server.items(TABLE, "ERASURE").await.len(), 0);
    }
}

/// As above, with each order of the two decided.
#[tokio::test]
async fn what_is_being_erased_cannot_be_kept_and_what_is_kept_is_not_erased() {
    let server = TestServer::with(&QUICK).await;
    let id = leave(&server, EMAIL).await;
    server.clock.advance_millis(-1);
    let token = server.last_mailed(EMAIL, Purpose::KeepAccount).await.token;
    let context = server.context();
    server.clock.advance_millis(1);
    // The turn is read and the account claimed; then the run dies.
    server.store.cut_after(2);
    assert!(erase(&server).await.is_err());
    server.store.mend();
    assert!(matches!(me_keep(&server.app, &context, &token).await, Err(LinkError::InvalidLink)));
    assert_eq!(erase(&server).await, Ok(1));
    assert_eq!(traces(&server, EMAIL, &id).await, Vec::<String>::new());

    leave(&server, EMAIL).await;
    server.clock.advance_millis(-1);
    let token = server.last_mailed(EMAIL, Purpose::KeepAccount).await.token;
    me_keep(&server.app, &server.context(), &token).await.unwrap();
    server.clock.advance(GRACE);
    assert_eq!(erase(&server).await, Ok(0));
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
}

/// An account that became active by another way leaves a turn behind, at which nothing happens.
#[tokio::test]
async fn a_turn_that_is_off_goes_and_the_account_stays() {
    let server = TestServer::with(&QUICK).await;
    let id = leave(&server, EMAIL).await;
    server.set_attribute(&format!("USER#{id}"), "PROFILE", "status", AttributeValue::S("active".to_owned())).await;
    assert_eq!(erase(&server).await, Ok(0));
    assert_eq!(server.items(TABLE, "ERASURE").await.len(), 0);
    assert!(traces(&server, EMAIL, &id).await.len() > 10);
}

#[tokio::test]
async fn one_that_fails_does_not_keep_the_others_waiting() {
    let server = TestServer::with(&QUICK).await;
    let mut ids = Vec::new();
    for email in ["ada@example.com", "bob@example.com"] {
        ids.push(leave(&server, email).await);
    }
    // The first account's profile cannot be read.
    let profile = format!("USER#{}", ids[0]);
    server.set_attribute(&profile, "PROFILE", "version", AttributeValue::S("?".to_owned())).await;
    assert!(erase(&server).await.is_err());
    assert_eq!(server.items(TABLE, &format!("USER#{}", ids[1])).await.len(), 0);
    assert_eq!(server.items(TABLE, "ERASURE").await.len(), 1);
    server.set_attribute(&profile, "PROFILE", "version", AttributeValue::N("1".to_owned())).await;
    assert_eq!(erase(&server).await, Ok(1));
    assert_eq!(traces(&server, "ada@example.com", &ids[0]).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_function_takes_a_scheduled_event() {
    let server = TestServer::with(&QUICK).await;
    leave(&server, EMAIL).await;
    let event = json!({ "version": "0", "id": "evt-1", "detail-type": "Scheduled Event", "detail": {} });
    let erased = (eraser::FUNCTION.handler)(&server.app, &(), serde_json::from_value(event).unwrap()).await.unwrap();
    assert_eq!(serde_json::to_value(erased).unwrap(), json!({ "erased": 1 }));
    let lines = server.items(AUDIT_TABLE, "USER#").await;
    let line = lines.iter().find(|line| line["action"].as_s().unwrap() == "erased").unwrap();
    assert_eq!(line["request_id"].as_s().unwrap(), "evt-1");
}
