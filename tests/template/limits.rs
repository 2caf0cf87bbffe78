//! What AWS takes no more of. Each template and each policy stays well below it, so that who adds an endpoint is told by a
//! test, and not by a deploy.

use std::fs;

use serde_json::{Value, json};

use crate::harness::cloudformation::{EDGE_STORE, functions, read, resolve, resources, templates};
use crate::harness::repository;

/// How much of a limit may be used, in percent.
const SHARE: usize = 80;

/// A limit of CloudFormation or IAM, and how a template stands to it.
struct Measured {
    what: String,
    found: usize,
    limit: usize,
}

impl Measured {
    fn new(what: impl Into<String>, found: usize, limit: usize) -> Self {
        Self { what: what.into(), found, limit }
    }

    fn is_too_much(&self) -> bool {
        self.found * 100 > self.limit * SHARE
    }

    fn line(&self) -> String {
        let Self { what, found, limit } = self;
        format!("{what}: {found} of {limit}, {} %", found * 100 / limit)
    }
}

/// Prints how near each of them is: `-- --nocapture limits`.
#[test]
#[expect(clippy::print_stdout, reason = "figures to read")]
fn every_template_and_policy_stays_under_80_percent_of_each_limit() {
    let measured: Vec<Measured> = templates().iter().flat_map(|path| measures(path)).collect();
    for it in &measured {
        println!("{}", it.line());
    }
    assert!(measured.len() > 100, "{}", measured.len());
    let too_much: Vec<String> = measured.iter().filter(|it| it.is_too_much()).map(Measured::line).collect();
    assert!(too_much.is_empty(), "{}", too_much.join("\n"));
}

fn measures(path: &str) -> Vec<Measured> {
    let template = read(path);
    let count = |section: &str| template[section].as_object().map_or(0, serde_json::Map::len);
    let body = usize::try_from(fs::metadata(repository(path)).unwrap().len()).unwrap();
    let of = |what: &str, found, limit| Measured::new(format!("{path}: {what}"), found, limit);
    let mut measured = vec![
        of("resources", expanded(&template), 500),
        of("bytes", body, 1_048_576),
        of("parameters", count("Parameters"), 200),
        of("outputs", count("Outputs"), 200),
        of("mappings", count("Mappings"), 200),
    ];
    let template = resolve(&template, &longest());
    for (id, role) in resources(&template, "AWS::IAM::Role") {
        let inline = role["Policies"].as_array().into_iter().flatten().map(|it| size(&it["PolicyDocument"])).sum();
        measured.push(of(&format!("{id}, inline policies"), inline, 10_240));
        measured.push(of(&format!("{id}, trust"), size(&role["AssumeRolePolicyDocument"]), 2_048));
    }
    for (id, policy) in resources(&template, "AWS::IAM::ManagedPolicy") {
        measured.push(of(&format!("{id}, managed policy"), size(&policy["PolicyDocument"]), 6_144));
    }
    measured
}

/// Resources as CloudFormation gets to see them, whatever conditions say: SAM makes several of one.
fn expanded(template: &Value) -> usize {
    let made = template["Resources"].as_object().unwrap().values().map(|resource| match resource["Type"].as_str() {
        Some("AWS::Serverless::Function") => of_function(template, &resource["Properties"]),
        // And its stage.
        Some("AWS::Serverless::HttpApi") => 2,
        _ => 1,
    });
    // One application for all deployment groups.
    let is_deployed = |function: &&Value| has_deployment(template, function);
    let groups = resources(template, "AWS::Serverless::Function").values().copied().filter(is_deployed).count();
    made.sum::<usize>() + usize::from(groups > 0)
}

/// With its version, its alias, its deployment group, and what calls it.
fn of_function(template: &Value, function: &Value) -> usize {
    let events = function["Events"].as_object().into_iter().flat_map(|it| it.values());
    let sources: usize = events
        .map(|event| match event["Type"].as_str() {
            Some("DynamoDB" | "SQS") => 1,
            // A rule or a route, and the right to call.
            _ => 2,
        })
        .sum();
    let alias = &template["Globals"]["Function"]["AutoPublishAlias"];
    let published = if alias.is_string() { 2 } else { 0 };
    1 + published + usize::from(has_deployment(template, function)) + sources
}

fn has_deployment(template: &Value, function: &Value) -> bool {
    let preference = [&template["Globals"]["Function"], function].map(|it| &it["DeploymentPreference"]);
    preference.iter().any(|it| it.is_object()) && preference.iter().all(|it| it["Enabled"] != false)
}

/// Values that make policies as long as they get.
fn longest() -> Vec<(&'static str, Value)> {
    vec![
        ("Stage", json!("development")),
        ("TableName", json!("wardgate-restored-20260301t122900z")),
        ("AuditTableName", json!("wardgate-audit-restored-20260301t122900z")),
        ("Tracing", json!("on")),
        ("AuthorizerAudience", json!("https://api.example.com")),
        ("AuthorizerChecksSessions", json!("true")),
        ("EdgeStoreArn", json!(EDGE_STORE)),
        ("PermissionsBoundary", json!("wardgate-pipeline/wardgate-development-boundary")),
        ("MailIdentity", json!("auth.example.com")),
        ("CopyRegion", json!("eu-west-1")),
        ("Repository", json!("an-organisation-of-some-length@1234567890/wardgate@12345678901")),
    ]
}

/// Characters as IAM counts them: without white space.
fn size(policy: &Value) -> usize {
    deployed(policy).to_string().chars().filter(|letter| !letter.is_whitespace()).count()
}

/// With an ARN wherever only a deploy knows which.
fn deployed(value: &Value) -> Value {
    match value {
        Value::Object(members) if is_unknown(members) => json!("a".repeat(120)),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, it)| (name.clone(), deployed(it))).collect())
        }
        Value::Array(items) => items.iter().map(deployed).collect(),
        Value::String(text) if text.contains("${") => json!(format!("{text}{}", "a".repeat(100))),
        other => other.clone(),
    }
}

fn is_unknown(members: &serde_json::Map<String, Value>) -> bool {
    members.len() == 1 && members.keys().all(|name| ["Ref", "Fn::GetAtt", "Fn::ImportValue"].contains(&name.as_str()))
}

/// A limit that cannot be reached would hold nothing.
#[test]
fn what_sam_makes_is_counted_and_what_is_too_much_is_seen() {
    let template = json!({
        "Globals": { "Function": { "AutoPublishAlias": "live", "DeploymentPreference": { "Type": "AllAtOnce" } } },
        "Resources": {
            "Api": { "Type": "AWS::Serverless::HttpApi", "Properties": {} },
            "AFunction": {
                "Type": "AWS::Serverless::Function",
                "Properties": { "CodeUri": "target/lambda/a/", "Events": { "It": { "Type": "Schedule" } } },
            },
            "BFunction": {
                "Type": "AWS::Serverless::Function",
                "Properties": { "CodeUri": "target/lambda/b/", "DeploymentPreference": { "Enabled": false } },
            },
            "Key": { "Type": "AWS::KMS::Key", "Properties": {} },
        },
    });
    assert_eq!(functions(&template).len(), 2);
    // The API and its stage; a function with version, alias, group, rule and permission; one without the last three; the
    // key; the application.
    assert_eq!(expanded(&template), 2 + 6 + 3 + 1 + 1);
    assert!(!Measured::new("it", 400, 500).is_too_much() && Measured::new("it", 401, 500).is_too_much());
    assert_eq!(size(&json!({ "a": "b c" })), r#"{"a":"bc"}"#.len());
}
