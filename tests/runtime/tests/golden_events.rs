//! Each event in `events/` through its function's binary.

use serde_json::json;
use wardgate_runtime_tests::binaries::functions;
use wardgate_runtime_tests::golden::{PASS_ON, SETTINGS, cases, stable};

use crate::world::World;

#[tokio::test]
async fn every_golden_event_gets_its_response_from_a_fresh_process() {
    for name in functions().into_iter().filter(|name| !PASS_ON.contains(&name.as_str())) {
        for case in cases(&name) {
            let world = World::with(&SETTINGS).await;
            let send =
                async |function: &str, event: String| world.function(function).await.invoke(&event).await.unwrap();
            let newest_mail = async |to: &str| world.newest_mail(to).await;
            let event = world.signed_in().await.fill_with_links(&case.event, &send, &newest_mail).await;
            case.check(world.function(&name).await.invoke(&event).await.unwrap());
        }
    }
}

#[test]
fn only_what_differs_each_time_is_replaced() {
    let answer = json!({
        "statusCode": 200,
        "headers": { "retry-after": "60", "etag": "\"1\"" },
        "cookies": ["__Host-refresh=rt_k1.AAAA.BBBB; Expires=Sun, 01 Mar 2026 12:30:00 GMT; Path=/"],
        "body": json!({ "id": "usr_01kjmp10a0djt37ndmbck9q6dr", "at": "2026-03-01T12:30:00.250Z", "took_ms": 3 }).to_string(),
    });
    let expected = json!({
        "statusCode": 200,
        "headers": { "retry-after": "60", "etag": "\"1\"" },
        "cookies": ["__Host-refresh=<rt token>; Expires=<time>; Path=/"],
        "body": { "id": "<usr id>", "at": "<time>", "took_ms": "<milliseconds>" },
    });
    assert_eq!(stable(answer), expected);
    let plain = json!({ "statusCode": 200, "body": "auth.example.com says 2026, eyJ and no JSON" });
    assert_eq!(stable(plain.clone()), plain);
}
