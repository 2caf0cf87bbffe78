"""How long a first deploy waits for the stage's key."""

import contextlib
import datetime
import io
import os
import unittest
from unittest import mock

from tests.fakes import FakeClient, stage
from wardgate_infra import Json
from wardgate_infra.operate import deploy, new_key

NOW = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)


def alias(seconds_ago: int, name: str = "alias/wardgate-staging", **others: Json) -> Json:
    return {"AliasName": name, "CreationDate": NOW - datetime.timedelta(seconds=seconds_ago), **others}


class Waiting(unittest.TestCase):
    def setUp(self) -> None:
        self.enterContext(mock.patch.dict(os.environ))
        os.environ.pop("AWS_ENDPOINT_URL", None)
        self.printed = self.enterContext(contextlib.redirect_stdout(io.StringIO()))

    def waited(self, *aliases: Json, boundary: str = "some/boundary") -> float:
        """For how many seconds."""
        target = stage(kms=FakeClient(list_aliases={"Aliases": list(aliases)}))
        target.parameters["PermissionsBoundary"] = boundary
        with mock.patch("time.sleep") as slept:
            new_key.wait(target, NOW)
        return float(sum(call.args[0] for call in slept.call_args_list))

    def test_a_new_alias_counts_after_five_minutes(self) -> None:
        self.assertEqual(self.waited(alias(60)), 240)
        self.assertIn("waiting 240 s: alias/wardgate-staging is new", self.printed.getvalue())

    def test_one_that_leads_elsewhere_since_is_as_new(self) -> None:
        changed = NOW - datetime.timedelta(seconds=100)
        self.assertEqual(self.waited(alias(9000, LastUpdatedDate=changed)), 200)

    def test_nobody_waits_for_an_old_one_nor_for_another_nor_without_a_boundary(self) -> None:
        self.assertEqual(self.waited(alias(300)), 0)
        self.assertEqual(
            self.waited(alias(0, "alias/wardgate-staging-backup"), alias(0, "alias/wardgate-production")), 0
        )
        self.assertEqual(self.waited(alias(0), boundary=""), 0)
        os.environ["AWS_ENDPOINT_URL"] = "http://127.0.0.1:1"
        self.assertEqual(self.waited(alias(0)), 0)
        self.assertEqual(self.printed.getvalue(), "")

    def test_it_is_before_the_first_function_that_reads_the_table(self) -> None:
        order: list[str] = []
        with (
            mock.patch.object(new_key, "wait", lambda _: order.append("wait")),
            mock.patch("wardgate_infra.operate.migrate.apply", lambda _: order.append("migrate")),
        ):
            deploy.migrations(mock.Mock())
        self.assertEqual(order, ["wait", "migrate"])
