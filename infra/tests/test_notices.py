"""Who is told of what an operator does."""

import argparse
import contextlib
import io
import unittest

from botocore.exceptions import NoCredentialsError

from tests.canned import CALLER
from tests.fakes import FakeClient, error, stage
from wardgate_infra import Json
from wardgate_infra.operate import notices
from wardgate_infra.operate.__main__ import VERBS


class Told(unittest.TestCase):
    def during(self, verb: str, fails: bool = False, publish: Json = None, **options: Json) -> tuple[list[Json], str]:
        """What is published of a verb with these options, and what is printed."""
        sns, times = FakeClient(publish=publish or {}), iter([100.0, 190.0])
        target = stage(sns=sns, sts=FakeClient(get_caller_identity={"Arn": CALLER}))
        target.__dict__["region"] = "eu-central-1"
        named = argparse.Namespace(**options)
        with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.ExitStack() as expected:
            if fails:
                expected.enter_context(self.assertRaises(KeyboardInterrupt))
            with notices.told(target, verb, named, clock=lambda: next(times)):
                if fails:
                    raise KeyboardInterrupt
        return sns.asked("publish"), printed.getvalue()

    def test_a_verb_tells_who_begins_what_and_how_it_ended(self) -> None:
        [begins, ends], printed = self.during("rollback", release="abc", yes=True)
        self.assertEqual(printed, "")
        self.assertEqual(begins["TopicArn"], "arn:aws:sns:eu-central-1:123456789012:wardgate-staging-warn")
        self.assertEqual(begins["Subject"], "Wardgate staging: rollback begins")
        for part in ("make rollback STAGE=staging RELEASE=abc\nbegins\n", f"by {CALLER}\n", " UTC"):
            self.assertIn(part, begins["Message"])
        self.assertEqual(ends["Subject"], "Wardgate staging: rollback is done, after 90 s")

    def test_one_that_fails_or_is_stopped_is_told_as_well(self) -> None:
        [_, ends], _ = self.during("deploy", fails=True, artifact=None)
        self.assertIn("failed or was stopped, after 90 s", ends["Message"])

    def test_no_value_of_a_setting_is_told(self) -> None:
        options: dict[str, Json] = {
            "artifact": None,
            "parameters": "LogLevel=debug",
            "key": "limits.x",
            "value": "not told",
        }
        for verb in ("deploy", "set"):
            said = str(self.during(verb, **options))
            self.assertNotIn("debug", said)
            self.assertNotIn("not told", said)
        self.assertIn("KEY=limits.x", said)

    def test_what_only_looks_tells_nobody(self) -> None:
        for verb, options in (
            ("status", {}),
            ("migrate", {"dry_run": True, "to": None}),
            ("destroy", {"dry_run": True, "data": None}),
            ("rotate", {"retire": None, "ring": None}),
        ):
            self.assertEqual(self.during(verb, **options), ([], ""), verb)
        self.assertEqual(len(self.during("rotate", retire="k1", ring="signing")[0]), 2)

    def test_that_nobody_can_be_told_stops_nothing(self) -> None:
        denied = error("AuthorizationError")
        for failure, says in ((error("NotFound"), ""), (denied, "nobody was told"), (NoCredentialsError(), "nobody")):
            _, printed = self.during("rollback", publish=failure, release=None)
            self.assertEqual(bool(printed), bool(says), failure)
            self.assertIn(says, printed)

    def test_each_verb_that_changes_a_stage_by_hand_is_told(self) -> None:
        # Each of the others only looks, adds, or is told by what it deploys.
        others = {"config", "logs", "status", "version", "candidate", "pipeline", "watch-alarms", "preflight"}
        others |= {"backup", "edge-probe", "load", "restore-test", "smoke", "verify"}
        self.assertEqual(VERBS.keys() - others - notices.TOLD.keys(), set())
