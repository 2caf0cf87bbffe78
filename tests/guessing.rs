//! Guessing passwords (EN-01 to EN-03).

use std::collections::BTreeMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::join_all;
use reqwest::Method;
use serde_json::json;
use wardgate::domain::email::Email;

use crate::harness::store_edge::{Crash, Disturbance};
use crate::harness::{Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TABLE, TestServer};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_en_01_of_200_parallel_guesses_at_most_the_limit_are_evaluated() {
    for email in [EMAIL, "nobody@example.com"] {
        let server = TestServer::start().await;
        server.register(EMAIL, PASSWORD).await;
        let answers = join_all((0..200).map(|_| server.login(email, OTHER_PASSWORD))).await;
        let evaluated = answers.iter().filter(|answer| answer.status == 401).count();
        let refused = answers.iter().filter(|answer| answer.status == 429).count();
        assert_eq!((evaluated, refused), (10, 190), "{email}");
    }
}

#[tokio::test]
async fn sec_en_02_failures_are_delayed_and_even_the_right_password_waits() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    for _ in 0..10 {
        assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, 401);
    }
    for delay in [1, 2, 4, 8] {
        let early = server.login(EMAIL, PASSWORD).await;
        assert_eq!((early.status, early.string("code").as_str()), (429, "too_many_attempts"));
        assert_eq!(early.header("retry-after"), delay.to_string());
        server.clock.advance_millis(delay * 1000 - 1);
        assert_eq!(server.login(EMAIL, PASSWORD).await.status, 429, "a millisecond early after {delay} s");
        server.clock.advance_millis(1);
        assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, 401);
    }
}

/// Whoever watches a counter learns nothing of its owner (EN-04): it is the same whether or not there was one.
#[tokio::test]
async fn sec_en_02_sec_en_04_a_completed_sign_in_gives_its_own_attempt_back_and_no_other() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    for _ in 0..9 {
        assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, 401);
    }
    let before = counters(&server).await;
    for _ in 0..5 {
        assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
    }
    assert_eq!(counters(&server).await, before);
    assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, 401, "the tenth");
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 429);
}

/// What a pair, an address and a user have counted, summed up by scope. All have an end.
async fn counters(server: &TestServer) -> BTreeMap<String, u32> {
    let mut counters = BTreeMap::new();
    for item in server.items(TABLE, "LIMIT#").await {
        assert!(item.contains_key("ttl"), "{item:?}");
        let scope = item["pk"].as_s().unwrap().split('#').nth(1).unwrap().to_owned();
        let count = item.get("attempts").or(item.get("failures")).unwrap().as_n().unwrap();
        if ["login_pair", "login_account", "password_user"].contains(&scope.as_str()) {
            *counters.entry(scope).or_default() += count.parse::<u32>().unwrap();
        }
    }
    counters
}

fn counted(pair: u32, account: u32) -> BTreeMap<String, u32> {
    BTreeMap::from([("login_account".to_owned(), account), ("login_pair".to_owned(), pair)])
}

#[tokio::test]
async fn sec_en_02_a_hundred_failures_are_enough_until_the_window_ends_for_everybody() {
    for email in [EMAIL, "nobody@example.com"] {
        let server = TestServer::start().await;
        server.register(EMAIL, PASSWORD).await;
        for failure in 0..100 {
            assert_eq!(server.login(email, OTHER_PASSWORD).await.status, 401, "failure {failure}");
            server.clock.advance(900);
        }
        let answer = server.login(email, PASSWORD).await;
        assert_eq!(answer.status, 429);
        let wait: i64 = answer.header("retry-after").parse().unwrap();
        assert!(wait > 24 * 3600 && wait <= 30 * 24 * 3600, "{wait}");
        server.clock.advance(wait - 1);
        assert_eq!(server.login(email, PASSWORD).await.status, 429);
        server.clock.advance(1);
        assert_eq!(server.login(email, PASSWORD).await.status, if email == EMAIL { 200 } else { 401 });
    }
}

/// Sources of our own making.
const PROXIED: (&str, &str) = ("AUTH__HTTP__TRUSTED_PROXIES", r#"["127.0.0.0/8"]"#);

async fn login_from(server: &TestServer, source: &str, password: &str, device: Option<&str>) -> Answer {
    let body = json!({ "email": EMAIL, "password": password, "device_token": device });
    let request = server.request(Method::POST, "/v1/login").header("x-forwarded-for", source);
    server.send(request.json(&body)).await
}

/// EN-02: what is refused at one counter has not touched the next.
#[tokio::test]
async fn sec_en_02_a_source_over_its_limit_spends_nothing_of_its_victims() {
    let server = TestServer::with(&[("AUTH__LIMITS__LOGIN_SOURCE__LIMIT", "3")]).await;
    server.register(EMAIL, PASSWORD).await;
    for expected in [401, 401, 401, 429, 429, 429] {
        assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, expected);
    }
    assert_eq!(counters(&server).await, counted(3, 3));
}

#[tokio::test]
async fn sec_en_02_one_source_spends_a_fifth_of_an_address_and_five_spend_all_but_what_known_devices_have() {
    let server = TestServer::with(&[PROXIED, ("AUTH__LIMITS__LOGIN_PAIR__MOST_FAILURES", "20")]).await;
    let device = server.signed_in().await.string("device_token");
    for source in 1..=6 {
        let address = format!("192.0.2.{source}");
        for _ in 0..30 {
            login_from(&server, &address, OTHER_PASSWORD, None).await;
            server.clock.advance(900);
        }
        let spent = 20 * source.min(5);
        assert_eq!(counters(&server).await["login_account"], spent, "{source}");
        let owner = login_from(&server, "198.51.100.7", PASSWORD, None).await.status;
        assert_eq!(owner, if source < 5 { 200 } else { 429 }, "{source}: on a new device");
        assert_eq!(login_from(&server, "198.51.100.7", PASSWORD, Some(&device)).await.status, 200, "{source}");
    }
}

/// A customer with a /48 of IPv6 is one for a pair by its /56.
#[tokio::test]
async fn sec_en_02_a_pair_counts_an_ipv6_customer_once() {
    let most = [("AUTH__LIMITS__LOGIN_PAIR__FREE_FAILURES", "5"), ("AUTH__LIMITS__LOGIN_PAIR__MOST_FAILURES", "5")];
    let server = TestServer::with(&[PROXIED, most[0], most[1]]).await;
    server.register(EMAIL, PASSWORD).await;
    for host in 0..5 {
        assert_eq!(login_from(&server, &format!("2001:db8:1:{host}::9"), OTHER_PASSWORD, None).await.status, 401);
    }
    assert_eq!(login_from(&server, "2001:db8:1:ff::9", PASSWORD, None).await.status, 429);
    assert_eq!(login_from(&server, "2001:db8:1:100::9", PASSWORD, None).await.status, 200);
    assert_eq!(counters(&server).await, counted(5, 5));
}

/// A damaged hash stands for all that can fail between the reservation and the comparison.
#[tokio::test]
async fn sec_en_02_an_attempt_that_our_side_did_not_evaluate_is_given_back() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    let pk = format!("EMAIL#{}", Email::parse(EMAIL).unwrap().key().as_str());
    let nobodys = [("key_version", AttributeValue::N("99".to_owned())), ("sealed", AttributeValue::B(Blob::new([7])))];
    let nobodys = nobodys.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    server.set_attribute(&pk, "CREDENTIAL", "password", AttributeValue::M(nobodys)).await;
    for _ in 0..12 {
        assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, 500);
        let change = server.request(Method::POST, "/v1/password/change").bearer_auth(&access);
        let body = json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD });
        assert_eq!(server.send(change.json(&body)).await.status, 500);
    }
    assert!(counters(&server).await.values().all(|count| *count == 0), "{:?}", counters(&server).await);
}

#[tokio::test]
async fn sec_en_02_one_source_is_limited_over_all_addresses() {
    let server = TestServer::with(&[("AUTH__LIMITS__LOGIN_SOURCE__LIMIT", "3")]).await;
    for (index, expected) in [401, 401, 401, 429].into_iter().enumerate() {
        assert_eq!(server.login(&format!("user{index}@example.com"), PASSWORD).await.status, expected);
    }
    server.clock.advance(60);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401);
}

#[tokio::test]
async fn sec_en_03_a_counter_that_cannot_count_fails_closed() {
    let server = TestServer::with(&[("AUTH__AWS__MAX_ATTEMPTS", "2")]).await;
    server.register(EMAIL, PASSWORD).await;
    server.store.disturb("UpdateItem", Disturbance::Throttled, 4);
    let answer = server.login(EMAIL, PASSWORD).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
}

/// What became of the counters once nothing is on its way any more.
async fn settled(server: &TestServer) -> BTreeMap<String, u32> {
    let mut counted = counters(server).await;
    for _ in 0..1000 {
        if counted.values().all(|count| *count == 0) {
            break;
        }
        tokio::task::yield_now().await;
        counted = counters(server).await;
    }
    counted
}

const BROWNOUT: [(&str, &str); 3] = [
    ("AUTH__AWS__MAX_ATTEMPTS", "1"),
    ("AUTH__AWS__ATTEMPT_TIMEOUT_MS", "250"),
    ("AUTH__AWS__OPERATION_TIMEOUT_MS", "500"),
];

/// The owner signs in again and again, and each time another of its requests is carried out without an answer; and then
/// once the store is well: from a known device and from elsewhere.
#[tokio::test]
async fn sec_sa_07_a_brownout_of_the_store_leaves_no_owner_in_a_delay() {
    let server = TestServer::with(&BROWNOUT).await;
    let device = server.signed_in().await.string("device_token");
    let sign_in = async |device: Option<&str>| {
        let body = json!({ "email": EMAIL, "password": PASSWORD, "device_token": device });
        server.post("/v1/login", &body).await
    };
    let mut failed = 0;
    for requests in [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6] {
        for device in [Some(&*device), None] {
            server.store.crash_after(requests, Crash::Blip);
            let answer = sign_in(device).await;
            server.store.mend();
            assert!([200, 503].contains(&answer.status), "{requests}: {}", answer.text);
            failed += u32::from(answer.status == 503);
            let counted = settled(&server).await;
            assert!(counted.values().all(|count| *count == 0), "{requests}: {counted:?}");
        }
    }
    for _ in 0..12 {
        for device in [Some(&*device), None] {
            server.store.disturb("TransactWriteItems", Disturbance::ServerError, 1);
            assert_eq!(sign_in(device).await.status, 503);
            settled(&server).await;
        }
    }
    assert!(failed > 12, "hardly anything failed: {failed}");
    for device in [Some(&*device), None] {
        let answer = sign_in(device).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

/// An answer that was lost, and asked for again, has counted once.
#[tokio::test]
async fn sec_sa_07_an_attempt_whose_answer_was_lost_counts_once() {
    let server = TestServer::with(&[("AUTH__AWS__MAX_ATTEMPTS", "3"), BROWNOUT[1]]).await;
    server.register(EMAIL, PASSWORD).await;
    for requests in 1..=5 {
        server.store.crash_after(requests, Crash::Blip);
        assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, 401);
        server.store.mend();
    }
    assert_eq!(counters(&server).await, counted(5, 5));
}

/// EN-01 stands: whatever fails after a wrong password was evaluated, it counts.
#[tokio::test]
async fn sec_sa_07_sec_en_01_a_wrong_password_counts_whatever_fails_after_it() {
    let server = TestServer::with(&BROWNOUT).await;
    server.register(EMAIL, PASSWORD).await;
    let mut evaluated = 0;
    for _ in 0..12 {
        server.store.disturb("PutItem", Disturbance::ServerError, 1);
        server.store.disturb("TransactWriteItems", Disturbance::ServerError, 1);
        evaluated += u32::from(server.login(EMAIL, OTHER_PASSWORD).await.status == 503);
    }
    assert_eq!(evaluated, 10);
    assert_eq!(settled(&server).await, counted(10, 10));
}

/// A request that is given up at its deadline was not evaluated either.
#[tokio::test]
async fn sec_sa_07_an_attempt_that_met_the_deadline_is_given_back() {
    let deadline = [("AUTH__HTTP__REQUEST_DEADLINE_MS", "300"), ("AUTH__AWS__ATTEMPT_TIMEOUT_MS", "30000")];
    let server = TestServer::with(&deadline).await;
    let access = server.signed_in().await.string("access_token");
    for _ in 0..3 {
        server.store.disturb("TransactWriteItems", Disturbance::Timeout, 1);
        assert_eq!(server.login(EMAIL, PASSWORD).await.status, 503);
    }
    let change = server.request(Method::POST, "/v1/password/change").bearer_auth(&access);
    server.store.disturb("TransactWriteItems", Disturbance::Timeout, 1);
    let body = json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD });
    assert_eq!(server.send(change.json(&body)).await.status, 503);
    let counted = settled(&server).await;
    assert!(counted.values().all(|count| *count == 0), "{counted:?}");
}
