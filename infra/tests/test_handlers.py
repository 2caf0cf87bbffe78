"""CloudFormation's role in a deploy, held to what AWS says that CloudFormation asks for each type of resource that the
stage's stacks consist of. What the role does not get stands here by name, with its reason."""

import unittest
from unittest import mock

from wardgate_infra import Json, handlers, rights, validate
from wardgate_infra.handlers import Resource

NOT_USED = "no template uses it: "
NOT_LOST = "nothing is taken away from it: "
# What handlers may ask and the role does not allow, by type: the reason, and the actions.
EXCEPTIONS = {
    "AWS::Backup::BackupVault": {
        "IAM has no such action": "backup-storage:Mount",
        NOT_USED + "policy and notifications": """backup:DeleteBackupVaultAccessPolicy
            backup:DeleteBackupVaultNotifications""",
        "taking a vault's lock off is an administrator's decision": "backup:DeleteBackupVaultLockConfiguration",
    },
    "AWS::CodeDeploy::DeploymentGroup": {NOT_USED + "servers of one's own": "codedeploy:RegisterOnPremisesInstance"},
    "AWS::DynamoDB::GlobalTable": {
        "a second region is an administrator's, and copies items in the role's name (OT-09)": """dynamodb:BatchWriteItem
            dynamodb:CreateTableReplica dynamodb:DeleteItem dynamodb:DeleteTableReplica dynamodb:DescribeGlobalTable
            dynamodb:DescribeGlobalTableSettings dynamodb:DisassociateTableReplica dynamodb:GetItem dynamodb:PutItem
            dynamodb:Query dynamodb:Scan dynamodb:UpdateItem dynamodb:UpdateTableReplicaAutoScaling
            iam:CreateServiceLinkedRole kms:RevokeGrant""",
        NOT_USED + "provisioned capacity": """application-autoscaling:DeleteScalingPolicy
            application-autoscaling:DeleteScheduledAction application-autoscaling:DeregisterScalableTarget
            application-autoscaling:PutScalingPolicy application-autoscaling:PutScheduledAction
            application-autoscaling:RegisterScalableTarget""",
        NOT_USED + "Kinesis": """dynamodb:DisableKinesisStreamingDestination dynamodb:EnableKinesisStreamingDestination
            dynamodb:UpdateKinesisStreamingDestination kinesis:DescribeStream kinesis:ListStreams kinesis:PutRecords""",
        NOT_USED + "resource policies and contributor insights": """dynamodb:DeleteResourcePolicy
            dynamodb:PutResourcePolicy dynamodb:UpdateContributorInsights""",
        "part of dynamodb:Describe*, and about no table": """dynamodb:DescribeBackup dynamodb:DescribeEndpoints
            dynamodb:DescribeExport dynamodb:DescribeImport dynamodb:DescribeReservedCapacity
            dynamodb:DescribeReservedCapacityOfferings""",
        "a table is never deleted, and an update that would is refused": "dynamodb:DeleteTable",
        "figures of the handler's own, which no table waits for": "cloudwatch:PutMetricData",
    },
    "AWS::Events::EventBus": {
        NOT_USED + "a policy": "events:PutPermission",
        NOT_USED + "a key of its own": """kms:GenerateDataKeyWithoutPlaintext kms:ReEncrypt kms:ReEncryptFrom
            kms:ReEncryptTo""",
    },
    "AWS::IAM::ManagedPolicy": {
        NOT_USED + "groups and users": """iam:AttachGroupPolicy iam:AttachUserPolicy iam:DetachGroupPolicy
            iam:DetachUserPolicy"""
    },
    "AWS::IAM::Role": {"a role without the boundary could be anything": "iam:DeleteRolePermissionsBoundary"},
    "AWS::KMS::Key": {
        "a key is made enabled, with rotation, and stays so": "kms:DisableKey kms:DisableKeyRotation kms:EnableKey"
    },
    "AWS::Lambda::Alias": {
        NOT_USED + "provisioned concurrency": """lambda:DeleteProvisionedConcurrencyConfig
            lambda:PutProvisionedConcurrencyConfig"""
    },
    "AWS::Lambda::Function": {
        NOT_USED + "networks and file systems": """ec2:DescribeNetworkInterfaces ec2:DescribeSecurityGroups
            ec2:DescribeSubnets ec2:DescribeVpcs elasticfilesystem:DescribeMountTargets s3files:ListMountTargets""",
        NOT_USED + "layers and signed code": """lambda:DeleteFunctionCodeSigningConfig lambda:GetCodeSigningConfig
            lambda:GetLayerVersion lambda:PutFunctionCodeSigningConfig""",
        NOT_USED + "settings of runtime, recursion and capacity": """lambda:AssociateRuntimeAlias
            lambda:PassCapacityProvider lambda:PutFunctionRecursionConfig lambda:PutFunctionScalingConfig
            lambda:PutRuntimeManagementConfig""",
    },
    "AWS::Lambda::Version": {
        NOT_USED + "capacity and runtime of a version": """lambda:PutFunctionScalingConfig
            lambda:PutProvisionedConcurrencyConfig lambda:PutRuntimeManagementConfig"""
    },
    "AWS::Logs::LogGroup": {
        NOT_USED + "data protection, indexes, tokens, other destinations": """firehose:TagDeliveryStream
            logs:DeleteDataProtectionPolicy logs:DeleteIndexPolicy logs:DeleteResourcePolicy
            logs:PutBearerTokenAuthentication logs:PutDataProtectionPolicy logs:PutIndexPolicy
            logs:PutLogGroupDeletionProtection""",
        NOT_LOST + "the key": "logs:DisassociateKmsKey",
        "IAM has no such action": "s3:REST.PUT.OBJECT",
    },
    "AWS::S3::Bucket": {
        "IAM has no such action": "s3:DeleteBucketTagging",
        NOT_USED + "what else a bucket may have": """s3:CreateBucketMetadataTableConfiguration
            s3:DeleteBucketMetadataTableConfiguration s3:PutAccelerateConfiguration s3:PutAnalyticsConfiguration
            s3:PutBucketAbac s3:PutBucketAcl s3:PutBucketCORS s3:PutBucketLogging s3:PutBucketNotification
            s3:PutBucketObjectLockConfiguration s3:PutBucketReplication s3:PutBucketWebsite
            s3:PutIntelligentTieringConfiguration s3:PutInventoryConfiguration s3:PutMetricsConfiguration
            s3:PutObjectAcl s3:PutObjectLockConfiguration s3:PutReplicationConfiguration
            s3:UpdateBucketMetadataAnnotationTableConfiguration s3:UpdateBucketMetadataInventoryTableConfiguration
            s3:UpdateBucketMetadataJournalTableConfiguration s3tables:CreateNamespace s3tables:CreateTable
            s3tables:CreateTableBucket s3tables:GetTable s3tables:GetTableMetadataLocation
            s3tables:PutTableBucketPolicy s3tables:PutTableEncryption s3tables:PutTablePolicy
            s3tables:UpdateTableMetadataLocation""",
        NOT_LOST + "encryption, lifecycle, objects": """s3:DeleteBucketAnalyticsConfiguration s3:DeleteBucketCors
            s3:DeleteBucketEncryption s3:DeleteBucketLifecycle s3:DeleteBucketMetricsConfiguration
            s3:DeleteBucketReplication s3:DeleteBucketWebsite s3:DeleteObject""",
    },
    "AWS::SNS::Topic": {NOT_USED + "data protection": "sns:PutDataProtectionPolicy"},
    "AWS::SecretsManager::Secret": {
        NOT_USED + "values": "secretsmanager:GetRandomPassword",
        "a second region is an administrator's": """secretsmanager:RemoveRegionsFromReplication
            secretsmanager:ReplicateSecretToRegions""",
        "a template could then put a key ring into a variable of a function (OT-09)": "secretsmanager:GetSecretValue",
    },
}
# What the role has and no description asks for.
BESIDE = {
    "an API's access log is set up in the name of whoever makes the stage": """logs:DeleteLogDelivery
        logs:GetLogDelivery logs:ListLogDeliveries logs:UpdateLogDelivery""",
    "an alarm upon a band has CloudWatch make a model of its metric": """cloudwatch:DeleteAnomalyDetector
        cloudwatch:DescribeAnomalyDetectors cloudwatch:PutAnomalyDetector""",
}


def named(reasons: dict[str, str]) -> set[str]:
    return {action.lower() for actions in reasons.values() for action in actions.split()}


def missing(made: list[Resource], given: list[Json]) -> set[str]:
    """What handlers ask and these statements do not allow."""
    found = set()
    allowed = {action.lower() for it in given for action in rights.listed(it["Action"])}
    for resource in made:
        asked = handlers.asked(resource.kind, deletes=not resource.is_kept)
        for action in asked - named(EXCEPTIONS.get(resource.kind, {})):
            targets = handlers.targets(resource, action)
            refused = [it for it in targets if not (action in allowed and rights.allowing(given, action, it))]
            if refused or action not in allowed:
                found.add(f"{resource.kind} asks {action} of {', '.join(refused) or 'something'} ({resource.where})")
    return found


class Role(unittest.TestCase):
    made: list[Resource]
    given: list[Json]

    @classmethod
    def setUpClass(cls) -> None:
        with mock.patch.dict("os.environ", validate.ENVIRONMENT):
            cls.made, cls.given = list(handlers.made()), rights.role("CloudFormationRole")

    def test_it_may_do_what_cloudformation_asks_for_each_resource(self) -> None:
        self.assertGreater(len(self.made), 350)
        self.assertEqual(missing(self.made, self.given), set())

    def test_it_has_nothing_that_nobody_asks_for(self) -> None:
        asked = {action for it in self.made for action in handlers.asked(it.kind, deletes=not it.is_kept)}
        has = {action.lower() for it in self.given for action in rights.listed(it["Action"])}
        self.assertEqual(has - asked - named(BESIDE), set())
        self.assertEqual(named(BESIDE) - has, set())

    def test_an_exception_is_something_that_would_be_asked_and_is_not_there(self) -> None:
        by_kind: dict[str, set[str]] = {}
        for it in self.made:
            by_kind.setdefault(it.kind, set()).update(handlers.asked(it.kind, deletes=not it.is_kept))
        for kind, reasons in EXCEPTIONS.items():
            self.assertEqual(named(reasons) - by_kind[kind], set(), kind)
        # For whatever it is an exception, it is never given for that type's own resources.
        for resource in self.made:
            for action in named(EXCEPTIONS.get(resource.kind, {})):
                for target in handlers.targets(resource, action):
                    self.assertEqual(rights.allowing(self.given, action, target), [], f"{resource.where}: {action}")

    def test_one_action_less_is_noticed(self) -> None:
        one_of_each = list({it.kind: it for it in self.made}.values())
        for gone in ("lambda:CreateAlias", "logs:DescribeIndexPolicies", "kms:DescribeKey", "backup:TagResource"):
            fewer = [it | {"Action": [one for one in rights.listed(it["Action"]) if one != gone]} for it in self.given]
            self.assertNotEqual(missing(one_of_each, fewer), set(), gone)

    def test_what_is_allowed_for_another_resource_alone_is_noticed(self) -> None:
        queue = Resource("here", "AWS::SQS::Queue", ("arn:aws:sqs:eu-central-1:123456789012:another",), is_kept=True)
        self.assertIn("sqs:createqueue of arn:aws:sqs", " ".join(missing([queue], self.given)))

    def test_what_is_deleted_with_its_stack_may_be_deleted(self) -> None:
        kept = handlers.asked("AWS::SQS::Queue", deletes=False)
        self.assertEqual(handlers.asked("AWS::SQS::Queue", deletes=True) - kept, {"sqs:deletequeue"})

    def test_the_stages_alias_leads_to_the_stages_own_key_alone(self) -> None:
        """https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html: of the alias and of each key."""
        kms, own = "arn:aws:kms:eu-central-1:123456789012", {"StringEquals": {"aws:ResourceTag/stage": rights.STAGE}}
        for action in ("kms:CreateAlias", "kms:UpdateAlias"):
            for target, expected in (
                ("alias/wardgate-staging", [None]),
                ("alias/wardgate-staging-backup", [None]),
                ("alias/wardgate-staging-another", []),
                ("alias/wardgate-production", []),
                ("key/any", [own]),
            ):
                found = [it.get("Condition") for it in rights.allowing(self.given, action, f"{kms}:{target}")]
                self.assertEqual(found, expected, f"{action} of {target}")

    def test_a_new_key_is_tagged_though_it_has_no_tag_yet(self) -> None:
        stage = rights.STAGE
        for action, condition in (
            ("kms:CreateKey", {"StringEquals": {"aws:RequestTag/stage": stage}}),
            (
                "kms:TagResource",
                {"StringEquals": {"aws:RequestTag/stage": stage}, "Null": {"aws:ResourceTag/stage": "true"}},
            ),
        ):
            target = "*" if action == "kms:CreateKey" else "arn:aws:kms:eu-central-1:123456789012:key/new"
            conditions = [it["Condition"] for it in rights.allowing(self.given, action, target)]
            self.assertIn(condition, conditions, action)
