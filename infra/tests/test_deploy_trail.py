"""What a deploy's line of the audit trail says, and which stacks it leaves to an administrator."""

import argparse
import contextlib
import io
import os
import unittest
from unittest import mock

from tests.fakes import BEGAN, FakeClient, stage
from wardgate_infra import Failed, Json
from wardgate_infra.operate import audit, deploy_watch, release, stacks, verify
from wardgate_infra.operate.deploy import Deploy
from wardgate_infra.operate.stage import Stage


def given(**parameters: str) -> Json:
    """A stack with these parameters."""
    found = [{"ParameterKey": name, "ParameterValue": it} for name, it in parameters.items()]
    return {"StackStatus": "UPDATE_COMPLETE", "StackId": "s", "CreationTime": BEGAN, "Parameters": found}


class Deploying(unittest.TestCase):
    def setUp(self) -> None:
        self.enterContext(mock.patch.dict(os.environ))
        for name in ("AWS_ENDPOINT_URL", "CLOUDFORMATION_ROLE"):
            os.environ.pop(name, None)
        self.enterContext(contextlib.redirect_stdout(io.StringIO()))
        self.deployed = self.enterContext(mock.patch.object(stacks, "deploy", return_value=True))
        self.recorded = self.enterContext(mock.patch.object(audit, "record"))

    def deploy(self, *stacks_by_turn: Json | None) -> Deploy:
        """A deploy that finds these, one after the other."""
        turns = iter(stacks_by_turn)
        target = stage(cloudformation=FakeClient(describe_stacks=lambda **_: {"Stacks": [next(turns)]}))
        made = Deploy(target, argparse.Namespace(yes=True))
        made.manifest, made.release, made.bucket = {"artifact": "a1", "commit": "c1", "functions": {}}, "r1", "b"
        return made


class Trail(Deploying):
    def test_it_names_what_is_another_value_than_before_and_nothing_that_every_deploy_changes(self) -> None:
        made = self.deploy(
            given(LogLevel="", Release="r0", RotationDays="7", Gone="1", Secret="****"),
            given(LogLevel="trace", Release="r1", RotationDays="7", PageWebhook="https://x", Secret="****"),
        )
        made.stack("wardgate-staging-service", "infra/functions/service.yaml")
        deploy_watch.trail(made)
        [(_, action, detail), _] = self.recorded.call_args
        self.assertEqual(action, "deployed")
        self.assertEqual(
            detail,
            "release r1 of artifact a1, commit c1; Gone '1' → 'none', LogLevel '' → 'trace', "
            "PageWebhook 'none' → 'https://x'",
        )

    def test_a_stack_that_is_new_or_as_it_was_has_no_others(self) -> None:
        self.deployed.return_value = False
        made = self.deploy(given(LogLevel="trace"))
        made.stack("wardgate-staging-service", "infra/functions/service.yaml")
        self.assertEqual(deploy_watch.trail(made), "nothing to record")
        self.assertEqual(stacks.given_before(None), {})
        self.recorded.assert_not_called()


class Probe(Deploying):
    def probe(self, **parameters: str) -> tuple[str, list[tuple[str, str]]]:
        """What the step says, and which stacks it has deployed where."""
        made = self.deploy()
        made.stage.__dict__["region"] = "eu-central-1"
        made.stage.parameters.update(parameters)
        said = deploy_watch.probe(made)
        return said, [(it.args[0].region, it.args[1]) for it in self.deployed.call_args_list]

    def test_it_is_made_where_route_53_tells_of_it(self) -> None:
        self.assertEqual(self.probe(OutsideProbe="on"), ("changed", [("us-east-1", "wardgate-staging-probe")]))

    def test_it_is_left_out_where_it_is_off_or_a_pipeline_deploys(self) -> None:
        self.assertEqual(self.probe(OutsideProbe="off"), ("not made here", []))
        os.environ["CLOUDFORMATION_ROLE"] = "arn:it"
        self.assertEqual(self.probe(OutsideProbe="on"), ("not made here", []))

    def test_a_sandbox_has_none(self) -> None:
        self.assertEqual(Stage("development").parameters.get("OutsideProbe"), None)


class AsAClient(Deploying):
    def step(self, *, first: bool) -> str:
        made = self.deploy()
        made.before = [] if first else [mock.Mock()]
        record = mock.patch.object(release, "recorded_run", return_value=contextlib.nullcontext())
        with mock.patch.object(verify, "once", side_effect=Failed("no answer")), record:
            return deploy_watch.as_a_client(made)

    def test_a_first_deploy_says_what_is_missing_and_any_other_fails(self) -> None:
        self.assertIn("not yet, after a first deploy", self.step(first=True))
        with self.assertRaisesRegex(Failed, "no answer"):
            self.step(first=False)
