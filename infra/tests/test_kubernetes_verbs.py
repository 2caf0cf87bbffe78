"""The verbs of a cluster, against a kubectl that writes down what it is told. What an API server does is not shown."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import yaml

from wardgate_infra import ROOT

IMAGE = "registry.example.com/wardgate-server@sha256:" + "a" * 64
SHIM = """#!/bin/sh
printf '%s\\n' "$*" >>"$TOLD/lines"
case "$*" in *apply*) cat >"$TOLD/applied" ;; esac
case "$*" in *"$FAILS"*) exit 3 ;; esac
"""
SPACE = "--namespace=wardgate-staging"


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

    def lines(self) -> list[str]:
        file = self.folder / "lines"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    def test_sa_20_a_deploy_applies_the_image_by_digest_and_waits(self) -> None:
        done = self.say("deploy", "--stage=staging", f"--image={IMAGE}", "--yes")
        self.assertEqual(done.returncode, 0, done.stderr)
        applied = f"{SPACE} apply --server-side --filename=-"
        waited = f"{SPACE} rollout status deployment/wardgate --timeout=300s"
        self.assertEqual(self.lines(), [applied, waited])
        self.assertEqual(done.stdout.splitlines(), [f"kubectl {applied}", f"kubectl {waited}"])
        documents = list(yaml.safe_load_all((self.folder / "applied").read_text(encoding="utf-8")))
        [pod] = [it["spec"]["template"]["spec"] for it in documents if it["kind"] == "Deployment"]
        self.assertEqual(pod["containers"][0]["image"], IMAGE)
        self.assertEqual(pod["volumes"][0]["secret"]["defaultMode"], 0o440)

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
