//! Each event in `events/` through its function's binary.

use std::collections::BTreeMap;

use serde_json::Value;
use wardgate_runtime_tests::binaries::repository;
use wardgate_server::endpoints::ENDPOINTS;

use crate::gateway::{Answer, golden};
use crate::world::World;

/// `events/expected.json`: status and code by case.
fn expectations() -> BTreeMap<String, (u64, String)> {
    let text = std::fs::read_to_string(repository().join("events/expected.json")).unwrap();
    let expected: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
    let outcome =
        |value: &Value| (value["status"].as_u64().unwrap(), value["code"].as_str().unwrap_or_default().to_owned());
    expected.iter().map(|(case, value)| (case.clone(), outcome(value))).collect()
}

fn cases(function: &str) -> Vec<String> {
    let entries = std::fs::read_dir(repository().join("events").join(function)).unwrap();
    entries
        .map(|entry| format!("{function}/{}", entry.unwrap().path().file_stem().unwrap().to_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn every_golden_event_gets_its_expected_answer_from_a_fresh_process() {
    let mut found = BTreeMap::new();
    for (endpoint, _) in ENDPOINTS {
        for case in cases(endpoint.name) {
            let world = World::start().await;
            let event = world.signed_in().await.fill(&golden(&case));
            let mut function = world.function(endpoint.name).await;
            let answer = Answer::of(function.invoke(&event).await);

            assert!(!answer.is_base64_encoded, "{case}: {answer:?}");
            assert_eq!(answer.headers["x-request-id"], "golden-request-id", "{case}");
            match answer.headers.get("content-type").map(String::as_str) {
                None => assert_eq!(answer.body, "", "{case}"),
                Some("application/json" | "application/problem+json") => drop(answer.json()),
                Some(other) => panic!("{case}: {other}"),
            }
            assert!(answer.multi_value_headers.is_empty() && answer.cookies.is_empty(), "{case}: {answer:?}");
            found.insert(case, (u64::from(answer.status_code), answer.code()));
        }
    }
    assert_eq!(found, expectations());
}

#[tokio::test]
async fn the_authorizer_answers_its_golden_events() {
    let world = World::start().await;
    let signed_in = world.signed_in().await;
    let mut authorizer = world.function("authorizer").await;
    for case in cases("authorizer") {
        let answer = authorizer.invoke(&signed_in.fill(&golden(&case))).await.unwrap();
        assert_eq!(answer["isAuthorized"], case == "authorizer/ok", "{case}: {answer}");
    }
}
