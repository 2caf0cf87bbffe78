"""`make validate-kubernetes`: kustomize, the API's own schemas, checkov, and our rules, for each stage."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from wardgate_infra import ROOT, Failed, Json
from wardgate_infra.kubernetes import rules
from wardgate_infra.operate.terminal import say

FOLDER = ROOT / "infra/kubernetes"
TOOLS = ROOT / ".tools/standalone/bin"
CHECKOV = ROOT / ".tools/checkov/bin/checkov"
STAGES = ("staging", "production")
# The newest that the validator has schemas of.
VERSIONS = ("1.37", "1.36", "1.35")
GREEN = {
    "name": "wardgate-server-green",
    "newName": "registry.example.com/wardgate-server",
    "digest": f"sha256:{'1' * 64}",
}
# What a stage says of a component that it adds.
VARIANTS: dict[str, dict[str, list[Json]]] = {
    "gateway-api": {
        "patches": [
            {
                "target": {"kind": "HTTPRoute", "name": "wardgate"},
                "patch": "- {op: replace, path: /spec/hostnames/0, value: auth.example.com}",
            }
        ]
    },
    "blue-green": {
        "images": [GREEN],
        "patches": [
            {
                "target": {"kind": "Deployment", "name": "wardgate-green"},
                "patch": "- op: replace\n  path: /spec/template/spec/containers/0/resources/limits\n"
                "  value: {cpu: '2', memory: 1Gi}\n",
            }
        ],
    },
}


def called(*command: str | Path) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}")
    return done.stdout


def rendered(stage: str) -> str:
    """A stage's manifests as they are applied."""
    return called(TOOLS / "kubectl", "kustomize", FOLDER / stage)


def varied(stage: str, component: str, folder: Path) -> str:
    """A stage's manifests with one component more, and the lines that docs/operations/standalone.md has a stage say."""
    kubernetes = folder / component
    shutil.copytree(FOLDER, kubernetes)
    file = kubernetes / stage / "kustomization.yaml"
    said: Json = yaml.safe_load(file.read_text(encoding="utf-8"))
    said["components"].append(f"../components/{component}")
    for field, lines in VARIANTS[component].items():
        said.setdefault(field, []).extend(lines)
    file.write_text(yaml.safe_dump(said), encoding="utf-8")
    return called(TOOLS / "kubectl", "kustomize", kubernetes / stage)


def judged(stage: str, manifests: str, folder: Path) -> None:
    file = folder / "judged.yaml"
    file.write_text(manifests, encoding="utf-8")
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
                judged(stage, rendered(stage), Path(name))
            for component in VARIANTS:
                judged(f"production with {component}", varied("production", component, Path(name)), Path(name))
    except Failed as failed:
        sys.exit(str(failed))


if __name__ == "__main__":
    main()
