"""A rehearsal of migrations: what it touches, what goes at its end, and the way back that a real one notes."""

import contextlib
import datetime
import io
import json
import unittest
from unittest import mock

from botocore.exceptions import ClientError

from tests.cloud import Cloud
from tests.fakes import FakeClient, error, stage
from wardgate_infra import Failed, Json
from wardgate_infra.operate import migrate, rehearsal, restored_table, transfer, way_back
from wardgate_infra.operate.remains import Remains
from wardgate_infra.operate.stage import Stage

NOW = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)
CALLER = FakeClient(get_caller_identity={"Arn": "arn:aws:iam::123456789012:user/ada"})
LISTED: Json = {"migrations": []}
DONE: Json = {
    "more": False,
    "finished": [
        {
            "number": "0001",
            "name": "rewrap",
            "direction": "up",
            "revision": "2",
            "seen": 1200,
            "changed": 7,
            "tallies": {},
        }
    ],
}


class Tables(FakeClient):
    """DynamoDB with the live table."""

    class exceptions:  # noqa: N801  # as boto3 has it
        class ResourceNotFoundException(Exception):
            pass

    def __init__(self, recovery: str = "ENABLED", **answers: Json) -> None:
        self.tables = {"wardgate-staging": "ACTIVE"}
        described = {"PointInTimeRecoveryStatus": recovery, "LatestRestorableDateTime": NOW}
        super().__init__(
            describe_table=self.describe,
            restore_table_to_point_in_time=self.restore,
            restore_table_from_backup=self.restore,
            delete_table=self.delete,
            list_tables=lambda: {"TableNames": list(self.tables)},
            create_backup={"BackupDetails": {"BackupArn": "arn:backup"}},
            describe_backup={"BackupDescription": {"BackupDetails": {"BackupStatus": "AVAILABLE"}}},
            describe_continuous_backups={"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": described}},
            **answers,
        )

    def describe(self, TableName: str) -> Json:  # noqa: N803
        if TableName not in self.tables:
            return self.exceptions.ResourceNotFoundException()
        return {"Table": {"TableArn": f"arn:{TableName}", "TableStatus": self.tables[TableName]}}

    def restore(self, TargetTableName: str, **_: Json) -> Json:  # noqa: N803
        self.tables[TargetTableName] = "ACTIVE"
        return {}

    def delete(self, TableName: str) -> Json:  # noqa: N803
        return self.tables.pop(TableName)

    @property
    def trail(self) -> list[tuple[str, str]]:
        items = [it["Item"] for it in self.asked("put_item")]
        return [(it["action"]["S"], it["detail"]["S"]) for it in items]


def of(tables: Tables) -> Stage:
    outputs = {"Stacks": [{"Outputs": [{"OutputKey": "KeyArn", "OutputValue": "key"}]}]}
    return stage(dynamodb=tables, sts=CALLER, cloudformation=FakeClient(describe_stacks=outputs))


class Rehearsals(unittest.TestCase):
    def rehearse(self, tables: Tables, *reports: Json) -> tuple[str, str]:
        """What is printed, and the table that the program got."""
        lines = iter([json.dumps(it) for it in (LISTED, *reports)])
        said = io.StringIO()
        with mock.patch.object(transfer, "lines", return_value=lines) as asked, contextlib.redirect_stdout(said):
            rehearsal.run(of(tables), None, {"items_per_second": 50})
        _, verb, option, table, *others = asked.call_args.args
        self.assertEqual((verb, option, others), ("rehearse", "--table", ["--rate", "50"]))
        return said.getvalue(), table

    def test_it_goes_through_a_copy_and_deletes_it(self) -> None:
        tables = Tables()
        said, table = self.rehearse(tables, DONE)
        self.assertIn("0001 rewrap up (for 2): 1,200 items seen, changed 7", said)
        self.assertEqual(list(tables.tables), ["wardgate-staging"])
        [copied] = tables.asked("restore_table_to_point_in_time")
        self.assertEqual((copied["SourceTableArn"], copied["RestoreDateTime"]), ("arn:wardgate-staging", NOW))
        self.assertRegex(copied["TargetTableName"], r"^wardgate-rehearsal-\d{8}t\d{6}z-staging$")
        self.assertEqual(table, copied["TargetTableName"].removesuffix("-staging"))
        self.assertEqual([action for action, _ in tables.trail], ["migration_rehearsed"])

    def test_the_copy_goes_also_where_it_fails(self) -> None:
        refused = {"more": False, "finished": [], "refused": {"code": "unknown_migration", "detail": "it is not known"}}
        tables = Tables()
        with self.assertRaisesRegex(Failed, "It is not known"):
            self.rehearse(tables, refused)
        self.assertEqual(list(tables.tables), ["wardgate-staging"])

    def test_without_recovery_it_makes_a_backup_that_goes_too(self) -> None:
        tables = Tables(recovery="DISABLED")
        self.rehearse(tables, DONE)
        self.assertEqual(tables.asked("restore_table_from_backup")[0]["BackupArn"], "arn:backup")
        self.assertEqual(tables.asked("delete_backup"), [{"BackupArn": "arn:backup"}])

    def test_a_copy_of_another_rehearsal_is_named_and_left(self) -> None:
        tables = Tables()
        other = "wardgate-rehearsal-20260131t120000z-staging"
        tables.tables[other] = "ACTIVE"
        said, _ = self.rehearse(tables, DONE)
        self.assertIn(f"--table-name {other}", said)
        self.assertEqual(list(tables.tables), ["wardgate-staging", other])

    def test_destroy_knows_a_copy_that_was_left_behind(self) -> None:
        asked = Cloud().stage()
        remains = Remains(asked)
        self.assertTrue(remains.is_table(f"{restored_table.copy_name_at(asked, NOW)}-staging"))
        self.assertFalse(remains.is_table("wardgate-rehearsal-of-others-staging"))


class WayBack(unittest.TestCase):
    def note(self, tables: Tables, *migrations: str) -> str:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            way_back.note(of(tables), list(migrations), NOW)
        return said.getvalue()

    def test_the_time_before_it_is_said_and_kept(self) -> None:
        tables = Tables()
        said = self.note(tables, "0001", "0002")
        self.assertEqual(said, "To go back to before it: make restore STAGE=staging TO=2026-01-31T12:00:00Z\n")
        self.assertEqual(tables.trail, [("migration_begun", "0001, 0002; before it: TO=2026-01-31T12:00:00Z")])

    def test_without_recovery_a_backup_comes_first(self) -> None:
        tables = Tables(recovery="DISABLED")
        self.assertIn("make restore STAGE=staging BACKUP=arn:backup", self.note(tables, "0001"))

    def test_a_role_that_may_not_look_goes_on_with_the_time(self) -> None:
        tables = Tables()
        tables.answers["describe_continuous_backups"] = error("AccessDeniedException")
        self.assertIn("TO=2026-01-31T12:00:00Z", self.note(tables, "0001"))
        tables.answers["describe_continuous_backups"] = error("InternalServerError")
        with self.assertRaises(ClientError):
            self.note(tables, "0001")

    def test_where_nothing_is_done_nothing_is_noted(self) -> None:
        tables = Tables()
        self.assertEqual((self.note(tables), tables.calls), ("", []))

    def test_what_is_done_is_what_is_due_or_taken_back(self) -> None:
        def one(number: str, status: str, due: bool) -> Json:
            return {"number": number, "status": status, "due": due}

        listed = [one("0001", "applied", False), one("0002", "applied", True), one("0003", "pending", True)]
        self.assertEqual(migrate.changing(listed, None, False), ["0002", "0003"])
        self.assertEqual(migrate.changing(listed, "0001", False), ["0002"])
        self.assertEqual(migrate.changing(listed, "0001", True), ["0001", "0002"])


if __name__ == "__main__":
    unittest.main()
