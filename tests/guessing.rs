//! Guessing passwords (EN-01 to EN-03).

use futures::future::join_all;

use crate::harness::store_edge::Disturbance;
use crate::harness::{EMAIL, OTHER_PASSWORD, PASSWORD, TestServer};

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

#[tokio::test]
async fn sec_en_02_a_completed_sign_in_clears_the_counter_a_failed_one_does_not() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    for round in 0..3 {
        for _ in 0..9 {
            assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, 401, "round {round}");
        }
        assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200, "round {round}");
    }
}

#[tokio::test]
async fn sec_en_02_after_a_hundred_consecutive_failures_no_wait_is_long_enough() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    for failure in 0..100 {
        assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, 401, "failure {failure}");
        server.clock.advance(900);
    }
    server.clock.advance(365 * 24 * 3600);
    let answer = server.login(EMAIL, PASSWORD).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, "900"));
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
