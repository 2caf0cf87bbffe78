"""What a release is called, what is kept of it, and what may go to production."""

import contextlib
import copy
import io
import json
import unittest
import zipfile
from unittest import mock

from tests.fakes import FakeBucket, FakeClient, stage
from wardgate_infra import Failed, Json
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
        packed = releases.zipped(b"binary")
        self.assertEqual(packed, releases.zipped(b"binary"))
        with zipfile.ZipFile(io.BytesIO(packed)) as file:
            [entry] = file.infolist()
        self.assertEqual((entry.filename, entry.external_attr >> 16), ("bootstrap", 0o755))

    def test_code_is_found_by_its_hash(self) -> None:
        self.assertEqual(releases.code(MANIFEST), {"me": "functions/me/1234.zip"})


class Proof(unittest.TestCase):
    def test_only_what_staging_has_run_well_is_for_production(self) -> None:
        run = {"artifact": "art", "smoke": "passed", "at": "noon"}
        self.assertIsNone(releases.unproven(run))
        self.assertEqual(releases.unproven(None), "staging has not run it")
        self.assertEqual(releases.unproven(run | {"artifact": None}), "staging has not run it")
        self.assertIn("failed at noon", str(releases.unproven(run | {"smoke": "failed"})))

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
        releases.remember(with_bucket(bucket), "new", MANIFEST, live)
        return json.loads(bucket.objects["stages/staging/deploy.json"])

    def test_what_was_live_is_where_a_rollback_goes(self) -> None:
        self.assertEqual(self.remembered({}, "old"), {"release": "new", "previous": "old"})

    def test_the_same_release_again_keeps_the_one_before_it(self) -> None:
        before = {"release": "new", "previous": "old"}
        self.assertEqual(self.remembered(before, "new"), before)

    def test_over_what_a_failed_deploy_has_left_the_one_before_both_stays(self) -> None:
        self.assertEqual(self.remembered({"release": "half", "previous": "old"}, None)["previous"], "old")

    def test_a_release_says_what_it_is_made_of(self) -> None:
        bucket = FakeBucket()
        target = with_bucket(bucket)
        releases.remember(target, "new", MANIFEST, None)
        kept = Artifacts(target, "bucket").release("new")
        self.assertEqual((kept["artifact"], kept["commit"], kept["stage"]), ("art", "c0ffee", "staging"))
        self.assertEqual(kept["parameters"], target.parameters)

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
            return releases.promote(with_bucket(bucket), artifact, False)

    def test_production_takes_what_staging_runs(self) -> None:
        run = {"artifact": "art", "smoke": "passed", "at": "noon"}
        self.assertEqual(self.promoted(copy.copy(run))["artifact"], "art")
        with self.assertRaisesRegex(Failed, "Make staging well first"):
            self.promoted(run | {"smoke": "failed"})

    def test_an_unproven_artifact_needs_somebodys_word(self) -> None:
        with self.assertRaisesRegex(Failed, "say YES=1"):
            self.promoted({"artifact": "art", "smoke": "failed", "at": "noon"}, "art")
