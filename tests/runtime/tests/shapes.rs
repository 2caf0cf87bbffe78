//! What the way through `lambda.rs` makes of requests and answers, whatever endpoint they belong to.

use std::time::Duration;

use serde_json::{Value, json};
use wardgate_runtime_tests::function::Function;

use crate::gateway::{Answer, golden};
use crate::world::World;

/// The probe, which is built with this test and answers what no function does yet.
async fn probe(world: &World) -> Function {
    Function::start(env!("CARGO_BIN_EXE_probe").as_ref(), &world.variables("probe")).await
}

/// A request for what the probe knows under `what`.
fn event(what: &str) -> String {
    let mut event: Value = serde_json::from_str(&golden("health/ok")).unwrap();
    event["pathParameters"] = json!({ "what": what });
    event.to_string()
}

#[tokio::test]
async fn each_cookie_is_one_of_the_cookies_and_no_header() {
    let world = World::start().await;
    let answer = Answer::of(probe(&world).await.invoke(&event("cookies")).await);
    assert_eq!(answer.cookies, ["a=1; Path=/", "b=2; Path=/"]);
    assert!(!answer.headers.contains_key("set-cookie"), "{answer:?}");
}

#[tokio::test]
async fn a_base64_body_of_a_request_is_decoded() {
    let world = World::start().await;
    let event: Value = serde_json::from_str(&golden("login/base64-body")).unwrap();
    assert_eq!(event["isBase64Encoded"], true);
    world.registered().await;
    let answer = Answer::of(world.function("login").await.invoke(&event.to_string()).await);
    assert_eq!(answer.status_code, 200, "{answer:?}");
}

#[tokio::test]
async fn a_handler_that_never_answers_is_503_and_the_process_goes_on() {
    let world = World::with(&[("AUTH__HTTP__REQUEST_DEADLINE_MS", "300")]).await;
    let mut probe = probe(&world).await;
    let answer = Answer::of(probe.invoke(&event("nothing")).await);
    assert_eq!((answer.status_code, answer.code().as_str()), (503, "temporarily_unavailable"), "{answer:?}");
    let answer = Answer::of(probe.invoke(&event("cookies")).await);
    assert_eq!(answer.status_code, 200, "{answer:?}");
}

/// The deadline of the configuration is 8 seconds here.
#[tokio::test]
async fn an_invocation_that_is_about_to_be_ended_is_503_before_that() {
    let world = World::start().await;
    let mut probe = probe(&world).await;
    probe.timeout = Duration::from_millis(1_500);
    let answer = Answer::of(probe.invoke(&event("nothing")).await);
    assert_eq!((answer.status_code, answer.code().as_str()), (503, "temporarily_unavailable"), "{answer:?}");
    assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
    let logged = probe.log_line(|line| line["endpoint"] == "probe").await;
    assert!(logged["ms"].as_f64().unwrap() < 1_500.0, "{logged}");
}

/// `cargo lambda watch` sends such a one with every invocation.
#[tokio::test]
async fn a_deadline_that_has_passed_is_none() {
    let world = World::start().await;
    let mut ready = world.function("ready").await;
    ready.timeout = Duration::ZERO;
    let answer = Answer::of(ready.invoke(&golden("ready/ok")).await);
    assert_eq!(answer.status_code, 200, "{answer:?}");
}
