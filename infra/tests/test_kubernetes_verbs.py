"""The verbs of a cluster, against a kubectl that writes down what it is told. What an API server does is not shown."""

import argparse
import os
import subprocess
import sys
import tempfile
import unittest
import unittest.mock
from pathlib import Path

import yaml

from tests.test_kubernetes import with_backups
from wardgate_infra import ROOT, Json
from wardgate_infra.kubernetes import rules, verbs

IMAGE = "registry.example.com/wardgate-server@sha256:" + "a" * 64
SHIM = """#!/bin/sh
printf '%s\\n' "$*" >>"$TOLD/lines"
case "$*" in *apply*) cat >"$TOLD/applied.$(wc -l <"$TOLD/lines")" ;; esac
case "$*" in *"$FAILS"*) exit 3 ;; esac
"""
SPACE = "--namespace=wardgate-staging"


class Recorded(verbs.Cluster):
    """Writes down what it would have run."""

    def __init__(self) -> None:
        super().__init__("staging", dry_run=True)
        self.ran: list[str] = []
        self.given: list[Json] = []

    def run(self, *words: str, given: str | None = None) -> None:
        self.ran.append(" ".join(words))
        self.given += yaml.safe_load_all(given) if given else []


class Restoring(unittest.TestCase):
    def test_sa_20_a_restore_reads_one_file_and_its_identity_is_gone_afterwards(self) -> None:
        cluster = Recorded()
        with tempfile.TemporaryDirectory() as name:
            backed_up = with_backups(Path(name), "age1" + "q" * 58)
        with unittest.mock.patch.object(verbs, "documents", lambda *_: backed_up):
            verbs.restore(cluster, argparse.Namespace(file="wardgate-staging-1.jsonl.age", image=IMAGE))
        [job] = cluster.given
        self.assertEqual(rules.broken([*backed_up, job]), [])
        [container] = job["spec"]["template"]["spec"]["containers"]
        words = ["import", "/backup/wardgate-staging-1.jsonl.age", "--identity-file", "/run/secrets/restore/identity"]
        self.assertEqual(container["args"], words)
        self.assertEqual([it["name"] for it in container["volumeMounts"]], ["keys", "backup", "identity"])
        self.assertEqual(cluster.ran[-1], "delete secret/wardgate-restore")


class Verbs(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        shim = self.folder / "kubectl"
        shim.write_text(SHIM, encoding="utf-8")
        shim.chmod(0o755)

    def say(self, *words: str, fails: str = "nothing") -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": f"{self.folder}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "infra"),
            "TOLD": str(self.folder),
            "FAILS": fails,
        }
        command = [sys.executable, "-m", "wardgate_infra.kubernetes.verbs", *words]
        return subprocess.run(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )

    def applied(self) -> list[list[Json]]:
        """What each apply was given, in their order."""
        given = sorted(self.folder.glob("applied.*"), key=lambda it: int(it.suffix[1:]))
        return [list(yaml.safe_load_all(it.read_text(encoding="utf-8"))) for it in given]

    def lines(self) -> list[str]:
        file = self.folder / "lines"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    def test_sa_19_a_deploy_migrates_by_its_image_before_a_server_of_it_starts(self) -> None:
        done = self.say("deploy", "--stage=staging", f"--image={IMAGE}", "--yes")
        self.assertEqual(done.returncode, 0, done.stderr)
        job = "job/wardgate-migration"
        lines = [
            f"delete {job} --ignore-not-found --cascade=foreground",
            "apply --server-side --filename=-",
            f"logs {job} --follow --pod-running-timeout=5m",
            f"wait {job} --for=condition=complete --timeout=30s",
            "apply --server-side --filename=-",
            "rollout status deployment/wardgate --timeout=300s",
        ]
        self.assertEqual(self.lines(), [f"{SPACE} {it}" for it in lines])
        self.assertEqual(done.stdout.splitlines(), [f"kubectl {SPACE} {it}" for it in lines])
        before, after = self.applied()
        self.assertIn("Job", [it["kind"] for it in before])
        self.assertEqual([it["kind"] for it in after], ["Deployment"])
        for document in (next(it for it in before if it["kind"] == "Job"), *after):
            pod = document["spec"]["template"]["spec"]
            self.assertEqual(pod["containers"][0]["image"], IMAGE)
            self.assertEqual(pod["volumes"][0]["secret"]["defaultMode"], 0o440)

    def test_sa_19_no_server_starts_where_the_migration_fails(self) -> None:
        for step in ("logs job/wardgate-migration", "wait job/wardgate-migration"):
            with self.subTest(step):
                done = self.say("deploy", "--stage=staging", f"--image={IMAGE}", "--yes", fails=step)
                self.assertEqual(done.returncode, 1)
                self.assertIn("The data is not migrated, and the release before goes on serving.", done.stderr)
        self.assertFalse([it for it in self.applied() if any(one["kind"] == "Deployment" for one in it)])

    def test_sa_20_migrations_alone_start_no_server(self) -> None:
        done = self.say("migrate", "--stage=staging", f"--image={IMAGE}", "--yes")
        self.assertEqual(done.returncode, 0, done.stderr)
        [applied] = self.applied()
        self.assertNotIn("Deployment", [it["kind"] for it in applied])

    def test_sa_20_a_backup_is_what_each_night_does_now(self) -> None:
        done = self.say("backup", "--stage=staging")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"{SPACE} create job wardgate-backup-now --from=cronjob/wardgate-backup", self.lines())

    def test_sa_20_a_restore_wants_a_file_of_a_stage_that_has_backups(self) -> None:
        given = ("restore", "--stage=staging", f"--image={IMAGE}", "--yes")
        for file, said in (("../keys", "no name in the backup's volume"), ("a.age", "lacks the component backup")):
            done = self.say(*given, f"--file={file}")
            self.assertEqual((done.returncode, self.lines()), (1, []), done.stdout)
            self.assertIn(said, done.stderr)

    def test_sa_20_a_rollout_that_fails_says_how_to_go_back(self) -> None:
        done = self.say("deploy", "--stage=staging", f"--image={IMAGE}", "--yes", fails="rollout status")
        self.assertEqual(done.returncode, 1)
        self.assertIn("make rollback ON=kubernetes STAGE=staging", done.stderr)

    def test_sa_20_a_tag_is_refused_before_anything_is_applied(self) -> None:
        for image in ("wardgate-server:0.1.0", ""):
            done = self.say("deploy", "--stage=staging", f"--image={image}", "--yes")
            self.assertEqual((done.returncode, self.lines()), (1, []))
            self.assertIn("not by digest", done.stderr)

    def test_sa_20_nothing_is_changed_without_a_yes_or_on_a_dry_run(self) -> None:
        done = self.say("rollback", "--stage=production")
        self.assertIn("YES=1", done.stderr)
        dry = self.say("rollback", "--stage=production", "--dry-run")
        self.assertEqual((dry.returncode, self.lines()), (0, []))
        self.assertIn("kubectl --namespace=wardgate-production rollout undo deployment/wardgate", dry.stdout)

    def test_sa_20_the_others_ask_and_change_nothing(self) -> None:
        for verb in ("status", "version", "logs"):
            self.assertEqual(self.say(verb, "--stage=staging").returncode, 0, verb)
        self.assertEqual([it.split()[1] for it in self.lines()], ["get", "rollout", "get", "rollout", "logs"])
        self.assertFalse([it for it in self.lines() if "apply" in it or "undo" in it])
        self.assertEqual(self.say("status", "--stage=staging", fails="rollout status").returncode, 1)
