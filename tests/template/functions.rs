//! Every function of every stack.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wardgate_runtime_tests::binaries;
use wardgate_server::endpoints::{AREAS, EVENT_FUNCTIONS};

use super::{api_stack, stacks};
use crate::harness::cloudformation::{
    API, CodeStack, MIGRATE, area_stack, code_stacks, everything, functions, read, resolve, resources, templates,
};

/// Functions that no route leads to, and what does.
const WITHOUT_ROUTE: [(&str, &[&str]); 11] = [
    ("audit-watch", &["DynamoDB"]),
    ("authorizer", &[]),
    ("edge-sync", &["SQS", "SQS", "Schedule"]),
    ("eraser", &["Schedule"]),
    ("events", &["DynamoDB"]),
    ("logout-notifier", &["SQS"]),
    ("mailer", &["SQS"]),
    ("migrate", &[]),
    ("restore-sweep", &[]),
    // Secrets Manager has schedules of its own.
    ("rotate-keys", &[]),
    ("smoke", &[]),
];

#[test]
fn functions_are_the_binaries() {
    let named: BTreeSet<String> = binaries::functions().into_iter().collect();
    let functions: Vec<String> = stacks().iter().flat_map(|stack| functions(&stack.template).into_keys()).collect();
    assert_eq!(functions.len(), named.len(), "a function in two stacks");
    assert_eq!(functions.into_iter().collect::<BTreeSet<_>>(), named);
}

/// Deploys take every template of the folder.
#[test]
fn each_area_has_a_stack_of_its_endpoints_and_nothing_else_is_in_the_folder() {
    let in_folder: Vec<String> = templates().into_iter().filter(|path| path.starts_with("infra/functions/")).collect();
    let mut expected: Vec<String> = AREAS.iter().map(|area| area_stack(area.name)).collect();
    expected.sort();
    assert_eq!(in_folder, expected);
    for area in &AREAS {
        let template = resolve(&read(&area_stack(area.name)), &everything());
        let names: BTreeSet<String> = area.endpoints.iter().map(|(endpoint, _)| endpoint.name.to_owned()).collect();
        assert_eq!(functions(&template).into_keys().collect::<BTreeSet<_>>(), names, "{}", area.name);
    }
}

#[test]
fn each_function_has_its_fixed_name_its_binary_and_what_calls_it() {
    for CodeStack { path, template } in stacks() {
        let root = "../".repeat(path.matches('/').count());
        for (name, id) in functions(&template) {
            let words = name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]);
            assert_eq!(id, words.collect::<String>());
            let function = &template["Resources"][format!("{id}Function")]["Properties"];
            assert_eq!(function["FunctionName"], format!("wardgate-development-{name}"));
            assert_eq!(function["CodeUri"], format!("{root}target/lambda/{name}/"));
            assert_eq!(
                function["AutoPublishCodeSha256"], "unreleased",
                "{name} would not be published with the others"
            );
            // Routes are in the API's body: SAM takes none to an API of another stack.
            let events = function["Events"].as_object().into_iter().flat_map(|it| it.values());
            let kinds: Vec<&str> = events.filter_map(|event| event["Type"].as_str()).collect();
            let sources = WITHOUT_ROUTE.iter().find(|(without, _)| *without == name).map_or(&[][..], |(_, it)| it);
            assert_eq!(kinds, sources, "{name}");
        }
    }
    let without: BTreeSet<&str> = WITHOUT_ROUTE.iter().map(|(name, _)| *name).collect();
    assert_eq!(without, EVENT_FUNCTIONS.iter().copied().collect());
}

/// Whoever calls a function names it and the alias. What a stack exported could not change while another one took it.
#[test]
fn each_function_publishes_the_alias_that_others_name_and_areas_export_nothing() {
    let names = |section: &Value| section.as_object().into_iter().flat_map(|it| it.keys().cloned()).collect::<Vec<_>>();
    for CodeStack { path, template } in stacks() {
        assert_eq!(template["Globals"]["Function"]["AutoPublishAlias"], "live", "{path}");
        for id in functions(&template).values() {
            let function = &template["Resources"][format!("{id}Function")]["Properties"];
            assert_eq!(function.get("AutoPublishAlias"), None, "{path}: {id}");
        }
        let expected: &[&str] = match path.as_str() {
            API => &["ApiId", "ApiUrl", "AuthorizerAlias"],
            MIGRATE => &["CodeDeployRoleArn"],
            _ => &[],
        };
        assert_eq!(names(&template["Outputs"]), expected, "{path}");
    }
    let alias = &api_stack()["Outputs"]["AuthorizerAlias"];
    assert_eq!(
        (&alias["Value"], &alias["Condition"]),
        (&json!({ "Ref": "AuthorizerFunction.Alias" }), &json!("HasAuthorizer"))
    );
}

/// It has to be there before the code, and no other client than the operator calls it.
#[test]
fn migrations_have_a_stack_of_their_own_with_all_the_time_that_lambda_gives() {
    let stack = resolve(&read(MIGRATE), &everything());
    let function = &stack["Globals"]["Function"];
    assert_eq!(function["Timeout"], 900);
    let deadline = function["Environment"]["Variables"]["AUTH__HTTP__REQUEST_DEADLINE_MS"].as_str().unwrap();
    let deadline: u64 = deadline.parse().unwrap();
    assert!((60_000..900_000).contains(&deadline), "the lock is given back before Lambda ends the process");
    let migrate = &stack["Resources"]["MigrateFunction"]["Properties"];
    assert_eq!(migrate.get("Timeout").or_else(|| migrate.get("Environment")), None, "it has what all have");
}

#[test]
fn each_log_group_is_encrypted_and_forgets() {
    let given = [&everything()[..], &[("LogRetentionDays", json!(30))]].concat();
    for CodeStack { path, template } in code_stacks(&given) {
        // One for each function, and one for the API.
        let others = usize::from(path == API);
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
