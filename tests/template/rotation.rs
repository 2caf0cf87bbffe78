//! How key rings are rotated, and who may do it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wardgate::secrets::RingName;

use super::stacks;
use crate::harness::cloudformation::{
    CodeStack, MIGRATE, everything, functions, read, resolve, resources, stage_parameters, statements, texts,
};

/// The emulator knows none of this.
#[test]
fn sec_tk_04_each_ring_but_the_wrapping_ones_rotates_by_a_schedule() {
    for (stage, days) in [("development", 30), ("staging", 30), ("production", 7)] {
        let given = stage_parameters(stage);
        let given: Vec<(&str, Value)> = given.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        let template = resolve(&read(MIGRATE), &given);
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
        assert_eq!(by_command, ["factor_wrap", "password_wrap"], "{stage}");
    }
}

#[test]
fn sec_pl_01_secrets_manager_alone_calls_rotate_keys_and_for_this_account_alone() {
    let template = resolve(&read(MIGRATE), &everything());
    let permission = &template["Resources"]["RotateKeysPermission"]["Properties"];
    assert_eq!(permission["Principal"], "secretsmanager.amazonaws.com");
    assert_eq!(permission["SourceAccount"], "123456789012");
    assert_eq!(permission["FunctionName"], json!({ "Ref": "RotateKeysFunction.Alias" }));
    // Nobody else writes a secret (TK-05).
    for CodeStack { template, .. } in stacks() {
        for (name, id) in functions(&template) {
            let actions: Vec<&str> = statements(&template, id).iter().flat_map(|it| texts(&it["Action"])).collect();
            let mut of_secrets = actions.iter().filter(|action| action.starts_with("secretsmanager:"));
            let writes = of_secrets.any(|action| !action.ends_with(":GetSecretValue"));
            assert_eq!(writes, name == "rotate-keys", "{name}");
        }
    }
    // The function answers before Lambda ends it.
    let function = &template["Resources"]["RotateKeysFunction"]["Properties"];
    let deadline = function["Environment"]["Variables"]["AUTH__HTTP__REQUEST_DEADLINE_MS"].as_str().unwrap();
    assert!(deadline.parse::<u64>().unwrap() < function["Timeout"].as_u64().unwrap() * 1000);
}
