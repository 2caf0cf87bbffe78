"""What a release is called, what is kept of it, and what may go to production."""

import contextlib
import copy
import io
import json
import unittest
import zipfile
from unittest import mock

from tests.fakes import FakeBucket, FakeClient, error, function, stage
from wardgate_infra import Failed, Json
from wardgate_infra.operate import archives, promotion
from wardgate_infra.operate import release as releases
from wardgate_infra.operate.release import Artifacts
from wardgate_infra.operate.stage import Stage

OUTPUTS = {"Stacks": [{"Outputs": [{"OutputKey": "Bucket", "OutputValue": "bucket"}]}]}
MANIFEST = {"artifact": "art", "commit": "c0ffee", "functions": {"me": "1234"}, "version": "1.2.3"}


def with_bucket(bucket: FakeBucket) -> Stage:
    return stage(s3=bucket, cloudformation=FakeClient(describe_stacks=OUTPUTS))


class Names(unittest.TestCase):
    def test_a_release_is_its_artifact_and_parameters_in_whatever_order(self) -> None:
        one = releases.name_release(MANIFEST, {"A": "1", "B": "2"})
        self.assertEqual(one, releases.name_release(MANIFEST, {"B": "2", "A": "1"}))
        self.assertNotEqual(one, releases.name_release(MANIFEST, {"A": "1", "B": "3"}))
        self.assertNotEqual(one, releases.name_release(MANIFEST | {"artifact": "other"}, {"A": "1", "B": "2"}))
        self.assertRegex(one, "^[0-9a-f]{64}$")

    def test_the_commit_is_no_part_of_an_artifacts_name(self) -> None:
        with mock.patch.object(releases, "commit", side_effect=["one", "two"]):
            first, second = (releases.describe(stage(), {"me": "1234"}) for _ in range(2))
        self.assertEqual(first["artifact"], second["artifact"])
        self.assertEqual((first["commit"], second["commit"]), ("one", "two"))
        self.assertNotEqual(first["artifact"], releases.describe(stage(), {"me": "5678"})["artifact"])

    def test_an_archive_of_the_same_binary_is_the_same_and_can_be_run(self) -> None:
        packed = archives.zipped(b"binary")
        self.assertEqual(packed, archives.zipped(b"binary"))
        with zipfile.ZipFile(io.BytesIO(packed)) as file:
            [entry] = file.infolist()
        self.assertEqual((entry.filename, entry.external_attr >> 16), ("bootstrap", 0o755))

    def test_code_is_found_by_its_hash(self) -> None:
        self.assertEqual(releases.code(MANIFEST), {"me": "functions/me/1234.zip"})


class Publications(unittest.TestCase):
    """Of a release that `sam deploy` has made, which nothing is kept of."""

    def test_a_function_that_came_later_is_not_of_it(self) -> None:
        old, new = function("me", "1", "before", "after"), function("edge-sync", "1", "after")
        self.assertEqual(releases.publications_of(None, "before", [old, new]), {"me": "before"})

    def test_a_function_whose_first_versions_are_gone_may_have_been_of_it(self) -> None:
        pruned = function("me", "3", "one", "two", "three")
        del pruned.versions["1"]
        self.assertEqual(releases.publications_of(None, "one", [pruned]), {"me": "one"})

    def test_a_name_that_nobody_has_published_is_told_of_every_function(self) -> None:
        known = function("me", "1", "before")
        self.assertEqual(releases.publications_of(None, "typo", [known]), {"me": "typo"})
        self.assertEqual(releases.publications_of(None, None, [known]), {})


class Proof(unittest.TestCase):
    def test_only_what_staging_has_run_well_is_for_production(self) -> None:
        run = {"artifact": "art", "smoke": "passed", "at": "noon"}
        self.assertIsNone(promotion.unproven(run))
        self.assertEqual(promotion.unproven(None), "staging has not run it")
        self.assertEqual(promotion.unproven(run | {"artifact": None}), "staging has not run it")
        self.assertIn("failed at noon", str(promotion.unproven(run | {"smoke": "failed"})))

    def test_code_goes_with_its_own_templates_alone(self) -> None:
        here = releases.templates()
        manifest = MANIFEST | {"templates": here, "architecture": stage().parameters["Architecture"]}
        releases.refuse_other(stage(), manifest)
        changed = manifest | {"commit": "c0ffee+", "templates": here | {"infra/data.yaml": "other"}}
        with self.assertRaisesRegex(Failed, r"^infra/data\.yaml of this checkout .* git checkout c0ffee$"):
            releases.refuse_other(stage(), changed)

    def test_code_goes_with_its_own_architecture_alone(self) -> None:
        manifest = MANIFEST | {"templates": releases.templates(), "architecture": "riscv"}
        with self.assertRaisesRegex(Failed, "The artifact is for riscv"):
            releases.refuse_other(stage(), manifest)


class Kept(unittest.TestCase):
    def remembered(self, before: Json, live: str | None) -> Json:
        bucket = FakeBucket(**{"stages/staging/deploy.json": json.dumps(before)} if before else {})
        releases.remember(with_bucket(bucket), "new", MANIFEST, live, {})
        return json.loads(bucket.objects["stages/staging/deploy.json"])

    def test_what_was_live_is_where_a_rollback_goes(self) -> None:
        self.assertEqual(self.remembered({}, "old"), {"release": "new", "previous": "old"})

    def test_the_same_release_again_keeps_the_one_before_it(self) -> None:
        before = {"release": "new", "previous": "old"}
        self.assertEqual(self.remembered(before, "new"), before)

    def test_over_what_a_failed_deploy_has_left_the_one_before_both_stays(self) -> None:
        self.assertEqual(self.remembered({"release": "half", "previous": "old"}, None)["previous"], "old")

    def test_a_release_says_what_it_is_made_of_and_what_each_function_publishes_in_it(self) -> None:
        bucket = FakeBucket()
        target = with_bucket(bucket)
        releases.remember(target, "new", MANIFEST, None, {"me": "a"})
        kept = Artifacts(target, "bucket").release("new")
        self.assertEqual((kept["artifact"], kept["commit"], kept["stage"]), ("art", "c0ffee", "staging"))
        self.assertEqual(kept["parameters"], target.parameters)
        self.assertEqual(kept["publications"], {"me": "a"})
        self.assertEqual(releases.publications(target, "new", [function("me", "1", "b")]), {"me": "a"})

    def test_what_sam_deploy_has_published_by_one_name_is_that_release(self) -> None:
        both = [function("me", "1", "one"), function("login", "1", "one")]
        expected = {"me": "one", "login": "one"}
        # Of a release from before each function had a publication of its own there is a record without them.
        before = with_bucket(FakeBucket(**{"releases/one.json": json.dumps({"artifact": "art"})}))
        nowhere = stage(cloudformation=FakeClient(describe_stacks=error("ValidationError", "it does not exist")))
        for target in (before, with_bucket(FakeBucket()), nowhere):
            self.assertEqual(releases.publications(target, "one", both), expected)
            self.assertEqual(releases.publications(target, None, both), {})

    def test_releases_are_recorded_newest_first_and_of_this_stage_alone(self) -> None:
        target, other = with_bucket(bucket := FakeBucket()), stage("production")
        other.clients = target.clients
        for number, where in enumerate((target, target, other, target), 1):
            # Neither by name nor backwards.
            releases.remember(where, f"{number * 7 % 10}", MANIFEST, None, {})
        self.assertEqual(releases.recorded(target), ["8", "4", "7"])
        self.assertEqual(releases.recorded(other), ["1"])
        releases.remember(target, "7", MANIFEST, None, {})
        self.assertEqual(releases.recorded(target), ["7", "8", "4"])
        bucket.objects.clear()
        self.assertEqual(releases.recorded(target), [])

    def test_nothing_is_known_of_a_release_that_is_not_kept(self) -> None:
        self.assertEqual(Artifacts(stage(s3=FakeBucket()), "bucket").release("new"), {})
        with self.assertRaisesRegex(Failed, "There is no artifact art in bucket"):
            Artifacts(stage(s3=FakeBucket()), "bucket").manifest("art")

    def test_a_smoke_test_that_fails_is_kept_too(self) -> None:
        bucket = FakeBucket(**{"releases/new.json": json.dumps({"artifact": "art"})})
        with contextlib.suppress(Failed), releases.recorded_run(with_bucket(bucket), "new"):
            raise Failed("no")
        self.assertEqual(json.loads(bucket.objects["stages/staging/live.json"])["smoke"], "failed")
        with releases.recorded_run(with_bucket(bucket), "new"):
            pass
        self.assertEqual(json.loads(bucket.objects["stages/staging/art.json"])["smoke"], "passed")


class Running(unittest.TestCase):
    """Releases `old` and `new` differ in `me` and `login`, and not in `jwks`."""

    def kept(self, **stages: Json) -> Stage:
        """A stage where both releases are kept, and this of the stage."""
        old, new = {"me": "1", "login": "2", "jwks": "3"}, {"me": "4", "login": "5", "jwks": "3"}
        objects = {f"stages/staging/{name}.json": value for name, value in stages.items()}
        objects |= {"releases/old.json": {"publications": old}, "releases/new.json": {"publications": new}}
        return with_bucket(FakeBucket(**{key: json.dumps(value) for key, value in objects.items()}))

    def test_functions_that_a_release_has_left_as_they_were_run_it(self) -> None:
        target = self.kept(live={"release": "old"}, deploy={"release": "new", "previous": "old"})
        jwks = function("jwks", "1", "3")
        new = [function("me", "2", "1", "4"), function("login", "2", "2", "5"), jwks]
        self.assertEqual(releases.running(target, new), ("new", []))
        old = [function("me", "1", "1", "4"), function("login", "1", "2", "5"), jwks]
        self.assertEqual(releases.running(target, old), ("old", []))

    def test_a_release_may_be_live_that_a_rollback_was_told_by_name(self) -> None:
        target = self.kept(live={"release": "old"}, deploy={"release": "newest", "previous": "new"})
        old = [function("me", "1", "1", "4"), function("login", "1", "2", "5"), function("jwks", "1", "3")]
        self.assertEqual(releases.running(target, old), ("old", []))

    def test_where_functions_differ_it_is_the_release_of_most_of_them(self) -> None:
        target = self.kept(live={"release": "new"}, deploy={"release": "new", "previous": "old"})
        me, login = function("me", "1", "1", "4"), function("login", "1", "2", "5")
        # What is of neither is not what they run, either.
        jwks, stray = function("jwks", "1", "3"), function("stray", "1", "9")
        new_login = function("login", "2", "2", "5")
        self.assertEqual(releases.running(target, [me, login, stray]), ("old", [stray]))
        self.assertEqual(releases.running(target, [new_login, jwks, me]), ("new", [me]))

    def test_what_sam_deploy_has_published_by_one_name_is_what_runs(self) -> None:
        target = self.kept(live={"release": "old"})
        me, login, jwks = function("me", "1", "one"), function("login", "1", "one"), function("jwks", "1", "3")
        self.assertEqual(releases.running(target, [me, login]), ("one", []))
        self.assertEqual(releases.running(target, [me, login, jwks]), ("one", [jwks]))

    def test_where_nothing_is_known_no_function_runs_a_release(self) -> None:
        both = [function("me", "1", ""), function("login", "7", "a")]
        nowhere = stage(cloudformation=FakeClient(describe_stacks=error("ValidationError", "it does not exist")))
        for target in (nowhere, with_bucket(FakeBucket()), self.kept(live={"release": "old"})):
            self.assertEqual(releases.running(target, both), (None, both))


class Promotion(unittest.TestCase):
    def promoted(self, run: Json, artifact: str | None = None) -> Json:
        manifest = MANIFEST | {"templates": releases.templates(), "architecture": stage().parameters["Architecture"]}
        bucket = FakeBucket(
            **{
                "artifacts/art.json": json.dumps(manifest),
                "stages/staging/live.json": json.dumps(run),
                "stages/staging/art.json": json.dumps(run),
            }
        )
        with mock.patch("builtins.print"), mock.patch("sys.stdin", io.StringIO()):
            return promotion.promote(with_bucket(bucket), artifact, False)

    def test_production_takes_what_staging_runs(self) -> None:
        run = {"artifact": "art", "smoke": "passed", "at": "noon"}
        self.assertEqual(self.promoted(copy.copy(run))["artifact"], "art")
        with self.assertRaisesRegex(Failed, "Make staging well first"):
            self.promoted(run | {"smoke": "failed"})

    def test_an_unproven_artifact_needs_somebodys_word(self) -> None:
        with self.assertRaisesRegex(Failed, "say YES=1"):
            self.promoted({"artifact": "art", "smoke": "failed", "at": "noon"}, "art")
