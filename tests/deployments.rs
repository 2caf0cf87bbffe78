//! How a new version gets its traffic, and what takes it back: the preferences, hooks and alarms of `template.yaml`, and
//! what the two roles of a deployment reach.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use wardgate_server::endpoints::ENDPOINTS;

use crate::harness::cloudformation::{functions, read, resolve, resources, statements, texts};

const ACCOUNT: &str = "eu-central-1:123456789012";

/// With everything that a parameter can switch on.
fn template() -> Value {
    stage_template(&[])
}

fn stage_template(given: &[(&str, Value)]) -> Value {
    let mut all = vec![("AuthorizerAudience", json!("https://api.example.com"))];
    all.extend_from_slice(given);
    resolve(&read("template.yaml"), &all)
}

/// The function and its preference, without those of all functions.
fn preferences(template: &Value) -> BTreeMap<String, (&str, &Value)> {
    let preference = |id: &str| &template["Resources"][format!("{id}Function")]["Properties"]["DeploymentPreference"];
    functions(template).into_iter().map(|(name, id)| (name, (id, preference(id)))).collect()
}

/// What an alarm adds up: namespace, name, dimensions.
fn watched(alarm: &Value) -> BTreeMap<String, (String, String, BTreeMap<String, String>)> {
    let metrics = alarm["Metrics"].as_array().unwrap().iter().filter(|it| it.get("MetricStat").is_some());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    metrics
        .map(|it| {
            assert_eq!((&it["MetricStat"]["Stat"], &it["MetricStat"]["Period"]), (&json!("Sum"), &json!(60)), "{it}");
            let metric = &it["MetricStat"]["Metric"];
            let dimensions = metric["Dimensions"].as_array().unwrap().iter();
            let dimensions = dimensions.map(|it| (text(&it["Name"]), text(&it["Value"]))).collect();
            (text(&it["Id"]), (text(&metric["Namespace"]), text(&metric["MetricName"]), dimensions))
        })
        .collect()
}

#[test]
fn each_function_is_deployed_with_a_hook_and_an_alarm_but_the_hook_itself() {
    let template = template();
    let all = &template["Globals"]["Function"]["DeploymentPreference"];
    assert_eq!(all["Hooks"], json!({ "PreTraffic": { "Ref": "SmokeFunction" } }));
    assert_eq!(all["Role"], json!({ "Fn::GetAtt": "CodeDeployRole.Arn" }));
    // Without its condition, a group would be made of a function that is not there.
    assert_eq!(all["PassthroughCondition"], true);
    assert_eq!(all.get("Enabled"), None);
    for (name, (id, preference)) in preferences(&template) {
        if name == smoke::FUNCTION.name {
            assert_eq!(*preference, json!({ "Enabled": false }));
            continue;
        }
        assert_eq!(*preference, json!({ "Alarms": [{ "Ref": format!("{id}RollbackAlarm") }] }), "{name}");
    }
}

#[test]
fn production_has_a_canary_and_staging_has_none() {
    for (stage, expected) in [("staging", "AllAtOnce"), ("production", "Canary10Percent10Minutes")] {
        let file = read(&format!("infra/{stage}/parameters.yaml"));
        let template = stage_template(&[("DeploymentType", file["DeploymentType"].clone())]);
        assert_eq!(template["Globals"]["Function"]["DeploymentPreference"]["Type"], expected, "{stage}");
        // Failures of a canary that fails altogether are a tenth of all calls.
        assert!(file["RollbackPercent"].as_u64().unwrap() < 10, "{stage}");
    }
}

/// A metric's name and dimensions are what the code emits (shared/src/telemetry), or what AWS does for the alias.
#[test]
fn each_function_has_a_rollback_alarm_beside_it_on_its_own_metrics() {
    let template = template();
    let alarms = resources(&template, "AWS::CloudWatch::Alarm");
    let expected: BTreeSet<String> =
        functions(&template).values().filter(|id| **id != "Smoke").map(|id| format!("{id}RollbackAlarm")).collect();
    assert_eq!(alarms.keys().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>(), expected);
    for (name, id) in functions(&template) {
        let Some(alarm) = alarms.get(format!("{id}RollbackAlarm").as_str()) else { continue };
        let raw = &read("template.yaml")["Resources"];
        let condition = |of: &str| raw[format!("{id}{of}")].get("Condition").cloned();
        assert_eq!(condition("RollbackAlarm"), condition("Function"), "{name}");
        assert_eq!(alarm["AlarmName"], format!("wardgate-development-{name}-rollback"));
        assert!(alarm["AlarmDescription"].as_str().unwrap().contains("docs/operations/canary.md"), "{name}");

        let of_lambda = |metric: &str| {
            let function = format!("wardgate-development-{name}");
            let dimensions = BTreeMap::from([
                ("Resource".to_owned(), format!("{function}:live")),
                ("FunctionName".to_owned(), function),
            ]);
            ("AWS/Lambda".to_owned(), metric.to_owned(), dimensions)
        };
        let mut metrics = BTreeMap::from([
            ("calls".to_owned(), of_lambda("Invocations")),
            ("errors".to_owned(), of_lambda("Errors")),
        ]);
        if let Some((metric, dimension, value)) = own_metric(&name) {
            let stage = ("stage".to_owned(), "development".to_owned());
            let dimensions = BTreeMap::from([stage, (dimension.to_owned(), value.to_owned())]);
            metrics.insert("faults".to_owned(), ("Wardgate".to_owned(), metric.to_owned(), dimensions));
        }
        assert_eq!(watched(alarm), metrics, "{name}");
    }
}

/// What a function counts as failed by itself. The events function reports what failed, and Lambda asks again.
fn own_metric(function: &str) -> Option<(&'static str, &'static str, &str)> {
    match function {
        "mailer" => Some(("wardgate_mails_total", "outcome", "failed")),
        _ if ENDPOINTS.iter().any(|(endpoint, _)| endpoint.name == function) => {
            Some(("wardgate_errors_total", "endpoint", function))
        }
        _ => None,
    }
}

/// A single failure takes nothing back, nor does a silence.
#[test]
fn a_rollback_needs_so_many_failures_and_such_a_share() {
    let template = stage_template(&[("RollbackErrors", json!(7)), ("RollbackPercent", json!(3))]);
    for (id, alarm) in resources(&template, "AWS::CloudWatch::Alarm") {
        assert_eq!(alarm["TreatMissingData"], "notBreaching", "{id}");
        assert_eq!((&alarm["Threshold"], &alarm["EvaluationPeriods"]), (&json!(0), &json!(1)), "{id}");
        assert_eq!(alarm["ComparisonOperator"], "GreaterThanThreshold", "{id}");
        let metrics = alarm["Metrics"].as_array().unwrap();
        let expressions: BTreeMap<&str, &str> =
            metrics.iter().filter_map(|it| Some((it["Id"].as_str()?, it["Expression"].as_str()?))).collect();
        let failed =
            if watched(alarm).contains_key("faults") { "FILL(errors, 0) + FILL(faults, 0)" } else { "FILL(errors, 0)" };
        let breach = "IF(failed >= 7 AND failed * 100 >= calls * 3, 1, 0)";
        assert_eq!(expressions, BTreeMap::from([("breach", breach), ("failed", failed)]), "{id}");
        let returned: Vec<&Value> = metrics.iter().filter(|it| it["ReturnData"] != false).map(|it| &it["Id"]).collect();
        assert_eq!(returned, ["breach"], "{id}");
    }
}

#[test]
fn sec_pl_01_codedeploy_may_call_the_hook_move_aliases_and_look_at_alarms() {
    let template = template();
    let role = &template["Resources"]["CodeDeployRole"]["Properties"];
    let trust = &role["AssumeRolePolicyDocument"]["Statement"];
    assert_eq!(trust.as_array().unwrap().len(), 1);
    assert_eq!(trust[0]["Principal"], json!({ "Service": "codedeploy.amazonaws.com" }));
    assert_eq!(role.get("ManagedPolicyArns"), None);
    let found: BTreeMap<String, Value> = statements(&template, "CodeDeploy")
        .iter()
        .map(|it| (texts(&it["Action"]).join(" "), it["Resource"].clone()))
        .collect();
    let hook = json!([{ "Fn::GetAtt": "SmokeFunction.Arn" }, "${SmokeFunction.Arn}:*"]);
    let functions = json!(format!("arn:aws:lambda:{ACCOUNT}:function:wardgate-development-*"));
    assert_eq!(
        found,
        BTreeMap::from([
            ("cloudwatch:DescribeAlarms".to_owned(), json!("*")),
            ("lambda:GetAlias lambda:GetProvisionedConcurrencyConfig lambda:UpdateAlias".to_owned(), functions),
            ("lambda:InvokeFunction".to_owned(), hook),
        ])
    );
}

/// What it does to tables and secrets, and to whose items, is in `permissions/`.
#[test]
fn sec_pl_08_smoke_reaches_its_own_deployments_and_functions_alone() {
    let template = template();
    let found: BTreeMap<String, Value> = statements(&template, "Smoke")
        .iter()
        .filter(|it| ["codedeploy:", "lambda:"].iter().any(|kind| texts(&it["Action"])[0].starts_with(kind)))
        .map(|it| (texts(&it["Action"]).join(" "), it["Resource"].clone()))
        .collect();
    let application = "${ServerlessDeploymentApplication}";
    let others = functions(&template).into_keys().filter(|name| name != smoke::FUNCTION.name);
    let invoked = others.map(|name| format!("arn:aws:lambda:{ACCOUNT}:function:wardgate-development-{name}:*"));
    assert_eq!(
        found,
        BTreeMap::from([
            (
                "codedeploy:GetApplicationRevision".to_owned(),
                json!(format!("arn:aws:codedeploy:{ACCOUNT}:application:{application}")),
            ),
            (
                "codedeploy:GetDeployment codedeploy:PutLifecycleEventHookExecutionStatus".to_owned(),
                json!(format!("arn:aws:codedeploy:{ACCOUNT}:deploymentgroup:{application}/*")),
            ),
            ("lambda:InvokeFunction".to_owned(), invoked.collect()),
        ])
    );
    let function = &template["Resources"]["SmokeFunction"]["Properties"];
    let deadline = function["Environment"]["Variables"]["AUTH__HTTP__REQUEST_DEADLINE_MS"].as_str().unwrap();
    let in_time = deadline.parse::<u64>().unwrap() < function["Timeout"].as_u64().unwrap() * 1000;
    assert!(in_time, "Lambda would end it before it has reported");
}
