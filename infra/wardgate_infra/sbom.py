"""What `make sbom` runs: a CycloneDX bill of the crates that the functions of a build link, in target/sbom.

cargo-cyclonedx knows each crate's licence, hash and origin, but not which are linked: it takes the workspace's features
together, those of the server and the tests as well. cargo says which are, for the same packages as scripts/build.sh.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TypeAlias

from wardgate_infra import ROOT, TARGET, Json, functions

CYCLONEDX = ROOT / ".tools/cargo-cyclonedx/bin/cargo-cyclonedx"
TARGETS = {"x86_64": "x86_64-unknown-linux-gnu", "arm64": "aarch64-unknown-linux-gnu"}
# Name and version.
Crate: TypeAlias = tuple[str, str]
# cargo-cyclonedx writes it beside each manifest of the workspace.
FILE = "wardgate-sbom"


def linked(packages: list[str], target: str) -> set[Crate]:
    """Name and version of every crate that is in one of the binaries."""
    chosen = [argument for package in packages for argument in ("--package", package)]
    command = ["cargo", "tree", "--locked", *chosen, "--edges", "normal", "--target", target]
    command += ["--prefix", "none", "--no-dedupe", "--format", "{p}"]
    lines = subprocess.check_output(command, cwd=ROOT, text=True).splitlines()
    return {(name, version.removeprefix("v")) for name, version, *_ in (line.split() for line in lines if line)}


def described(packages: list[str], target: str) -> list[Json]:
    """What cargo-cyclonedx says of each function."""
    command: list[str | Path] = [
        CYCLONEDX,
        "cyclonedx",
        "--format",
        "json",
        "--spec-version",
        "1.5",
        "--target",
        target,
    ]
    command += ["--no-build-deps", "--override-filename", FILE, "--quiet"]
    try:
        subprocess.run(command, cwd=ROOT, check=True)
        return [json.loads((ROOT / f"functions/{name}/{FILE}.json").read_text(encoding="utf-8")) for name in packages]
    finally:
        for folder in ("*", "*/*"):
            for file in ROOT.glob(f"{folder}/{FILE}.json"):
                file.unlink()


def identity(component: Json) -> Crate:
    return component["name"], component["version"]


def merged(boms: list[Json], crates: set[Crate]) -> tuple[list[Json], list[Json]]:
    """One bill of the crates that are linked, each under its purl: other references have paths of this machine."""
    components: dict[str, Json] = {}
    edges: dict[str, set[str]] = {}
    purls: dict[str, str] = {}
    for bom in boms:
        own = bom["metadata"]["component"]
        for component in [own, *bom["components"]]:
            purls[component["bom-ref"]] = component["purl"].split("?")[0]
            if identity(component) in crates:
                purl = purls[component["bom-ref"]]
                # The parts of a package, which are one binary here.
                kept = {name: value for name, value in component.items() if name not in ("components", "bom-ref")}
                components[purl] = kept | {"bom-ref": purl, "purl": purl}
        for edge in bom["dependencies"]:
            targets = edges.setdefault(purls[edge["ref"]], set())
            targets |= {purls[it] for it in edge.get("dependsOn", []) if it in purls}
    dependencies = [
        {"ref": purl, "dependsOn": sorted(edges.get(purl, set()) & components.keys())} for purl in sorted(components)
    ]
    return [components[purl] for purl in sorted(components)], dependencies


def main(architecture: str) -> None:
    if architecture not in TARGETS:
        sys.exit(f"ARCH is x86_64 or arm64, not {architecture}.")
    packages = sorted(folder.parent.name for folder in ROOT.glob("functions/*/Cargo.toml"))
    crates = linked(packages, TARGETS[architecture])
    components, dependencies = merged(described(packages, TARGETS[architecture]), crates)
    if missing := crates - {identity(it) for it in components}:
        sys.exit(f"cargo links what cargo-cyclonedx does not know: {sorted(missing)}")
    version = next(it["version"] for it in components if it["name"] == "wardgate")
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "name": "wardgate-functions", "version": version},
            "properties": [{"name": "cdx:rustc:sbom:target:triple", "value": TARGETS[architecture]}],
        },
        "components": components,
        "dependencies": dependencies,
    }
    folder = TARGET / "sbom"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "wardgate.cdx.json"
    file.write_text(json.dumps(bom, indent=1) + "\n", encoding="utf-8")
    print(f"{os.path.relpath(file)}: {len(components)} crates in {len(functions())} functions")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 and sys.argv[1] else "x86_64")
