"""`make candidate`: what staging runs, as production would get it. Refuses unless it is of a given commit, and lays out
its binaries for whoever verifies who has built them."""

import argparse
import hashlib
import io
import os
import shutil
import zipfile
from pathlib import Path

from wardgate_infra import ROOT, Failed
from wardgate_infra.operate import promotion, terminal
from wardgate_infra.operate import release as releases
from wardgate_infra.operate.release import Artifacts
from wardgate_infra.operate.stage import Stage


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--commit", required=True, help="the commit that staging has to run, in full")


def run(stage: Stage, options: argparse.Namespace) -> None:
    own = releases.artifacts(stage)
    # Staging's, where it is in an account of its own.
    source = releases.Artifacts(stage, os.environ.get("ARTIFACT_BUCKET") or own.bucket)
    live = source.read("stages/staging/live.json")
    if reason := promotion.unproven(live):
        raise Failed(f"Production takes what staging runs, and {reason}. Make staging well first.")
    manifest = source.manifest(live["artifact"])
    # The same artifact may be of several commits: what was deployed last is what counts.
    commit = live.get("commit", manifest["commit"])
    if commit != options.commit:
        raise Failed(
            f"Staging runs commit {commit}, not {options.commit}. Tag what staging runs, or let develop's pipeline "
            "deploy the commit first."
        )
    folder = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "candidate"
    shutil.rmtree(folder, ignore_errors=True)
    for function, digest in manifest["functions"].items():
        unpack(source, function, digest, folder)
    (folder / "artifact").write_text(live["artifact"], encoding="utf-8")
    terminal.say(f"artifact {live['artifact']} of commit {commit}, {len(manifest['functions'])} binaries in {folder}")


def unpack(source: Artifacts, function: str, digest: str, folder: Path) -> None:
    """A function's binary, out of the archive that the manifest names."""
    key = f"functions/{function}/{digest}.zip"
    code = source.s3.get_object(Bucket=source.bucket, Key=key)["Body"].read()
    if hashlib.sha256(code).hexdigest() != digest:
        raise Failed(f"{key} in {source.bucket} is not what its name says. Somebody has changed it: deploy nothing.")
    (folder / function).mkdir(parents=True)
    with zipfile.ZipFile(io.BytesIO(code)) as archive:
        (folder / function / "bootstrap").write_bytes(archive.read("bootstrap"))
