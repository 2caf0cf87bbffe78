//! How a new version gets its traffic, and what takes it back: the preferences, hooks and alarms of the stacks with functions,
//! and what the two roles of a deployment reach.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::cloudformation::{
    API, CodeStack, MIGRATE, code_stacks, everything, functions, read, resolve, resources, statements, texts,
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

/// What takes a deployment back wherever the function has nothing of its own: what clients meet.
const API_ALARM: &str = "wardgate-development-api-rollback";
/// Functions that no route leads to, and that run often enough to be seen failing within a canary's minutes. They stand
/// beside the API.
const WATCHED: [(&str, &str); 6] = [
    ("audit-watch", "AuditWatch"),
    ("authorizer", "Authorizer"),
    ("edge-sync", "EdgeSync"),
    ("events", "Events"),
    ("logout-notifier", "LogoutNotifier"),
    ("mailer", "Mailer"),
];

/// With everything that a parameter can switch on.
fn stacks(given: &[(&str, Value)]) -> Vec<CodeStack> {
    code_stacks(&[&everything(), given].concat())
}

fn migrate_stack() -> Value {
    resolve(&read(MIGRATE), &everything())
}

/// What an alarm adds up: namespace, name, dimensions, of which one that is not known before a deploy is empty.
fn watched(alarm: &Value) -> BTreeMap<String, (String, String, BTreeMap<String, String>)> {
    let metrics = alarm["Metrics"].as_array().unwrap().iter().filter(|it| it.get("MetricStat").is_some());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    metrics
        .map(|it| {
            assert_eq!((&it["MetricStat"]["Stat"], &it["MetricStat"]["Period"]), (&json!("Sum"), &json!(60)), "{it}");
            let metric = &it["MetricStat"]["Metric"];
            let dimensions = metric["Dimensions"].as_array().unwrap().iter();
            let dimensions =
                dimensions.map(|it| (text(&it["Name"]), it["Value"].as_str().unwrap_or_default().to_owned())).collect();
            (text(&it["Id"]), (text(&metric["Namespace"]), text(&metric["MetricName"]), dimensions))
        })
        .collect()
}

#[test]
fn each_function_is_deployed_with_a_hook_and_an_alarm_but_what_deploys_call() {
    for CodeStack { path, template } in stacks(&[]) {
        let all = template["Globals"]["Function"].get("DeploymentPreference");
        let mut deployed = json!({
            "Enabled": "true",
            "Type": "AllAtOnce",
            // Without its condition, a group would be made of a function that is not there.
            "PassthroughCondition": true,
        });
        let api_alarm = json!([API_ALARM]);
        if path == MIGRATE {
            // What others are deployed with is deployed here.
            assert_eq!(all, None);
            deployed["Role"] = json!({ "Fn::GetAtt": "CodeDeployRole.Arn" });
            deployed["Hooks"] = json!({ "PreTraffic": { "Ref": "SmokeFunction" } });
            deployed["Alarms"] = api_alarm;
        } else {
            deployed["Role"] = json!({ "Fn::ImportValue": "wardgate-development-codedeploy-role" });
            deployed["Hooks"] = json!({ "PreTraffic": "wardgate-development-smoke" });
            // SAM would add a function's alarms to those of all.
            if path != API {
                deployed["Alarms"] = api_alarm;
            }
            assert_eq!(all, Some(&deployed), "{path}");
        }
        for (name, id) in functions(&template) {
            let preference = template["Resources"][format!("{id}Function")]["Properties"].get("DeploymentPreference");
            let own = WATCHED.iter().find(|(watched, _)| *watched == name).map_or("Api", |(_, id)| *id);
            let expected = match path.as_str() {
                MIGRATE => (!WITHOUT_DEPLOYMENT.contains(&name.as_str())).then(|| deployed.clone()),
                API => Some(json!({ "Alarms": [{ "Ref": format!("{own}RollbackAlarm") }] })),
                _ => None,
            };
            assert_eq!(preference, expected.as_ref(), "{path}: {name}");
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
        // Beyond the objective of 99.9 %, and far less than a canary of everything: one endpoint is a part of all calls.
        let percent = file["RollbackPercent"].as_f64().unwrap();
        assert!(percent > 0.1 && percent < 1.0, "{stage}: {percent}");
    }
}

/// An alarm more for each endpoint would be paid for by the month, three metrics each.
#[test]
fn one_alarm_takes_deployments_of_all_areas_back_and_functions_without_a_route_have_their_own() {
    let mut found = BTreeMap::new();
    for CodeStack { path, template } in stacks(&[]) {
        let raw = &read(&path)["Resources"];
        for (id, alarm) in resources(&template, "AWS::CloudWatch::Alarm") {
            assert_eq!(path, API, "{id}");
            assert!(alarm["AlarmDescription"].as_str().unwrap().contains("docs/operations/canary.md"), "{id}");
            let function = format!("{}Function", id.strip_suffix("RollbackAlarm").unwrap());
            let condition = |of: &str| raw[of].get("Condition").cloned();
            assert_eq!(condition(id), condition(&function), "{id}");
            found.insert(alarm["AlarmName"].as_str().unwrap().to_owned(), watched(alarm));
        }
    }
    let of_api = |metric: &str| {
        let dimensions = BTreeMap::from([("ApiId".to_owned(), String::new())]);
        ("AWS/ApiGateway".to_owned(), metric.to_owned(), dimensions)
    };
    let api = [("calls", of_api("Count")), ("errors", of_api("5xx"))];
    let api = api.map(|(id, metric)| (id.to_owned(), metric));
    let mut expected = BTreeMap::from([(API_ALARM.to_owned(), BTreeMap::from(api))]);
    for (name, _) in WATCHED {
        expected.insert(format!("wardgate-development-{name}-rollback"), metrics(name));
    }
    assert_eq!(found, expected);
}

/// What takes back the deployment of a function that no route leads to, if it fails.
fn metrics(function: &str) -> BTreeMap<String, (String, String, BTreeMap<String, String>)> {
    let of_lambda = |metric: &str| {
        let name = format!("wardgate-development-{function}");
        let dimensions =
            BTreeMap::from([("Resource".to_owned(), format!("{name}:live")), ("FunctionName".to_owned(), name)]);
        ("AWS/Lambda".to_owned(), metric.to_owned(), dimensions)
    };
    let mut metrics =
        BTreeMap::from([("calls".to_owned(), of_lambda("Invocations")), ("errors".to_owned(), of_lambda("Errors"))]);
    // What a function counts as failed by itself. The events function reports what failed, and Lambda asks again.
    if function == "mailer" {
        let dimensions = [("stage", "development"), ("outcome", "failed")];
        let dimensions = dimensions.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let failed = ("Wardgate".to_owned(), "wardgate_mails_total".to_owned(), BTreeMap::from(dimensions));
        metrics.insert("faults".to_owned(), failed);
    }
    metrics
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
