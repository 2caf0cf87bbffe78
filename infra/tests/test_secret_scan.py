"""That `make secrets` finds what was planted, in files and in history, and lets nothing stay without a reason."""

import base64
import json
import random
import string
import subprocess
import tempfile
import unittest
from pathlib import Path

from wardgate_infra import TARGET, Failed
from wardgate_infra.secret_scan import Allowed, Finding, allowed, judge, read, scan

RULE = "betterleaks.aws-access-token"


def key(seed: int) -> str:
    """What looks like a key of AWS, and stands in no file."""
    chosen = random.Random(seed)  # noqa: S311 - it opens nothing
    name = "".join(chosen.choices(string.ascii_uppercase + "234567", k=16))
    secret = "".join(chosen.choices(string.ascii_letters + string.digits, k=40))
    return f"export AWS_ACCESS_KEY_ID=AKIA{name}\nexport AWS_SECRET_ACCESS_KEY={secret}\n"


class Planted(unittest.TestCase):
    def setUp(self) -> None:
        self.root = Path(self.enterContext(tempfile.TemporaryDirectory())) / "repository"
        self.git("init", "--quiet", str(self.root))
        (self.root / ".gitignore").write_text("ignored\n", encoding="utf-8")
        self.commit("begin")

    def git(self, *arguments: str) -> None:
        folder = self.root if self.root.exists() else self.root.parent
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def found(self) -> list[tuple[str, str, bool]]:
        """Rule, path, and whether it is in a commit."""
        findings = scan(self.root, TARGET / "secret-rules")
        return [(it.rule, it.path, it.commit is not None) for it in findings]

    def test_a_key_is_found_in_a_file_that_is_not_committed(self) -> None:
        self.assertEqual(self.found(), [])
        (self.root / "deploy.sh").write_text(key(1), encoding="utf-8")
        self.assertEqual(self.found(), [(RULE, "deploy.sh", False)])

    def test_a_key_is_found_in_the_history_after_its_file_is_gone(self) -> None:
        (self.root / "deploy.sh").write_text(key(2), encoding="utf-8")
        self.commit("plant")
        self.git("rm", "--quiet", "deploy.sh")
        self.commit("regret")
        self.assertEqual(self.found(), [(RULE, "deploy.sh", True)])

    def test_a_comment_hides_nothing_and_what_git_ignores_is_not_looked_at(self) -> None:
        text = key(3).replace("\n", " # kingfisher:ignore\n")
        (self.root / "deploy.sh").write_text(text, encoding="utf-8")
        (self.root / "ignored").write_text(key(4), encoding="utf-8")
        self.assertEqual(self.found(), [(RULE, "deploy.sh", False)])

    def test_a_key_ring_of_ours_is_found(self) -> None:
        secret = base64.b64encode(random.Random(5).randbytes(32)).decode()  # noqa: S311 - it opens nothing
        ring = {"session_mac": {"keys": [{"kid": "m1", "secret": secret, "sign_from": 1}]}}
        (self.root / "keys.json").write_text(json.dumps(ring), encoding="utf-8")
        self.assertEqual(self.found(), [("wardgate.key-ring", "keys.json", False)])

    def test_a_clone_without_its_history_is_refused(self) -> None:
        shallow = self.root.parent / "shallow"
        self.git("clone", "--quiet", "--depth", "1", f"file://{self.root}", str(shallow))
        with self.assertRaisesRegex(Failed, "whole history"):
            scan(shallow, TARGET / "secret-rules")


class Judged(unittest.TestCase):
    finding = Finding("betterleaks.jwt", "aa", "token.txt", 3, None)

    def test_only_the_very_text_is_allowed(self) -> None:
        entry = Allowed("betterleaks.jwt", "aa", "token.txt", "an example")
        self.assertEqual(judge([self.finding], [entry]), [])
        other = Finding("betterleaks.jwt", "bb", "token.txt", 4, "c0ffee" * 6)
        self.assertEqual(
            judge([self.finding, other], [entry]),
            ["token.txt:4, commit c0ffeec0ffee: betterleaks.jwt, sha256 bb"],
        )

    def test_an_entry_that_nothing_matches_is_told(self) -> None:
        self.assertIn("delete the entry", judge([], [Allowed("betterleaks.jwt", "aa", "token.txt", "an example")])[0])

    def test_an_entry_without_a_reason_is_refused(self) -> None:
        with self.assertRaisesRegex(Failed, "without a reason"):
            allowed('[[allowed]]\npath = "a"\nrule = "b"\nsha256 = "c"\nreason = " "\n')

    def test_a_report_is_read_without_its_secret(self) -> None:
        secret = key(6)
        report = {
            "findings": [
                {
                    "rule": {"id": RULE},
                    "finding": {"snippet": secret, "path": "/scan/tree/a/deploy.sh", "line": 7},
                }
            ]
        }
        (found,) = read(report, Path("/scan/tree"))
        self.assertEqual((found.path, found.line, found.commit), ("a/deploy.sh", 7, None))
        self.assertNotIn(secret, str(found))
