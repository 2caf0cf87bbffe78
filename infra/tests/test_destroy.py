"""What `make destroy` takes away, in which order, and what stays."""

import contextlib
import itertools
import re
import unittest
from unittest import mock

from botocore.validate import ParamValidator

from tests import canned
from tests.cloud import Cloud
from tests.destroying import Verb, options
from tests.fakes import error
from wardgate_infra import ROOT, Failed
from wardgate_infra.operate import destroy, destroy_gates, stage
from wardgate_infra.operate.needs.account import Account

PAGE = "docs/operations/first-deploy.md"


class Order(Verb):
    def test_the_code_alone_goes_by_default_and_its_data_stay(self) -> None:
        cloud = Cloud()
        printed = self.types(cloud, options())
        self.assertEqual(
            [it for operation, _, it in cloud.log if operation == "delete_stack"],
            [
                "wardgate-staging-observability",
                "wardgate-staging",
                *(f"wardgate-staging-{it}" for it in ("sign-in", "service", "pages", "oauth", "accounts")),
                "wardgate-staging-migrate",
            ],
        )
        others = {it for it in cloud.log if it[0] != "delete_stack"}
        self.assertEqual(
            {operation for operation, *_ in others}, {"put_item", "delete_api_mapping", "delete_log_group"}
        )
        self.assertTrue(cloud.tables["wardgate-staging"]["DeletionProtectionEnabled"])
        self.assertIn("wardgate-staging-backup", cloud.stacks)
        self.assertIn("its data: make deploy STAGE=staging goes on with them", printed)
        self.assertRegex(printed, r"Stays, and costs what it did:\n  stack +wardgate-staging-backup")

    def test_the_reverse_of_a_deploy_and_what_outlives_stacks_after_them(self) -> None:
        cloud = Cloud()
        self.types(cloud, options("lost"))
        made = stage.Stage("staging")
        deployed = [made.data_stack, *made.release_stacks, made.observability_stack, made.backup_stack]
        stacks = [it for operation, _, it in cloud.log if operation == "delete_stack"]
        self.assertEqual(
            stacks, [*reversed(deployed), "wardgate-staging-pipeline", "wardgate-staging-cloudformation-role"]
        )

    def test_the_plan_of_restore_tests_goes_before_the_key_that_it_names(self) -> None:
        cloud = Cloud()
        cloud.stacks["wardgate-staging-restore-testing"] = {"StackStatus": "CREATE_COMPLETE"}
        self.types(cloud, options("lost"))
        gone = [it for operation, _, it in cloud.log if operation == "delete_stack"]
        self.assertLess(gone.index("wardgate-staging-restore-testing"), gone.index("wardgate-staging-data"))
        operations = [operation for operation, *_ in cloud.log]
        self.assertEqual(
            [it for it, _ in itertools.groupby(operations)],
            ["put_item", "delete_stack", "delete_api_mapping", "delete_stack", "delete_log_group", "delete_stack",
             *("update_table", "delete_table") * 2, "delete_backup", "delete_secret", "delete_queue",
             "delete_event_bus", "delete_recovery_point", "delete_backup_vault",
             *("schedule_key_deletion", "delete_alias") * 2, "delete_objects", "delete_stack"],
        )  # fmt: skip

    def test_nothing_goes_because_its_name_begins_alike(self) -> None:
        cloud = Cloud()
        self.types(cloud, options("lost"))
        self.assertEqual(set(cloud.stacks), {"wardgate-artifacts"})
        self.assertEqual(set(cloud.tables), {"other", "wardgate-x-staging"})
        self.assertEqual((cloud.backups, set(cloud.aliases)), (["other"], {"alias/other"}))
        self.assertEqual((cloud.queues, cloud.buses), ({"wardgate-staging-of-others"}, set()))
        self.assertEqual(set(cloud.secrets), {"wardgate/staging/of-others"})
        self.assertEqual(cloud.groups, {"/aws/lambda/wardgate-staging-of-others"})
        self.assertEqual(cloud.objects, ["stages/development/live.json", "artifacts/a.json"])
        self.assertEqual([it["ApiId"] for it in cloud.mappings], ["other"])

    def test_every_stack_of_a_deploy_and_the_pipelines_is_taken_away(self) -> None:
        """A new stack has to be in here."""
        found = Account(Cloud().stage()).stacks
        taken = {name for _, name in Cloud().remains().stacks}
        self.assertEqual({it.name for it in found} - taken, {"wardgate-artifacts"})
        by_administrators = {f"wardgate-staging-{it}" for it in ("cloudformation-role", "pipeline", "restore-testing")}
        self.assertEqual(taken - {it.name for it in found}, by_administrators)

    def test_aws_would_take_every_request(self) -> None:
        cloud, asked = Cloud("production"), 0
        remains = cloud.remains()
        with (
            mock.patch.object(destroy, "Remains", return_value=remains),
            mock.patch("sys.stdin.isatty", return_value=True),
            mock.patch("builtins.input", return_value="destroy production and its data"),
        ):
            destroy.run(remains.stage, options("lost"))
        for key, client in remains.stage.clients.items():
            service = key.removesuffix(" 60")
            for operation, arguments in client.calls:
                model = canned.real(service).meta.service_model
                shape = model.operation_model(canned.operations(service)[operation]).input_shape
                report = ParamValidator().validate(arguments, shape)
                self.assertFalse(report.has_errors(), f"{service} {operation}: {report.generate_report()}")
                asked += 1
        self.assertGreater(asked, 50)

    def test_the_second_region_goes_with_the_first(self) -> None:
        cloud = Cloud()
        with (
            mock.patch("wardgate_infra.operate.remains.makes_copies", return_value=True),
            mock.patch.object(stage.Stage, "in_region", return_value=cloud.stage()),
        ):
            remains = cloud.remains()
        self.assertEqual(
            [name for _, name in remains.stacks[:2]], ["wardgate-staging-backup", "wardgate-staging-backup-copy"]
        )
        self.assertEqual(len(remains.regions), 2)

    def test_what_asks_from_outside_goes_before_what_answers(self) -> None:
        cloud = Cloud()
        cloud.stacks["wardgate-staging-probe"] = {"StackStatus": "CREATE_COMPLETE"}
        with (
            mock.patch("wardgate_infra.operate.remains.makes_probe", return_value=True),
            mock.patch.object(stage.Stage, "in_region", lambda self, _: self),
            mock.patch("time.sleep"),
        ):
            printed = self.types(cloud, options(None, yes=True))
        gone = [name for operation, _, name in cloud.log if operation == "delete_stack"]
        self.assertEqual(gone[:2], ["wardgate-staging-probe", "wardgate-staging-observability"])
        self.assertRegex(printed, r"stack +wardgate-staging-probe +CREATE_COMPLETE")

    def test_only_looking_changes_nothing(self) -> None:
        for name in ("staging", "production"):
            cloud = Cloud(name)
            printed = self.types(cloud, options("lost", dry_run=True))
            self.assertEqual(cloud.log, [])
            for part in (
                rf"table +wardgate-{name} +7 items, 900 bytes",
                r"newest backup +\d{4}-\d\d-\d\d \d\d:\d\d UTC +3 h old",
                rf"secret +wardgate/{name}/signing",
                rf"key +alias/wardgate-{name} +1 in eu-central-1",
                rf"vault +wardgate-{name} +1 recovery points in eu-central-1",
                r"address +https://a1b2c3\.",
                "DRY_RUN=1 only looks",
            ):
                self.assertRegex(printed, part)


class Again(Verb):
    def test_a_second_run_goes_on_where_the_first_stopped(self) -> None:
        for operation in ("delete_stack", "delete_table", "delete_queue", "schedule_key_deletion", "delete_alias"):
            cloud = Cloud()
            cloud.failing[operation] = error("ThrottlingException", "slowly")
            with self.assertRaisesRegex(Failed, r"(?s)stopped at step \d+ of 16, .*slowly.*goes on from there"):
                self.types(cloud, options("lost"))
            cloud.failing.clear()
            self.types(cloud, options("lost"))
            self.assertEqual(
                (set(cloud.stacks), set(cloud.tables)), ({"wardgate-artifacts"}, {"other", "wardgate-x-staging"})
            )
            self.assertEqual((set(cloud.aliases), cloud.pending), ({"alias/other"}, {"1", "2"}))
            scheduled = [it for it in cloud.log if it[0] == "schedule_key_deletion"]
            self.assertEqual(len(scheduled), 2, operation)

    def test_what_goes_already_is_waited_for_and_what_failed_is_tried_again(self) -> None:
        cloud = Cloud()
        cloud.stacks["wardgate-staging"]["StackStatus"] = "DELETE_IN_PROGRESS"
        with mock.patch("time.sleep", side_effect=lambda _: cloud.stacks.pop("wardgate-staging")):
            self.types(cloud, options())
        self.assertNotIn("wardgate-staging", cloud.deleted)
        cloud = Cloud()
        cloud.stacks["wardgate-staging"]["StackStatus"] = "DELETE_FAILED"
        self.types(cloud, options())
        self.assertIn("wardgate-staging", cloud.deleted)

    def test_what_failed_before_may_say_so_for_a_moment_and_no_longer(self) -> None:
        for after, fails in ((destroy.MOMENT / 2, False), (destroy.MOMENT + 1, True)):
            cloud = Cloud()
            remains, now = cloud.remains(), [0.0]
            failed = {"StackStatus": "DELETE_FAILED"}
            cloud.stacks["wardgate-staging"] = failed
            remains.stage.client("cloudformation").answers["delete_stack"] = {}

            def pass_time(_: float, cloud: Cloud = cloud, now: list[float] = now, after: float = after) -> None:
                now[0] += after
                if now[0] > destroy.MOMENT / 2 and after < destroy.MOMENT:
                    cloud.stacks.pop("wardgate-staging", None)

            with (
                mock.patch("time.sleep", side_effect=pass_time),
                mock.patch("time.monotonic", side_effect=lambda now=now: now[0]),
                self.assertRaises(Failed) if fails else contextlib.nullcontext(),
            ):
                destroy.delete_stack(remains.stage, "wardgate-staging")

    def test_what_cloudformation_does_not_delete_stops_it(self) -> None:
        cloud = Cloud()
        remains = cloud.remains()

        def fail(StackName: str) -> None:  # noqa: N803  # as boto3 has it
            cloud.stacks[StackName] = {"StackStatus": "DELETE_FAILED"}

        remains.stage.client("cloudformation").answers["delete_stack"] = fail
        with (
            mock.patch.object(destroy, "Remains", return_value=remains),
            self.assertRaisesRegex(Failed, "(?s)step 1 of 5, observability stack.*did not delete wardgate-staging-obs"),
        ):
            destroy.run(remains.stage, options())

    def test_where_nothing_is_it_says_so(self) -> None:
        cloud = Cloud()
        self.types(cloud, options("lost"))
        cloud.log.clear()
        self.assertIn("Nothing of staging is here to be taken away.", self.types(cloud, options("lost")))
        cloud = Cloud()
        self.types(cloud, options())
        cloud.log.clear()
        self.assertIn("DATA=lost takes them away", self.types(cloud, options()))
        self.assertEqual(cloud.log, [])


class Staying(Verb):
    def test_a_locked_vault_stays_with_its_key_and_whatever_is_in_it(self) -> None:
        cloud = Cloud()
        cloud.vault["Locked"] = True
        printed = self.types(cloud, options("lost"))
        self.assertEqual((len(cloud.points), cloud.pending), (1, {"1"}))
        self.assertIn("alias/wardgate-staging-backup", cloud.aliases)
        self.assertRegex(
            printed, r"1 recovery points, the last until \d{4}-\d\d-\d\d: it is locked\. aws backup delete-"
        )
        # As soon as somebody has taken it off.
        del cloud.vault["Locked"]
        self.types(cloud, options("lost"))
        self.assertEqual((cloud.vault, cloud.points, cloud.pending), ({}, [], {"1", "2"}))

    def test_a_key_of_what_stays_stays(self) -> None:
        cloud = Cloud()
        cloud.vault["Locked"] = True
        cloud.points[0]["EncryptionKeyArn"] = "key-1"
        self.types(cloud, options("lost"))
        self.assertEqual(cloud.pending, set())

    def test_a_recovery_point_under_legal_hold_stays(self) -> None:
        cloud = Cloud()
        cloud.failing["delete_recovery_point"] = error("InvalidRequestException", "has active legal hold(s)")
        self.assertIn("point: has active legal hold(s)", self.types(cloud, options("lost")))
        self.assertTrue(cloud.vault)

    def test_a_bus_on_which_others_listen_stays(self) -> None:
        cloud = Cloud()
        cloud.rules = ["theirs"]
        self.assertIn("on which others have rules: theirs", self.types(cloud, options("lost")))
        self.assertEqual(cloud.buses, {"wardgate-staging"})

    def test_productions_secrets_wait_and_those_of_others_go_at_once(self) -> None:
        cloud = Cloud()
        self.types(cloud, options("lost"))
        self.assertIn(("delete_secret", "ForceDeleteWithoutRecovery", "wardgate/staging/signing"), cloud.log)
        cloud = Cloud("production")
        printed = self.types(cloud, options("lost"), "destroy production and its data")
        self.assertIn(("delete_secret", "RecoveryWindowInDays", "wardgate/production/signing"), cloud.log)
        self.assertIn("Back: aws secretsmanager restore-secret", printed)
        # Then there is nothing to be taken away, and it is told what waits.
        cloud.log.clear()
        printed = self.types(cloud, options("lost"))
        self.assertRegex(printed, r"Is deleted, and waits:\n  secret +wardgate/production/signing +goes on \d{4}-")
        self.assertIn("Nothing of production is here", printed)
        self.assertEqual(cloud.log, [])

    def test_what_stays_is_said_with_its_day(self) -> None:
        printed = self.types(Cloud(), options("lost"))
        stays = printed.partition("What stays:\n")[2]
        for part in (
            r"key 1 in eu-central-1, which was alias/wardgate-staging, until \d{4}-\d\d-\d\d, free of charge",
            r"Back: aws kms cancel-key-deletion --region eu-central-1 --key-id 1\n",
            r"DynamoDB's own backup of wardgate-staging until \d{4}-\d\d-\d\d",
            r"the custom domain name auth\.example\.com",
            r"stack wardgate-artifacts and bucket wardgate-artifacts-123456789012-eu-central-1",
            r"oidc-provider/token\.actions\.githubusercontent\.com",
        ):
            self.assertRegex(stays, part)

    def test_the_trail_has_it_before_anything_goes(self) -> None:
        for data, said in ((None, "the code; data are kept"), ("lost", "everything, with its data")):
            cloud = Cloud()
            self.types(cloud, options(data))
            self.assertEqual(cloud.log[0], ("put_item", "Item", said))


class Page(unittest.TestCase):
    """docs/operations/first-deploy.md shows what no run can print into it: there is no AWS."""

    def test_it_has_each_step(self) -> None:
        text = (ROOT / PAGE).read_text(encoding="utf-8")
        for steps in (destroy.CODE, destroy.EVERYTHING):
            for number, (name, _) in enumerate(steps, 1):
                self.assertRegex(text, rf"(?m)^==> {number} of {len(steps)}: {re.escape(name)}$")
                self.assertRegex(text, rf"(?m)^<== {re.escape(name)}: .+ \([0-9.]+ s\)$")

    def test_it_has_what_is_typed(self) -> None:
        text = (ROOT / PAGE).read_text(encoding="utf-8")
        for name, loses in itertools.product(("staging", "production"), (False, True)):
            self.assertIn(f"`{destroy_gates.phrase_of(stage.Stage(name), loses=loses)}`", text)
