"""What `make secrets` runs: kingfisher over every file that git has or would take, and over every version of each that
any commit has. It asks nobody whether a key still works, and what it prints never has the secret itself."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from wardgate_infra import ROOT, TARGET, Failed, Json

KINGFISHER = ROOT / ".tools/kingfisher/bin/kingfisher"
ALLOWED = ROOT / "infra/secrets.toml"
OWN_RULES = ROOT / "infra/tools/kingfisher"
# Nothing found, and something found.
EXPECTED = (0, 200)
# A scan takes seconds. One that hangs must not hold up everything else.
SECONDS = 300


@dataclass(frozen=True)
class Finding:
    """Something that looks like a secret: which rule says so, and where it is."""

    rule: str
    sha256: str
    path: str
    line: int
    commit: str | None

    def __str__(self) -> str:
        where = f"commit {self.commit[:12]}" if self.commit else "the files"
        return f"{self.path}:{self.line}, {where}: {self.rule}, sha256 {self.sha256}"


@dataclass(frozen=True)
class Allowed:
    """A finding that may stay, and why."""

    rule: str
    sha256: str
    path: str
    reason: str


def allowed(text: str) -> list[Allowed]:
    """The list of what may stay."""
    entries = [Allowed(**entry) for entry in tomllib.loads(text).get("allowed", [])]
    for entry in entries:
        if not entry.reason.strip():
            raise Failed(f"{entry.path} is allowed in infra/secrets.toml without a reason.")
    return entries


def read(report: Json, tree: Path) -> list[Finding]:
    """kingfisher's report, without the secrets that it has found."""
    found = []
    for entry in report["findings"]:
        it = entry["finding"]
        path = Path(it["path"])
        found.append(
            Finding(
                entry["rule"]["id"],
                hashlib.sha256(it["snippet"].encode()).hexdigest(),
                str(path.relative_to(tree) if path.is_relative_to(tree) else path),
                it["line"],
                it["git_metadata"]["commit"]["id"] if it.get("git_metadata") else None,
            )
        )
    return sorted(set(found), key=lambda it: (it.path, it.line, it.commit or ""))


def judge(found: list[Finding], listed: list[Allowed]) -> list[str]:
    """What is wrong: secrets that nobody has allowed, and allowances of what is not there."""
    known, there = {(it.rule, it.sha256) for it in listed}, {(it.rule, it.sha256) for it in found}
    wrong = [str(it) for it in found if (it.rule, it.sha256) not in known]
    wrong += [
        f"{it.path} is allowed in infra/secrets.toml and was not found: delete the entry"
        for it in listed
        if (it.rule, it.sha256) not in there
    ]
    return wrong


def copy_tree(root: Path, tree: Path) -> None:
    """The files that git has, or would take: what it ignores is never committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.check_output(command, cwd=root, text=True).split("\0"):
        file = root / name
        # What was deleted and not committed yet is in the history.
        if name and file.is_file() and not file.is_symlink():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, tree / name)


def scan(root: Path, rules: Path, binary: Path = KINGFISHER) -> list[Finding]:
    """Everything in a repository's files and history that looks like a secret."""
    if subprocess.check_output(["git", "rev-parse", "--is-shallow-repository"], cwd=root, text=True).strip() == "true":
        raise Failed("This clone has not the whole history: git fetch --unshallow")
    with tempfile.TemporaryDirectory() as folder:
        tree, history, report = (Path(folder).resolve() / it for it in ("tree", "history.git", "report.json"))
        copy_tree(root, tree)
        # A work tree beside another has no history of its own, and this has every branch.
        subprocess.run(["git", "clone", "--quiet", "--mirror", "--shared", root, history], check=True)
        command: list[str | Path] = [binary, "scan", tree, history, "--rules-path", OWN_RULES, "--confidence", "low"]
        command += ["--no-validate", "--no-update-check", "--no-ignore", "--no-dedup"]
        command += ["--format", "json", "--output", report]
        environment = {**os.environ, "KF_RULE_CACHE_DIR": str(rules)}
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS)
        if result.returncode not in EXPECTED or not report.exists():
            raise Failed(f"kingfisher ended with {result.returncode}:\n{result.stderr}")
        return read(json.loads(report.read_text(encoding="utf-8")), tree)


def main() -> None:
    try:
        found = scan(ROOT, TARGET / "secret-rules")
        wrong = judge(found, allowed(ALLOWED.read_text(encoding="utf-8")))
    except Failed as failed:
        sys.exit(str(failed))
    if wrong:
        print(*wrong, sep="\n")
        sys.exit(
            "A secret that was committed is known to whoever has a clone: replace it first, then take it out. What is "
            "none goes into infra/secrets.toml, with its reason."
        )
    secrets = len({it.sha256 for it in found})
    print(f"Files and history have no secret but the {secrets} that infra/secrets.toml gives a reason for.")


if __name__ == "__main__":
    main()
