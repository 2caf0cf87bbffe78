"""What `make status` says of the states that CloudFormation has left stacks in."""

import unittest
from unittest import mock

from tests.fakes import FakeBucket, Formation, stage
from wardgate_infra.operate import states, status
from wardgate_infra.operate.stage import Stage

EDGE = (("edge", "none"), ("origin", "UPDATE_COMPLETE"))


class Shown(unittest.TestCase):
    def told(self, state: str | None, live: str | None = None) -> list[str]:
        """What `make status` says of a stage whose stacks are all in a state."""
        formation = Formation(state)
        bucket = FakeBucket(**({"stages/staging/live.json": f'{{"at": "{live}"}}'} if live else {}))
        target = stage(cloudformation=formation, s3=bucket)
        with mock.patch.object(Stage, "outputs", return_value={"Bucket": "bucket"}):
            rows, wrong = status.stacks(target)
        self.assertEqual([row[0] for row in rows], target.stacks)
        return wrong

    def test_each_state_says_what_becomes_of_it(self) -> None:
        for state, said in (
            ("UPDATE_ROLLBACK_FAILED", "make deploy STAGE=staging continues to put it back"),
            ("UPDATE_FAILED", "make deploy STAGE=staging puts it back"),
            ("ROLLBACK_COMPLETE", "make deploy STAGE=staging deletes what its first deploy has left"),
            ("CREATE_FAILED", "deletes what its first deploy has left"),
            ("ROLLBACK_FAILED", "deletes what its first deploy has left"),
            ("DELETE_FAILED", "make deploy STAGE=staging says what to do"),
            ("IMPORT_ROLLBACK_FAILED", "says what to do"),
            ("REVIEW_IN_PROGRESS", "there is no stack wardgate-staging-data: make deploy STAGE=staging"),
            ("UPDATE_ROLLBACK_COMPLETE", "the next deploy goes on from there"),
        ):
            self.assertIn(said, self.told(state)[0], state)
        for state in (*states.SETTLED, "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"):
            self.assertEqual(self.told(state), [], state)

    def test_what_stands_in_front_of_the_api_is_one_of_them_where_it_is_there(self) -> None:
        target, elsewhere = stage(cloudformation=Formation("UPDATE_COMPLETE")), stage(cloudformation=Formation(None))
        target.parameters["Edge"] = "on"
        with mock.patch.object(Stage, "in_region", return_value=elsewhere):
            rows, wrong = status.stacks(target)
        self.assertEqual([row[:2] for row in rows[-2:]], [(f"wardgate-staging-{it}", state) for it, state in EDGE])
        self.assertEqual(wrong, ["there is no stack wardgate-staging-edge: make deploy STAGE=staging"])

    def test_what_was_put_back_is_right_again_once_a_deploy_or_a_rollback_has_ended(self) -> None:
        self.assertEqual(self.told("UPDATE_ROLLBACK_COMPLETE", "2026-01-31T12:00:01+00:00"), [])
        self.assertTrue(self.told("UPDATE_ROLLBACK_COMPLETE", "2026-01-31T11:59:59+00:00"))


class Dashboards(unittest.TestCase):
    def test_the_stages_dashboard_has_the_address_of_its_console(self) -> None:
        cloudwatch = mock.Mock()
        cloudwatch.meta.partition = "aws"
        with mock.patch.object(Stage, "outputs", return_value={"DashboardName": "wardgate-staging"}):
            rows, wrong = status.dashboards(stage(cloudwatch=cloudwatch))
        expected = "https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1"
        self.assertEqual(rows, [("wardgate-staging", f"{expected}#dashboards/dashboard/wardgate-staging")])
        self.assertEqual(wrong, [])

    def test_a_stage_without_its_stack_has_none_and_nothing_is_wrong(self) -> None:
        with mock.patch.object(Stage, "outputs", return_value={}):
            self.assertEqual(status.dashboards(stage()), ([("none",)], []))
