//! What `events` and `mailer` ask of SQS, `EventBridge` and SES, by the events that Lambda sends them.

use std::fs;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use wardgate::aws::Connection;
use wardgate::config::Stage;
use wardgate::domain::email::Email;
use wardgate::outbound::OutgoingMail;

use crate::harness::outbound_services::{Health, OutboundServices};
use crate::harness::{EMAIL, PASSWORD, TestServer, repository};

const QUEUE: &str = "https://sqs.eu-central-1.amazonaws.com/123456789012/wardgate-development-mail.fifo";
const OUTBOUND: [(&str, &str); 3] = [
    ("AUTH__MAIL__QUEUE_URL", QUEUE),
    ("AUTH__MAIL__EVENT_BUS", "wardgate-development"),
    ("AUTH__MAIL__SENDER", "Blue Harbour <no-reply@auth.example.com>"),
];

fn golden(path: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(repository(&format!("events/{path}.json"))).unwrap()).unwrap()
}

fn connection(services: &OutboundServices) -> Connection {
    Connection { http_client: SharedHttpClient::new(services.clone()), ..Connection::local(String::new()) }
}

/// The records that have to come again.
async fn deliver(server: &TestServer, services: &OutboundServices, event: Value) -> Vec<String> {
    let parts = (events::FUNCTION.parts)(&server.app.config, &connection(services)).unwrap();
    let answer = (events::FUNCTION.handler)(&server.app, &parts, serde_json::from_value(event).unwrap()).await.unwrap();
    let answer = serde_json::to_value(answer).unwrap();
    let failures = answer["batchItemFailures"].as_array().unwrap();
    failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_order_goes_to_the_queue_and_an_event_to_the_bus() {
    let (server, services) = (TestServer::with(&OUTBOUND).await, OutboundServices::new());
    assert_eq!(deliver(&server, &services, golden("events/ok")).await, Vec::<String>::new());
    let mut calls = services.taken();
    calls.sort_by(|a, b| a.0.cmp(&b.0));
    let (published, ordered) = (&calls[0].1, &calls[1].1);
    assert_eq!(
        calls.iter().map(|call| call.0.as_str()).collect::<Vec<_>>(),
        ["AWSEvents.PutEvents", "AmazonSQS.SendMessageBatch"]
    );

    let names: Vec<&Value> =
        published["Entries"].as_array().unwrap().iter().map(|entry| &entry["DetailType"]).collect();
    assert_eq!(names, ["account.created", "account.verified"]);
    let entry = &published["Entries"][0];
    assert_eq!((&entry["Source"], &entry["EventBusName"]), (&json!("wardgate"), &json!("wardgate-development")));
    let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
    let expected = json!({
        "version": 1,
        "id": "c81e728d9d4c2f636f067f89cc14862c.account.created",
        "time": "2026-03-01T12:30:00Z",
        "user_id": "usr_01kjm4t3c00000000000000001",
    });
    assert_eq!(detail, expected);
    // PL-02: the image had the address.
    assert!(!published.to_string().contains("ada@"), "{published}");

    assert_eq!(ordered["QueueUrl"], QUEUE);
    let message = &ordered["Entries"][0];
    let record = &golden("events/ok")["Records"][1]["dynamodb"];
    assert_eq!(message["MessageDeduplicationId"], record["NewImage"]["id"]["S"]);
    assert_eq!(message["MessageGroupId"], record["Keys"]["pk"]["S"]);
    let order: Value = serde_json::from_str(message["MessageBody"].as_str().unwrap()).unwrap();
    let id = &record["NewImage"]["id"]["S"];
    assert_eq!(order, json!({ "pk": record["Keys"]["pk"]["S"], "sk": record["Keys"]["sk"]["S"], "id": id }));
}

#[tokio::test]
async fn what_a_service_does_not_take_comes_again() {
    let (server, services) = (TestServer::with(&OUTBOUND).await, OutboundServices::new());
    for health in [Health::Down, Health::Partial] {
        services.set(health);
        assert_eq!(deliver(&server, &services, golden("events/ok")).await, ["111"], "{health:?}");
    }
    services.set(Health::Up);
    services.taken();
    // A record that nobody can read is the only one that comes again, after what stood before it has gone out.
    let mut event = golden("events/ok");
    event["Records"][1]["dynamodb"]["NewImage"] = json!({ "id": { "N": "7" } });
    assert_eq!(deliver(&server, &services, event).await, ["222"]);
    assert_eq!(services.taken().len(), 1);
}

#[tokio::test]
async fn sec_en_07_a_mail_goes_to_the_stored_address_from_the_configured_sender() {
    let (server, services) = (TestServer::with(&OUTBOUND).await, OutboundServices::new());
    let parts = (mailer::FUNCTION.parts)(&server.app.config, &connection(&services)).unwrap();
    let mail = OutgoingMail { to: Email::parse("Ada@Example.com").unwrap(), message: b"Subject: x\r\n\r\ny".to_vec() };
    parts.transport.send(&mail).await.unwrap();
    let calls = services.taken();
    let (path, body) = &calls[0];
    assert_eq!(path, "/v2/email/outbound-emails");
    assert_eq!(body["FromEmailAddress"], "\"Blue Harbour\" <no-reply@auth.example.com>");
    assert_eq!(body["Destination"]["ToAddresses"], json!(["Ada@example.com"]));
    assert_eq!(STANDARD.decode(body["Content"]["Raw"]["Data"].as_str().unwrap()).unwrap(), mail.message);
    services.set(Health::Down);
    let refused = parts.transport.send(&mail).await.unwrap_err();
    // PL-02: the service's message quotes an address.
    assert_eq!(refused.to_string(), "SES did not take it: AccessDeniedException");
    assert_eq!(services.taken().len(), 1, "another try could be another mail");
}

#[tokio::test]
async fn sec_en_09_a_sender_at_an_international_domain_reaches_ses_in_ascii() {
    let sender = [("AUTH__MAIL__SENDER", "Bücher <Post@Bücher.example>")];
    let (server, services) = (TestServer::with(&sender).await, OutboundServices::new());
    let parts = (mailer::FUNCTION.parts)(&server.app.config, &connection(&services)).unwrap();
    let mail =
        OutgoingMail { to: Email::parse("Ada@Bücher.example").unwrap(), message: b"Subject: x\r\n\r\ny".to_vec() };
    parts.transport.send(&mail).await.unwrap();
    let calls = services.taken();
    let (_, body) = &calls[0];
    let from = body["FromEmailAddress"].as_str().unwrap();
    assert!(from.starts_with("=?utf-8?") && from.ends_with("?= <Post@xn--bcher-kva.example>"), "{from}");
    assert_eq!(body["Destination"]["ToAddresses"], json!(["Ada@xn--bcher-kva.example"]));
    // Message-ID is made of the sender's domain: the whole way, from an order on.
    server.register(EMAIL, PASSWORD).await;
    assert_eq!(server.mails(EMAIL).await.len(), 1);
}

#[tokio::test]
async fn sec_en_09_outside_development_no_mail_is_sent_from_the_default_sender() {
    let (server, services) = (TestServer::start().await, OutboundServices::new());
    let mut config = server.app.config.clone();
    config.stage = Stage::Production;
    let refused = (mailer::FUNCTION.parts)(&config, &connection(&services)).err().unwrap().to_string();
    assert!(refused.contains("`mail.sender`") && refused.contains("AUTH__MAIL__SENDER"), "{refused}");
}

#[tokio::test]
async fn an_order_for_an_item_that_is_gone_is_nothing_to_do() {
    let (server, services) = (TestServer::with(&OUTBOUND).await, OutboundServices::new());
    let parts = (mailer::FUNCTION.parts)(&server.app.config, &connection(&services)).unwrap();
    let event = serde_json::from_value(golden("mailer/ok")).unwrap();
    let answer = (mailer::FUNCTION.handler)(&server.app, &parts, event).await.unwrap();
    assert_eq!((answer.batch_item_failures.len(), services.taken().len()), (0, 0));
}

#[tokio::test]
async fn without_a_queue_or_a_bus_events_does_not_start() {
    let server = TestServer::start().await;
    let missing = (events::FUNCTION.parts)(&server.app.config, &connection(&OutboundServices::new())).err().unwrap();
    assert!(missing.to_string().contains("AUTH__MAIL__QUEUE_URL"), "{missing}");
}
