//! What `template.yaml`, `infra/migrate.yaml` and `infra/data.yaml` have to say. `make validate` checks that they are templates at all, and
//! `permissions/` that each role is what its function needs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};
use wardgate::config::Config;
use wardgate::secrets::RingName;
use wardgate_runtime_tests::binaries;
use wardgate_server::endpoints::ENDPOINTS;

use crate::harness::cloudformation::{functions, read, resolve, resources, statements, texts};
use crate::harness::repository;

/// With everything that a parameter can switch on.
fn template() -> Value {
    let given =
        [("AuthorizerAudience", "https://api.example.com"), ("AuthorizerChecksSessions", "true"), ("Tracing", "on")];
    resolve(&read("template.yaml"), &given.map(|(name, value)| (name, json!(value))))
}

/// The stacks that have functions, and everything that a parameter can switch on.
fn stacks() -> [Value; 2] {
    [template(), resolve(&read("infra/migrate.yaml"), &[("Tracing", json!("on"))])]
}

/// Functions that no route leads to, and what does.
const WITHOUT_ROUTE: [(&str, Option<&str>); 7] = [
    ("audit-watch", Some("DynamoDB")),
    ("authorizer", None),
    ("eraser", Some("Schedule")),
    ("events", Some("DynamoDB")),
    ("mailer", Some("SQS")),
    // Secrets Manager has schedules of its own.
    ("rotate-keys", None),
    ("smoke", None),
];
#[test]
fn functions_are_the_binaries() {
    let named: BTreeSet<String> = binaries::functions().into_iter().collect();
    let stacks = stacks();
    let functions: Vec<String> = stacks.iter().flat_map(|stack| functions(stack).into_keys()).collect();
    assert_eq!(functions.len(), named.len(), "a function in two stacks");
    assert_eq!(functions.into_iter().collect::<BTreeSet<_>>(), named);
}

/// It has to be there before the code, and no other client than the operator calls it.
#[test]
fn migrations_have_a_stack_of_their_own_with_all_the_time_that_lambda_gives() {
    let [_, stack] = stacks();
    let function = &stack["Globals"]["Function"];
    assert_eq!((&function["Timeout"], &function["AutoPublishAlias"]), (&json!(900), &json!("live")));
    let deadline = function["Environment"]["Variables"]["AUTH__HTTP__REQUEST_DEADLINE_MS"].as_str().unwrap();
    let deadline: u64 = deadline.parse().unwrap();
    assert!((60_000..900_000).contains(&deadline), "the lock is given back before Lambda ends the process");
    let migrate = &stack["Resources"]["MigrateFunction"]["Properties"];
    assert_eq!(
        (&migrate["AutoPublishCodeSha256"], &migrate["VersionDescription"]),
        (&json!("unreleased"), &json!("unreleased"))
    );
    assert_eq!(migrate.get("Events"), None);
    let common = read("template.yaml");
    for (name, parameter) in read("infra/migrate.yaml")["Parameters"].as_object().unwrap() {
        for member in ["Type", "Default", "AllowedPattern", "AllowedValues", "MinValue", "MaxValue"] {
            assert_eq!(parameter.get(member), common["Parameters"][name].get(member), "{name}: {member}");
        }
    }
}

#[test]
fn routes_are_the_endpoints() {
    let template = template();
    let functions = functions(&template);
    let mut routes = BTreeSet::new();
    for (name, id) in functions {
        let words = name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]);
        assert_eq!(id, words.collect::<String>());
        let function = &template["Resources"][format!("{id}Function")]["Properties"];
        assert_eq!(function["FunctionName"], format!("wardgate-development-{name}"));
        assert_eq!(function["AutoPublishCodeSha256"], "unreleased", "{name} would not be published with the others");
        let events: Vec<&Value> = function["Events"].as_object().into_iter().flat_map(|it| it.values()).collect();
        if let Some((_, source)) = WITHOUT_ROUTE.iter().find(|(without, _)| *without == name) {
            let kinds: Vec<Option<&str>> = events.iter().map(|event| event["Type"].as_str()).collect();
            assert_eq!(kinds, source.iter().map(|source| Some(*source)).collect::<Vec<_>>(), "{name}");
            continue;
        }
        for event in events {
            assert_eq!(event["Type"], "HttpApi", "{name}");
            let route = &event["Properties"];
            assert_eq!(route["ApiId"], json!({ "Ref": "Api" }), "{name}");
            routes.insert((
                format!("{} {}", route["Method"].as_str().unwrap(), route["Path"].as_str().unwrap()),
                name.clone(),
            ));
        }
    }
    let endpoints =
        ENDPOINTS.iter().flat_map(|(it, _)| it.routes.iter().map(|route| (route.to_string(), it.name.to_owned())));
    assert_eq!(routes, endpoints.collect());
}

#[test]
fn each_function_publishes_an_alias_that_is_an_output() {
    for template in stacks() {
        assert_eq!(template["Globals"]["Function"]["AutoPublishAlias"], "live");
        for id in functions(&template).values() {
            let alias = json!({ "Ref": format!("{id}Function.Alias") });
            assert_eq!(template["Outputs"][format!("{id}Alias")]["Value"], alias);
        }
    }
}

#[test]
fn sec_pl_01_each_function_has_a_role_of_its_own_without_a_wildcard() {
    stacks().iter().for_each(has_roles_of_their_own);
}

fn has_roles_of_their_own(template: &Value) {
    let functions = functions(template);
    // And CodeDeploy's: deployments.rs.
    let others = resources(template, "AWS::IAM::Role").keys().filter(|id| **id == "CodeDeployRole").count();
    assert_eq!(resources(template, "AWS::IAM::Role").len(), functions.len() + others, "a role that no function has");
    for id in functions.values() {
        let function = &template["Resources"][format!("{id}Function")]["Properties"];
        assert_eq!(function["Role"], json!({ "Fn::GetAtt": format!("{id}Role.Arn") }));
        // SAM would make another role of these.
        assert_eq!(function.get("Policies"), None, "{id}");
        let role = &template["Resources"][format!("{id}Role")]["Properties"];
        assert_eq!(role["ManagedPolicyArns"], json!([{ "Ref": "TracingPolicy" }]), "{id}");
        let trust = &role["AssumeRolePolicyDocument"]["Statement"];
        assert_eq!(trust.as_array().unwrap().len(), 1, "{id}");
        assert_eq!(trust[0]["Principal"], json!({ "Service": "lambda.amazonaws.com" }), "{id}");
        for statement in statements(template, id) {
            assert!(texts(&statement["Action"]).iter().all(|action| !action.contains('*')), "{id}: {statement}");
            assert_eq!(statement.get("NotAction").or_else(|| statement.get("NotResource")), None, "{id}: {statement}");
        }
    }
}

#[test]
fn sec_pl_01_a_role_writes_its_own_log_and_decrypts_for_the_services_that_it_uses() {
    stacks().iter().for_each(writes_own_logs_and_decrypts);
}

fn writes_own_logs_and_decrypts(template: &Value) {
    for id in functions(template).values() {
        let (mut logs, mut keys, mut services) = (0, Vec::new(), BTreeSet::new());
        for statement in statements(template, id) {
            let action = texts(&statement["Action"])[0];
            match action.split_once(':').unwrap().0 {
                "logs" => {
                    logs += 1;
                    assert_eq!(texts(&statement["Action"]), ["logs:CreateLogStream", "logs:PutLogEvents"], "{id}");
                    assert_eq!(statement["Resource"], json!({ "Fn::GetAtt": format!("{id}LogGroup.Arn") }));
                }
                "kms" => {
                    // Whoever puts a message into a queue, or a value into a secret, encrypts it, too.
                    let encrypts = ["sqs:SendMessage", "secretsmanager:PutSecretValue"];
                    let mut all = statements(template, id).iter().flat_map(|other| texts(&other["Action"]));
                    let sends = all.any(|action| encrypts.contains(&action));
                    let actions: &[&str] =
                        if sends { &["kms:Decrypt", "kms:GenerateDataKey"] } else { &["kms:Decrypt"] };
                    assert_eq!(texts(&statement["Action"]), actions, "{id}");
                    assert_eq!(statement["Resource"], json!({ "Fn::ImportValue": "wardgate-development-key" }), "{id}");
                    keys = texts(&statement["Condition"]["StringEquals"]["kms:ViaService"]);
                }
                // None of them keeps anything under our key.
                "codedeploy" | "events" | "lambda" | "ses" => {}
                service => {
                    services.insert(format!("{service}.eu-central-1.amazonaws.com"));
                }
            }
        }
        assert_eq!(logs, 1, "{id}");
        assert_eq!(keys.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), services, "{id}");
    }
}

#[test]
fn sec_pl_01_a_resource_that_is_everything_has_its_reason_above_it() {
    for path in
        ["template.yaml", "infra/data.yaml", "infra/migrate.yaml", "infra/backup.yaml", "infra/backup-copy.yaml"]
    {
        let text = fs::read_to_string(repository(path)).unwrap();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (index, line) in lines.iter().enumerate() {
            if line.starts_with("Resource:") && (line.ends_with("\"*\"") || line.ends_with("'*'")) {
                assert!(lines[index - 1].starts_with("# "), "{path}, line {}", index + 1);
            }
        }
    }
    // Written in another way, it would be found here.
    for (id, resource) in stacks().iter().flat_map(|stack| stack["Resources"].as_object().unwrap()) {
        if id != "TracingPolicy" && id != "CodeDeployRole" {
            assert!(!resource.to_string().contains(r#""Resource":"*""#), "{id}");
            assert!(!resource.to_string().contains(r#""Resource":["*"]"#), "{id}");
        }
    }
}

#[test]
fn sec_pl_02_the_access_log_has_no_query_and_no_header() {
    let template = template();
    let format = template["Resources"]["Api"]["Properties"]["AccessLogSettings"]["Format"].as_str().unwrap();
    let fields: BTreeMap<String, String> = serde_json::from_str(format).unwrap();
    let harmless = [
        "error.responseType",
        "identity.sourceIp",
        "integrationErrorMessage",
        "integrationLatency",
        "integrationStatus",
        "protocol",
        "requestId",
        "requestTimeEpoch",
        "responseLatency",
        "responseLength",
        // The path as we wrote it, with {id}, and not as somebody typed it.
        "routeKey",
        "status",
    ];
    for (name, value) in &fields {
        let variable = value.strip_prefix("$context.").unwrap_or(value);
        assert!(harmless.contains(&variable), "{name} is {value}");
    }
    assert!(["request_id", "route", "status"].iter().all(|name| fields.contains_key(*name)));
    let log_group = &template["Resources"]["Api"]["Properties"]["AccessLogSettings"]["DestinationArn"];
    assert_eq!(log_group, &json!({ "Fn::GetAtt": "ApiLogGroup.Arn" }));
}

#[test]
fn sec_se_07_only_listed_origins_may_call() {
    let cors = &template()["Resources"]["Api"]["Properties"]["CorsConfiguration"];
    assert!(!cors.to_string().contains('*'));
    let named = resolve(&read("template.yaml"), &[("AllowedOrigins", json!("https://a.example,https://b.example"))]);
    let cors = &named["Resources"]["Api"]["Properties"]["CorsConfiguration"];
    assert_eq!(cors["AllowOrigins"], json!(["https://a.example", "https://b.example"]));
}

/// The emulator's lowering loses both.
#[test]
fn the_api_fails_on_warnings_and_its_paths_begin_with_no_stage() {
    let api = &template()["Resources"]["Api"]["Properties"];
    assert_eq!((&api["FailOnWarnings"], &api["StageName"]), (&json!(true), &json!("$default")));
}

/// A throttle of 20 a second, which all clients share, let one host keep everybody out: it limits what a flood costs, and
/// not guessing, which is counted in the table by source.
#[test]
fn sec_en_02_the_throttle_of_what_hashes_is_above_what_one_source_may_send() {
    for stage_file in ["infra/staging/parameters.yaml", "infra/production/parameters.yaml"] {
        let given = read(stage_file);
        let rate = given["HashingRate"].as_u64().unwrap();
        assert!(rate * 60 >= 50 * 100, "{stage_file}: fewer than fifty sources fill it");
    }
}

#[test]
fn what_hashes_passwords_has_concurrency_memory_and_a_throttle_of_its_own() {
    let given = ["LoginConcurrency", "PasswordConcurrency", "RegisterConcurrency"].map(|name| (name, json!(7)));
    let template = resolve(&read("template.yaml"), &given);
    let api = &template["Resources"]["Api"]["Properties"];
    for (endpoint, _) in ENDPOINTS.iter() {
        let hashes = endpoint.needs.rings.contains(&RingName::PasswordWrap);
        let id = functions(&template)[endpoint.name].to_owned();
        let function = &template["Resources"][format!("{id}Function")]["Properties"];
        assert_eq!(function["ReservedConcurrentExecutions"].is_number(), hashes, "{id}");
        assert_eq!(function["MemorySize"].is_number(), hashes, "{id}: all others have that of Globals");
        let route = format!("{} {}", endpoint.method(), endpoint.path());
        let throttle = &api["RouteSettings"][&route];
        assert_eq!(throttle.is_object(), hashes, "{route}");
        if hashes {
            for limit in ["ThrottlingRateLimit", "ThrottlingBurstLimit"] {
                let (own, general) = (throttle[limit].as_u64(), api["DefaultRouteSettings"][limit].as_u64());
                assert!(own.unwrap() < general.unwrap(), "{route}: {limit}");
            }
        }
    }
}

#[test]
fn each_log_group_is_encrypted_and_forgets() {
    let given = [("LogRetentionDays", json!(30)), ("AuthorizerAudience", json!("https://api.example.com"))];
    // One for each function, and one for the API.
    for (path, others) in [("template.yaml", 1), ("infra/migrate.yaml", 0)] {
        let template = resolve(&read(path), &given);
        let functions = functions(&template);
        let groups = resources(&template, "AWS::Logs::LogGroup");
        assert_eq!(groups.len(), functions.len() + others, "{path}");
        for (id, group) in groups {
            assert_eq!(group["RetentionInDays"], 30, "{id}");
            assert_eq!(group["KmsKeyId"], json!({ "Fn::ImportValue": "wardgate-development-key" }), "{id}");
        }
        for (name, id) in functions {
            let function = &template["Resources"][format!("{id}Function")]["Properties"];
            assert_eq!(function["LoggingConfig"]["LogGroup"], json!({ "Ref": format!("{id}LogGroup") }));
            let group = &template["Resources"][format!("{id}LogGroup")]["Properties"];
            assert_eq!(group["LogGroupName"], format!("/aws/lambda/wardgate-development-{name}"));
        }
    }
}

/// The configuration itself takes what the stack passes to functions.
#[test]
fn each_stages_parameters_are_a_configuration() {
    for stage in ["development", "staging", "production"] {
        let parameters = match stage {
            "development" => json!({}),
            _ => read(&format!("infra/{stage}/parameters.yaml")),
        };
        let given: Vec<(&str, Value)> =
            parameters.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        let guarded = ("AuthorizerAudience", json!("https://api.example.com"));
        let given: Vec<(&str, Value)> =
            [guarded].into_iter().chain(given.into_iter().filter(|(_, it)| it != "")).collect();
        let template = resolve(&read("template.yaml"), &given);
        let mut variables = template["Globals"]["Function"]["Environment"]["Variables"].clone();
        let own = template["Resources"]["AuthorizerFunction"]["Properties"]["Environment"]["Variables"].clone();
        variables.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        let variables = variables.as_object().unwrap().clone().into_iter();
        let config = Config::load(variables.map(|(name, value)| (name, value.as_str().unwrap().to_owned()))).unwrap();
        assert_eq!(config.stage.name(), stage);
        assert_eq!(config.secrets.prefix, Some(format!("wardgate/{stage}/")));
        assert_eq!(config.authorizer.audience.as_deref(), Some("https://api.example.com"));
        assert_eq!(config.authorizer.required_scopes, ["account"]);
        assert!(stage == "development" || config.tokens.issuer.starts_with("https://"));
    }
}

/// What the functions behind the stream and the queue may do beside the table, and to what.
#[test]
fn sec_pl_01_events_and_mailer_reach_their_own_queues_bus_and_sender_alone() {
    let given = [("MailIdentity", json!("auth.example.com"))];
    let template = resolve(&read("template.yaml"), &given);
    let import = |name: &str| json!({ "Fn::ImportValue": format!("wardgate-development-{name}") });
    let allowed = |id: &str, service: &str| -> BTreeMap<String, Value> {
        let statements = statements(&template, id).iter();
        let of_service = statements.filter(|it| texts(&it["Action"])[0].starts_with(service));
        of_service.map(|it| (texts(&it["Action"]).join(" "), it["Resource"].clone())).collect()
    };
    let bus = json!("arn:aws:events:eu-central-1:123456789012:event-bus/wardgate-development");
    let identity = json!("arn:aws:ses:eu-central-1:123456789012:identity/auth.example.com");
    let stream = "dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator dynamodb:ListStreams";
    for (id, service, actions, resource) in [
        ("Events", "dynamodb:", stream, import("table-stream")),
        ("Events", "sqs:", "sqs:SendMessage", json!([import("mail-queue"), import("events-failed-queue")])),
        ("Events", "events:", "events:PutEvents", bus),
        ("AuditWatch", "dynamodb:", stream, import("audit-table-stream")),
        ("AuditWatch", "sqs:", "sqs:SendMessage", import("audit-watch-failed-queue")),
        ("Mailer", "sqs:", "sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage", import("mail-queue")),
        ("Mailer", "ses:", "ses:SendEmail ses:SendRawEmail", identity),
    ] {
        assert_eq!(allowed(id, service), BTreeMap::from([(actions.to_owned(), resource)]), "{id} {service}");
    }
    assert!(allowed("Mailer", "events:").is_empty() && allowed("Events", "ses:").is_empty());
}

/// New lines alone are left out before the code looks (PL-03), and what it could not look at is kept.
#[test]
fn sec_pl_03_every_change_of_the_trail_that_is_no_new_line_reaches_the_watch() {
    let template = template();
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

/// Nothing is lost on its way: what fails is reported by itself, tried again, and set aside in the end.
#[test]
fn what_stream_and_queue_could_not_deliver_comes_again_and_is_kept() {
    let template = template();
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

#[test]
fn nothing_that_holds_data_can_be_lost_with_its_stack() {
    let template = read("infra/data.yaml");
    for (id, resource) in template["Resources"].as_object().unwrap() {
        assert_eq!(resource["DeletionPolicy"], "Retain", "{id}");
        assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{id}");
    }
    let template = resolve(&template, &[]);
    let tables = resources(&template, "AWS::DynamoDB::GlobalTable");
    let names: BTreeSet<&str> = tables.values().map(|table| table["TableName"].as_str().unwrap()).collect();
    assert_eq!(names, BTreeSet::from(["wardgate-audit-development", "wardgate-development"]));
    for (id, table) in tables {
        assert_eq!(table["BillingMode"], "PAY_PER_REQUEST", "{id}");
        let keys = json!([{ "AttributeName": "pk", "KeyType": "HASH" }, { "AttributeName": "sk", "KeyType": "RANGE" }]);
        assert_eq!(table["KeySchema"], keys, "{id}");
        assert_eq!(table["TimeToLiveSpecification"], json!({ "AttributeName": "ttl", "Enabled": true }), "{id}");
        assert_eq!(table["StreamSpecification"]["StreamViewType"], "NEW_AND_OLD_IMAGES", "{id}");
        assert_eq!(table["SSESpecification"], json!({ "SSEEnabled": true, "SSEType": "KMS" }), "{id}");
        assert_eq!(table["Replicas"].as_array().unwrap().len(), 1, "{id}");
        let replica = &table["Replicas"][0];
        assert_eq!(replica["DeletionProtectionEnabled"], true, "{id}");
        let recovery = json!({ "PointInTimeRecoveryEnabled": true, "RecoveryPeriodInDays": 35 });
        assert_eq!(replica["PointInTimeRecoverySpecification"], recovery, "{id}");
        assert_eq!(replica["SSESpecification"]["KMSMasterKeyId"], json!({ "Fn::GetAtt": "Key.Arn" }), "{id}");
    }
    let keys = resources(&template, "AWS::KMS::Key");
    assert!(!keys.is_empty() && keys.values().all(|key| key["EnableKeyRotation"] == true));
}

#[test]
fn sec_ot_09_each_ring_is_a_secret_and_no_template_knows_its_value() {
    let template = resolve(&read("infra/data.yaml"), &[]);
    let secrets = resources(&template, "AWS::SecretsManager::Secret");
    let mut names = BTreeSet::new();
    for (id, secret) in secrets {
        names.insert(secret["Name"].as_str().unwrap().strip_prefix("wardgate/development/").unwrap());
        assert_eq!(secret["KmsKeyId"], json!({ "Fn::GetAtt": "Key.Arn" }), "{id}");
        assert_eq!(secret.get("SecretString").or_else(|| secret.get("GenerateSecretString")), None, "{id}");
    }
    let needed = ENDPOINTS.iter().flat_map(|(endpoint, _)| endpoint.needs.rings).map(|ring| ring.name());
    assert_eq!(names, needed.collect());
}

/// The emulator knows none of this.
#[test]
fn sec_tk_04_each_ring_but_the_wrapping_one_rotates_by_a_schedule() {
    for (stage, days) in [("development", 30), ("staging", 30), ("production", 7)] {
        let given = match stage {
            "development" => json!({}),
            _ => read(&format!("infra/{stage}/parameters.yaml")),
        };
        let given: Vec<(&str, Value)> =
            given.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        let template = resolve(&read("template.yaml"), &given);
        let mut rotated = BTreeSet::new();
        for (id, schedule) in resources(&template, "AWS::SecretsManager::RotationSchedule") {
            let secret = schedule["SecretId"].as_str().unwrap();
            rotated.insert(secret.strip_prefix(&format!("wardgate/{stage}/")).unwrap());
            // A new release's version takes over with the alias, and goes back with it.
            assert_eq!(schedule["RotationLambdaARN"], json!({ "Ref": "RotateKeysFunction.Alias" }), "{id}");
            assert_eq!(schedule["RotateImmediatelyOnUpdate"], false, "{id}");
            assert_eq!(schedule["RotationRules"], json!({ "AutomaticallyAfterDays": days }), "{id}");
            assert_eq!(template["Resources"][id]["DependsOn"], "RotateKeysPermission", "{id}");
        }
        let all: BTreeSet<&str> = RingName::ROTATING.iter().map(|ring| ring.name()).collect();
        let by_command = all.difference(&rotated).copied().collect::<Vec<_>>();
        assert_eq!(by_command, ["password_wrap"], "{stage}");
    }
}

#[test]
fn sec_pl_01_secrets_manager_alone_calls_rotate_keys_and_for_this_account_alone() {
    let template = template();
    let permission = &template["Resources"]["RotateKeysPermission"]["Properties"];
    assert_eq!(permission["Principal"], "secretsmanager.amazonaws.com");
    assert_eq!(permission["SourceAccount"], "123456789012");
    assert_eq!(permission["FunctionName"], json!({ "Ref": "RotateKeysFunction.Alias" }));
    // Nobody else writes a secret (TK-05).
    for (name, id) in functions(&template) {
        let actions: Vec<&str> = statements(&template, id).iter().flat_map(|it| texts(&it["Action"])).collect();
        let writes =
            actions.iter().any(|action| action.starts_with("secretsmanager:") && !action.ends_with(":GetSecretValue"));
        assert_eq!(writes, name == "rotate-keys", "{name}");
    }
    // The function answers before Lambda ends it.
    let function = &template["Resources"]["RotateKeysFunction"]["Properties"];
    let deadline = function["Environment"]["Variables"]["AUTH__HTTP__REQUEST_DEADLINE_MS"].as_str().unwrap();
    assert!(deadline.parse::<u64>().unwrap() < function["Timeout"].as_u64().unwrap() * 1000);
}

/// `CloudFormation` stops at 500 resources a stack. SAM makes a version and an alias of each function, a permission of
/// each route, and a stage of the API; `make validate` counts what it really makes.
#[test]
fn the_stacks_stay_under_400_resources() {
    let template = template();
    let listed = template["Resources"].as_object().unwrap().len();
    let expanded = listed
        + 2 * functions(&template).len()
        + ENDPOINTS.iter().map(|(endpoint, _)| endpoint.routes.len()).sum::<usize>()
        + resources(&template, "AWS::Serverless::HttpApi").len();
    assert!(expanded < 400, "{expanded}");
    assert!(read("infra/data.yaml")["Resources"].as_object().unwrap().len() < 400);
}

/// A restore makes tables under new names; to the data stack they would be other tables.
#[test]
fn the_data_stack_keeps_its_tables_when_a_restored_one_is_live() {
    let live = [
        ("TableName", json!("wardgate-restored-20260301t122900z")),
        ("AuditTableName", json!("wardgate-audit-restored-20260301t122900z")),
    ];
    let names = |given: &[(&str, Value)]| -> Vec<Value> {
        let template = resolve(&read("infra/data.yaml"), given);
        let tables = resources(&template, "AWS::DynamoDB::GlobalTable");
        tables.values().map(|table| table["TableName"].clone()).collect()
    };
    assert_eq!(names(&live), names(&[]));
}

#[test]
fn the_events_function_follows_the_live_table() {
    let arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/wardgate-restored-1-development/stream/2026";
    for (given, stream) in [("", json!({ "Fn::ImportValue": "wardgate-development-table-stream" })), (arn, json!(arn))]
    {
        let template = resolve(&read("template.yaml"), &[("TableStreamArn", json!(given))]);
        let events = &template["Resources"]["EventsFunction"]["Properties"]["Events"];
        assert_eq!(events["Stream"]["Properties"]["Stream"], stream);
        let polls = statements(&template, "Events").iter().find(|statement| statement["Sid"] == "Stream").unwrap();
        assert_eq!(polls["Resource"], stream);
    }
}

/// Production takes from it what staging has run, so nobody else may change, read or lose it.
#[test]
fn artifacts_are_kept_private_encrypted_in_every_version_and_beyond_the_stack() {
    let readers = "111122223333,444455556666";
    let template = resolve(&read("infra/artifacts.yaml"), &[("ArtifactReaders", json!(readers))]);
    for id in ["Bucket", "BucketPolicy"] {
        let resource = &template["Resources"][id];
        assert_eq!(
            (&resource["DeletionPolicy"], &resource["UpdateReplacePolicy"]),
            (&json!("Retain"), &json!("Retain"))
        );
    }
    let bucket = &template["Resources"]["Bucket"]["Properties"];
    let blocked = bucket["PublicAccessBlockConfiguration"].as_object().unwrap();
    assert_eq!((blocked.len(), blocked.values().all(|it| *it == json!(true))), (4, true));
    let encryption = &bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"];
    assert_eq!(encryption[0]["ServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256");
    assert_eq!(bucket["VersioningConfiguration"]["Status"], "Enabled");
    // What expires is what sam hands over, and what a name meant before.
    for rule in bucket["LifecycleConfiguration"]["Rules"].as_array().unwrap() {
        assert!(rule.get("ExpirationInDays").is_none() || rule["Prefix"] == "templates/", "{rule}");
    }
    let statements = template["Resources"]["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"].clone();
    let statement = |sid: &str| statements.as_array().unwrap().iter().find(|it| it["Sid"] == sid).unwrap().clone();
    let tls = statement("TlsAlone");
    assert_eq!((&tls["Effect"], &tls["Principal"], &tls["Action"]), (&json!("Deny"), &json!("*"), &json!("s3:*")));
    assert_eq!(tls["Condition"], json!({ "Bool": { "aws:SecureTransport": "false" } }));
    let others = statement("Readers");
    assert_eq!(others["Action"], json!(["s3:GetObject", "s3:ListBucket"]));
    assert_eq!(others["Principal"]["AWS"], readers.split(',').collect::<Value>());
    let alone = resolve(&read("infra/artifacts.yaml"), &[]);
    let policy = &alone["Resources"]["BucketPolicy"]["Properties"]["PolicyDocument"];
    assert_eq!(policy["Statement"].as_array().unwrap().len(), 1, "without readers nobody else reads");
}
