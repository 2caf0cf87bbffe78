//! What comes to functions from streams and queues, and what they pass on.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wardgate::config::Config;
use wardgate::domain::deny_list::LONGEST_SECONDS;

use super::api_stack;
use crate::harness::cloudformation::{API, EDGE_STORE, code_stacks, read, resolve, resources, statements, texts};

/// New lines alone are left out before the code looks (PL-03), and what it could not look at is kept.
#[test]
fn sec_pl_03_every_change_of_the_trail_that_is_no_new_line_reaches_the_watch() {
    let template = api_stack();
    let stream = &template["Resources"]["AuditWatchFunction"]["Properties"]["Events"]["Stream"]["Properties"];
    assert_eq!(stream["Stream"], json!({ "Fn::ImportValue": "wardgate-development-audit-table-stream" }));
    let [filter] = stream["FilterCriteria"]["Filters"].as_array().unwrap().as_slice() else { panic!("one filter") };
    let pattern: Value = serde_json::from_str(filter["Pattern"].as_str().unwrap()).unwrap();
    assert_eq!(pattern, json!({ "eventName": ["MODIFY", "REMOVE"] }));
    assert_eq!(
        (&stream["StartingPosition"], &stream["BisectBatchOnFunctionError"], &stream["MaximumRetryAttempts"]),
        (&json!("TRIM_HORIZON"), &json!(true), &json!(100))
    );
    let failed = json!({ "Fn::ImportValue": "wardgate-development-audit-watch-failed-queue" });
    assert_eq!(stream["DestinationConfig"]["OnFailure"]["Destination"], failed);
    let data = resolve(&read("infra/data.yaml"), &[]);
    let source = json!({ "Fn::GetAtt": "AuditTable.StreamArn" });
    assert_eq!(data["Outputs"]["AuditTableStreamArn"]["Value"], source);
}

/// Where a region stands by there are neither tables nor their exports: its copies' streams are given by their ARNs.
#[test]
fn sec_ed_17_a_region_that_stands_by_asks_for_nothing_that_only_the_first_one_has() {
    let stream =
        json!("arn:aws:dynamodb:eu-west-1:123456789012:table/wardgate-development/stream/2026-11-29T12:00:00.000");
    let given = [
        ("Writer", json!("false")),
        ("StandbyRegion", json!("eu-west-1")),
        ("TableStreamArn", stream.clone()),
        ("AuditTableStreamArn", stream),
    ];
    let data = read("infra/data.yaml");
    let outputs = data["Outputs"].as_object().unwrap().values().filter(|it| it["Condition"] == "IsHome");
    let exported = outputs.filter_map(|it| it["Export"]["Name"]["Fn::Sub"].as_str());
    let elsewhere: Vec<String> = exported.map(|name| name.replace("${Stage}", "development")).collect();
    assert_eq!(elsewhere.len(), 2, "{elsewhere:?}");
    for stack in code_stacks(&given) {
        let text = stack.template["Resources"].to_string();
        for name in &elsewhere {
            assert!(!text.contains(name.as_str()), "{name} is imported by a stack of the code");
        }
    }
}

/// Nothing is lost on its way: what fails is reported by itself, tried again, and set aside in the end.
#[test]
fn what_stream_and_queue_could_not_deliver_comes_again_and_is_kept() {
    let template = api_stack();
    let event = |id: &str, name: &str| template["Resources"][id]["Properties"]["Events"][name]["Properties"].clone();
    let (stream, queue) = (event("EventsFunction", "Stream"), event("MailerFunction", "Queue"));
    for source in [&stream, &queue] {
        assert_eq!(source["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
    }
    assert_eq!(
        (&stream["StartingPosition"], &stream["BisectBatchOnFunctionError"]),
        (&json!("TRIM_HORIZON"), &json!(true))
    );
    // The filter leaves out what neither events nor mails are made of.
    assert_eq!(stream["MaximumRetryAttempts"], 100);
    let [filter] = stream["FilterCriteria"]["Filters"].as_array().unwrap().as_slice() else { panic!("one filter") };
    let pattern: Value = serde_json::from_str(filter["Pattern"].as_str().unwrap()).unwrap();
    let partitions = json!([{ "prefix": "USER#" }, { "prefix": "EMAIL#" }]);
    assert_eq!(pattern, json!({ "dynamodb": { "Keys": { "pk": { "S": partitions } } } }));
    let failed = json!({ "Fn::ImportValue": "wardgate-development-events-failed-queue" });
    assert_eq!(stream["DestinationConfig"]["OnFailure"]["Destination"], failed);
    let data = resolve(&read("infra/data.yaml"), &[]);
    let queues = resources(&data, "AWS::SQS::Queue");
    for (id, queue) in &queues {
        assert_eq!(queue["KmsMasterKeyId"], json!({ "Fn::GetAtt": "Key.Arn" }), "{id}");
        assert_eq!(queue["MessageRetentionPeriod"], 14 * 24 * 3600, "{id}");
    }
    let mail = queues["MailQueue"];
    assert_eq!(mail["RedrivePolicy"]["deadLetterTargetArn"], json!({ "Fn::GetAtt": "MailFailedQueue.Arn" }));
    let timeout = template["Resources"]["MailerFunction"]["Properties"]["Timeout"].as_u64().unwrap();
    assert_eq!(mail["VisibilityTimeout"], 6 * timeout);
    assert_eq!(mail["RedrivePolicy"]["maxReceiveCount"], 20);
    // Addresses do not wait for each other.
    assert_eq!(
        (&mail["DeduplicationScope"], &mail["FifoThroughputLimit"]),
        (&json!("messageGroup"), &json!("perMessageGroupId"))
    );
    assert_eq!(queue["ScalingConfig"]["MaximumConcurrency"], 2);
    // Two mailers with one order would send two mails.
    assert_eq!((&mail["FifoQueue"], &queues["MailFailedQueue"]["FifoQueue"]), (&json!(true), &json!(true)));
}

/// Orders for the edge come again soon, since somebody waits for them, and for longer than any could refuse; without an
/// edge there is nothing of this.
#[test]
fn sec_ed_10_orders_for_the_edge_are_tried_while_they_could_refuse_anything() {
    let template = api_stack();
    let function = &template["Resources"]["EdgeSyncFunction"]["Properties"];
    let timeout = function["Timeout"].as_u64().unwrap();
    let queues = resources(&template, "AWS::SQS::Queue");
    assert_eq!(
        queues.keys().copied().collect::<Vec<_>>(),
        [
            "EdgeDropFailedQueue",
            "EdgeDropQueue",
            "EdgeSyncFailedQueue",
            "EdgeSyncQueue",
            "LogoutFailedQueue",
            "LogoutQueue"
        ]
    );
    let longest_window = read(API)["Parameters"]["EdgeSyncSeconds"]["MaxValue"].as_u64().unwrap();
    for (source, queue, window) in [("Orders", "EdgeSyncQueue", longest_window), ("Drops", "EdgeDropQueue", 300)] {
        let event = &function["Events"][source]["Properties"];
        assert_eq!(event["Queue"], json!({ "Fn::GetAtt": format!("{queue}.Arn") }));
        assert_eq!(event["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
        assert_eq!(event["ScalingConfig"]["MaximumConcurrency"], 2);
        let visibility = queues[queue]["VisibilityTimeout"].as_u64().unwrap();
        // A batch may have collected for so long before the function began.
        assert_eq!(visibility, window + timeout, "{source}");
        let redrive = &queues[queue]["RedrivePolicy"];
        let failed = queue.replace("Queue", "FailedQueue");
        assert_eq!(redrive["deadLetterTargetArn"], json!({ "Fn::GetAtt": format!("{failed}.Arn") }));
        let tries = redrive["maxReceiveCount"].as_u64().unwrap();
        assert!(tries * visibility > LONGEST_SECONDS.unsigned_abs(), "{source}");
    }
    for (id, queue) in &queues {
        assert_eq!(queue["KmsMasterKeyId"], json!({ "Fn::ImportValue": "wardgate-development-key" }), "{id}");
        // A sign-out that is told later than that concerns nobody any more.
        let days = if *id == "LogoutQueue" { 1 } else { 14 };
        assert_eq!(queue["MessageRetentionPeriod"], days * 24 * 3600, "{id}");
    }
    let sweep = &function["Events"]["Sweep"]["Properties"];
    let event = serde_json::from_str(sweep["Input"].as_str().unwrap()).unwrap();
    assert!(matches!(event, edge_sync::Event::Sweep { sweep: true }), "ED-12");
    assert_eq!(sweep["Schedule"], "rate(7 days)");
    let without = resolve(&read(API), &[]);
    assert!(resources(&without, "AWS::SQS::Queue").keys().all(|id| id.starts_with("Logout")));
    assert!(without["Resources"].as_object().unwrap().keys().all(|id| !id.starts_with("Edge")));
    let variables = |template: &Value| {
        template["Resources"]["EventsFunction"]["Properties"]["Environment"]["Variables"]["AUTH__EDGE__ORDERS_URL"]
            .clone()
    };
    assert_eq!((variables(&template), variables(&without)), (json!({ "Ref": "EdgeSyncQueue" }), Value::Null));
}

/// What the feed of the edge may do: its queues, one list, and nothing that a user has.
#[test]
fn sec_pl_01_the_edge_sync_reaches_its_queues_and_one_list_alone() {
    let template = api_stack();
    let actions: BTreeMap<String, Value> = statements(&template, "EdgeSync")
        .iter()
        .filter(|it| !["Log", "Decrypt"].contains(&it["Sid"].as_str().unwrap()))
        .map(|it| (texts(&it["Action"]).join(" "), it["Resource"].clone()))
        .collect();
    let queue = |id: &str| json!({ "Fn::GetAtt": format!("{id}.Arn") });
    let expected = [
        (
            "cloudfront-keyvaluestore:DescribeKeyValueStore cloudfront-keyvaluestore:GetKey \
             cloudfront-keyvaluestore:ListKeys cloudfront-keyvaluestore:UpdateKeys",
            json!(EDGE_STORE),
        ),
        (
            "sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage",
            json!([queue("EdgeSyncQueue"), queue("EdgeDropQueue")]),
        ),
        ("sqs:SendMessage", queue("EdgeDropQueue")),
    ];
    assert_eq!(actions, expected.into_iter().map(|(actions, it)| (actions.to_owned(), it)).collect());
    let sends = statements(&template, "Events").iter().find(|it| it["Sid"] == "Orders").unwrap();
    assert!(sends["Resource"].as_array().unwrap().contains(&queue("EdgeSyncQueue")));
}

/// An application that is down is tried for an hour, and a message that is in work is nobody else's.
#[test]
fn sec_oc_42_whom_to_tell_of_a_sign_out_is_tried_for_an_hour_and_kept() {
    let template = api_stack();
    let queues = resources(&template, "AWS::SQS::Queue");
    let function = &template["Resources"]["LogoutNotifierFunction"]["Properties"];
    let event = &function["Events"]["Queue"]["Properties"];
    assert_eq!(event["Queue"], json!({ "Fn::GetAtt": "LogoutQueue.Arn" }));
    assert_eq!(event["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
    let (timeout, visibility) = (function["Timeout"].as_u64().unwrap(), &queues["LogoutQueue"]["VisibilityTimeout"]);
    assert_eq!(visibility.as_u64(), Some(6 * timeout));
    let config = Config::load([("AUTH__STAGE".to_owned(), "development".to_owned())]).unwrap();
    assert!(config.backchannel_logout.timeout_ms < timeout * 1000 / 2, "its answer is waited for");
    let redrive = &queues["LogoutQueue"]["RedrivePolicy"];
    assert_eq!(redrive["deadLetterTargetArn"], json!({ "Fn::GetAtt": "LogoutFailedQueue.Arn" }));
    assert_eq!(redrive["maxReceiveCount"].as_u64().unwrap() * visibility.as_u64().unwrap(), 3600);
    let told = &template["Resources"]["EventsFunction"]["Properties"]["Environment"]["Variables"];
    assert_eq!(told["AUTH__BACKCHANNEL_LOGOUT__QUEUE_URL"], json!({ "Ref": "LogoutQueue" }));
}

/// What reaches servers that others run reads clients, and neither users nor sessions.
#[test]
fn sec_oc_47_the_notifier_reaches_its_queue_its_key_and_clients_alone() {
    let template = api_stack();
    let allowed: Vec<String> = statements(&template, "LogoutNotifier")
        .iter()
        .filter(|it| it["Sid"] != "Log")
        .map(|it| format!("{} {}", texts(&it["Action"]).join(" "), it["Condition"]["ForAllValues:StringLike"]))
        .collect();
    assert_eq!(
        allowed,
        [
            "sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage null",
            "secretsmanager:GetSecretValue null",
            "kms:Decrypt null",
            r#"dynamodb:GetItem {"dynamodb:LeadingKeys":["CLIENT#*","SETTINGS"]}"#,
        ]
    );
}

#[test]
fn the_events_function_follows_the_live_table() {
    let arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/wardgate-restored-1-development/stream/2026";
    for (given, stream) in [("", json!({ "Fn::ImportValue": "wardgate-development-table-stream" })), (arn, json!(arn))]
    {
        let template = resolve(&read(API), &[("TableStreamArn", json!(given))]);
        let events = &template["Resources"]["EventsFunction"]["Properties"]["Events"];
        assert_eq!(events["Stream"]["Properties"]["Stream"], stream);
        let polls = statements(&template, "Events").iter().find(|statement| statement["Sid"] == "Stream").unwrap();
        assert_eq!(polls["Resource"], stream);
    }
}

/// What the functions behind the stream and the queue may do beside the table, and to what.
#[test]
fn sec_pl_01_events_and_mailer_reach_their_own_queues_bus_and_sender_alone() {
    let given = [("MailIdentity", json!("auth.example.com"))];
    let template = resolve(&read(API), &given);
    let import = |name: &str| json!({ "Fn::ImportValue": format!("wardgate-development-{name}") });
    let allowed = |id: &str, service: &str| -> BTreeMap<String, Value> {
        let statements = statements(&template, id).iter();
        let of_service = statements.filter(|it| texts(&it["Action"])[0].starts_with(service));
        of_service.map(|it| (texts(&it["Action"]).join(" "), it["Resource"].clone())).collect()
    };
    let bus = json!("arn:aws:events:eu-central-1:123456789012:event-bus/wardgate-development");
    let table = json!("arn:aws:dynamodb:eu-central-1:123456789012:table/wardgate-development");
    let ses = "arn:aws:ses:eu-central-1:123456789012";
    // SES asks for the sender's identity, its configuration set and, where it is verified, the recipient's identity.
    let identities = json!([format!("{ses}:identity/*"), format!("{ses}:configuration-set/*")]);
    let stream = "dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator dynamodb:ListStreams";
    for (id, service, actions, resource) in [
        ("Events", "dynamodb:", stream, import("table-stream")),
        (
            "Events",
            "sqs:",
            "sqs:SendMessage",
            json!([import("mail-queue"), import("events-failed-queue"), { "Fn::GetAtt": "LogoutQueue.Arn" }]),
        ),
        ("Events", "events:", "events:PutEvents", bus),
        ("AuditWatch", "dynamodb:", stream, import("audit-table-stream")),
        ("AuditWatch", "sqs:", "sqs:SendMessage", import("audit-watch-failed-queue")),
        ("Mailer", "sqs:", "sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage", import("mail-queue")),
        ("Mailer", "ses:", "ses:SendEmail ses:SendRawEmail", identities),
    ] {
        let mut expected = BTreeMap::from([(actions.to_owned(), resource)]);
        if (id, service) == ("Events", "dynamodb:") {
            // Which region writes; which sessions a person had.
            expected.insert("dynamodb:GetItem".to_owned(), table.clone());
            expected.insert("dynamodb:Query".to_owned(), table.clone());
        }
        assert_eq!(allowed(id, service), expected, "{id} {service}");
    }
    assert!(allowed("Mailer", "events:").is_empty() && allowed("Events", "ses:").is_empty());
    // So it is the sender that is limited: to the identity, an address of it, or one of a domain below it.
    let sends = statements(&template, "Mailer").iter().find(|it| it["Sid"] == "Send").unwrap();
    let senders = json!(["auth.example.com", "*@auth.example.com", "*@*.auth.example.com"]);
    assert_eq!(sends["Condition"], json!({ "StringLike": { "ses:FromAddress": senders } }));
}
