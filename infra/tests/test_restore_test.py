"""The monthly restore test: which one counts, what is looked at, and that no test at all is a failure."""

import argparse
import contextlib
import datetime
import io
import unittest

from tests.fakes import FakeClient, error, stage
from wardgate_infra import Failed, Json
from wardgate_infra.operate import restore_test

NOW = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)
KEYS = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
GOOD = {"ValidationStatus": "SUCCESSFUL"}
PLAN = {"RestoreTestingPlan": {"RestoreTestingPlanArn": "plan"}}


def job(table: str, *, days: int = 1, said: Json = None) -> Json:
    made = NOW - datetime.timedelta(days=days)
    return {
        "RestoreJobId": f"{table}-{days}",
        "SourceResourceArn": f"arn:aws:dynamodb:eu-central-1:1:table/{table}-staging",
        "CreatedResourceArn": f"arn:aws:dynamodb:eu-central-1:1:table/awsbackup-restore-test-{table}",
        "CreationDate": made,
        "CompletionDate": made + datetime.timedelta(minutes=20),
        "Status": "COMPLETED",
        **(said or {}),
    }


class RestoreTests(unittest.TestCase):
    def setUp(self) -> None:
        items = [{"pk": {"S": "a"}, "sk": {"S": "b"}}]
        self.dynamodb = FakeClient(describe_table={"Table": {"KeySchema": KEYS}}, scan={"Items": items})
        self.backup = FakeClient(get_restore_testing_plan=PLAN)

    def run_it(self, *jobs: Json) -> str:
        self.backup.answers["list_restore_jobs"] = {"RestoreJobs": list(jobs)}
        asked = stage(
            backup=self.backup,
            dynamodb=self.dynamodb,
            sts=FakeClient(get_caller_identity={"Arn": "arn:aws:iam::1:user/ada"}),
        )
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            restore_test.run(asked, argparse.Namespace(plan=False, yes=False), NOW)
        return said.getvalue()

    def verdicts(self) -> list[str]:
        return [it["ValidationStatus"] for it in self.backup.asked("put_restore_validation_result")]

    def test_what_was_restored_is_looked_at_and_judged_once(self) -> None:
        both = [job("wardgate"), job("wardgate-audit")]
        said = self.run_it(*both)
        self.assertIn("20 min", said)
        self.assertIn("The last restore test is a good one.", said)
        self.assertEqual(self.verdicts(), ["SUCCESSFUL", "SUCCESSFUL"])
        self.run_it(*(it | {"ValidationStatus": "SUCCESSFUL"} for it in both))
        self.assertEqual(len(self.verdicts()), 2)

    def test_only_the_last_job_of_a_table_counts(self) -> None:
        old = job("wardgate", days=31, said={"Status": "FAILED"})
        self.run_it(job("wardgate"), old, job("wardgate-audit"))

    def test_each_way_to_fail_is_told(self) -> None:
        other = job("wardgate-audit", said=GOOD)
        cases: list[tuple[dict[str, Json], str]] = [
            ({"Status": "FAILED", "StatusMessage": "no right"}, "could not be restored: no right"),
            ({"Status": "RUNNING"}, "still being restored"),
            ({"ValidationStatus": "TIMED_OUT"}, "nobody has looked at it"),
            ({"ValidationStatus": "FAILED", "ValidationStatusMessage": "x has no items"}, "x has no items"),
        ]
        for said, expected in cases:
            with self.assertRaisesRegex(Failed, expected):
                self.run_it(job("wardgate", said=said), other)
        self.assertEqual(self.verdicts(), [])

    def test_a_table_that_is_not_as_it_has_to_be_fails(self) -> None:
        cases: list[tuple[str, Json, str]] = [
            ("describe_table", {"Table": {"KeySchema": KEYS[:1]}}, "other keys"),
            ("describe_table", error("ResourceNotFoundException"), "is gone before"),
            ("scan", {"Items": []}, "has no items"),
            ("scan", {"Items": [{"pk": {"S": "a"}}]}, "1 of 1 items"),
        ]
        for operation, answer, expected in cases:
            self.setUp()
            self.dynamodb.answers[operation] = answer
            with self.assertRaisesRegex(Failed, expected):
                self.run_it(job("wardgate"), job("wardgate-audit", said=GOOD))
            self.assertEqual(self.verdicts(), ["FAILED"])

    def test_no_test_for_more_than_a_month_is_a_failure(self) -> None:
        with self.assertRaisesRegex(Failed, "wardgate-audit-staging was not restored for a test in the last 35 days"):
            self.run_it(job("wardgate", said=GOOD), job("wardgate-audit", days=36, said=GOOD))
        with self.assertRaisesRegex(Failed, "wardgate-staging was not restored"):
            self.run_it()

    def test_a_stage_without_a_plan_says_how_to_get_one(self) -> None:
        none = stage(backup=FakeClient(get_restore_testing_plan=error("ResourceNotFoundException")))
        with self.assertRaisesRegex(Failed, "make restore-test STAGE=staging PLAN=1"):
            restore_test.run(none, argparse.Namespace(plan=False, yes=False), NOW)


if __name__ == "__main__":
    unittest.main()
