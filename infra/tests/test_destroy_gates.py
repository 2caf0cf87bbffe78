"""Before what `make destroy` stops, and that nothing is touched then."""

import datetime
import os

from tests import roles
from tests.cloud import NOW, Cloud
from tests.destroying import Verb, options
from wardgate_infra import Json, rights

# What the verb asks of AWS to take something away, beside what CloudFormation does with the role of a stack.
TAKES = [
    "apigateway:DELETE", "backup:DeleteBackupVault", "backup:DeleteRecoveryPoint", "cloudformation:DeleteStack",
    "dynamodb:DeleteBackup", "dynamodb:DeleteTable", "dynamodb:UpdateTable", "events:DeleteEventBus",
    "kms:DeleteAlias", "kms:ScheduleKeyDeletion", "logs:DeleteLogGroup", "s3:DeleteObject",
    "secretsmanager:DeleteSecret", "sqs:DeleteQueue",
]  # fmt: skip


class Gates(Verb):
    def test_a_stage_goes_when_its_name_is_typed_or_somebody_says_yes(self) -> None:
        self.refused(Cloud(), options(yes=False), "say YES=1")
        for answer in ("", "y", "yes", "production", "staging and its data"):
            self.refused(Cloud(), options(yes=False), "Stopped; nothing was changed", answer)
        for given, typed in ((options(), None), (options(yes=False), "staging")):
            cloud = Cloud()
            self.types(cloud, given, typed)
            self.assertNotIn("wardgate-staging", cloud.stacks)

    def test_other_words_are_typed_where_data_are_lost(self) -> None:
        self.refused(Cloud(), options("lost", yes=False), "Stopped; nothing was changed", "staging")
        cloud = Cloud()
        self.types(cloud, options("lost", yes=False), "staging and its data")
        self.assertNotIn("wardgate-staging", cloud.tables)

    def test_production_goes_by_no_yes_and_only_if_its_data_are_spoken_of(self) -> None:
        for data in ("kept", "lost"):
            self.refused(Cloud("production"), options(data), "YES=1 is no answer for production")
            self.refused(Cloud("production"), options(data), "Stopped; nothing was changed", "production")
        self.refused(Cloud("production"), options(), "DATA=kept, or DATA=lost")
        self.refused(Cloud("production"), options(), "DATA=kept, or DATA=lost", "destroy production")
        self.refused(Cloud("production"), options("lost"), "Stopped; nothing was changed", "destroy production")
        self.refused(
            Cloud("production"), options("kept"), "Stopped; nothing was changed", "destroy production and its data"
        )
        cloud = Cloud("production")
        self.types(cloud, options("kept"), "destroy production")
        self.assertNotIn("wardgate-production", cloud.stacks)
        self.assertIn("wardgate-production-data", cloud.stacks)
        self.types(cloud, options("lost"), "destroy production and its data")
        self.assertNotIn("wardgate-production", cloud.tables)

    def test_no_role_of_a_pipeline_and_nobody_with_its_variables(self) -> None:
        for role in ("deploy", "read", "cloudformation"):
            cloud = Cloud()
            cloud.caller = f"arn:aws:sts::123456789012:assumed-role/wardgate-staging-{role}/GitHubActions"
            self.refused(cloud, options(), f"wardgate-staging-{role} is a pipeline's")
        cloud.caller = "arn:aws:sts::123456789012:assumed-role/administrator/ada"
        self.types(cloud, options())
        os.environ["CLOUDFORMATION_ROLE"] = "arn:aws:iam::123456789012:role/any"
        self.refused(Cloud(), options(), "CLOUDFORMATION_ROLE")

    def test_no_role_of_a_pipeline_could(self) -> None:
        """Whatever it types. CloudFormation's own role deletes what a stack is made of, and no data: a template could
        have it delete anything."""
        parts_of_stacks = {"apigateway:DELETE", "dynamodb:UpdateTable", "logs:DeleteLogGroup", "sqs:DeleteQueue"}
        for role, may in (("DeployRole", set()), ("ReadRole", set()), ("CloudFormationRole", parts_of_stacks)):
            given = {action for it in roles.policies(role) for action in rights.listed(it["Action"])}
            self.assertEqual([it for it in given if "*" in it], [], role)
            self.assertEqual((role, given & set(TAKES)), (role, may))
        # Orders for the edge, which has gone then. Mails that wait are data.
        queues = "arn:aws:sqs:eu-central-1:123456789012:wardgate-staging-"
        for name, may_go in (
            ("edge-sync", True),
            ("logout-failed", True),
            ("mail.fifo", False),
            ("events-failed", False),
        ):
            allowed = rights.allowing(roles.policies("CloudFormationRole"), "sqs:DeleteQueue", queues + name)
            self.assertEqual((name, bool(allowed)), (name, may_go))

    def test_a_stack_that_somebody_has_protected_stays(self) -> None:
        cloud = Cloud()
        cloud.stacks["wardgate-staging-data"]["EnableTerminationProtection"] = True
        self.refused(cloud, options("lost"), "wardgate-staging-data has termination protection")
        # It is not touched by what leaves it.
        self.types(cloud, options("kept"))

    def test_not_while_a_stack_changes(self) -> None:
        for name in ("wardgate-staging-data", "wardgate-staging-accounts", "wardgate-staging-backup"):
            for status in ("UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "CREATE_IN_PROGRESS"):
                cloud = Cloud()
                cloud.stacks[name]["StackStatus"] = status
                self.refused(cloud, options(), f"{name} is {status}")

    def test_not_while_codedeploy_shifts_an_alias(self) -> None:
        cloud = Cloud()
        cloud.deployments = ["d-1"]
        self.refused(cloud, options(), "CodeDeploy is at d-1")

    def test_not_while_a_restore_is_under_way(self) -> None:
        cloud, made = Cloud(), "wardgate-restored-20260131t120000z-staging"
        cloud.tables[made] = cloud.table(made) | {"TableStatus": "CREATING"}
        self.refused(cloud, options(), f"{made} is being made")
        cloud = Cloud()
        cloud.policies["arn:wardgate-staging"] = '{"Statement": [{"Sid": "ClosedByRestore"}]}'
        self.refused(cloud, options(), "live and closed to writes: .* SWITCH_TO=wardgate$")
        # One that a restore has left behind is closed for good.
        cloud = Cloud()
        cloud.tables[made] = cloud.table(made)
        cloud.policies[f"arn:{made}"] = '{"Statement": [{"Sid": "ClosedByRestore"}]}'
        self.types(cloud, options("lost"))
        self.assertNotIn(made, cloud.tables)

    def test_not_while_a_migration_has_its_lock(self) -> None:
        def state(expires: datetime.datetime) -> Json:
            return {"number": {"S": "0001"}, "expires": {"N": str(int(expires.timestamp() * 1000))}}

        cloud = Cloud()
        cloud.migrations = [state(NOW + datetime.timedelta(minutes=5))]
        self.refused(cloud, options(), "Migration 0001 is under way")
        cloud.migrations = [state(NOW - datetime.timedelta(minutes=5)), {"number": {"S": "0002"}}]
        self.types(cloud, options())
