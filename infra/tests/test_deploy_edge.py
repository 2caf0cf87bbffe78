"""The steps of a deploy that are about what stands in front of the API."""

import argparse
import contextlib
import io
import os
import unittest
from unittest import mock

from tests.fakes import stage
from wardgate_infra import Failed
from wardgate_infra.operate import aliases, deploy_edge, edge, edge_functions, stacks
from wardgate_infra.operate.deploy import STEPS, Deploy
from wardgate_infra.operate.stage import Stage


class Steps(unittest.TestCase):
    def setUp(self) -> None:
        self.enterContext(mock.patch.dict(os.environ))
        os.environ.pop("CLOUDFORMATION_ROLE", None)
        self.enterContext(mock.patch.object(aliases, "deployed", return_value=[]))
        self.enterContext(mock.patch.object(Stage, "in_region", lambda it, _: it))
        self.deployed: list[tuple[str, str]] = []

        def deployed(_stage: Stage, name: str, template: str, *_: object, **__: object) -> bool:
            self.deployed.append((name, template))
            return True

        self.enterContext(mock.patch.object(stacks, "deploy", deployed))
        self.enterContext(mock.patch.object(edge, "wait"))
        self.tried = self.enterContext(mock.patch.object(edge_functions, "try_out"))
        self.enterContext(contextlib.redirect_stdout(io.StringIO()))

    def deploy(self, **parameters: str) -> Deploy:
        made: Stage = stage()
        made.parameters.update({"Edge": "on", "EdgeDigests": ""} | parameters)
        found = Deploy(made, argparse.Namespace(yes=True))
        found.manifest, found.release = {"artifact": "a"}, "before"
        return found

    def test_the_edge_comes_before_all_code_and_its_origin_after_the_api(self) -> None:
        names = [name for name, *_ in STEPS]
        self.assertLess(names.index("edge stack"), names.index("migrate stack"))
        self.assertEqual(names.index("origin stack"), names.index("API stack") + 1)

    def test_functions_that_must_not_be_live_stop_it_before_anything_is_deployed(self) -> None:
        self.tried.side_effect = Failed("61 of 100")
        with mock.patch.object(edge, "to_send", return_value=None), self.assertRaisesRegex(Failed, "61 of 100"):
            deploy_edge.stack(self.deploy())
        self.assertEqual(self.deployed, [])

    def test_what_it_shows_is_part_of_the_release(self) -> None:
        deploy = self.deploy()
        with (
            mock.patch.object(edge, "to_send", return_value=None),
            mock.patch.object(edge, "say_to", side_effect=[True, False]),
        ):
            self.assertEqual(deploy_edge.stack(deploy), "changed")
            named = deploy.release
            self.assertNotEqual(named, "before")
            self.assertEqual(deploy_edge.stack(deploy), "changed")
        self.assertEqual((deploy.release, deploy.changed), (named, True))
        self.assertEqual(self.deployed, [("wardgate-staging-edge", "infra/edge.yaml")] * 2)

    def test_without_one_nothing_is_made(self) -> None:
        deploy = self.deploy(Edge="off")
        self.assertEqual((deploy_edge.stack(deploy), deploy_edge.origin(deploy)), ("none", "none"))
        deploy_edge.follows(deploy)
        self.assertEqual((self.deployed, deploy.release), ([], "before"))

    def test_a_pipeline_makes_neither(self) -> None:
        os.environ["CLOUDFORMATION_ROLE"] = "arn:role"
        deploy = self.deploy()
        self.assertEqual((deploy_edge.stack(deploy), deploy_edge.origin(deploy)), ("not made here",) * 2)
        self.assertEqual(self.deployed, [])

    def test_a_region_that_stands_by_has_a_name_of_its_own_and_leaves_the_edge_alone(self) -> None:
        deploy = self.deploy(Writer="false")
        self.assertEqual((deploy_edge.stack(deploy), deploy_edge.origin(deploy)), ("not made here", "changed"))
        deploy_edge.follows(deploy)
        self.assertEqual(self.deployed, [("wardgate-staging-origin", "infra/origin.yaml")])

    def test_the_edge_follows_functions_that_take_another_secret_now(self) -> None:
        deploy = self.deploy()
        for sent, expected in (("v1", []), ("v0", [("wardgate-staging-edge", "infra/edge.yaml")])):
            with (
                mock.patch.object(edge, "to_send", return_value="v1"),
                mock.patch.object(edge, "sent", return_value=sent),
            ):
                deploy_edge.follows(deploy)
            self.assertEqual(self.deployed, expected)
