//! What a warm process does after something has gone wrong.

use std::time::Duration;

use serde_json::json;

use crate::gateway::{Answer, golden, golden_with_id};
use crate::line::Line;
use crate::world::World;

/// Shorter than the store's own time-outs, so that it is the deadline that ends a request.
const DEADLINE: (&str, &str) = ("AUTH__HTTP__REQUEST_DEADLINE_MS", "1000");
/// For outages that are noticed by time-outs alone.
const QUICK: [(&str, &str); 2] = [("AUTH__AWS__ATTEMPT_TIMEOUT_MS", "200"), ("AUTH__AWS__OPERATION_TIMEOUT_MS", "500")];

#[tokio::test]
async fn while_the_store_is_gone_a_request_is_503_and_the_next_one_after_it_is_served() {
    for line in [Line::Cut, Line::Silent] {
        let world = World::with(&[DEADLINE]).await;
        world.registered().await;
        let mut login = world.function("login").await;
        assert_eq!(Answer::of(login.invoke(&golden("login/ok")).await).status_code, 200);

        world.relay.set(line);
        let answer = Answer::of(login.invoke(&golden_with_id("login/ok", "during")).await);
        assert_eq!(answer.status_code, 503, "{line:?}: {answer:?}");
        assert!(answer.headers.contains_key("retry-after"), "{line:?}: {answer:?}");
        let logged = login.log_line(|line| line["request_id"] == "during").await;
        let took = logged["ms"].as_f64().unwrap();
        // The store's calls would take three seconds each.
        assert!(took < 2_500.0, "{line:?}: {logged}");

        world.relay.set(Line::Up);
        let answer = Answer::of(login.invoke(&golden("login/ok")).await);
        assert_eq!(answer.status_code, 200, "{line:?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_store_that_is_gone_at_a_cold_start_does_not_stop_it() {
    for line in [Line::Cut, Line::Silent] {
        let world = World::with(&QUICK).await;
        world.registered().await;
        world.relay.set(line);
        let mut login = world.function("login").await;
        let answer = Answer::of(login.invoke(&golden("login/ok")).await);
        assert_eq!(answer.status_code, 503, "{line:?}: {answer:?}");
        world.relay.set(Line::Up);
        let answer = Answer::of(login.invoke(&golden("login/ok")).await);
        assert_eq!(answer.status_code, 200, "{line:?}: {answer:?}");
    }
}

/// The authorizer answers no request of ours: out of time, it fails its invocation, which API Gateway makes a 500.
#[tokio::test]
async fn an_authorizer_without_a_store_fails_its_invocation_before_lambda_ends_it() {
    let world = World::with(&[("AUTH__AUTHORIZER__CHECK_LIVE_SESSION", "true")]).await;
    let event = world.signed_in().await.fill(&golden("authorizer/ok"));
    let mut authorizer = world.function("authorizer").await;
    let allowed = authorizer.timeout;
    authorizer.timeout = Duration::from_millis(1_500);
    world.relay.set(Line::Silent);
    let error = authorizer.invoke(&event).await.expect_err("no store, so no decision");
    assert_eq!(error["errorMessage"], "deadline has elapsed", "{error}");
    authorizer.timeout = allowed;
    world.relay.set(Line::Up);
    assert_eq!(authorizer.invoke(&event).await.unwrap()["isAuthorized"], true);
}

/// Lambda freezes a process between invocations, for hours at times; meanwhile the store closes its connections.
#[tokio::test]
async fn a_frozen_process_serves_its_next_request_though_its_connections_are_gone() {
    let world = World::start().await;
    let signed_in = world.signed_in().await;
    let mut me = world.function("me").await;
    let event = signed_in.fill(&golden("me/ok"));
    for _ in 0..5 {
        assert_eq!(Answer::of(me.invoke(&event).await).status_code, 200);
        me.signal("STOP");
        assert!(world.relay.open() > 0, "nothing to lose");
        world.relay.set(Line::Cut);
        world.relay.closed().await;
        world.relay.set(Line::Up);
        let id = me.send(&event);
        me.signal("CONT");
        let answer = Answer::of(me.outcome(&id).await);
        assert_eq!(answer.status_code, 200, "{answer:?}\n{}", me.stderr());
    }
}

#[tokio::test]
async fn an_event_that_is_none_fails_its_invocation_and_not_the_process() {
    let world = World::start().await;
    let mut health = world.function("health").await;
    for event in [json!({}), json!([]), json!({ "Records": [] }), json!("text")] {
        let error = health.invoke(&event.to_string()).await.expect_err("no request, so no answer");
        assert!(error["errorType"].is_string() && error["errorMessage"].is_string(), "{event}: {error}");
        assert_eq!(Answer::of(health.invoke(&golden("health/ok")).await).status_code, 200);
    }
}
