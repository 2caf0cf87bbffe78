//! How a new version gets its traffic, and what takes it back: the preferences, hooks and alarms of the stacks with functions,
//! and what the two roles of a deployment reach.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use wardgate_server::endpoints::ENDPOINTS;

use crate::harness::cloudformation::{
    CodeStack, MIGRATE, code_stacks, everything, functions, read, resolve, resources, statements, texts,
};

const ACCOUNT: &str = "eu-central-1:123456789012";

/// Functions that get all of their traffic at once, without a hook: who calls them looks at what they answer.
const WITHOUT_DEPLOYMENT: [&str; 3] = [
    // Asked by `make migrate` alone, and by deploys before anything else is new.
    "migrate",
    // Asked by `make restore` alone.
    "restore-sweep",
    // The hook itself.
    "smoke",
];

/// With everything that a parameter can switch on.
fn stacks(given: &[(&str, Value)]) -> Vec<CodeStack> {
    code_stacks(&[&everything(), given].concat())
}

fn migrate_stack() -> Value {
    resolve(&read(MIGRATE), &everything())
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
    for CodeStack { path, template } in stacks(&[]) {
        let all = template["Globals"]["Function"].get("DeploymentPreference");
        let mut deployed = json!({
            "Enabled": "true",
            "Type": "AllAtOnce",
            // Without its condition, a group would be made of a function that is not there.
            "PassthroughCondition": true,
        });
        if path == MIGRATE {
            // What others are deployed with is deployed here.
            assert_eq!(all, None);
            deployed["Role"] = json!({ "Fn::GetAtt": "CodeDeployRole.Arn" });
            deployed["Hooks"] = json!({ "PreTraffic": { "Ref": "SmokeFunction" } });
        } else {
            deployed["Role"] = json!({ "Fn::ImportValue": "wardgate-development-codedeploy-role" });
            deployed["Hooks"] = json!({ "PreTraffic": "wardgate-development-smoke" });
            assert_eq!(all, Some(&deployed), "{path}");
        }
        for (name, id) in functions(&template) {
            let preference = template["Resources"][format!("{id}Function")]["Properties"].get("DeploymentPreference");
            let mut expected = if path == MIGRATE { deployed.clone() } else { json!({}) };
            expected["Alarms"] = json!([{ "Ref": format!("{id}RollbackAlarm") }]);
            let expected = (!WITHOUT_DEPLOYMENT.contains(&name.as_str())).then_some(&expected);
            assert_eq!(preference, expected, "{path}: {name}");
            assert!(expected.is_some() || path == MIGRATE, "{path}: {name} would get what all have");
        }
    }
    // And what the others import and name is there.
    let migrate = read(MIGRATE);
    let output = &migrate["Outputs"]["CodeDeployRoleArn"];
    assert_eq!(output["Value"], json!({ "Fn::GetAtt": "CodeDeployRole.Arn" }));
    assert_eq!(output["Export"]["Name"], json!({ "Fn::Sub": "wardgate-${Stage}-codedeploy-role" }));
    assert_eq!(
        migrate_stack()["Resources"]["SmokeFunction"]["Properties"]["FunctionName"],
        "wardgate-development-smoke"
    );
}

#[test]
fn production_has_a_canary_and_staging_has_none() {
    for (stage, expected) in [("staging", "AllAtOnce"), ("production", "Canary10Percent10Minutes")] {
        let file = read(&format!("infra/{stage}/parameters.yaml"));
        for CodeStack { path, template } in stacks(&[("DeploymentType", file["DeploymentType"].clone())]) {
            let rotate_keys = &template["Resources"]["RotateKeysFunction"]["Properties"];
            let deployed = if path == MIGRATE { rotate_keys } else { &template["Globals"]["Function"] };
            assert_eq!(deployed["DeploymentPreference"]["Type"], expected, "{path}, {stage}");
        }
        // Failures of a canary that fails altogether are a tenth of all calls.
        assert!(file["RollbackPercent"].as_u64().unwrap() < 10, "{stage}");
    }
}

/// A metric's name and dimensions are what the code emits (shared/src/telemetry), or what AWS does for the alias.
#[test]
fn each_function_has_a_rollback_alarm_beside_it_on_its_own_metrics() {
    for CodeStack { path, template } in stacks(&[]) {
        let alarms = resources(&template, "AWS::CloudWatch::Alarm");
        let deployed: BTreeMap<String, &str> =
            functions(&template).into_iter().filter(|(name, _)| !WITHOUT_DEPLOYMENT.contains(&name.as_str())).collect();
        let expected: BTreeSet<String> = deployed.values().map(|id| format!("{id}RollbackAlarm")).collect();
        assert_eq!(alarms.keys().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>(), expected, "{path}");
        let raw = &read(&path)["Resources"];
        for (name, id) in deployed {
            let alarm = alarms[format!("{id}RollbackAlarm").as_str()];
            let condition = |of: &str| raw[format!("{id}{of}")].get("Condition").cloned();
            assert_eq!(condition("RollbackAlarm"), condition("Function"), "{name}");
            assert_eq!(alarm["AlarmName"], format!("wardgate-development-{name}-rollback"));
            assert!(alarm["AlarmDescription"].as_str().unwrap().contains("docs/operations/canary.md"), "{name}");
            assert_eq!(watched(alarm), metrics(&name), "{name}");
        }
    }
}

/// What takes a function's deployment back, if it fails.
fn metrics(function: &str) -> BTreeMap<String, (String, String, BTreeMap<String, String>)> {
    let of_lambda = |metric: &str| {
        let name = format!("wardgate-development-{function}");
        let dimensions =
            BTreeMap::from([("Resource".to_owned(), format!("{name}:live")), ("FunctionName".to_owned(), name)]);
        ("AWS/Lambda".to_owned(), metric.to_owned(), dimensions)
    };
    let mut metrics =
        BTreeMap::from([("calls".to_owned(), of_lambda("Invocations")), ("errors".to_owned(), of_lambda("Errors"))]);
    if let Some((metric, dimension, value)) = own_metric(function) {
        let stage = ("stage".to_owned(), "development".to_owned());
        let dimensions = BTreeMap::from([stage, (dimension.to_owned(), value.to_owned())]);
        metrics.insert("faults".to_owned(), ("Wardgate".to_owned(), metric.to_owned(), dimensions));
    }
    metrics
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
    let stacks = stacks(&[("RollbackErrors", json!(7)), ("RollbackPercent", json!(3))]);
    for (id, alarm) in stacks.iter().flat_map(|stack| resources(&stack.template, "AWS::CloudWatch::Alarm")) {
        assert_eq!(alarm["TreatMissingData"], "notBreaching", "{id}");
        assert_eq!((&alarm["Threshold"], &alarm["DatapointsToAlarm"]), (&json!(0), &json!(1)), "{id}");
        assert_eq!(alarm["ComparisonOperator"], "GreaterThanThreshold", "{id}");
        let metrics = alarm["Metrics"].as_array().unwrap();
        let expressions: BTreeMap<&str, &str> =
            metrics.iter().filter_map(|it| Some((it["Id"].as_str()?, it["Expression"].as_str()?))).collect();
        let failed = if watched(alarm).contains_key("faults") { "errors + faults" } else { "errors" };
        let breach = "IF(failed >= 7 AND failed * 100 >= calls * 3, 1, 0)";
        assert_eq!(expressions, BTreeMap::from([("breach", breach), ("failed", failed)]), "{id}");
        let returned: Vec<&Value> = metrics.iter().filter(|it| it["ReturnData"] != false).map(|it| &it["Id"]).collect();
        assert_eq!(returned, ["breach"], "{id}");
    }
}

#[test]
fn sec_pl_01_codedeploy_may_call_the_hook_move_aliases_and_look_at_alarms() {
    let template = migrate_stack();
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

/// What it does to tables and secrets, and to whose items, is in `permissions/`. It is there before the functions that it
/// calls, and their applications, so that these are the stage's, by how their names begin.
#[test]
fn sec_pl_08_smoke_reaches_its_own_deployments_and_functions_alone() {
    let template = migrate_stack();
    let found: BTreeMap<String, Value> = statements(&template, "Smoke")
        .iter()
        .filter(|it| ["codedeploy:", "lambda:"].iter().any(|kind| texts(&it["Action"])[0].starts_with(kind)))
        .map(|it| (texts(&it["Action"]).join(" "), it["Resource"].clone()))
        .collect();
    assert_eq!(
        found,
        BTreeMap::from([
            (
                "codedeploy:GetApplicationRevision".to_owned(),
                json!(format!("arn:aws:codedeploy:{ACCOUNT}:application:wardgate-development-*")),
            ),
            (
                "codedeploy:GetDeployment codedeploy:PutLifecycleEventHookExecutionStatus".to_owned(),
                json!(format!("arn:aws:codedeploy:{ACCOUNT}:deploymentgroup:wardgate-development-*/*")),
            ),
            // With a version or an alias, and never the newest code that no deploy has published.
            (
                "lambda:InvokeFunction".to_owned(),
                json!(format!("arn:aws:lambda:{ACCOUNT}:function:wardgate-development-*:*")),
            ),
        ])
    );
    let function = &template["Resources"]["SmokeFunction"]["Properties"];
    let deadline = function["Environment"]["Variables"]["AUTH__HTTP__REQUEST_DEADLINE_MS"].as_str().unwrap();
    let in_time = deadline.parse::<u64>().unwrap() < function["Timeout"].as_u64().unwrap() * 1000;
    assert!(in_time, "Lambda would end it before it has reported");
}
