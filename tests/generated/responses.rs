//! What functions answer to the golden events of `events/`.

use serde_json::Value;
use wardgate::clock::Pause;
use wardgate::http::edge;
use wardgate::lambda::{incoming, reply};
use wardgate_runtime_tests::golden::{Case, SETTINGS, SignedIn, cases, event, registration};
use wardgate_server::dev::demo_clients;
use wardgate_server::endpoints::ENDPOINTS;

use super::File;
use super::requests::Asked;
use crate::harness::TestServer;
use crate::migrations::ByClock;

/// What API Gateway would get.
pub async fn answer(server: &TestServer, function: &str, event: &str) -> Value {
    let (endpoint, _) = ENDPOINTS.iter().find(|(endpoint, _)| endpoint.name == function).unwrap();
    let request = serde_json::from_str(event).unwrap();
    let response = edge::respond(&server.app, endpoint, incoming(request)).await;
    serde_json::to_value(reply(response)).unwrap()
}

/// Registers the user of `events/login` and signs in.
pub async fn signed_in(server: &TestServer) -> SignedIn {
    answer(server, "register", &registration()).await;
    SignedIn::of(&answer(server, "login", &event("login/ok")).await)
}

/// Of every function that has any, and what they asked of the table.
pub async fn all() -> (Vec<File>, Vec<Asked>) {
    let (mut files, mut asked) = (Vec::new(), Vec::new());
    let mut add = |case: &Case, answer: Value| {
        let (path, content) = case.recorded(answer);
        files.push(File { path, content });
    };
    for (endpoint, _) in ENDPOINTS.iter() {
        for case in cases(endpoint.name) {
            let sent: Value = serde_json::from_str(&case.event).unwrap();
            assert!(endpoint.routes.iter().any(|route| sent["routeKey"] == route.to_string()), "{}", case.name);
            let (answer, rounds) = endpoint_answer(endpoint.name, &case).await;
            asked.push(Asked::new(endpoint, &case.name, answer["statusCode"].to_string(), rounds));
            add(&case, answer);
        }
    }
    let server = TestServer::with(&SETTINGS).await;
    for case in cases("eraser") {
        let event = serde_json::from_str(&case.event).unwrap();
        let erased = (eraser::FUNCTION.handler)(&server.app, &(), event).await.unwrap();
        add(&case, serde_json::to_value(erased).unwrap());
    }
    for case in cases("audit-watch") {
        let event = serde_json::from_str(&case.event).unwrap();
        let watched = (audit_watch::FUNCTION.handler)(&server.app, &(), event).await.unwrap();
        add(&case, serde_json::to_value(watched).unwrap());
    }
    for case in cases("migrate") {
        let server = TestServer::with(&SETTINGS).await;
        signed_in(&server).await;
        let pause: Box<dyn Pause> = Box::new(ByClock(server.clock.clone()));
        let event = serde_json::from_str(&case.event).unwrap();
        let answer = (migrate::FUNCTION.handler)(&server.app, &pause, event).await.unwrap();
        add(&case, serde_json::to_value(answer).unwrap());
    }
    (files, asked)
}

/// With a store of its own, in which somebody has signed in.
async fn endpoint_answer(name: &str, case: &Case) -> (Value, Vec<Vec<String>>) {
    let server = TestServer::with(&SETTINGS).await;
    let send = async |function: &str, event: String| {
        let answer = answer(&server, function, &event).await;
        server.step();
        answer
    };
    let newest_mail = async |to: &str| server.newest_mail(to).await.text;
    let signed_in = signed_in(&server).await;
    demo_clients::ensure(&server.app).await.unwrap();
    // What happens in one millisecond has no order.
    server.step();
    let sent = signed_in.fill_with_links(&case.event, &send, &newest_mail).await;
    server.store.reset();
    let answer = answer(&server, name, &sent).await;
    (answer, server.store.rounds())
}
