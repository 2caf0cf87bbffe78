//! What a function may do, as far as it is the same for all.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use super::stacks;
use crate::harness::cloudformation::{functions, resources, statements, templates, texts};
use crate::harness::repository;

#[test]
fn sec_pl_01_each_function_has_a_role_of_its_own_without_a_wildcard() {
    stacks().iter().map(|stack| &stack.template).for_each(has_roles_of_their_own);
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
    stacks().iter().map(|stack| &stack.template).for_each(writes_own_logs_and_decrypts);
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
                "cloudfront-keyvaluestore" | "codedeploy" | "events" | "lambda" | "ses" => {}
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
    for path in templates() {
        let text = fs::read_to_string(repository(&path)).unwrap();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (index, line) in lines.iter().enumerate() {
            if line.starts_with("Resource:") && (line.ends_with("\"*\"") || line.ends_with("'*'")) {
                assert!(lines[index - 1].starts_with("# "), "{path}, line {}", index + 1);
            }
        }
    }
    // Written in another way, it would be found here.
    for (id, resource) in stacks().iter().flat_map(|stack| stack.template["Resources"].as_object().unwrap()) {
        if id != "TracingPolicy" && id != "CodeDeployRole" {
            assert!(!resource.to_string().contains(r#""Resource":"*""#), "{id}");
            assert!(!resource.to_string().contains(r#""Resource":["*"]"#), "{id}");
        }
    }
}
