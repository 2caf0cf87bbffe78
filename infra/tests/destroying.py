"""Types `make destroy` against a stage of canned services."""

import argparse
import contextlib
import io
import os
import unittest
from unittest import mock

from tests.cloud import Cloud
from wardgate_infra import Failed
from wardgate_infra.operate import destroy


def options(data: str | None = None, *, yes: bool = True, dry_run: bool = False) -> argparse.Namespace:
    return argparse.Namespace(data=data, yes=yes, dry_run=dry_run)


class Verb(unittest.TestCase):
    def setUp(self) -> None:
        self.enterContext(mock.patch.dict(os.environ))
        for name in ("AWS_ENDPOINT_URL", "CLOUDFORMATION_ROLE"):
            os.environ.pop(name, None)
        # What does not come true at once here never does.
        self.enterContext(mock.patch("time.sleep", side_effect=AssertionError("waits")))
        self.printed = self.enterContext(contextlib.redirect_stdout(io.StringIO()))

    def types(self, cloud: Cloud, given: argparse.Namespace, answer: str | None = None) -> str:
        """The command, with somebody at the terminal if there is an answer. Gives what it has printed."""
        self.printed.seek(0)
        self.printed.truncate()
        remains = cloud.remains()
        with (
            mock.patch.object(destroy, "Remains", return_value=remains),
            mock.patch("sys.stdin.isatty", return_value=answer is not None),
            mock.patch("builtins.input", return_value=answer),
        ):
            destroy.run(remains.stage, given)
        return self.printed.getvalue()

    def refused(self, cloud: Cloud, given: argparse.Namespace, why: str, answer: str | None = None) -> None:
        """It stops, and nothing is touched."""
        with self.assertRaisesRegex(Failed, why):
            self.types(cloud, given, answer)
        self.assertEqual(cloud.log, [])
