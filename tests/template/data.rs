//! What keeps something: tables, secrets, artifacts.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wardgate::secrets::RingName;

use crate::harness::cloudformation::{read, resolve, resources};

#[test]
fn nothing_that_holds_data_can_be_lost_with_its_stack() {
    let template = read("infra/data.yaml");
    for (id, resource) in template["Resources"].as_object().unwrap() {
        assert_eq!(resource["DeletionPolicy"], "Retain", "{id}");
        assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{id}");
    }
    let template = resolve(&template, &[]);
    let tables = resources(&template, "AWS::DynamoDB::GlobalTable");
    let names: BTreeSet<&str> = tables.values().map(|table| table["TableName"].as_str().unwrap()).collect();
    assert_eq!(names, BTreeSet::from(["wardgate-audit-development", "wardgate-development"]));
    for (id, table) in tables {
        assert_eq!(table["BillingMode"], "PAY_PER_REQUEST", "{id}");
        let keys = json!([{ "AttributeName": "pk", "KeyType": "HASH" }, { "AttributeName": "sk", "KeyType": "RANGE" }]);
        assert_eq!(table["KeySchema"], keys, "{id}");
        assert_eq!(table["TimeToLiveSpecification"], json!({ "AttributeName": "ttl", "Enabled": true }), "{id}");
        assert_eq!(table["StreamSpecification"]["StreamViewType"], "NEW_AND_OLD_IMAGES", "{id}");
        assert_eq!(table["SSESpecification"], json!({ "SSEEnabled": true, "SSEType": "KMS" }), "{id}");
        assert_eq!(table["Replicas"].as_array().unwrap().len(), 1, "{id}");
        let replica = &table["Replicas"][0];
        assert_eq!(replica["DeletionProtectionEnabled"], true, "{id}");
        let recovery = json!({ "PointInTimeRecoveryEnabled": true, "RecoveryPeriodInDays": 35 });
        assert_eq!(replica["PointInTimeRecoverySpecification"], recovery, "{id}");
        assert_eq!(replica["SSESpecification"]["KMSMasterKeyId"], json!({ "Fn::GetAtt": "Key.Arn" }), "{id}");
    }
    let keys = resources(&template, "AWS::KMS::Key");
    assert!(!keys.is_empty() && keys.values().all(|key| key["EnableKeyRotation"] == true));
}

#[test]
fn sec_ot_09_each_ring_is_a_secret_and_no_template_knows_its_value() {
    let template = resolve(&read("infra/data.yaml"), &[]);
    let secrets = resources(&template, "AWS::SecretsManager::Secret");
    let mut names = BTreeSet::new();
    for (id, secret) in secrets {
        names.insert(secret["Name"].as_str().unwrap().strip_prefix("wardgate/development/").unwrap());
        assert_eq!(secret["KmsKeyId"], json!({ "Fn::GetAtt": "Key.Arn" }), "{id}");
        assert_eq!(secret.get("SecretString").or_else(|| secret.get("GenerateSecretString")), None, "{id}");
    }
    let rings = RingName::ROTATING.into_iter().chain([RingName::PublicKeys]);
    assert_eq!(names, rings.map(RingName::name).collect());
}

/// A restore makes tables under new names; to the data stack they would be other tables.
#[test]
fn the_data_stack_keeps_its_tables_when_a_restored_one_is_live() {
    let live = [
        ("TableName", json!("wardgate-restored-20260301t122900z")),
        ("AuditTableName", json!("wardgate-audit-restored-20260301t122900z")),
    ];
    let names = |given: &[(&str, Value)]| -> Vec<Value> {
        let template = resolve(&read("infra/data.yaml"), given);
        let tables = resources(&template, "AWS::DynamoDB::GlobalTable");
        tables.values().map(|table| table["TableName"].clone()).collect()
    };
    assert_eq!(names(&live), names(&[]));
}

/// Production takes from it what staging has run, so nobody else may change, read or lose it.
#[test]
fn artifacts_are_kept_private_encrypted_in_every_version_and_beyond_the_stack() {
    let readers = "111122223333,444455556666";
    let template = resolve(&read("infra/artifacts.yaml"), &[("ArtifactReaders", json!(readers))]);
    for id in ["Bucket", "BucketPolicy"] {
        let resource = &template["Resources"][id];
        assert_eq!(
            (&resource["DeletionPolicy"], &resource["UpdateReplacePolicy"]),
            (&json!("Retain"), &json!("Retain"))
        );
    }
    let bucket = &template["Resources"]["Bucket"]["Properties"];
    let blocked = bucket["PublicAccessBlockConfiguration"].as_object().unwrap();
    assert_eq!((blocked.len(), blocked.values().all(|it| *it == json!(true))), (4, true));
    let encryption = &bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"];
    assert_eq!(encryption[0]["ServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256");
    assert_eq!(bucket["VersioningConfiguration"]["Status"], "Enabled");
    // What expires is what sam hands over, and what a name meant before.
    for rule in bucket["LifecycleConfiguration"]["Rules"].as_array().unwrap() {
        assert!(rule.get("ExpirationInDays").is_none() || rule["Prefix"] == "templates/", "{rule}");
    }
    let statements = template["Resources"]["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"].clone();
    let statement = |sid: &str| statements.as_array().unwrap().iter().find(|it| it["Sid"] == sid).unwrap().clone();
    let tls = statement("TlsAlone");
    assert_eq!((&tls["Effect"], &tls["Principal"], &tls["Action"]), (&json!("Deny"), &json!("*"), &json!("s3:*")));
    assert_eq!(tls["Condition"], json!({ "Bool": { "aws:SecureTransport": "false" } }));
    let others = statement("Readers");
    assert_eq!(others["Action"], json!(["s3:GetObject", "s3:ListBucket"]));
    assert_eq!(others["Principal"]["AWS"], readers.split(',').collect::<Value>());
    let alone = resolve(&read("infra/artifacts.yaml"), &[]);
    let policy = &alone["Resources"]["BucketPolicy"]["Properties"]["PolicyDocument"];
    assert_eq!(policy["Statement"].as_array().unwrap().len(), 1, "without readers nobody else reads");
}
