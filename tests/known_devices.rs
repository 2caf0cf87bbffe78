//! Devices that have signed in before: a counter of their own, and a notice about new ones (EN-02).

use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::join_all;
use serde_json::json;
use wardgate::crypto::sealed_token::DeviceToken;

use crate::harness::{Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TABLE, TestServer};

const OTHER_EMAIL: &str = "grace@example.com";

async fn login(server: &TestServer, password: &str, device_token: &str) -> Answer {
    let body = json!({ "email": EMAIL, "password": password, "device_token": device_token });
    server.post("/v1/login", &body).await
}

/// The sort keys of what an address has of a kind.
async fn items(server: &TestServer, prefix: &str) -> Vec<(String, String)> {
    let items = server.items(TABLE, "EMAIL#").await.into_iter();
    let keys = items.map(|item| (item["pk"].as_s().unwrap().clone(), item["sk"].as_s().unwrap().clone()));
    keys.filter(|(_, sk)| sk.starts_with(prefix)).collect()
}

/// Fails so often that the next attempt is delayed.
async fn lock_address(server: &TestServer) {
    for _ in 0..10 {
        assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, 401);
    }
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 429);
}

#[tokio::test]
async fn sec_en_02_strangers_cannot_lock_the_owner_of_a_known_device_out() {
    let server = TestServer::start().await;
    let device = server.signed_in().await.string("device_token");
    for _ in 0..100 {
        assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, 401);
        server.clock.advance(900);
    }
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 429, "without the token");
    let answer = login(&server, PASSWORD, &device).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 429, "it cleared its own counter alone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_en_01_of_200_parallel_guesses_with_one_device_token_at_most_the_limit_are_evaluated() {
    let server = TestServer::start().await;
    let device = server.signed_in().await.string("device_token");
    let answers = join_all((0..200).map(|_| login(&server, OTHER_PASSWORD, &device))).await;
    let evaluated = answers.iter().filter(|answer| answer.status == 401).count();
    let refused = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!((evaluated, refused), (10, 190));
    let early = login(&server, PASSWORD, &device).await;
    assert_eq!((early.status, early.header("retry-after")), (429, "1"), "even the right password waits");
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200, "the address has its own counter");
}

#[tokio::test]
async fn sec_en_02_a_completed_sign_in_clears_the_counter_of_its_device_alone() {
    let server = TestServer::start().await;
    let device = server.signed_in().await.string("device_token");
    for round in 0..3 {
        for _ in 0..9 {
            assert_eq!(login(&server, OTHER_PASSWORD, &device).await.status, 401, "round {round}");
        }
        let answer = login(&server, PASSWORD, &device).await;
        assert_eq!((answer.status, answer.string("device_token")), (200, device.clone()), "round {round}");
    }
    assert_eq!(items(&server, "DEVICE#").await.len(), 1);
}

#[tokio::test]
async fn sec_en_02_another_addresss_a_forged_or_a_made_up_device_token_gives_no_counter() {
    let server = TestServer::start().await;
    let device = server.signed_in().await.string("device_token");
    server.register(OTHER_EMAIL, PASSWORD).await;
    let strangers = server.login(OTHER_EMAIL, PASSWORD).await.string("device_token");
    let now = server.context().now;
    let ring = server.app.secrets.session_mac(now).await.unwrap();
    let opened = DeviceToken::open(&device, &ring, now).ok().unwrap();
    // Who has the key, but not the bits whose hash the table holds (OT-09).
    let made_up = DeviceToken { secret: [7; 16], ..opened }.seal(ring.current(now).unwrap());
    let forged = format!("{}{}", &device[..device.len() - 4], "AAAA");
    lock_address(&server).await;
    for token in [&strangers, &made_up, &forged, "", "nonsense"] {
        assert_eq!(login(&server, PASSWORD, token).await.status, 429, "{token}");
    }
    assert_eq!(login(&server, PASSWORD, &device).await.status, 200);
}

#[tokio::test]
async fn sec_en_02_a_device_of_an_account_that_the_address_had_before_is_a_strangers() {
    let server = TestServer::start().await;
    let device = server.signed_in().await.string("device_token");
    lock_address(&server).await;
    let (pk, sk) = items(&server, "DEVICE#").await.remove(0);
    let former = AttributeValue::S("usr_00000000000000000000000001".to_owned());
    server.set_attribute(&pk, &sk, "user_id", former).await;
    assert_eq!(login(&server, PASSWORD, &device).await.status, 429);
    server.clock.advance(1);
    let answer = login(&server, PASSWORD, &device).await;
    assert_eq!(answer.status, 200);
    assert_ne!(answer.string("device_token"), device);
}

#[tokio::test]
async fn sec_en_02_a_device_that_has_used_up_its_attempts_is_as_good_as_unknown() {
    let server = TestServer::start().await;
    let device = server.signed_in().await.string("device_token");
    for _ in 0..100 {
        assert_eq!(login(&server, OTHER_PASSWORD, &device).await.status, 401);
        server.clock.advance(900);
    }
    // Counted on the address from now on, where nobody has spent anything.
    let answer = login(&server, PASSWORD, &device).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_ne!(answer.string("device_token"), device);
}

#[tokio::test]
async fn a_device_that_has_not_signed_in_for_too_long_is_no_longer_known() {
    let server = TestServer::start().await;
    let device = server.signed_in().await.string("device_token");
    let (pk, sk) = items(&server, "DEVICE#").await.remove(0);
    let now = AttributeValue::N(server.context().now.millis().to_string());
    server.set_attribute(&pk, &sk, "expires_at", now).await;
    let answer = login(&server, PASSWORD, &device).await;
    assert_eq!(answer.status, 200);
    assert_ne!(answer.string("device_token"), device);
    assert_eq!(items(&server, "DEVICE#").await.len(), 2);
}

/// SE-04: bound to the credentials that it signed in under, as everything else is.
#[tokio::test]
async fn sec_se_04_a_device_of_other_credentials_is_a_strangers_and_so_is_one_of_none_but_under_the_first() {
    for (version, of_account, known) in
        [(Some("2"), "1", false), (Some("1"), "1", true), (None, "1", true), (None, "2", false)]
    {
        let server = TestServer::start().await;
        let device = server.signed_in().await.string("device_token");
        lock_address(&server).await;
        let (pk, sk) = items(&server, "DEVICE#").await.remove(0);
        let number = |text: &str| AttributeValue::N(text.to_owned());
        let mut item = server.items(TABLE, &pk).await.into_iter().find(|item| item["sk"].as_s() == Ok(&sk)).unwrap();
        let user = item["user_id"].as_s().unwrap().clone();
        // A device of the release before has no version.
        match version {
            Some(version) => item.insert("cred_version".to_owned(), number(version)),
            None => item.remove("cred_version"),
        };
        server.put(TABLE, item).await;
        server.set_attribute(&pk, "CREDENTIAL", "cred_version", number(of_account)).await;
        server.set_attribute(&format!("USER#{user}"), "PROFILE", "cred_version", number(of_account)).await;
        let answer = login(&server, PASSWORD, &device).await;
        assert_eq!(answer.status, if known { 200 } else { 429 }, "{version:?} {of_account}");
        if known {
            let items = server.items(TABLE, &pk).await;
            let item = items.iter().find(|item| item["sk"].as_s() == Ok(&sk)).unwrap();
            assert_eq!(item["cred_version"], number("1"), "from now on it has one");
        }
    }
}

/// Each token bounds guesses of its own.
#[tokio::test]
async fn sec_en_02_an_account_has_twenty_devices_and_the_one_unused_for_longest_goes() {
    let server = TestServer::start().await;
    let mut devices = vec![server.signed_in().await.string("device_token")];
    for _ in 0..19 {
        server.clock.advance(1);
        devices.push(server.login(EMAIL, PASSWORD).await.string("device_token"));
    }
    server.clock.advance(1);
    assert_eq!(login(&server, PASSWORD, &devices[0]).await.string("device_token"), devices[0]);
    for _ in 0..3 {
        server.clock.advance(1);
        devices.push(server.login(EMAIL, PASSWORD).await.string("device_token"));
        assert_eq!(items(&server, "DEVICE#").await.len(), 20);
    }
    lock_address(&server).await;
    for (index, device) in devices.iter().enumerate() {
        let known = !(1..=3).contains(&index);
        assert_eq!(login(&server, PASSWORD, device).await.status, if known { 200 } else { 429 }, "{index}");
    }
}

#[tokio::test]
async fn the_owner_is_told_of_a_new_device_once_and_of_a_known_one_never() {
    let server = TestServer::start().await;
    let device = server.signed_in().await.string("device_token");
    server.clock.advance(600);
    login(&server, PASSWORD, &device).await;
    assert_eq!(items(&server, "ONE_TIME#").await, [], "the account's first minutes, and a known device");
    let new = server.login(EMAIL, PASSWORD).await.string("device_token");
    login(&server, PASSWORD, &new).await;
    assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, 401);
    let notices = items(&server, "ONE_TIME#").await;
    assert_eq!(notices.len(), 1);
    assert!(notices[0].1.starts_with("ONE_TIME#new_device#otp_"), "{notices:?}");
    let notice = server.items(TABLE, "EMAIL#").await.into_iter().find(|item| item["sk"].as_s() == Ok(&notices[0].1));
    let notice = notice.unwrap();
    assert_eq!(notice["address"].as_s().unwrap(), "127.0.0.1");
    assert!(notice["user_id"].as_s().unwrap().starts_with("usr_"));
    assert!(!notice.contains_key("recipient"), "it goes to the address that the account has by then");
}

#[tokio::test]
async fn sec_ot_09_the_table_holds_no_device_token_but_the_hash_of_its_secret() {
    let server = TestServer::start().await;
    let device = server.signed_in().await.string("device_token");
    assert!(device.starts_with("dt_s1."), "{device}");
    let ring = server.app.secrets.session_mac(server.context().now).await.unwrap();
    let opened = DeviceToken::open(&device, &ring, server.context().now).ok().unwrap();
    let hash = wardgate::crypto::sealed_token::secret_hash(&opened.secret);
    let all = format!("{:?}", server.items(TABLE, "").await);
    assert!(all.contains(&hash) && !all.contains(&device) && !all.contains(&wardgate::domain::hex(&opened.secret)));
}

#[tokio::test]
async fn a_refresh_answers_no_device_token() {
    let server = TestServer::start().await;
    let token = server.signed_in().await.string("refresh_token");
    assert!(server.refresh(&token).await.json().get("device_token").is_none());
}
