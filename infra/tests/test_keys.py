"""Copies of the key rings: what is typed, what is noted, and what is asked before anything is put back."""

import argparse
import datetime
import json
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from tests.fakes import FakeClient, stage
from wardgate_infra import Failed, Json
from wardgate_infra.operate import backup_keys, restore_keys, transfer

NOW = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)
CALLER = {"Arn": "arn:aws:iam::123456789012:user/ada"}


def described(version: str, label: str = "AWSCURRENT") -> Json:
    """A secret whose version 1 was copied."""
    tags = {backup_keys.COPIED_VERSION: "1", backup_keys.COPIED_AT: "2026-01-31T12:00:00Z"}
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    return {"Tags": listed, "VersionIdsToStages": {version: [label]}}


class Copies(unittest.TestCase):
    def test_a_ring_counts_as_copied_until_it_changes(self) -> None:
        self.assertEqual(backup_keys.copied_at(described("1")), NOW)
        self.assertIsNone(backup_keys.copied_at(described("2")))
        self.assertIsNone(backup_keys.copied_at(described("1", "AWSPREVIOUS")))
        self.assertIsNone(backup_keys.copied_at({"VersionIdsToStages": {"1": ["AWSCURRENT"]}}))

    def test_what_is_noted_is_the_version_and_the_time(self) -> None:
        secrets = FakeClient()
        backup_keys.tag(stage(secretsmanager=secrets), [{"ring": "signing", "version": "1", "keys": ["k"]}], NOW)
        [asked] = secrets.asked("tag_resource")
        self.assertEqual(asked["SecretId"], "wardgate/staging/signing")
        self.assertEqual(asked["Tags"], described("1")["Tags"])

    def test_what_is_no_public_key_is_refused_before_anything_else(self) -> None:
        table = FakeClient()
        with tempfile.TemporaryDirectory() as folder:
            options = argparse.Namespace(file=Path(folder, "keys.age"), recipient=["AGE-SECRET-KEY-1"])
            with self.assertRaisesRegex(Failed, "is no age public key"):
                backup_keys.run(stage(dynamodb=table), options)
            options = argparse.Namespace(file=Path(folder), recipient=["age1"])
            with self.assertRaisesRegex(Failed, "exists already"):
                backup_keys.run(stage(dynamodb=table), options)
        self.assertEqual(table.calls, [])

    def test_no_copy_is_made_without_its_line(self) -> None:
        """A trail that does not answer stops it before the keys leave."""
        table = FakeClient(put_item=Failed("no trail"))
        with (
            tempfile.TemporaryDirectory() as folder,
            mock.patch.object(transfer, "ran") as ran,
            self.assertRaisesRegex(Failed, "no trail"),
        ):
            asked = stage(dynamodb=table, sts=FakeClient(get_caller_identity=CALLER))
            backup_keys.run(asked, argparse.Namespace(file=Path(folder, "keys.age"), recipient=["age1x"]))
        ran.assert_not_called()


class Restores(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file, self.identity = Path(folder.name, "keys.age"), Path(folder.name, "identity.txt")
        self.file.touch()
        self.identity.touch()
        self.table, self.secrets = FakeClient(), FakeClient()

    def restore(self, *does: str, **options: Json) -> list[tuple[str, ...]]:
        """What the program was asked for, where the rings are found to be these."""
        rings = [
            {"ring": ring, "does": it, "version": "v", "keys": ["1"]}
            for ring, it in zip(restore_keys.RINGS, does, strict=False)
        ]
        plan = json.dumps({"stage": "staging", "made_at": "2026-01-31T12:00:00Z", "rings": rings})
        given = {"overwrite": [], "dry_run": False, "yes": True} | options
        asked = argparse.Namespace(file=self.file, identity_file=self.identity, **given)
        with mock.patch.object(transfer, "ran", return_value=plan) as ran, mock.patch("builtins.print"):
            clients = {"dynamodb": self.table, "secretsmanager": self.secrets}
            restore_keys.run(stage(sts=FakeClient(get_caller_identity=CALLER), **clients), asked)
        return [call.args[2:] for call in ran.call_args_list]

    def test_it_looks_first_and_then_writes_with_a_line(self) -> None:
        asked = self.restore("restore", "keep")
        self.assertEqual([it[-1] for it in asked], ["--dry-run", str(self.identity)])
        self.assertEqual(
            [it["SecretId"] for it in self.secrets.asked("tag_resource")], ["wardgate/staging/password_wrap"]
        )
        [line] = self.table.asked("put_item")
        self.assertEqual(line["Item"]["action"], {"S": "keys_restore_requested"})
        self.assertEqual(line["Item"]["detail"], {"S": "as of 2026-01-31T12:00:00Z: password_wrap"})

    def test_it_writes_nothing_where_nothing_is_lost_or_nobody_agrees(self) -> None:
        self.assertEqual(len(self.restore("keep", "nothing")), 1)
        self.assertEqual(len(self.restore("restore", dry_run=True)), 1)
        with self.assertRaisesRegex(Failed, "say YES=1"), mock.patch("sys.stdin.isatty", return_value=False):
            self.restore("restore", yes=False)
        self.assertEqual(self.table.calls, [])

    def test_the_question_names_what_is_lost(self) -> None:
        changes = [{"ring": "signing", "only_there": ["b"]}, {"ring": "mail_mac"}]
        said = restore_keys.question(stage(), changes)
        self.assertEqual(
            said,
            "Put signing, mail_mac back in staging? What was made under signing b will not be accepted any more.",
        )

    def test_rings_are_named_one_by_one_or_all(self) -> None:
        self.assertEqual(restore_keys.rings("signing, login_mac"), ["signing", "login_mac"])
        self.assertEqual(restore_keys.rings("all"), list(restore_keys.RINGS))
        with self.assertRaisesRegex(argparse.ArgumentTypeError, "no such ring: sining"):
            restore_keys.rings("sining")


if __name__ == "__main__":
    unittest.main()
