"""What a deploy makes of each state that CloudFormation can leave a stack in."""

import argparse
import contextlib
import datetime
import io
import os
import unittest
from typing import ClassVar
from unittest import mock

import boto3

from tests.canned import CALLER
from tests.fakes import FakeClient, Formation, error, stage
from wardgate_infra import Failed, Json
from wardgate_infra.operate import deploy, preflight, rollback, stacks, states
from wardgate_infra.operate import release as releases
from wardgate_infra.operate.needs.account import Account
from wardgate_infra.operate.stage import Stage

NAME = "wardgate-staging-accounts"


def resource(name: str, state: str, reason: str = "", kind: str = "AWS::Lambda::Alias") -> Json:
    return {
        "LogicalResourceId": name,
        "PhysicalResourceId": f"the-{name}",
        "ResourceType": kind,
        "ResourceStatus": state,
        "ResourceStatusReason": reason,
    }


class Settling(unittest.TestCase):
    STUCK: ClassVar[list[Json]] = [
        resource("MeAlias", "UPDATE_FAILED", "the version is not live"),
        resource("Role", "UPDATE_FAILED", "Resource update cancelled", "AWS::IAM::Role"),
        resource("MeFunction", "UPDATE_COMPLETE", kind="AWS::Lambda::Function"),
    ]

    def setUp(self) -> None:
        self.enterContext(mock.patch.dict(os.environ))
        os.environ.pop("CLOUDFORMATION_ROLE", None)
        self.enterContext(mock.patch("time.sleep"))
        self.printed = self.enterContext(contextlib.redirect_stdout(io.StringIO()))

    def settled(self, formation: Formation) -> list[str]:
        """What settling a stack has changed."""
        states.settle(stage(cloudformation=formation), NAME)
        return [operation for operation, _ in formation.changed]

    def refused(self, formation: Formation, *parts: str) -> list[str]:
        """That it stops, and says each of these. Gives what it changed."""
        with self.assertRaises(Failed) as failed:
            self.settled(formation)
        for part in parts:
            self.assertIn(part, str(failed.exception))
        return [operation for operation, _ in formation.changed]

    def says(self, *parts: str) -> None:
        for part in parts:
            self.assertIn(part, self.printed.getvalue())

    def test_every_state_that_aws_knows_is_one_of_those_here(self) -> None:
        client = boto3.client("cloudformation", region_name="eu-central-1")
        known = set(client.meta.service_model.shape_for("StackStatus").enum)
        kinds = (states.SETTLED, states.PUT_BACK, states.NEVER_WORKED, states.UNDER_WAY, states.ENDING)
        alone = {states.ONLY_SHOWN, "UPDATE_FAILED", "UPDATE_ROLLBACK_FAILED", "DELETE_FAILED"}
        # One that is deleted is not there any more, and nothing but a console mends the other.
        self.assertEqual(known, alone.union(*kinds) | {"DELETE_COMPLETE", "IMPORT_ROLLBACK_FAILED"})

    def test_where_a_deploy_goes_on_nothing_is_done(self) -> None:
        for state in (None, "REVIEW_IN_PROGRESS", *states.SETTLED, *states.PUT_BACK):
            self.assertEqual(self.settled(Formation(state)), [], state)
        self.assertEqual(self.printed.getvalue(), "")

    def test_a_first_deploy_that_failed_is_deleted_and_says_what_is_left(self) -> None:
        left = [
            resource("Table", "DELETE_SKIPPED", kind="AWS::DynamoDB::GlobalTable"),
            resource("It", "DELETE_COMPLETE"),
        ]
        for state in ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"):
            formation = Formation(state, resources=left)
            formation.answers["delete_stack"] = lambda to=formation, **_: to.through.__setitem__(
                slice(None), ["DELETE_IN_PROGRESS", None]
            )
            self.assertEqual(self.settled(formation), ["delete_stack"], state)
            self.says(f"{NAME} is {state}: its first deploy failed", f"{NAME} is deleted", "taken: Table the-Table\n")

    def test_a_pipeline_says_who_may_delete(self) -> None:
        formation = Formation("ROLLBACK_COMPLETE", delete_stack=error("AccessDenied"))
        command = f"aws cloudformation delete-stack --region eu-central-1 --stack-name {NAME}"
        self.refused(formation, "no pipeline may", "administrator type the same make deploy once", command)
        with self.assertRaisesRegex(Exception, "Throttling"):
            self.settled(Formation("ROLLBACK_COMPLETE", delete_stack=error("Throttling")))

    def test_what_cannot_be_deleted_is_named_and_nobody_deletes_it_by_himself(self) -> None:
        formation = Formation(
            "DELETE_FAILED", resources=[resource("Bucket", "DELETE_FAILED", "it is not empty", "AWS::S3::Bucket")]
        )
        retain = f"--stack-name {NAME} --retain-resources Bucket\n"
        self.assertEqual(self.refused(formation, "Bucket (AWS::S3::Bucket): it is not empty", retain), [])

    def continued(
        self, *ends: str, state: str = "UPDATE_ROLLBACK_FAILED", by: str = "continue_update_rollback"
    ) -> Formation:
        """A stack that comes to these ends when it is asked to go on."""
        formation = Formation(state, resources=self.STUCK)
        formation.answers[by] = lambda **_: formation.through.__setitem__(slice(None), list(ends))
        return formation

    def test_what_could_not_be_put_back_is_tried_once_more(self) -> None:
        formation = self.continued("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE")
        self.assertEqual(self.settled(formation), ["continue_update_rollback"])
        self.assertEqual(formation.asked("continue_update_rollback"), [{"StackName": NAME}])
        self.says("could not put back\n  MeAlias (AWS::Lambda::Alias): the version", "is what it was before the update")

    def test_what_stays_stuck_is_named_with_the_command_that_skips_it_and_is_not_skipped(self) -> None:
        formation = self.continued("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED")
        skips = f"continue-update-rollback --region eu-central-1 --stack-name {NAME} --resources-to-skip MeAlias"
        done = self.refused(formation, "MeAlias (AWS::Lambda::Alias): the version is not live", skips)
        self.assertEqual(done, ["continue_update_rollback"])
        # What was only cancelled AWS takes for no resource to skip.
        self.refused(self.continued("UPDATE_ROLLBACK_FAILED"), f"{skips}")
        with self.assertRaises(Failed) as failed:
            self.settled(self.continued("UPDATE_ROLLBACK_FAILED"))
        self.assertTrue(str(failed.exception).endswith(skips), failed.exception)

    def test_a_pipeline_goes_on_as_cloudformations_own_role(self) -> None:
        os.environ["CLOUDFORMATION_ROLE"] = "arn:the-role"
        formation = self.continued("UPDATE_ROLLBACK_COMPLETE")
        self.settled(formation)
        self.assertEqual(formation.asked("continue_update_rollback"), [{"StackName": NAME, "RoleARN": "arn:the-role"}])
        self.refused(self.continued("UPDATE_ROLLBACK_FAILED"), "--role-arn arn:the-role --resources-to-skip MeAlias")
        denied = Formation("UPDATE_ROLLBACK_FAILED", continue_update_rollback=error("AccessDenied"))
        self.refused(denied, "make pipeline", "aws cloudformation continue-update-rollback --region eu-central-1")

    def test_an_update_that_was_left_half_done_is_put_back(self) -> None:
        formation = self.continued(
            "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE", state="UPDATE_FAILED", by="rollback_stack"
        )
        self.assertEqual(self.settled(formation), ["rollback_stack"])
        self.says("an update failed and was not taken back")
        stuck = self.continued("UPDATE_ROLLBACK_FAILED", state="UPDATE_FAILED", by="rollback_stack")
        self.assertEqual(self.refused(stuck, "MeAlias"), ["rollback_stack", "continue_update_rollback"])

    def test_what_was_asked_for_may_show_late(self) -> None:
        failed = "UPDATE_ROLLBACK_FAILED"
        formation = Formation(failed, resources=self.STUCK)
        answers = iter([*[failed] * 6, "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"])
        described = formation.describe

        def late(StackName: str) -> Json:  # noqa: N803
            formation.through = [next(answers, "UPDATE_ROLLBACK_COMPLETE")]
            return described(StackName)

        formation.answers["describe_stacks"] = late
        self.assertEqual(self.settled(formation), ["continue_update_rollback"])
        self.says("is what it was before")

    def test_what_ends_by_itself_is_waited_for(self) -> None:
        for state in states.ENDING:
            self.assertEqual(self.settled(Formation(state, state, state, "UPDATE_COMPLETE")), [], state)
            self.says(f"waiting: {NAME} is {state}")
        formation = Formation("ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE")
        formation.answers["delete_stack"] = lambda **_: formation.through.__setitem__(slice(None), [None])
        self.assertEqual(self.settled(formation), ["delete_stack"])

    def test_what_somebody_else_is_at_is_left_alone(self) -> None:
        for state in states.UNDER_WAY:
            said = f"{NAME} is {state}, of a change that began at 2026-01-31 12:00:00 UTC"
            self.assertEqual(self.refused(Formation(state), said, "CloudTrail", "make status STAGE=staging"), [], state)

    def test_what_nobody_here_can_mend_says_where_its_events_are(self) -> None:
        self.assertEqual(self.refused(Formation("IMPORT_ROLLBACK_FAILED"), "no deploy can change", "eu-central-1"), [])

    def test_waiting_has_an_end(self) -> None:
        with mock.patch.object(states, "PATIENCE", datetime.timedelta(seconds=-1)):
            self.refused(Formation("UPDATE_ROLLBACK_IN_PROGRESS"), "goes on waiting")


class Deploys(unittest.TestCase):
    def setUp(self) -> None:
        self.enterContext(mock.patch.dict(os.environ))
        os.environ.pop("AWS_ENDPOINT_URL", None)
        self.enterContext(mock.patch("time.sleep"))
        self.printed = self.enterContext(contextlib.redirect_stdout(io.StringIO()))

    def test_one_does_not_begin_beside_another(self) -> None:
        options = argparse.Namespace(yes=True, parameters="", anyway=False)
        for state in ("UPDATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "DELETE_IN_PROGRESS"):
            busy = Formation(state)
            with mock.patch.object(preflight, "before_deploy") as asked, self.assertRaises(Failed) as failed:
                deploy.run(stage(cloudformation=busy), options)
            self.assertIn("has not begun: wardgate-artifacts is", str(failed.exception))
            self.assertFalse(asked.called)
        # A change set that nobody has run holds nobody up.
        states.refuse_under_way(stage(cloudformation=Formation("REVIEW_IN_PROGRESS")), [NAME])

    def test_every_stack_of_a_stage_is_looked_at(self) -> None:
        account = Account(Stage("staging"))
        account.__dict__["caller"] = CALLER
        made, named = {it.name for it in account.stacks}, {releases.STACK, *account.stage.stacks}
        self.assertEqual(made - named, {"wardgate-staging-backup-copy"})
        self.assertEqual(named - made, set())

    def test_a_stack_is_settled_before_it_is_compared_or_deployed(self) -> None:
        formation = Formation("UPDATE_ROLLBACK_FAILED")
        formation.answers["continue_update_rollback"] = error("Throttling")
        with mock.patch("subprocess.run") as ran, self.assertRaisesRegex(Exception, "Throttling"):
            stacks.deploy(stage(cloudformation=formation), NAME, "infra/artifacts.yaml", {}, yes=True)
        self.assertFalse(ran.called)

    def test_a_deploy_that_fails_says_what_is_not_put_back(self) -> None:
        for state, said in (("UPDATE_ROLLBACK_FAILED", True), ("UPDATE_ROLLBACK_COMPLETE", False), (None, False)):
            text = stacks.unfinished(stage(cloudformation=Formation(state)), NAME)
            self.assertEqual("The same command again" in text, said, state)


class Rollbacks(unittest.TestCase):
    def setUp(self) -> None:
        self.enterContext(mock.patch.dict(os.environ))
        os.environ.pop("CLOUDFORMATION_ROLE", None)
        self.enterContext(mock.patch("time.sleep"))
        self.enterContext(contextlib.redirect_stdout(io.StringIO()))

    def test_where_no_first_deploy_has_worked_there_is_nothing_to_go_back_to(self) -> None:
        for state in (None, "REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "CREATE_FAILED"):
            with self.assertRaisesRegex(Failed, "make deploy STAGE=staging goes on"):
                rollback.run(stage(cloudformation=Formation(state)), argparse.Namespace(yes=True, release=None))

    def test_a_change_set_that_nobody_has_run_is_no_deploy_under_way(self) -> None:
        for state, expected in (("REVIEW_IN_PROGRESS", False), ("UPDATE_IN_PROGRESS", True)):
            target = stage(
                cloudformation=Formation(state), codedeploy=FakeClient(list_applications={"applications": []})
            )
            self.assertEqual(rollback.in_progress(target), expected, state)

    def test_what_could_not_be_put_back_is_tried_again_and_keeps_nobody_from_the_older_release(self) -> None:
        one = "UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED"
        formation = Formation(*one)
        left = rollback.stop_update(stage(cloudformation=formation))
        self.assertEqual([it for it, _ in formation.changed], ["cancel_update_stack", "continue_update_rollback"])
        self.assertEqual(len(left), 1)
        self.assertIn("--resources-to-skip", left[0])
        self.assertEqual(rollback.stop_update(stage(cloudformation=Formation("UPDATE_COMPLETE"))), [])
