"""What a stage's stacks make, what is there of it, and which names are taken, for `make preflight`."""

import functools
import re
import unittest
from typing import ClassVar
from unittest import mock

from tests.canned import CALLER, ID, REGION, Answers, Canned, Made, described, operations, stack
from wardgate_infra import Json, templates
from wardgate_infra.operate.needs import limits, names
from wardgate_infra.operate.needs.account import Account
from wardgate_infra.operate.needs.finding import Level
from wardgate_infra.operate.needs.intrinsics import Values
from wardgate_infra.operate.stage import Stage

# Made in a stage's stacks, and not under a name that somebody else can have: they have none, or it is made over.
NAMELESS = {
    *("AWS::Backup::BackupPlan", "AWS::Backup::BackupSelection", "AWS::IAM::ManagedPolicy", "AWS::IAM::Role"),
    *("AWS::KMS::Key", "AWS::Lambda::Permission", "AWS::Logs::MetricFilter", "AWS::S3::BucketPolicy"),
    *("AWS::SNS::Subscription", "AWS::SNS::TopicPolicy", "AWS::SecretsManager::RotationSchedule"),
    *("AWS::Serverless::HttpApi", "AWS::CloudWatch::Dashboard", "AWS::SNS::Topic"),
    *("AWS::Events::Rule", "AWS::SQS::QueuePolicy", "AWS::Route53::HealthCheck"),
}


def of_templates(name: str = "staging", **parameters: str) -> Account:
    """A stage of its own templates and parameters."""
    made = Stage(name)
    made.parameters.update(parameters)
    account = Account(made)
    account.__dict__["caller"] = CALLER
    return account


class Templates(unittest.TestCase):
    CONTENT: ClassVar[Json] = {
        "Conditions": {
            "Has": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Number"}, 0]}]},
            "Both": {"Fn::And": [{"Condition": "Has"}, {"Fn::Equals": [{"Ref": "Stage"}, "staging"]}]},
            "Either": {"Fn::Or": [{"Condition": "Both"}, {"Fn::Equals": ["a", "b"]}]},
        }
    }

    @classmethod
    def setUpClass(cls) -> None:
        # Each takes a while, and nobody here changes one.
        cls.enterClassContext(mock.patch.object(templates, "read", functools.cache(templates.read)))

    def resolved(self, value: Json, **given: str) -> Json:
        return Values(self.CONTENT, {"Stage": "staging", "Number": "5", **given}).resolve(value)

    def test_functions_come_to_what_they_name(self) -> None:
        first = {"Fn::Select": [0, {"Fn::Split": ["-restored-", {"Ref": "Table"}]}]}
        named = {"Fn::Sub": ["${First}-${Stage}", {"First": first}]}
        self.assertEqual(self.resolved(named, Table="it-restored-1"), "it-staging")
        self.assertEqual(self.resolved({"Fn::Join": ["-", ["a", {"Ref": "Stage"}]]}), "a-staging")
        self.assertEqual(self.resolved({"Fn::Join": ["-", {"Ref": "Origins"}]}, Origins="a,b"), "a-b")

    def test_conditions_choose_whatever_they_are_made_of(self) -> None:
        value = {"Fn::If": ["Either", {"Ref": "Number"}, {"Ref": "AWS::NoValue"}]}
        self.assertEqual(self.resolved(value), "5")
        self.assertIsNone(self.resolved(value, Number="0"))
        self.assertIsNone(self.resolved(value, Stage="production"))

    def test_what_only_aws_knows_is_none_and_so_is_what_is_made_of_it(self) -> None:
        for value in ({"Fn::GetAtt": ["Key", "Arn"]}, {"Ref": "Key"}, {"Fn::Sub": "${Key.Arn}:*"}):
            self.assertIsNone(self.resolved(value))
            self.assertIsNone(self.resolved({"Fn::Join": ["-", ["a", value]]}))

    def test_a_stage_reserves_what_its_parameters_say(self) -> None:
        nothing = {"LoginConcurrency": "0", "RegisterConcurrency": "0", "PasswordConcurrency": "0"}
        for parameters, expected in ((nothing, 0), (nothing | {"LoginConcurrency": "7"}, 14)):
            account = of_templates(**parameters)
            functions = [it for stack in account.stacks for it in stack.of(limits.FUNCTION)]
            found = [it.value("ReservedConcurrentExecutions") for it in functions]
            # Of the API's sign-in and of the page's, each for itself.
            self.assertEqual(sum(int(it or 0) for it in found), expected)

    def test_a_stage_makes_its_names_whatever_table_is_live(self) -> None:
        account = of_templates(TableName="wardgate-restored-20260131t120000z")
        account.known = {it.name: None for it in account.stacks}
        made = {name for it in account.stacks for kind in names.named(account, it).values() for name in kind}
        expected = {f"wardgate-artifacts-{ID}-{REGION}", "alias/wardgate-staging", "/aws/lambda/wardgate-staging-login"}
        expected |= {"wardgate-staging-mail.fifo", "wardgate/staging/signing", "wardgate-staging-any-page"}
        self.assertLessEqual(expected | {"wardgate-staging", "wardgate-staging-login"}, made)
        self.assertFalse([it for it in made if "restored-2026" in it])

    def test_what_a_condition_leaves_out_is_not_made(self) -> None:
        for audience, expected in (("", False), ("https://api.example.com", True)):
            account = of_templates(AuthorizerAudience=audience)
            made = {it.logical_id for stack in account.stacks for it in stack.of(limits.FUNCTION)}
            self.assertEqual("AuthorizerFunction" in made, expected)

    def test_each_kind_of_resource_has_a_name_to_ask_for_or_none(self) -> None:
        made = {it.kind for stack in of_templates(CopyRegion="eu-west-1").stacks for it in stack.resources}
        self.assertEqual(made - names.NAMED.keys() - NAMELESS, set())

    def test_the_vault_for_copies_is_in_its_own_region(self) -> None:
        stacks = {it.name: it.where.region for it in of_templates(CopyRegion="eu-west-1").stacks}
        self.assertEqual(stacks["wardgate-staging-backup-copy"], "eu-west-1")
        self.assertEqual(stacks["wardgate-staging-backup"], REGION)
        self.assertNotIn("wardgate-staging-backup-copy", [it.name for it in of_templates(CopyRegion="").stacks])


class There(Canned):
    def listed(self, status: str, *resources: tuple[str, str]) -> Account:
        found = [
            {
                "LogicalResourceId": name,
                "ResourceType": "x",
                "ResourceStatus": it,
                "LastUpdatedTimestamp": "2026-01-31T12:00:00Z",
            }
            for name, it in resources
        ]
        answers: Answers = [("describe_stacks", described("it", status))]
        if resources:
            answers.append(("list_stack_resources", {"StackResourceSummaries": found}))
        return self.account({"cloudformation": answers})

    def test_a_stack_has_what_it_lists_and_is_not_gone(self) -> None:
        resources = ("A", "CREATE_COMPLETE"), ("B", "UPDATE_FAILED"), ("C", "DELETE_COMPLETE"), ("D", "DELETE_SKIPPED")
        account = self.listed("UPDATE_ROLLBACK_COMPLETE", *resources, ("E", "CREATE_FAILED"))
        # Asked once.
        for _ in range(2):
            self.assertEqual(account.there(stack(account.stage, "it")), {"A", "B"})

    def test_one_that_a_first_deploy_has_left_has_nothing(self) -> None:
        account = self.listed("ROLLBACK_COMPLETE")
        self.assertEqual(account.there(stack(account.stage, "it")), set())
        self.assertFalse(account.has(stack(account.stage, "it")))

    def test_what_has_to_be_made_is_what_no_stack_has(self) -> None:
        made: list[Made] = [(it, "AWS::IAM::Role", {}) for it in "AB"]
        account = self.account(stacks=[stack(None, "one", *made, ("C", "AWS::SQS::Queue", {}))])
        account.known["one"] = {"A"}
        self.assertEqual(account.new(), {"AWS::IAM::Role": 1, "AWS::SQS::Queue": 1})


# Of each kind: a name, and what AWS answers where it is taken and where it is not.
QUEUE_URL = f"https://sqs.{REGION}.amazonaws.com/{ID}/it"
TAKEN: dict[str, tuple[str, str, tuple[str, Json], tuple[str, Json]]] = {
    "AWS::Backup::BackupVault": (
        "backup",
        "it",
        ("list_backup_vaults", {"BackupVaultList": [{"BackupVaultName": "it"}]}),
        ("list_backup_vaults", {"BackupVaultList": [{"BackupVaultName": "its"}]}),
    ),
    "AWS::CloudWatch::Alarm": (
        "cloudwatch",
        "it",
        ("describe_alarms", {"MetricAlarms": [{"AlarmName": "it"}]}),
        ("describe_alarms", {"MetricAlarms": [{"AlarmName": "its"}]}),
    ),
    "AWS::CloudWatch::CompositeAlarm": (
        "cloudwatch",
        "it",
        ("describe_alarms", {"CompositeAlarms": [{"AlarmName": "it"}]}),
        ("describe_alarms", {"CompositeAlarms": []}),
    ),
    "AWS::DynamoDB::GlobalTable": (
        "dynamodb",
        "wardgate-staging",
        ("describe_table", {"Table": {"TableName": "wardgate-staging"}}),
        ("describe_table", "ResourceNotFoundException"),
    ),
    "AWS::Events::EventBus": (
        "events",
        "it",
        ("describe_event_bus", {"Name": "it"}),
        ("describe_event_bus", "ResourceNotFoundException"),
    ),
    "AWS::KMS::Alias": (
        "kms",
        "alias/it",
        ("list_aliases", {"Aliases": [{"AliasName": "alias/it"}], "Truncated": False}),
        ("list_aliases", {"Aliases": [{"AliasName": "alias/it-backup"}], "Truncated": False}),
    ),
    "AWS::Logs::LogGroup": (
        "logs",
        "/aws/lambda/wardgate-staging-me",
        ("describe_log_groups", {"logGroups": [{"logGroupName": "/aws/lambda/wardgate-staging-me"}]}),
        ("describe_log_groups", {"logGroups": [{"logGroupName": "/aws/lambda/wardgate-staging-me-keep"}]}),
    ),
    "AWS::S3::Bucket": ("s3", "the-bucket", ("head_bucket", {}), ("head_bucket", "404")),
    "AWS::SecretsManager::Secret": (
        "secretsmanager",
        "wardgate/staging/signing",
        # Also one that waits to be deleted.
        ("describe_secret", {"Name": "wardgate/staging/signing", "DeletedDate": "2026-01-31T12:00:00Z"}),
        ("describe_secret", "ResourceNotFoundException"),
    ),
    "AWS::Serverless::Function": (
        "lambda",
        "it",
        ("list_functions", {"Functions": [{"FunctionName": "it"}]}),
        ("list_functions", {"Functions": []}),
    ),
    "AWS::SQS::Queue": (
        "sqs",
        "it",
        ("get_queue_url", {"QueueUrl": QUEUE_URL}),
        ("get_queue_url", "AWS.SimpleQueueService.NonExistentQueue"),
    ),
}


class Names(Canned):
    def named(self, kind: str, name: str, answers: dict[str, Answers], there: set[str] | None = None) -> Account:
        account = self.account(answers)
        resource = ("It", kind, {names.NAMED[kind][0]: name})
        account.__dict__["stacks"] = [stack(account.stage, "one", resource)]
        account.known = {"one": there}
        return account

    def test_every_kind_is_tried_here(self) -> None:
        self.assertEqual(TAKEN.keys(), names.NAMED.keys())

    def test_of_every_kind_an_operation_of_aws_deletes_an_empty_one(self) -> None:
        self.assertEqual(names.DELETING.keys(), names.NAMED.keys())
        for kind in names.DELETING:
            commands = re.findall(r"aws (\S+) (\S+) (--\S+ \S+)", names.delete(kind, "it", REGION))
            self.assertTrue(commands, kind)
            for service, operation, region in commands:
                self.assertEqual(region, f"--region {REGION}")
                if (service, operation) != ("s3", "rb"):
                    self.assertIn(operation.replace("-", "_"), operations(service))

    def test_a_name_is_taken_or_free(self) -> None:
        for kind, (service, name, taken, free) in TAKEN.items():
            with self.subTest(kind):
                account = self.named(kind, name, {service: [taken]})
                self.found(names.taken, account, Level.MISSING, f"It ({kind}) {name}", "delete it")
            with self.subTest(f"{kind}, free"):
                account = self.named(kind, name, {service: [free]})
                self.found(names.taken, account, Level.OK, "none of 1 that have to be made")

    def test_what_is_the_stacks_own_is_not_asked_for(self) -> None:
        for kind, (_, name, *_) in TAKEN.items():
            self.found(names.taken, self.named(kind, name, {}, there={"It"}), Level.OK, "all are the stage's own")

    def test_what_cannot_be_asked_is_named_beside_what_is_taken(self) -> None:
        made = (
            ("Me", "AWS::Serverless::Function", {"FunctionName": "me"}),
            ("It", "AWS::KMS::Alias", {"AliasName": "it"}),
        )
        denied: Answers = [("list_aliases", "AccessDeniedException")]
        for functions, level in (([{"FunctionName": "me"}], Level.MISSING), ([], Level.NOT_ASKED)):
            account = self.account({"kms": denied, "lambda": [("list_functions", {"Functions": functions})]})
            account.__dict__["stacks"] = [stack(account.stage, "one", *made)]
            account.known = {"one": None}
            self.found(names.taken, account, level, "AWS::KMS::Alias: the right kms:ListAliases is missing")

    def test_a_bucket_that_may_not_be_asked_for_is_neither_there_nor_not(self) -> None:
        account = self.named("AWS::S3::Bucket", "the-bucket", {"s3": [("head_bucket", "403")]})
        self.found(names.taken, account, Level.NOT_ASKED, "AWS::S3::Bucket: the right s3:ListBucket is missing")

    def test_of_many_the_first_are_shown(self) -> None:
        functions = [f"it-{number}" for number in range(7)]
        answer = {"Functions": [{"FunctionName": it} for it in functions]}
        account = self.account({"lambda": [("list_functions", answer)]})
        made = [(it, "AWS::Serverless::Function", {"FunctionName": it}) for it in functions]
        account.__dict__["stacks"] = [stack(account.stage, "one", *made)]
        account.known = {"one": None}
        self.found(names.taken, account, Level.MISSING, "it-4; and 2 more")
