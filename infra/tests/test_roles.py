"""The roles of `make pipeline`: each does what docs/operations/pipelines.md promises of it, and survives what it
may not do."""

import argparse
import contextlib
import datetime
import hashlib
import io
import json
import os
import re
import tempfile
import unittest
from pathlib import Path
from typing import ClassVar
from unittest import mock

from tests import fakes, roles
from wardgate_infra import ROOT, Json, rights
from wardgate_infra.operate import (
    aliases,
    archives,
    audit,
    candidate,
    config,
    lasting,
    logs,
    migrate,
    new_key,
    preflight,
    release,
    rotate,
    smoke,
    stacks,
    status,
    version,
    watch_alarms,
)
from wardgate_infra.operate.needs import routes
from wardgate_infra.operate.needs.account import Account
from wardgate_infra.operate.needs.finding import Level

MIGRATE = "lambda:InvokeFunction of arn:aws:lambda:eu-central-1:123456789012:function:wardgate-staging-migrate:live"
OPTIONS = argparse.Namespace(
    function=None, since="15m", grep=None, request=None, follow=False, key=None, minutes=0, to=None, dry_run=True,
    again=False, rehearse=False, rate=None, capacity=None, yes=True,
)  # fmt: skip
READS = {"status": status, "version": version, "logs": logs, "config": config, "watch-alarms": watch_alarms}


class Verbs(unittest.TestCase):
    def setUp(self) -> None:
        self.enterContext(mock.patch.dict("os.environ"))
        os.environ.pop("AWS_ENDPOINT_URL", None)
        self.enterContext(roles.answering())
        self.enterContext(mock.patch.object(config, "settings_of", return_value={}))
        self.printed = self.enterContext(contextlib.redirect_stdout(io.StringIO()))

    def test_the_read_role_can_do_every_verb_that_is_promised_of_it(self) -> None:
        row = next(it for it in page().splitlines() if it.startswith("| `wardgate-<stage>-read` |"))
        promised = re.findall("`(?:make )?([a-z-]+)`", row.rpartition("|")[0].rpartition("|")[2])
        self.assertEqual(set(promised), READS.keys())
        for name, verb in READS.items():
            stage, refused = roles.stage("ReadRole")
            verb.run(stage, OPTIONS)
            # It would be a right to migrate.
            self.assertEqual(refused, [MIGRATE] if name == "status" else [], name)
        self.assertIn("Nothing is wrong.", self.printed.getvalue())

    def test_the_deploy_role_can_do_what_a_deploy_does_beside_stacks(self) -> None:
        stage, refused = roles.stage("DeployRole")
        for verb in (*READS.values(), smoke, migrate):
            verb.run(stage, OPTIONS)
        stage.client("lambda").answers["get_alias"] = fakes.error("ResourceNotFoundException")
        rotate.first(stage)
        rotate.start(stage, "signing")
        with mock.patch.dict(stage.parameters, {"PermissionsBoundary": "some/boundary"}):
            new_key.wait(stage)
        aliases.move(stage, {"wardgate-staging-me": "2"})
        function = fakes.function("me", "2", "a", "b", "a", deployed="b")
        aliases.forget(stage, [function], {"me": "a"})
        audit.record(stage, "deployed", "a release")
        stage.client("codedeploy").stop_deployment(deploymentId="d-1")
        formation = stage.client("cloudformation")
        formation.cancel_update_stack(StackName=stage.code_stack)
        for name in (release.STACK, *stage.stacks):
            formation.continue_update_rollback(StackName=name)
            formation.rollback_stack(StackName=name)
        self.assertEqual(refused, [])
        self.assertTrue(stage.client("lambda").asked("delete_function"))

    def test_the_deploy_role_can_ask_what_is_asked_before_each_deploy(self) -> None:
        api = {"Type": routes.KIND, "Properties": {"RouteSettings": {"POST /gone": {}}}}
        template = {"TemplateBody": {"Resources": {"Api": api}}}
        stage, refused = roles.stage("DeployRole", cloudformation={"get_template": template})
        stage.parameters["PermissionsBoundary"] = "wardgate-pipeline/wardgate-staging-boundary"
        results = preflight.ask(Account(stage), preflight.OF_EVERY_DEPLOY)
        self.assertEqual(refused, [])
        # Nothing was left out because something else went wrong.
        self.assertEqual([it for it in results if it.finding.level is Level.NOT_ASKED], [])
        self.assertTrue(stage.client("lambda").asked("get_function_concurrency"))
        self.assertTrue(stage.client("events").asked("describe_event_bus"))
        self.assertTrue(stage.client("apigatewayv2").asked("get_stage"))

    def test_the_deploy_role_can_lay_out_what_staging_runs(self) -> None:
        code = archives.zipped(b"binary")
        manifest = {"commit": "c", "functions": {"me": hashlib.sha256(code).hexdigest()}}

        def content(Key: str, **_: Json) -> Json:  # noqa: N803  # as boto3 has it
            if Key.startswith("functions/"):
                return {"Body": io.BytesIO(code)}
            return {"Body": io.BytesIO(json.dumps(manifest).encode())} if "artifacts/" in Key else roles.kept(Key)

        stage, refused = roles.stage("DeployRole", s3={"get_object": content})
        folder = self.enterContext(tempfile.TemporaryDirectory())
        os.environ["CARGO_TARGET_DIR"] = folder
        candidate.run(stage, argparse.Namespace(commit="c"))
        self.assertEqual((Path(folder) / "candidate/me/bootstrap").read_bytes(), b"binary")
        self.assertEqual(refused, [])

    def test_nobody_but_a_deploy_asks_a_function(self) -> None:
        for function in ("me", "login", "rotate-keys", "migrate", "smoke"):
            arn = f"arn:aws:lambda:eu-central-1:123456789012:function:wardgate-staging-{function}:live"
            self.assertEqual(rights.allowing(roles.policies("ReadRole"), "lambda:InvokeFunction", arn), [])


class Migrations(unittest.TestCase):
    """As whoever may not ask the function sees them."""

    def rows(self, known: list[Json], states: list[Json]) -> tuple[Json, list[str]]:
        def manifest(Key: str, **_: Json) -> Json:  # noqa: N803
            answer = {"migrations": known} if Key.startswith("artifacts/") else {"artifact": "a"}
            return {"Body": io.BytesIO(json.dumps(answer).encode())}

        stage, _ = roles.stage("ReadRole", s3={"get_object": manifest}, dynamodb={"query": {"Items": states}})
        rows, wrong = lasting.migrations(stage)
        return list(rows)[1:], wrong

    def test_one_that_is_applied_is_not_due_and_one_without_a_trace_is(self) -> None:
        rows, wrong = self.rows([roles.MIGRATION, {"number": "0002", "name": "drop"}], [roles.STATE])
        self.assertEqual(rows, [("0001 rewrap", "applied", "2026-01-31 12:00 UTC"), ("0002 drop", "pending", "")])
        self.assertEqual(wrong, ["migration 0002 is due: make migrate STAGE=staging"])

    def test_one_that_somebody_is_at_or_that_a_later_release_knows_is_not_due(self) -> None:
        later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
        running = roles.STATE | {"status": {"S": "running"}, "expires": {"N": str(int(later.timestamp() * 1000))}}
        self.assertEqual(self.rows([roles.MIGRATION], [running])[1], [])
        self.assertEqual(self.rows([], [running | {"expires": {"N": "1"}}])[1], [])
        self.assertEqual(len(self.rows([roles.MIGRATION], [running | {"expires": {"N": "1"}}])[1]), 1)

    def test_what_is_no_refusal_is_told(self) -> None:
        stage, _ = roles.stage("DeployRole", **{"lambda": {"invoke": fakes.error("TooManyRequestsException")}})
        with self.assertRaisesRegex(Exception, "TooManyRequests"):
            lasting.migrations(stage)


class Failures(unittest.TestCase):
    EVENT: ClassVar[Json] = {
        "Timestamp": roles.NOW,
        "LogicalResourceId": "Key",
        "ResourceType": "AWS::KMS::Key",
        "ResourceStatus": "CREATE_FAILED",
        "ResourceStatusReason": "no",
    }

    def test_reasons_are_told_though_one_way_to_them_is_refused(self) -> None:
        for given in ("describe_events", "describe_stack_events"):
            answers: Json = {
                "describe_events": fakes.error("AccessDenied"),
                "describe_stack_events": fakes.error("AccessDenied"),
            }
            answers[given] = {"OperationEvents": [self.EVENT], "StackEvents": [self.EVENT]}
            stage, refused = roles.stage("DeployRole", cloudformation=answers)
            self.assertEqual(stacks.failures(stage, stage.data_stack, roles.NOW), "  Key (AWS::KMS::Key): no")
            self.assertEqual(refused, [])

    def test_where_nothing_may_be_asked_there_are_no_reasons_and_no_other_failure(self) -> None:
        refused = fakes.error("AccessDenied")
        answers = {"describe_events": refused, "describe_stack_events": refused}
        stage, _ = roles.stage("DeployRole", cloudformation=answers)
        self.assertEqual(stacks.failures(stage, stage.data_stack, roles.NOW), "")


def page() -> str:
    return (ROOT / "docs/operations/pipelines.md").read_text(encoding="utf-8")
