//! What GitHub Actions may do: the workflows, and the roles of `make pipeline`. `make lint-workflows` checks that the
//! first are workflows at all, and `make validate` that the second is a template.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};
use wardgate_server::endpoints::AREAS;

use crate::harness::cloudformation::{everything, read, resolve, resources, templates, texts};
use crate::harness::repository;

/// What GitHub signs in as, and what CloudFormation acts as for it.
const TEMPLATES: [&str; 2] = ["infra/pipeline.yaml", "infra/cloudformation-role.yaml"];
/// The stacks that an administrator deploys, and no pipeline.
const ADMINISTRATORS: [&str; 3] = [TEMPLATES[0], TEMPLATES[1], "infra/restore-testing.yaml"];
/// `CloudFormationRole` of the second one, as the first one names it: `infra/tests/test_pipeline.py`.
const CLOUDFORMATION_ROLE: &str = "arn:aws:iam::123456789012:role/wardgate-pipeline/wardgate-staging-cloudformation";
/// Jobs that may do more than read the source, and what.
const RIGHTS: [(&str, &str, &str); 9] = [
    ("advisories", "release", "id-token: write"),
    ("advisories", "tell", "issues: write"),
    ("image", "push", "attestations: write"),
    ("image", "push", "id-token: write"),
    ("staging", "build", "attestations: write"),
    ("staging", "build", "id-token: write"),
    ("staging", "deploy", "id-token: write"),
    ("production", "deploy", "attestations: read"),
    ("production", "deploy", "id-token: write"),
];
/// What changes a stack, and takes a role to do it with.
const CHANGES_STACKS: [&str; 3] =
    ["cloudformation:ContinueUpdateRollback", "cloudformation:CreateChangeSet", "cloudformation:RollbackStack"];
/// What reads or destroys what a stage must not give away or lose. No pipeline has any of it.
const NEVER: [&str; 12] = [
    "dynamodb:BatchGetItem",
    "dynamodb:DeleteTable",
    "dynamodb:Scan",
    "dynamodb:UpdateItem",
    "iam:DeleteRolePermissionsBoundary",
    "kms:DisableKey",
    "kms:ScheduleKeyDeletion",
    "s3:DeleteBucket",
    "s3:DeleteObject",
    "secretsmanager:DeleteSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
];

fn text(path: &str) -> String {
    fs::read_to_string(repository(path)).unwrap()
}

/// Each workflow by its name.
fn workflows() -> BTreeMap<String, Value> {
    let folder = ".github/workflows";
    let files = fs::read_dir(repository(folder)).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    files.map(|file| (file.strip_suffix(".yml").unwrap().to_owned(), read(&format!("{folder}/{file}")))).collect()
}

fn jobs(workflow: &Value) -> Vec<(&str, &Value)> {
    workflow["jobs"].as_object().unwrap().iter().map(|(name, job)| (name.as_str(), job)).collect()
}

/// None of a job that is another workflow of this repository.
fn steps(job: &Value) -> Vec<&Value> {
    if job["uses"].as_str().is_some_and(|it| it.starts_with("./.github/workflows/")) {
        return Vec::new();
    }
    job["steps"].as_array().unwrap().iter().collect()
}

/// Where a step of the job runs or uses something.
#[track_caller]
fn position(job: &Value, part: &str) -> usize {
    let says = |step: &Value, key: &str| step[key].as_str().is_some_and(|line| line.contains(part));
    let found = steps(job).into_iter().position(|step| says(step, "run") || says(step, "uses"));
    found.unwrap_or_else(|| panic!("no step has {part}"))
}

#[test]
fn sec_pl_04_each_action_is_pinned_by_its_commit_with_its_version_beside_it() {
    let mut pinned = 0;
    for name in workflows().keys() {
        for line in text(&format!(".github/workflows/{name}.yml")).lines() {
            let Some((_, action)) = line.split_once("uses: ") else { continue };
            // Of the same commit.
            if action.starts_with("./.github/workflows/") {
                continue;
            }
            let (commit, version) = action.split_once('@').unwrap().1.split_once(" # v").unwrap_or_default();
            let is_commit = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(is_commit && version.split('.').count() == 3, "{name}: {line}");
            pinned += 1;
        }
    }
    assert!(pinned >= 8, "{pinned}");
}

#[test]
fn each_job_has_just_the_rights_that_are_listed_and_an_end() {
    let listed: BTreeSet<_> = RIGHTS.map(|(workflow, job, right)| (workflow.into(), job.into(), right.into())).into();
    let mut found: BTreeSet<(String, String, String)> = BTreeSet::new();
    for (name, workflow) in workflows() {
        assert_eq!(workflow["permissions"], json!({}), "{name}");
        assert!(workflow["concurrency"]["group"].is_string(), "{name}");
        for (job_name, job) in jobs(&workflow) {
            // One that is another workflow has its jobs' own.
            if !steps(job).is_empty() {
                assert!(job["timeout-minutes"].as_u64().is_some_and(|minutes| minutes <= 120), "{name}: {job_name}");
                assert!(
                    ["ubuntu-24.04", "ubuntu-24.04-arm"].contains(&job["runs-on"].as_str().unwrap()),
                    "{name}: {job_name}"
                );
            }
            for (right, level) in job["permissions"].as_object().unwrap() {
                if (right.as_str(), level.as_str()) != ("contents", Some("read")) {
                    found.insert((name.clone(), job_name.into(), format!("{right}: {}", level.as_str().unwrap())));
                }
            }
        }
    }
    assert_eq!(found, listed);
}

#[test]
fn no_workflow_knows_a_secret_or_runs_what_somebody_else_wrote() {
    for (name, workflow) in workflows() {
        let whole = text(&format!(".github/workflows/{name}.yml"));
        for forbidden in ["secrets.", "pull_request_target", "workflow_run", "issue_comment", "self-hosted"] {
            assert!(!whole.contains(forbidden), "{name} has {forbidden}");
        }
        for step in jobs(&workflow).into_iter().flat_map(|(_, job)| steps(job)) {
            // An expression is put into the script as it is, whoever has chosen the name of a branch.
            let run = step["run"].as_str().unwrap_or_default();
            assert!(!run.contains("${{"), "{name}: {run}");
            if step["uses"].as_str().is_some_and(|it| it.starts_with("actions/checkout@")) {
                assert_eq!(step["with"]["persist-credentials"], false, "{name}");
            }
        }
    }
}

/// A build runs code of dependencies, which could take whatever there is to take.
#[test]
fn what_is_built_for_staging_is_attested_and_built_without_a_way_into_aws() {
    let staging = &workflows()["staging"];
    assert_eq!(staging["on"], json!({ "push": { "branches": ["develop"] } }));
    let (build, deploy) = (&staging["jobs"]["build"], &staging["jobs"]["deploy"]);
    assert!(steps(build).iter().all(|step| !step.to_string().contains("aws-actions/")), "the build has credentials");
    assert_eq!(build.get("environment"), None);
    let attested = position(build, "actions/attest-build-provenance@");
    assert!(position(build, "make build ARCH=arm64") < attested && position(build, "make sbom") < attested);
    let subjects = steps(build)[attested]["with"]["subject-path"].as_str().unwrap();
    assert_eq!(
        subjects.split_whitespace().collect::<Vec<_>>(),
        ["target/lambda/*/bootstrap", "target/sbom/wardgate.cdx.json"]
    );
    assert_eq!((&deploy["needs"], &deploy["environment"]), (&json!(["build", "check"]), &json!("staging")));
    // Everything that a pull request has to pass, of the commit that is deployed.
    assert_eq!(staging["jobs"]["check"]["uses"], "./.github/workflows/check.yml");
    assert!(workflows()["check"]["on"].as_object().unwrap().contains_key("workflow_call"));
    position(&workflows()["check"]["jobs"]["check"], ".ci/run");
    let upload = &steps(build)[position(build, "actions/upload-artifact@")]["with"];
    let download = &steps(deploy)[position(deploy, "actions/download-artifact@")]["with"];
    assert_eq!((&upload["name"], &upload["path"]), (&download["name"], &download["path"]));
    let deploys = position(deploy, "make deploy STAGE=staging YES=1 BINARIES=target/lambda");
    assert!(position(deploy, "aws-actions/configure-aws-credentials@") < deploys);
    assert!(deploys < position(deploy, "make watch-alarms STAGE=staging"));
}

#[test]
fn production_gets_the_very_artifact_of_staging_once_somebody_has_approved_it() {
    let production = &workflows()["production"];
    assert_eq!(production["on"], json!({ "push": { "tags": ["v*"] } }));
    let [("deploy", job)] = jobs(production)[..] else { panic!("one job, behind the environment") };
    assert_eq!(job["environment"], "production");
    let whole = job.to_string();
    assert!(!whole.contains("make build") && !whole.contains("cargo"), "production builds something");
    let candidate = position(job, r#"make candidate STAGE=production COMMIT="$GITHUB_SHA""#);
    let verified = position(job, "gh attestation verify");
    let deployed = position(job, r#"make deploy STAGE=production YES=1 ARTIFACT="$(cat target/candidate/artifact)""#);
    assert!(candidate < verified && verified < deployed);
    assert!(deployed < position(job, "make watch-alarms STAGE=production"));
    let verify = steps(job)[verified]["run"].as_str().unwrap();
    for condition in [
        "in target/candidate/*/bootstrap",
        r#"--repo "$GITHUB_REPOSITORY""#,
        r#"--source-digest "$GITHUB_SHA""#,
        "--source-ref refs/heads/develop",
        r#"--signer-workflow "$GITHUB_REPOSITORY/.github/workflows/staging.yml""#,
    ] {
        assert!(verify.contains(condition), "{condition}");
    }
}

/// Alarms need requests, and a broken name or certificate has none.
#[test]
fn a_stage_is_asked_as_a_client_does_for_as_long_as_its_alarms_are_watched() {
    for (stage, minutes) in [("staging", 10), ("production", 15)] {
        let deploy = &workflows()[stage]["jobs"]["deploy"];
        let watch = position(deploy, &format!("make watch-alarms STAGE={stage} MINUTES={minutes}"));
        assert!(position(deploy, &format!("make deploy STAGE={stage}")) < watch);
        let script: Vec<&str> = steps(deploy)[watch]["run"].as_str().unwrap().lines().collect();
        assert_eq!(script[0], format!("make verify STAGE={stage} MINUTES={minutes} &"));
        // Or nobody would hear how it went.
        assert_eq!((script[1], *script.last().unwrap()), ("verified=$!", "wait \"$verified\""));
    }
}

#[test]
fn drills_run_by_themselves() {
    let workflows = workflows();
    let drills = &workflows["drills"];
    assert!(drills["on"]["schedule"][0]["cron"].is_string());
    position(&drills["jobs"]["emulator"], "make test-deploy");
    position(&drills["jobs"]["advisories"], "make advisories");
}

/// develop may be weeks ahead of production: an advisory about what it no longer links would go unseen.
#[test]
fn sec_pl_04_what_production_runs_is_held_against_the_advisories_every_week_and_somebody_is_told() {
    let workflows = workflows();
    let advisories = &workflows["advisories"];
    assert!(advisories["on"]["schedule"][0]["cron"].as_str().unwrap().ends_with(" * * 1"));
    let [release, dependencies, tell] = ["release", "dependencies", "tell"].map(|job| &advisories["jobs"][job]);
    assert_eq!(release["environment"], "production-read");
    let signed_in = position(release, "aws-actions/configure-aws-credentials@");
    assert_eq!(steps(release)[signed_in]["with"]["role-to-assume"], "${{ vars.READ_ROLE }}");
    assert!(signed_in < position(release, "make version STAGE=production"));
    // What a dependency brings is fetched where there is no way into AWS.
    let asked = &steps(dependencies)[position(dependencies, r#"make advisories COMMIT="$COMMIT""#)];
    assert_eq!(asked["env"]["COMMIT"], "${{ needs.release.outputs.commit }}");
    assert_eq!(dependencies.get("environment"), None);
    assert_eq!((&tell["needs"], &tell["if"]), (&json!(["release", "dependencies"]), &json!("failure()")));
    position(tell, "gh issue create");
}

/// Both stacks as one.
fn pipeline() -> Value {
    let given = [("Stage", json!("staging")), ("Repository", json!("acme/wardgate"))];
    let [mut whole, rest] = TEMPLATES.map(|path| resolve(&read(path), &given));
    let rest = rest["Resources"].as_object().unwrap().clone();
    whole["Resources"].as_object_mut().unwrap().extend(rest);
    whole
}

/// Every policy of the stack, by its logical id.
fn policies(template: &Value) -> BTreeMap<&str, Vec<&Value>> {
    let policies = resources(template, "AWS::IAM::ManagedPolicy").into_iter();
    policies.map(|(id, it)| (id, it["PolicyDocument"]["Statement"].as_array().unwrap().iter().collect())).collect()
}

#[test]
fn sec_pl_01_a_pipeline_has_no_wildcard_and_says_why_where_aws_knows_no_resource() {
    let template = pipeline();
    for (id, role) in resources(&template, "AWS::IAM::Role") {
        // All rights are in the policies below.
        assert_eq!(role.get("Policies"), None, "{id}");
        assert!(role["ManagedPolicyArns"].as_array().unwrap().iter().all(|it| it["Ref"].is_string()), "{id}");
    }
    for (id, statements) in policies(&template) {
        for statement in statements {
            assert!(texts(&statement["Action"]).iter().all(|action| !action.contains('*')), "{id}: {statement}");
            assert_eq!(statement["Effect"], "Allow", "{id}: {statement}");
            assert_eq!(statement.get("NotAction").or_else(|| statement.get("NotResource")), None, "{id}: {statement}");
        }
    }
    let whole = TEMPLATES.map(text).concat();
    let lines: Vec<&str> = whole.lines().map(str::trim).collect();
    let unnamed = |line: &str| line == r#"Resource: "*""# || (line.contains("Resource: ") && line.ends_with(":*"));
    for pair in lines.windows(2).filter(|pair| unnamed(pair[1]) && !pair[1].contains("wardgate-")) {
        assert!(pair[0].starts_with("# ") && pair[0].len() > 20, "{} has no reason above it", pair[1]);
    }
}

#[test]
fn sec_pl_01_only_the_repositorys_environment_of_the_stage_becomes_its_role() {
    let template = pipeline();
    let roles = resources(&template, "AWS::IAM::Role");
    for (id, environment) in [("DeployRole", "staging"), ("ReadRole", "staging-read")] {
        let expected = json!([{
            "Effect": "Allow",
            "Principal": { "Federated": { "Ref": "Provider" } },
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": { "StringEquals": {
                "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                "token.actions.githubusercontent.com:sub": format!("repo:acme/wardgate:environment:{environment}"),
            } },
        }]);
        assert_eq!(roles[id]["AssumeRolePolicyDocument"]["Statement"], expected, "{id}");
    }
    let trust = &roles["CloudFormationRole"]["AssumeRolePolicyDocument"]["Statement"];
    assert_eq!(trust[0]["Principal"], json!({ "Service": "cloudformation.amazonaws.com" }));
    assert_eq!((roles.len(), trust.as_array().unwrap().len()), (3, 1));
}

#[test]
fn sec_ot_09_sec_pl_03_no_pipeline_reads_users_or_keys_or_deletes_what_must_not_be_lost() {
    let template = pipeline();
    for (id, statements) in policies(&template) {
        for statement in statements {
            for action in texts(&statement["Action"]) {
                // The boundary gives nothing: it is what the functions' own roles are held to.
                assert!(id == "Boundary" || !NEVER.contains(&action), "{id} may {action}");
                let item = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"].contains(&action);
                if item && id != "Boundary" {
                    let table = statement["Resource"].as_str().unwrap().rsplit('/').next().unwrap();
                    let (operator, partition) = match (table, action) {
                        ("wardgate-audit-staging", "dynamodb:PutItem" | "dynamodb:Query") => ("StringLike", "STAGE#*"),
                        ("wardgate-staging", "dynamodb:Query") => ("StringEquals", "MIGRATION"),
                        ("wardgate-staging", _) => ("StringEquals", "SETTINGS"),
                        (table, action) => panic!("{id} may {action} of {table}"),
                    };
                    let operator = format!("ForAllValues:{operator}");
                    assert_eq!(statement["Condition"], json!({ operator: { "dynamodb:LeadingKeys": [partition] } }));
                }
            }
        }
    }
}

/// The deploy role could otherwise hand any template to a role of its choice.
#[test]
fn sec_pl_01_stacks_change_through_cloudformations_own_role_alone() {
    let template = pipeline();
    let own = json!({ "StringEquals": { "cloudformation:RoleArn": CLOUDFORMATION_ROLE } });
    let mut stacks = 0;
    for (id, statements) in policies(&template) {
        for statement in statements {
            let changes = texts(&statement["Action"]).iter().any(|action| CHANGES_STACKS.contains(action));
            let is_transform = statement["Resource"].as_str().is_some_and(|arn| arn.contains(":aws:transform/"));
            if changes && !is_transform {
                assert_eq!(statement["Condition"], own, "{id}");
                stacks += 1;
            }
            for forbidden in ["cloudformation:CreateStack", "cloudformation:DeleteStack", "cloudformation:UpdateStack"]
            {
                assert!(!texts(&statement["Action"]).contains(&forbidden), "{id} may {forbidden}");
            }
        }
    }
    assert_eq!(stacks, 2);
}

/// What a deploy changes, and what it has to finish and to stop.
#[test]
fn a_deploy_reaches_each_of_the_stages_stacks_and_no_other() {
    let stacks = "arn:aws:cloudformation:eu-central-1:123456789012:stack";
    let areas = AREAS.iter().map(|area| format!("-{}", area.name));
    let released: BTreeSet<String> = ["", "-migrate"].map(str::to_owned).into_iter().chain(areas).collect();
    let released: BTreeSet<String> = released.iter().map(|end| format!("{stacks}/wardgate-staging{end}/*")).collect();
    let others =
        ["wardgate-staging-backup", "wardgate-staging-data", "wardgate-staging-observability", "wardgate-artifacts"];
    let all = released.iter().cloned().chain(others.map(|name| format!("{stacks}/{name}/*"))).collect();
    let template = pipeline();
    let deploy = &policies(&template)["StacksPolicy"];
    for (sid, expected) in
        [("ChangeStacks", &all), ("FinishChangeSets", &all), ("StopUpdates", &released), ("PutBack", &all)]
    {
        let statement = deploy.iter().find(|it| it["Sid"] == sid).unwrap();
        let found: BTreeSet<String> = texts(&statement["Resource"]).into_iter().map(str::to_owned).collect();
        assert_eq!(found, *expected, "{sid}");
    }
}

/// TK-06: API Gateway cannot tell an ID token from an access token but by its scopes.
#[test]
fn sec_tk_06_each_route_of_the_example_names_its_authorizer_and_a_jwt_route_its_scopes() {
    let template = read("examples/protected-api/template.yaml");
    let api = &template["Resources"]["Api"]["Properties"]["Auth"];
    assert_eq!(api["DefaultAuthorizer"], "Wardgate");
    let authorizer = &api["Authorizers"]["Wardgate"];
    assert_eq!(
        (&authorizer["EnableSimpleResponses"], &authorizer["Identity"]["ReauthorizeEvery"]),
        (&json!(true), &json!(0))
    );
    let jwt = &api["Authorizers"]["WardgateJwt"]["JwtConfiguration"];
    assert_eq!((&jwt["issuer"], &jwt["audience"]), (&json!({ "Ref": "Issuer" }), &json!([{ "Ref": "Audience" }])));
    let mut guarded = BTreeSet::new();
    for event in template["Resources"]["Function"]["Properties"]["Events"].as_object().unwrap().values() {
        let auth = &event["Properties"]["Auth"];
        let name = auth["Authorizer"].as_str().unwrap();
        let scopes = auth["AuthorizationScopes"].as_array().map_or(0, Vec::len);
        assert!(name != "WardgateJwt" || scopes > 0, "{event}");
        guarded.insert(name);
    }
    assert_eq!(guarded.len(), 2);
}

/// Otherwise a deploy could make itself a role that may do everything.
#[test]
fn sec_pl_01_roles_are_made_within_the_boundary_and_never_the_pipelines_own() {
    let template = pipeline();
    let boundary = json!({ "StringEquals": { "iam:PermissionsBoundary": { "Ref": "Boundary" } } });
    let gives = ["iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"];
    let mut found = BTreeSet::new();
    for (id, statements) in policies(&template) {
        for statement in statements {
            let actions: Vec<&str> = texts(&statement["Action"]);
            if !actions.iter().any(|action| action.starts_with("iam:")) {
                continue;
            }
            for action in actions.iter().filter(|action| gives.contains(action)) {
                assert_eq!(statement["Condition"], boundary, "{id}: {action}");
                found.insert(*action);
            }
            if actions.contains(&"iam:PassRole") {
                assert!(statement["Condition"]["StringEquals"]["iam:PassedToService"] != Value::Null, "{id}");
            }
            for resource in statement["Resource"].as_array().unwrap_or(&vec![statement["Resource"].clone()]) {
                let within = [
                    "role/wardgate-staging-*",
                    "policy/wardgate-staging-*",
                    "/AWSServiceRoleForAPIGateway",
                    "/AWSServiceRoleForBackup",
                ];
                let is_within = resource.as_str().is_some_and(|arn| within.iter().any(|end| arn.ends_with(end)));
                assert!(
                    is_within || (resource == CLOUDFORMATION_ROLE && actions == ["iam:PassRole"]),
                    "{id}: {resource}"
                );
            }
        }
    }
    assert_eq!(found, gives.into());
    for (id, resource) in template["Resources"].as_object().unwrap() {
        if id != "Provider" {
            // Roles without a path are the stage's.
            assert_eq!(resource["Properties"]["Path"], "/wardgate-pipeline/", "{id}");
        }
    }
}

#[test]
fn sec_pl_01_every_role_of_a_stage_has_the_boundary_and_is_within_it() {
    let template = pipeline();
    let allowed: BTreeSet<&str> = policies(&template)["Boundary"].iter().flat_map(|it| texts(&it["Action"])).collect();
    // With everything that a parameter can switch on.
    let mut given = everything().to_vec();
    given.push(("PermissionsBoundary", json!("wardgate-pipeline/wardgate-staging-boundary")));
    let expected = "arn:aws:iam::123456789012:policy/wardgate-pipeline/wardgate-staging-boundary";
    let mut roles = 0;
    for path in templates().into_iter().filter(|path| !ADMINISTRATORS.contains(&path.as_str())) {
        let stack = resolve(&read(&path), &given);
        for (id, role) in resources(&stack, "AWS::IAM::Role") {
            roles += 1;
            assert_eq!(role["PermissionsBoundary"], expected, "{path}: {id}");
            for policy in role["Policies"].as_array().into_iter().flatten() {
                for statement in policy["PolicyDocument"]["Statement"].as_array().unwrap() {
                    for action in texts(&statement["Action"]) {
                        assert!(
                            allowed.contains(action),
                            "{path}: {id} may {action}, which the boundary does not have"
                        );
                    }
                }
            }
        }
    }
    assert!(roles > 30, "{roles}");
    for stage in ["staging", "production"] {
        let parameters = read(&format!("infra/{stage}/parameters.yaml"));
        assert_eq!(parameters["PermissionsBoundary"], format!("wardgate-pipeline/wardgate-{stage}-boundary"));
    }
}
