"""Where a rollback may go."""

import json
import unittest

from tests.fakes import FakeBucket, FakeClient, function, stage
from wardgate_infra import Failed, Json
from wardgate_infra.operate import release as releases
from wardgate_infra.operate import rollback
from wardgate_infra.operate.aliases import Function
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

    def refuse(self, target: Stage, functions: list[Function], release: str | None) -> None:
        """As a rollback asks it, with what it finds out before."""
        wanted = releases.publications(target, release, functions)
        rollback.refuse(target, functions, release, wanted, rollback.running(target, functions))

    def test_nothing_to_go_to_needs_a_name(self) -> None:
        with self.assertRaisesRegex(Failed, "name a release, RELEASE="):
            self.refuse(self.ready(), [function("me", "1", "a")], None)

    def test_a_release_without_a_version_cannot_be_gone_to(self) -> None:
        with self.assertRaisesRegex(Failed, "No function has a version of release z"):
            self.refuse(self.ready(), [function("me", "1", "a")], "z")
        # One that is kept names publications, of which no function has any.
        kept: Json = {"releases__z": {"publications": {"me": "b", "login": "a"}}}
        with self.assertRaisesRegex(Failed, "No function has a version of release z"):
            self.refuse(self.ready(**kept), [function("me", "1", "a")], "z")

    def test_a_release_that_is_there_can(self) -> None:
        self.refuse(self.ready(), [function("me", "2", "a", "b")], "a")
        kept: Json = {"releases__y": {"publications": {"me": "a"}}}
        self.refuse(self.ready(**kept), [function("me", "2", "a", "b")], "y")

    def test_not_where_data_has_lost_what_it_reads(self) -> None:
        kept = {
            "releases__a": {"artifact": "old"},
            "releases__b": {"artifact": "new"},
            "artifacts__old": knows(),
            "artifacts__new": knows(("0001", True)),
        }
        functions = [function("me", "2", "a", "b")]
        self.refuse(self.ready([], **kept), functions, "a")
        with self.assertRaisesRegex(Failed, "cannot read today's data: it does not know migration 0001"):
            self.refuse(self.ready(["0001"], **kept), functions, "a")

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
        of_staging = {"stage": "staging"}
        target = self.ready(releases__a=of_staging, releases__c=of_staging, releases__b=of_staging)
        self.assertEqual(rollback.known(target, "c"), [("b", ""), ("c", "live"), ("a", "")])
        self.assertEqual(rollback.known(target, None), [("b", ""), ("c", ""), ("a", "")])

    def test_where_functions_differ_what_was_being_deployed_answers_too(self) -> None:
        kept: Json = {
            "releases__a": {"publications": {"me": "1", "login": "2", "jwks": "3"}},
            "releases__b": {"publications": {"me": "4", "login": "5", "jwks": "6"}},
            "stages__staging__deploy": {"release": "b", "previous": "a"},
        }
        login, jwks = function("login", "1", "2", "5"), function("jwks", "1", "3", "6")
        same, other = function("me", "1", "1", "4"), function("me", "2", "1", "4")
        self.assertEqual(rollback.running(self.ready(**kept), [same, login, jwks]), {"a"})
        self.assertEqual(rollback.running(self.ready(**kept), [other, login, jwks]), {"a", "b"})

    def test_a_deployment_is_the_stages_own_if_it_is_of_one_of_its_releases_stacks(self) -> None:
        made = "ServerlessDeploymentApplication-1A2B"
        for name in ("wardgate-staging", "wardgate-staging-migrate", *stage().area_stacks):
            self.assertTrue(rollback.is_application(stage(), f"{name}-{made}"), name)
        for name in ("wardgate-production", "wardgate-staging-other", "other"):
            self.assertFalse(rollback.is_application(stage(), f"{name}-{made}"), name)
