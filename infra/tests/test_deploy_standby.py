"""What a deploy leaves out in a region that stands by, where whatever would change something is refused (ED-17)."""

import argparse
import unittest
from unittest import mock

from tests.fakes import FakeClient, stage
from wardgate_infra.operate import aliases, deploy
from wardgate_infra.operate import release as releases
from wardgate_infra.operate.deploy import Deploy


class Standby(unittest.TestCase):
    def deploy(self, writer: str) -> Deploy:
        outputs = [{"OutputKey": "ApiId", "OutputValue": "a"}]
        made = stage(cloudformation=FakeClient(describe_stacks={"Stacks": [{"Outputs": outputs}]}))
        made.parameters["Writer"] = writer
        found = Deploy(made, argparse.Namespace(yes=True))
        found.manifest, found.release = {"artifact": "a", "functions": {}}, "r"
        return found

    def test_sec_ed_17_nothing_is_asked_that_would_write(self) -> None:
        for writer, expected in (
            ("false", ["migrations", "first rotation", "smoke test", "as a client"]),
            ("true", []),
        ):
            made = self.deploy(writer)
            step = mock.Mock(return_value=None)
            left = [name for name, *_ in deploy.STEPS if deploy.take(made, name, step)]
            self.assertEqual(left, expected)
            self.assertEqual(step.call_count, len(deploy.STEPS) - len(expected))

    def test_no_hook_plays_a_user_there(self) -> None:
        with (
            mock.patch.object(deploy, "publications", return_value={}),
            mock.patch.object(aliases, "deployed", return_value=[]),
            mock.patch.object(aliases, "forget", return_value=False),
            mock.patch.object(aliases, "renamed", return_value={}),
            mock.patch.object(releases, "code", return_value={}),
            mock.patch.object(releases, "running", return_value=(None, None)),
            mock.patch.object(releases, "last_deploy", return_value={}),
            mock.patch.object(releases, "remember"),
        ):
            for writer, given in (("false", {"Canary": "false"}), ("true", {})):
                made = self.deploy(writer)
                deploy.begin(made)
                self.assertEqual(made.given, given)
