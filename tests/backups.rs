//! What `infra/backup.yaml` and `infra/backup-copy.yaml` have to say. The emulator makes no backup selections and runs no
//! plans: this holds the originals.

use serde_json::{Value, json};

use crate::harness::cloudformation::{read, resolve, resources, texts};

const STAGES: [&str; 3] = ["development", "staging", "production"];

/// A stack with a stage's own parameters.
fn of_stage(path: &str, stage: &str) -> Value {
    let template = read(path);
    let file = match stage {
        "development" => json!({ "CopyRegion": "eu-west-1" }),
        stage => read(&format!("infra/{stage}/parameters.yaml")),
    };
    let known = template["Parameters"].as_object().unwrap();
    let given = file.as_object().unwrap().iter().filter(|(name, _)| known.contains_key(*name));
    let given: Vec<(&str, Value)> = given.map(|(name, value)| (name.as_str(), value.clone())).collect();
    resolve(&template, &given)
}

fn rules(backup: &Value) -> Vec<Value> {
    let plans = resources(backup, "AWS::Backup::BackupPlan");
    assert_eq!(plans.len(), 1);
    plans["Plan"]["BackupPlan"]["BackupPlanRule"].as_array().unwrap().clone()
}

/// Where a backup is or is copied to, each with its days.
fn lifecycles(rule: &Value) -> Vec<Value> {
    let copies = rule["CopyActions"].as_array().into_iter().flatten();
    [rule].into_iter().chain(copies).map(|it| it["Lifecycle"].clone()).collect()
}

#[test]
fn every_day_has_its_backup_for_as_long_as_the_stage_says() {
    for (stage, daily) in [("development", 30), ("staging", 30), ("production", 90)] {
        let backup = of_stage("infra/backup.yaml", stage);
        let rules = rules(&backup);
        let schedules: Vec<(&str, &str)> = rules
            .iter()
            .map(|rule| (rule["RuleName"].as_str().unwrap(), rule["ScheduleExpression"].as_str().unwrap()))
            .collect();
        assert_eq!(schedules, [("daily", "cron(30 3 ? * * *)")]);
        assert_eq!(rules[0]["Lifecycle"]["DeleteAfterDays"], daily, "{stage}");
        let copy = &rules[0]["CopyActions"][0];
        let vault = format!("arn:aws:backup:eu-west-1:123456789012:backup-vault:wardgate-{stage}");
        assert_eq!(copy["DestinationBackupVaultArn"], vault);
        assert!(copy["Lifecycle"]["DeleteAfterDays"].as_u64().unwrap() >= daily, "{stage}");
        let vaults = of_stage("infra/backup-copy.yaml", stage);
        assert_eq!(
            resources(&vaults, "AWS::Backup::BackupVault")["Vault"]["BackupVaultName"],
            format!("wardgate-{stage}")
        );
    }
    let backup = resolve(&read("infra/backup.yaml"), &[]);
    assert_eq!(rules(&backup)[0].get("CopyActions"), None, "no region, no copy");
}

/// AWS refuses a plan that deletes what is not 90 days in cold storage, and refuses it only when it is deployed.
#[test]
fn what_goes_cold_stays_there_for_ninety_days() {
    let mut cold = 0;
    for stage in STAGES {
        for lifecycle in rules(&of_stage("infra/backup.yaml", stage)).iter().flat_map(lifecycles) {
            let Some(after) = lifecycle["MoveToColdStorageAfterDays"].as_u64() else { continue };
            assert!(lifecycle["DeleteAfterDays"].as_u64().unwrap() >= after + 90, "{stage}: {lifecycle}");
            cold += 1;
        }
    }
    assert_eq!(cold, 1, "production's copies");
}

#[test]
fn both_tables_and_what_a_restore_makes_of_them_are_backed_up() {
    for stage in STAGES {
        let backup = of_stage("infra/backup.yaml", stage);
        let selection = &resources(&backup, "AWS::Backup::BackupSelection")["Tables"]["BackupSelection"];
        assert_eq!(selection.get("Resources"), None, "{stage}");
        let [tag] = selection["ListOfTags"].as_array().unwrap().as_slice() else { panic!("one tag") };
        assert_eq!((&tag["ConditionType"], &tag["ConditionValue"]), (&json!("STRINGEQUALS"), &json!(stage)));
        let data = resolve(&read("infra/data.yaml"), &[("Stage", json!(stage))]);
        let tables = resources(&data, "AWS::DynamoDB::GlobalTable");
        assert_eq!(tables.len(), 2);
        for (id, table) in tables {
            let expected = json!({ "Key": tag["ConditionKey"], "Value": stage });
            assert_eq!(table["Replicas"][0]["Tags"], json!([expected]), "{id}");
        }
        assert_eq!(selection["IamRoleArn"], json!({ "Fn::GetAtt": "BackupRole.Arn" }));
    }
}

#[test]
fn backups_have_keys_of_their_own_and_outlive_their_stacks_and_productions_are_locked() {
    for path in ["infra/backup.yaml", "infra/backup-copy.yaml"] {
        for stage in STAGES {
            let template = of_stage(path, stage);
            for kind in ["AWS::Backup::BackupVault", "AWS::KMS::Key", "AWS::KMS::Alias"] {
                let of_kind = template["Resources"].as_object().unwrap().values().filter(|it| it["Type"] == kind);
                let of_kind: Vec<&Value> = of_kind.collect();
                assert_eq!(of_kind.len(), 1, "{path}: {kind}");
                assert_eq!(of_kind[0]["DeletionPolicy"], "Retain", "{path}: {kind}");
                assert_eq!(of_kind[0]["UpdateReplacePolicy"], "Retain", "{path}: {kind}");
            }
            let vault = resources(&template, "AWS::Backup::BackupVault")["Vault"];
            assert_eq!(vault["EncryptionKeyArn"], json!({ "Fn::GetAtt": "Key.Arn" }));
            assert_eq!(resources(&template, "AWS::KMS::Key")["Key"]["EnableKeyRotation"], true);
            let lock = vault.get("LockConfiguration");
            assert_eq!(lock.is_some(), stage == "production", "{path}, {stage}");
            // A job whose backup would go earlier than the lock lets it fails.
            let shortest = match path {
                "infra/backup.yaml" => rules(&template)[0]["Lifecycle"]["DeleteAfterDays"].clone(),
                _ => rules(&of_stage("infra/backup.yaml", stage))[0]["CopyActions"][0]["Lifecycle"]["DeleteAfterDays"]
                    .clone(),
            };
            assert!(lock.is_none_or(|lock| lock["MinRetentionDays"] == shortest), "{path}: {lock:?}");
        }
    }
}

#[test]
fn sec_pl_01_the_backup_role_reaches_our_tables_vaults_and_keys_alone() {
    let backup = of_stage("infra/backup.yaml", "production");
    let role = resources(&backup, "AWS::IAM::Role")["BackupRole"];
    assert_eq!(role.get("ManagedPolicyArns"), None);
    assert_eq!(
        role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"],
        json!({ "Service": "backup.amazonaws.com" })
    );
    for statement in role["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap() {
        assert!(texts(&statement["Action"]).iter().all(|action| !action.contains('*')), "{statement}");
        let everything = statement["Resource"] == "*";
        assert_eq!(everything, statement["Action"] == "tag:GetResources", "{statement}");
        if texts(&statement["Action"])[0].starts_with("kms:") {
            let aliases = &statement["Condition"]["ForAnyValue:StringEquals"]["kms:ResourceAliases"];
            assert_eq!(aliases, &json!(["alias/wardgate-production", "alias/wardgate-production-backup"]));
        }
        if texts(&statement["Action"])[0].starts_with("dynamodb:") {
            assert_eq!(statement["Condition"]["StringEquals"]["aws:ResourceTag/wardgate:backup"], "production");
        }
    }
}

/// AWS Backup deletes by this name what it has restored for a test.
const TEST_TABLES: &str = ":table/awsbackup-restore-test-*";

#[test]
fn a_backup_of_each_table_is_restored_each_month_by_a_role_that_reaches_no_live_table() {
    for stage in STAGES {
        let testing = of_stage("infra/restore-testing.yaml", stage);
        let plan = resources(&testing, "AWS::Backup::RestoreTestingPlan")["Plan"].clone();
        assert_eq!(plan["RestoreTestingPlanName"], format!("wardgate_{stage}"));
        assert_eq!(plan["ScheduleExpression"], "cron(0 5 3 * ? *)");
        let vaults = texts(&plan["RecoveryPointSelection"]["IncludeVaults"]);
        assert!(vaults.iter().all(|vault| vault.ends_with(&format!(":backup-vault:wardgate-{stage}"))), "{vaults:?}");
        let tables = resources(&testing, "AWS::Backup::RestoreTestingSelection")["Tables"].clone();
        assert_eq!(tables["ProtectedResourceType"], "DynamoDB");
        let tag = &tables["ProtectedResourceConditions"]["StringEquals"][0];
        assert_eq!((&tag["Key"], &tag["Value"]), (&json!("aws:ResourceTag/wardgate:backup"), &json!(stage)));
        assert_eq!(tables["RestoreMetadataOverrides"]["encryptionType"], "KMS", "not a key of AWS's own");
        let role = resources(&testing, "AWS::IAM::Role")["RestoreRole"].clone();
        let statements = role["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap().clone();
        let of_tables: Vec<&Value> = statements
            .iter()
            .filter(|it| texts(&it["Action"]).iter().any(|action| action.starts_with("dynamodb:")))
            .collect();
        assert_eq!(of_tables.len(), 1, "{stage}");
        assert!(texts(&of_tables[0]["Resource"]).iter().all(|it| it.ends_with(TEST_TABLES)), "{}", of_tables[0]);
    }
}
