"""`make validate-kubernetes`: kustomize, the API's own schemas, checkov, and our rules, for each stage."""

import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from wardgate_infra import ROOT, Failed
from wardgate_infra.kubernetes import rules
from wardgate_infra.operate.terminal import say

FOLDER = ROOT / "infra/kubernetes"
TOOLS = ROOT / ".tools/standalone/bin"
CHECKOV = ROOT / ".tools/checkov/bin/checkov"
STAGES = ("staging", "production")
# The newest that the validator has schemas of.
VERSIONS = ("1.37", "1.36", "1.35")


def called(*command: str | Path) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}")
    return done.stdout


def rendered(stage: str) -> str:
    """A stage's manifests as they are applied."""
    return called(TOOLS / "kubectl", "kustomize", FOLDER / stage)


def judged(stage: str, folder: Path) -> None:
    file = folder / f"{stage}.yaml"
    file.write_text(rendered(stage), encoding="utf-8")
    documents = list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    for version in VERSIONS:
        called(TOOLS / "kubernetes-validate", "--strict", "--kubernetes-version", version, file)
    # It must not ask a server for policies.
    called(CHECKOV, "--framework", "kubernetes", "--file", file, "--skip-download", "--compact", "--quiet")
    if wrong := rules.broken(documents):
        raise Failed("\n".join([f"{stage}:", *(f"  {it}" for it in wrong)]))
    say(f"{stage}: {len(documents)} documents; API {', '.join(VERSIONS)}, checkov and {len(rules.RULES)} rules: fine")


def main() -> None:
    try:
        with tempfile.TemporaryDirectory(prefix="wardgate-kubernetes-") as name:
            for stage in STAGES:
                judged(stage, Path(name))
    except Failed as failed:
        sys.exit(str(failed))


if __name__ == "__main__":
    main()
