"""The functions' binaries: this checkout's, of cargo's profile `ci`, and those of the release before it."""

import functools
import os
import shutil
import subprocess
from pathlib import Path

from wardgate_infra import ROOT, TARGET, Failed, functions

# Not target/lambda: what is there will be deployed.
ARTIFACTS = TARGET / "emulator/lambda"
PREVIOUS = TARGET / "emulator/previous"
PROFILE = "ci"
# The commit of the release that stages run before this one. `make test-deploy` upgrades from it.
PREVIOUS_RELEASE = ROOT / "infra/previous-release"
# What Cargo.toml says of the profile now, and did not in that release.
AS_SMALL_AS_OTHERS = [
    argument
    for package in ("hashing", "smoke")
    for argument in ("--config", f'profile.ci.package.{package}.opt-level="z"')
]


def build() -> None:
    """Builds every function; or takes what BINARIES has, a folder of another build."""
    if given := os.environ.get("BINARIES"):
        collect(ROOT, Path(given), ARTIFACTS)
        return
    if not (TARGET / PROFILE).exists():
        print("The first build takes a few minutes.", flush=True)
    compile_functions(ROOT)
    collect(ROOT, TARGET / PROFILE, ARTIFACTS)


def build_previous() -> tuple[Path, Path] | None:
    """The previous release's source and functions, which are kept between runs; None where its commit is not in the
    clone. Before this checkout's, whose crates it would have built once more."""
    commit = PREVIOUS_RELEASE.read_text(encoding="utf-8").strip()
    source, built = PREVIOUS / commit / "source", PREVIOUS / commit / "lambda"
    if built.exists():
        return source, built
    git = functools.partial(subprocess.run, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    if shutil.which("git") is None or git(["git", "cat-file", "-e", f"{commit}^{{commit}}"]).returncode:
        return None
    print(f"The previous release, {commit[:12]}, is built once; this takes a few minutes.", flush=True)
    # What a run that was cut short has left.
    git(["git", "worktree", "remove", "--force", source])
    shutil.rmtree(PREVIOUS, ignore_errors=True)
    git(["git", "worktree", "prune"])
    if git(["git", "worktree", "add", "--detach", source, commit]).returncode:
        raise Failed(f"git worktree add {source} {commit} failed.")
    # Dependencies are shared with this checkout's build. The crates of both have the same names there, and cargo takes
    # one release's for the other's where their manifests are equal.
    forget_own_crates()
    compile_functions(source, *AS_SMALL_AS_OTHERS)
    # Renamed at the end: what is there is whole.
    collect(source, TARGET / PROFILE, built.with_name("unfinished"))
    forget_own_crates()
    built.with_name("unfinished").rename(built)
    return source, built


def is_without_history() -> bool:
    """Whether this is no clone of git's, or a shallow one."""
    command = ["git", "rev-parse", "--is-shallow-repository"]
    if shutil.which("git") is None:
        return True
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return shown.stdout.strip() != "false"


def forget_own_crates() -> None:
    """What is built of this checkout's crates."""
    command = ["cargo", "clean", "--quiet", "--workspace", "--profile", PROFILE]
    environment = os.environ | {"CARGO_TARGET_DIR": str(TARGET)}
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
        raise Failed("cargo clean failed, as above.")


def compile_functions(source: Path, *settings: str) -> None:
    """By their packages, as they are deployed."""
    packages = sorted(it.parent.name for it in (source / "functions").glob("*/Cargo.toml"))
    chosen = [argument for name in packages for argument in ("--package", name)]
    command = ["cargo", "build", "--profile", PROFILE, "--bins", *settings, *chosen]
    environment = os.environ | {"CARGO_TARGET_DIR": str(TARGET)}
    if subprocess.run(command, cwd=source, env=environment, check=False).returncode:
        raise Failed("The build failed, as above.")


def collect(source: Path, built: Path, folder: Path) -> None:
    """Puts each binary where a function's code is expected."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in functions(source):
        (folder / name).mkdir(parents=True)
        os.link(built / name, folder / name / "bootstrap")
