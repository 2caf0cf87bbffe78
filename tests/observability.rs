//! Alarms, dashboards and the runbook, held to what is emitted and to each other. `make validate` checks that the
//! template is one at all.

mod alarms;
mod cloudwatch;
mod emitted;
mod measured;
mod missing_data;
pub mod simulation;

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};
use wardgate::telemetry::embedded::{COUNTED, NAMESPACE, STAGE};
use wardgate_runtime_tests::binaries;

use self::alarms::{alarms, kebab, resolved, section};
use self::emitted::{AWS, Metric, emitted, functions, recorded};
use crate::harness::cloudformation::{API, EDGE, code_paths, read, resolve, resources, templates};
use crate::harness::repository;

const TEMPLATE: &str = "infra/observability.yaml";
/// In a region of its own.
const PROBE: &str = "infra/probe.yaml";
const RUNBOOK: &str = "docs/operations/runbook.md";
const REFERENCE: &str = "docs/operations/observability.md";

fn text(path: &str) -> String {
    fs::read_to_string(repository(path)).unwrap()
}

fn sources(folder: &str) -> String {
    let mut all = String::new();
    for entry in fs::read_dir(repository(folder)).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.push_str(&sources(path.to_str().unwrap()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push_str(&fs::read_to_string(path).unwrap());
        }
    }
    all
}

/// Or something would be watched that nothing emits, and what is emitted would be in no list.
#[test]
fn every_function_that_measures_is_asked_here_and_called_by_the_code() {
    let (asked, code) = (
        text("tests/observability/emitted.rs"),
        sources("shared/src") + &sources("functions") + &sources("server/src"),
    );
    for name in functions() {
        assert!(asked.contains(&format!("ours::{name}(")) || asked.contains(&format!("ours::{name})")), "{name}");
        assert!(
            code.contains(&format!("metrics::{name}(")) || code.contains(&format!("metrics::{name})")),
            "{name} is called by nothing"
        );
    }
}

/// A name or a dimension with a mistake is a metric without data, and an alarm that never speaks.
#[test]
fn every_alarm_watches_what_is_emitted_with_exactly_these_dimensions() {
    let (ours, alarms) = (emitted(), alarms());
    assert!(alarms.len() > 30);
    for alarm in alarms {
        for metric in alarm.watched() {
            let known = if metric.namespace == NAMESPACE {
                ours.contains(&(metric.name.clone(), metric.dimensions.clone()))
            } else {
                let names: BTreeSet<&str> = metric.dimensions.keys().map(String::as_str).collect();
                AWS.iter().any(|(namespace, metrics, sets)| {
                    *namespace == metric.namespace
                        && metrics.contains(&metric.name.as_str())
                        && sets.iter().any(|set| names == set.iter().copied().collect())
                })
            };
            assert!(known, "{}, {}: nothing emits {metric:?}", alarm.template, alarm.id);
        }
    }
}

#[test]
fn every_alarm_on_a_function_queue_or_table_watches_one_that_exists() {
    let stacks = ["infra/data.yaml", API].map(|path| resolved(path, None));
    let named = |kind: &str, name: &str| -> BTreeSet<String> {
        let resources = stacks.iter().flat_map(|stack| resources(stack, kind).into_values());
        resources.map(|it| it[name].as_str().unwrap().to_owned()).collect()
    };
    let (queues, tables) = (named("AWS::SQS::Queue", "QueueName"), named("AWS::DynamoDB::GlobalTable", "TableName"));
    let names = binaries::functions().into_iter();
    let functions: BTreeSet<String> = names.map(|name| format!("wardgate-development-{name}")).collect();
    for alarm in alarms() {
        for metric in alarm.watched() {
            for (dimension, value) in &metric.dimensions {
                let exists = match dimension.as_str() {
                    // Of the edge, in its own template.
                    _ if metric.namespace == "AWS/CloudFront" => true,
                    "FunctionName" => functions.contains(value),
                    "QueueName" => queues.contains(value),
                    "TableName" => tables.contains(value),
                    _ => true,
                };
                assert!(exists, "{}: {dimension} is {value}", alarm.id);
            }
        }
    }
}

#[test]
fn every_expression_names_metrics_that_its_alarm_has() {
    let mut expressions = 0;
    for alarm in alarms() {
        for (expression, ids) in alarm.expressions() {
            expressions += 1;
            let words = expression.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
            let named: BTreeSet<&str> =
                words.filter(|word| word.starts_with(|first: char| first.is_ascii_lowercase())).collect();
            for word in &named {
                assert!(ids.iter().any(|id| id == word), "{}: {expression} names {word}", alarm.id);
            }
            assert!(!named.is_empty() || expression.contains("METRICS()"), "{}: {expression}", alarm.id);
            assert!(!expression.contains("${"), "{}: {expression} has an unknown parameter", alarm.id);
        }
        if let Some(queries) = alarm.properties["Metrics"].as_array() {
            let band = alarm.properties.get("ThresholdMetricId").is_some();
            let returned = queries.iter().filter(|query| query["ReturnData"] != false).count();
            assert_eq!(returned, if band { 2 } else { 1 }, "{}: what it compares", alarm.id);
        }
    }
    assert!(expressions > 15);
}

/// Each is paid for by the month, and what no alarm and no dashboard reads is a query over the logs.
#[test]
fn nothing_is_counted_that_neither_alarm_nor_dashboard_reads() {
    let shown = shown();
    let watched = alarms().into_iter().flat_map(|alarm| alarm.watched());
    let read: BTreeSet<Metric> = watched.map(|it| (it.name, it.dimensions)).chain(shown).collect();
    let unread: Vec<Metric> = emitted().into_iter().filter(|metric| !read.contains(metric)).collect();
    assert_eq!(unread, Vec::new());
}

/// Or a value with a mistake is counted never, and missed by nobody.
#[test]
fn every_value_that_is_counted_is_one_that_the_code_gives() {
    let emitted = emitted();
    for counted in COUNTED {
        let apart = counted.by.into_iter().flat_map(|(label, values)| values.iter().map(move |value| (label, *value)));
        let wanted = apart.map(Some).chain(counted.total.then_some(None));
        for label in wanted {
            let dimensions = label.into_iter().chain([(STAGE, "development")]);
            let dimensions = dimensions.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            assert!(emitted.contains(&(counted.metric.to_owned(), dimensions)), "{} {label:?}", counted.metric);
        }
    }
}

/// An alarm speaks to one topic, that of its name; or a composite speaks for it.
#[test]
fn every_alarm_speaks_to_the_topic_of_its_severity() {
    let template = resolved(TEMPLATE, None);
    let composites = resources(&template, "AWS::CloudWatch::CompositeAlarm");
    let rules: String = composites
        .values()
        .filter(|it| it.get("AlarmActions").is_some())
        .map(|it| it["AlarmRule"].as_str().unwrap())
        .collect();
    let mut alarms = resources(&template, "AWS::CloudWatch::Alarm");
    alarms.extend(composites.clone());
    for (id, alarm) in alarms {
        assert_eq!(alarm["AlarmName"], format!("wardgate-development-{}", kebab(id)));
        let severity = if id.contains("Page") { "Page" } else { "Warn" };
        let topic = json!([{ "Ref": format!("{severity}Topic") }]);
        match alarm.get("AlarmActions").or_else(|| alarm.get("OKActions")) {
            Some(actions) => assert_eq!(*actions, topic, "{id}"),
            None => assert!(rules.contains(&format!("ALARM(\"${{{id}}}\")")), "{id} speaks to nobody"),
        }
    }
    for (id, composite) in composites {
        let rule = composite["AlarmRule"].as_str().unwrap();
        for part in rule.split("ALARM(\"${").skip(1) {
            let named = part.split_once('}').unwrap().0;
            assert!(template["Resources"].get(named).is_some(), "{id} names {named}");
        }
    }
}

#[test]
fn what_is_wrong_at_all_is_every_alarm_of_its_severity() {
    let template = resolved(TEMPLATE, None);
    for severity in ["Page", "Warn"] {
        let rule = template["Resources"][format!("Any{severity}")]["Properties"]["AlarmRule"].as_str().unwrap();
        for (id, resource) in template["Resources"].as_object().unwrap() {
            if resource["Properties"]["AlarmActions"] == json!([{ "Ref": format!("{severity}Topic") }]) {
                assert!(rule.contains(&format!("ALARM(\"${{{id}}}\")")), "{id} is not in Any{severity}");
            }
        }
    }
}

#[test]
fn topics_are_encrypted_and_hear_this_stages_alarms_alone() {
    let template = resolved(TEMPLATE, None);
    let alarm = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:wardgate-development-*";
    for topic in resources(&template, "AWS::SNS::Topic").values() {
        assert_eq!(topic["KmsMasterKeyId"], json!({ "Fn::ImportValue": "wardgate-development-key" }));
    }
    let policies = resources(&template, "AWS::SNS::TopicPolicy");
    assert_eq!(policies.len(), 2);
    // Without the key's own statement alarms would fire, and nobody would hear of it.
    let key = resolved("infra/data.yaml", None)["Resources"]["Key"]["Properties"]["KeyPolicy"].clone();
    let statements = policies.values().map(|policy| policy["PolicyDocument"].clone()).chain([key]);
    for document in statements {
        let statements = document["Statement"].as_array().unwrap();
        let alarms: Vec<&Value> = statements.iter().filter(|it| it["Sid"] == "Alarms").collect();
        assert_eq!(alarms.len(), 1, "{document}");
        assert_eq!(alarms[0]["Principal"], json!({ "Service": "cloudwatch.amazonaws.com" }));
        assert_eq!(alarms[0]["Condition"]["ArnLike"]["aws:SourceArn"], alarm);
        assert_eq!(alarms[0]["Condition"]["StringEquals"]["aws:SourceAccount"], "123456789012");
    }
}

#[test]
fn a_warning_comes_before_its_page_in_every_stage() {
    let mut pairs = 0;
    for stage_file in [None, Some("infra/staging/parameters.yaml"), Some("infra/production/parameters.yaml")] {
        let template = resolved(TEMPLATE, stage_file);
        let alarms = resources(&template, "AWS::CloudWatch::Alarm");
        for (id, warn) in &alarms {
            let Some(page) = id.strip_suffix("Warn").and_then(|id| alarms.get(format!("{id}Page").as_str())) else {
                continue;
            };
            pairs += 1;
            let threshold = |alarm: &Value| alarm["Threshold"].as_f64().unwrap();
            assert!(threshold(warn) < threshold(page), "{id}, {stage_file:?}");
        }
        let budget = |speed: &str| alarms[format!("Slo{speed}Long").as_str()]["Threshold"].as_f64().unwrap();
        assert!(budget("SlowWarn") < budget("FastPage"));
    }
    assert!(pairs > 15);
}

#[test]
fn every_alarm_has_its_section_in_the_runbook_and_every_section_its_alarm() {
    let runbook = text(RUNBOOK);
    let headings: BTreeSet<String> =
        runbook.lines().filter_map(|line| line.strip_prefix("## ")).map(str::to_owned).collect();
    let template = resolved(TEMPLATE, None);
    let mut sections: BTreeSet<String> = alarms().iter().map(|alarm| section(&alarm.id)).collect();
    sections.extend(resources(&template, "AWS::CloudWatch::CompositeAlarm").keys().map(|id| section(id)));
    // Beside their functions, if they are there yet.
    sections.insert("rollback".to_owned());
    // Of replicas, by Prometheus alone.
    let of_replicas = ["target-down", "shed", "restarts", "descriptors"];
    let of_jobs = ["stream-lag", "shards-unread", "jobs-unheld", "mail-retries", "mails-given-up", "logouts-given-up"];
    sections.extend(of_replicas.into_iter().chain(of_jobs).map(str::to_owned));
    assert_eq!(headings, sections, "left: headings, right: alarms");
    let parts = runbook.split("\n## ").skip(1);
    for part in parts {
        let heading = part.lines().next().unwrap();
        for step in ["**Symptom.**", "**Check.**", "**Act.**"] {
            assert!(part.contains(step), "{heading} has no {step}");
        }
    }
    for kind in ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"] {
        for (id, alarm) in resources(&template, kind) {
            let description = alarm["AlarmDescription"].as_str().unwrap();
            let link = format!(" {RUNBOOK}#{}", section(id));
            assert!(description.ends_with(&link), "{id}: {description} does not end in {link}");
        }
    }
}

/// Shares need requests. What asks by itself does so often enough, of what is live, and is missed where it does not.
#[test]
fn the_smoke_test_runs_by_a_schedule_that_an_alarm_waits_for() {
    let template = resolved(TEMPLATE, None);
    let rule = &template["Resources"]["SmokeSchedule"]["Properties"];
    let target = "arn:aws:lambda:eu-central-1:123456789012:function:wardgate-development-smoke:live";
    assert_eq!((&rule["State"], &rule["ScheduleExpression"]), (&json!("ENABLED"), &json!("rate(5 minutes)")));
    assert_eq!(rule["Targets"].as_array().unwrap().len(), 1);
    assert_eq!(rule["Targets"][0]["Arn"], target);
    let event: Value = serde_json::from_str(rule["Targets"][0]["Input"].as_str().unwrap()).unwrap();
    let wish: smoke::Wish = serde_json::from_value(event).unwrap();
    assert!(matches!(wish, smoke::Wish::Scheduled(_)), "{wish:?}");
    let may = &template["Resources"]["SmokeSchedulePermission"]["Properties"];
    assert_eq!((&may["FunctionName"], &may["Principal"]), (&json!(target), &json!("events.amazonaws.com")));
    assert_eq!(may["SourceArn"], json!({ "Fn::GetAtt": "SmokeSchedule.Arn" }));
    let alarm = &template["Resources"]["SmokePage"]["Properties"];
    assert_eq!((&alarm["EvaluationPeriods"], &alarm["DatapointsToAlarm"]), (&json!(3), &json!(2)));
    assert_eq!(alarm["InsufficientDataActions"], alarm["AlarmActions"]);
}

/// Route 53 tells of its checks in us-east-1, so that topic and alarm are there, and whoever is woken by the stage is told
/// by this one as well.
#[test]
fn what_asks_from_outside_tells_whoever_is_woken() {
    let given = [
        ("OutsideProbe", json!("on")),
        ("Issuer", json!("https://auth.example.com")),
        ("PageEmail", json!("page@example.com")),
        ("PageWebhook", json!("https://events.example.net/x")),
    ];
    let template = resolve(&read(PROBE), &given);
    let check = &template["Resources"]["HealthCheck"]["Properties"]["HealthCheckConfig"];
    assert_eq!(
        (&check["FullyQualifiedDomainName"], &check["ResourcePath"]),
        (&json!("auth.example.com"), &json!("/ready"))
    );
    assert_eq!((&check["Type"], &check["RequestInterval"]), (&json!("HTTPS"), &json!(30)));
    let alarm = &template["Resources"]["OutsideProbePage"]["Properties"];
    for actions in ["AlarmActions", "InsufficientDataActions", "OKActions"] {
        assert_eq!(alarm[actions], json!([{ "Ref": "Topic" }]), "{actions}");
    }
    let subscribed = resources(&template, "AWS::SNS::Subscription");
    let told: BTreeSet<&str> = subscribed.values().map(|it| it["Endpoint"].as_str().unwrap()).collect();
    assert_eq!(told, BTreeSet::from(["https://events.example.net/x", "page@example.com"]));
    assert!(resources(&resolve(&read(PROBE), &[]), "AWS::Route53::HealthCheck").is_empty(), "it is off");
    let stages = ["staging", "production"].map(|stage| read(&format!("infra/{stage}/parameters.yaml")));
    assert_eq!(stages.map(|it| it["OutsideProbe"].clone()), [json!("off"), json!("on")]);
}

/// Only the stage's own roles read a ring in silence; what is told of a reading is in a queue that nobody else fills.
#[test]
fn sec_ot_09_whoever_else_reads_a_ring_is_told_of() {
    let template = resolved(TEMPLATE, None);
    let rule = &template["Resources"]["SecretReads"]["Properties"];
    assert_eq!(rule["State"], "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS", "reading is no change");
    let detail = &rule["EventPattern"]["detail"];
    assert_eq!(detail["eventName"], json!(["GetSecretValue"]));
    assert_eq!(detail["requestParameters"]["secretId"], json!([{ "wildcard": "*wardgate/development/*" }]));
    let own = "arn:aws:iam::123456789012:role/wardgate-development-";
    let others = json!([{ "exists": false }, { "anything-but": { "prefix": own } }]);
    assert_eq!(detail["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"], others);
    let queue = json!({ "Fn::ImportValue": "wardgate-development-secret-reads-queue" });
    assert_eq!(rule["Targets"], json!([{ "Id": "queue", "Arn": queue }]));
    let policy = &template["Resources"]["SecretReadsQueuePolicy"]["Properties"]["PolicyDocument"]["Statement"];
    assert_eq!(policy.as_array().unwrap().len(), 1);
    assert_eq!(policy[0]["Condition"]["ArnEquals"]["aws:SourceArn"], json!({ "Fn::GetAtt": "SecretReads.Arn" }));
}

/// Whoever is woken types what stands there.
#[test]
fn every_command_of_the_runbook_is_a_verb_of_the_makefile() {
    let makefile = text("Makefile");
    for document in [RUNBOOK, REFERENCE] {
        for command in text(document).split("make ").skip(1) {
            let verb = command.split(|letter: char| !letter.is_ascii_lowercase() && letter != '-').next().unwrap();
            let exists = makefile.contains(&format!("\n{verb}:"));
            assert!(exists || verb.is_empty(), "{document}: make {verb}");
            let Some((_, recipe)) = makefile.split_once(&format!("\n{verb}:")) else { continue };
            let recipe = recipe.split("\n\n").next().unwrap();
            let words = command[verb.len()..].split(|letter: char| letter.is_whitespace() || letter == '`');
            let options = words.skip(1).map_while(|word| word.split_once('=')).map(|(name, _)| name);
            for option in options.filter(|name| *name != "STAGE") {
                let taken = recipe.contains(&format!("$({option})")) || recipe.contains(&format!("option,{option},"));
                assert!(taken, "{document}: make {verb} {option}=");
            }
        }
    }
}

#[test]
fn every_metric_is_in_the_reference_and_every_one_there_is_emitted() {
    let reference = text(REFERENCE);
    let listed: BTreeSet<(String, String)> = reference
        .lines()
        .filter_map(|line| line.strip_prefix("| `wardgate_"))
        .map(|row| {
            let (name, rest) = row.split_once('`').unwrap();
            (format!("wardgate_{name}"), rest.split('|').nth(1).unwrap().replace('`', "").trim().to_owned())
        })
        .collect();
    let emitted: BTreeSet<(String, String)> = recorded()
        .iter()
        .map(|key| {
            let mut labels: Vec<&str> = key.labels().map(metrics::Label::key).collect();
            labels.sort_unstable();
            (key.name().to_owned(), if labels.is_empty() { "–".to_owned() } else { labels.join(", ") })
        })
        .collect();
    assert_eq!(listed, emitted, "left: {REFERENCE}, right: the code");
}

/// The bill of the reference, with the metrics and alarms that there are: who adds a label sees here what it costs, as much
/// a metric as a million requests of logs.
pub fn billed() -> (&'static str, String) {
    let metrics = emitted();
    let by_endpoint: BTreeSet<&Metric> = metrics.iter().filter(|(_, it)| it.contains_key("endpoint")).collect();
    let names: BTreeSet<(&str, BTreeSet<&str>)> = by_endpoint
        .iter()
        .map(|(name, dimensions)| (name.as_str(), dimensions.keys().map(String::as_str).collect()))
        .collect();
    let watched: usize = alarms().iter().filter(|it| it.template == TEMPLATE).map(|it| it.watched().len()).sum();
    let row = |line: &str, many: usize, cents: usize| {
        let (what, _) = line.split_once(" | ").unwrap();
        let total = many * cents;
        format!("{what} | {many} | $0.{cents} | ${}.{:02} |", total / 100, total % 100)
    };
    let line = |line: &str| match line {
        line if line.starts_with("| Metrics of our own") => row(line, metrics.len(), 30),
        line if line.starts_with("| Metrics for each endpoint") => row(line, names.len(), 30),
        line if line.starts_with("| Alarms, by the metrics ") => row(line, watched, 10),
        line => line.to_owned(),
    };
    (REFERENCE, text(REFERENCE).lines().map(|it| line(it) + "\n").collect())
}

/// The dashboard's body.
fn dashboard() -> Value {
    let body = read(TEMPLATE)["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"][0].clone();
    serde_json::from_str(body.as_str().unwrap()).unwrap()
}

/// The metrics of our own that the dashboard shows, in stage development.
fn shown() -> BTreeSet<Metric> {
    let body = dashboard();
    let widgets = body["widgets"].as_array().unwrap().iter();
    let rows = widgets.flat_map(|widget| widget["properties"]["metrics"].as_array().into_iter().flatten());
    rows.filter_map(|row| {
        let texts: Vec<&str> = row.as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let [NAMESPACE, name, dimensions @ ..] = texts.as_slice() else { return None };
        let pairs = dimensions.chunks(2).map(|pair| (pair[0].to_owned(), pair[1].replace("${Stage}", "development")));
        Some(((*name).to_owned(), pairs.collect()))
    })
    .collect()
}

#[test]
fn dashboards_show_what_is_emitted() {
    let known: BTreeSet<String> = recorded().iter().map(|key| key.name().to_owned()).collect();
    let named = |text: &str| -> BTreeSet<String> {
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        words.filter(|word| word.starts_with("wardgate_")).map(str::to_owned).collect()
    };
    let body = dashboard();
    let (ours, shown) = (emitted(), shown());
    for row in &shown {
        assert!(ours.contains(row), "nothing emits {row:?}");
    }
    assert!(shown.len() > 20);
    let unknown: Vec<String> = named(&body.to_string()).difference(&known).cloned().collect();
    assert_eq!(unknown, Vec::<String>::new());

    let grafana: Value = serde_json::from_str(&text("infra/grafana/wardgate.json")).unwrap();
    let suffixes = ["_bucket", "_count", "_sum"];
    let plain = |name: String| suffixes.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(&name).to_owned();
    let shown: BTreeSet<String> = named(&grafana.to_string()).into_iter().map(plain).collect();
    // Of Lambda alone, of functions that the standalone server has not, or only where a container has a limit.
    let elsewhere = ["wardgate_audit_erasures_total", "wardgate_audit_tampering_total", "wardgate_cold_starts_total"];
    let elsewhere = elsewhere.into_iter().chain(["wardgate_memory_share", "wardgate_rotations_total"]);
    let elsewhere = elsewhere.chain(["wardgate_edge_folded_total", "wardgate_edge_store_bytes"]);
    let expected: BTreeSet<String> = known.into_iter().filter(|name| !elsewhere.clone().any(|it| it == name)).collect();
    assert_eq!(shown, expected, "left: infra/grafana/wardgate.json, right: what the server emits");
}

/// Whoever is woken looks for what stands there.
#[test]
fn every_list_of_the_dashboard_that_the_runbook_names_is_there() {
    let body = dashboard();
    let widgets = body["widgets"].as_array().unwrap().iter();
    let titles: BTreeSet<&str> = widgets.filter_map(|widget| widget["properties"]["title"].as_str()).collect();
    let runbook = text(RUNBOOK).replace('\n', " ");
    let mut named = 0;
    for sentence in runbook.split("ashboard").skip(1).map(|rest| rest.split(". ").next().unwrap()) {
        // Not what is strong: that has two stars on each side.
        for name in sentence.split("**").step_by(2).flat_map(|plain| plain.split('*').skip(1).step_by(2)) {
            named += 1;
            // Without what it is measured in.
            let is_there = titles.iter().any(|title| *title == name || title.split(',').next() == Some(name));
            assert!(is_there, "{name} in {sentence}");
        }
    }
    assert!(named > 8, "{named}");
}

/// A query with a field that no line has finds nothing, and says so of everything.
#[test]
fn queries_over_logs_name_fields_that_lines_have() {
    let code = text("shared/src/http/edge.rs");
    let line = code.split("tracing::error!(").nth(1).unwrap().split(')').next().unwrap();
    let words = |text: &str| -> BTreeSet<String> {
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && !"_@".contains(letter));
        words
            .filter(|word| word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '@'))
            .map(str::to_owned)
            .collect()
    };
    let mut fields = words(line.split('"').next().unwrap());
    fields.extend(["@log", "message"].map(str::to_owned));
    for key in recorded() {
        fields.insert(key.name().to_owned());
        fields.extend(key.labels().map(|label| label.key().to_owned()));
    }
    let language =
        ["and", "as", "asc", "bin", "by", "count", "desc", "fields", "filter", "ispresent", "like", "limit", "max"];
    let language: BTreeSet<&str> = language.into_iter().chain(["pct", "sort", "stats"]).collect();
    let reference = text(REFERENCE);
    let queries: Vec<&str> =
        reference.split("```logs\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(queries.len(), 8);
    for query in queries {
        let unquoted: String = query.split('"').step_by(2).collect();
        // What a query names itself.
        let named: BTreeSet<String> =
            unquoted.split(" as ").skip(1).flat_map(|rest| words(rest.split_whitespace().next().unwrap())).collect();
        for word in words(&unquoted) {
            let known = language.contains(word.as_str()) || fields.contains(&word) || named.contains(&word);
            assert!(known, "{word} in {query}");
        }
    }
}

#[test]
fn only_templates_that_are_known_have_alarms() {
    for template in templates() {
        if text(&template).contains("AWS::CloudWatch::") {
            let is_known = [TEMPLATE, PROBE, EDGE].contains(&template.as_str()) || code_paths().contains(&template);
            assert!(is_known, "{template} has alarms");
        }
    }
}
