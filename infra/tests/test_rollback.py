"""Where a rollback may go."""

import json
import unittest

from tests.fakes import FakeBucket, FakeClient, function, stage
from wardgate_infra import Failed, Json
from wardgate_infra.operate import rollback
from wardgate_infra.operate.release import Artifacts
from wardgate_infra.operate.stage import Stage

OUTPUTS = {"Stacks": [{"Outputs": [{"OutputKey": "Bucket", "OutputValue": "bucket"}]}]}


def knows(*migrations: tuple[str, bool]) -> Json:
    """A manifest with migrations, and whether each takes something away."""
    return {"migrations": [{"number": number, "contract": contract} for number, contract in migrations]}


class Migrations(unittest.TestCase):
    def test_what_the_target_knows_it_can_read(self) -> None:
        both = [knows(("0001", True))]
        self.assertEqual(rollback.unreadable(["0001"], both, both), "")

    def test_what_has_only_gained_it_can_read(self) -> None:
        self.assertEqual(rollback.unreadable(["0001"], [knows(("0001", False))], [knows()]), "")

    def test_what_has_lost_something_it_cannot(self) -> None:
        live = [knows(("0001", True), ("0002", True), ("0003", False))]
        found = rollback.unreadable(["0003", "0002", "0001"], live, [knows()])
        self.assertEqual(found, "migration 0001, migration 0002")

    def test_what_nobody_knows_may_have_lost_anything(self) -> None:
        self.assertEqual(rollback.unreadable(["0009"], [knows()], []), "migration 0009")


class Choice(unittest.TestCase):
    def ready(self, migrations: list[str] | None = None, **kept: Json) -> Stage:
        """A stage whose table has these migrations applied, and where this is kept."""
        objects = {key.replace("__", "/") + ".json": json.dumps(value) for key, value in kept.items()}
        items = [{"number": {"S": it}, "status": {"S": "applied"}} for it in migrations or []]
        items.append({"number": {"S": "0000"}, "status": {"S": "reverted"}})
        return stage(
            s3=FakeBucket(**objects),
            cloudformation=FakeClient(describe_stacks=OUTPUTS),
            dynamodb=FakeClient(query={"Items": items}),
        )

    def test_nothing_to_go_to_needs_a_name(self) -> None:
        with self.assertRaisesRegex(Failed, "name a release, RELEASE="):
            rollback.refuse(self.ready(), [function("me", "1", "a")], None)

    def test_a_release_without_a_version_cannot_be_gone_to(self) -> None:
        with self.assertRaisesRegex(Failed, "No function has a version of release z"):
            rollback.refuse(self.ready(), [function("me", "1", "a")], "z")

    def test_a_release_that_is_there_can(self) -> None:
        rollback.refuse(self.ready(), [function("me", "2", "a", "b")], "a")

    def test_not_where_data_has_lost_what_it_reads(self) -> None:
        kept = {
            "releases__a": {"artifact": "old"},
            "releases__b": {"artifact": "new"},
            "artifacts__old": knows(),
            "artifacts__new": knows(("0001", True)),
        }
        functions = [function("me", "2", "a", "b")]
        rollback.refuse(self.ready([], **kept), functions, "a")
        with self.assertRaisesRegex(Failed, "cannot read today's data: it does not know migration 0001"):
            rollback.refuse(self.ready(["0001"], **kept), functions, "a")

    def test_not_over_a_restore(self) -> None:
        kept = {
            "releases/a.json": {"parameters": {"TableName": "one"}},
            "releases/b.json": {"parameters": {"TableName": "two"}},
        }
        objects = {key: json.dumps(value) for key, value in kept.items()}
        target = stage(s3=FakeBucket(**objects))
        bucket = Artifacts(target, "bucket")
        with self.assertRaisesRegex(Failed, "uses the table one, and staging now two: .* SWITCH_TO=one$"):
            rollback.refuse_other_table(target, bucket, {"b"}, "a")
        rollback.refuse_other_table(target, bucket, {"a"}, "a")
        rollback.refuse_other_table(target, bucket, {"b"}, "unknown")

    def test_releases_are_listed_newest_first(self) -> None:
        functions = [function("new", "1", "c"), function("me", "2", "a", "b", "c")]
        self.assertEqual(rollback.known(functions), [("c", ""), ("b", "live"), ("a", "")])
