"""`make image`: builds the image with docker or buildah, whichever is there."""

import os
import shutil
import subprocess
import tomllib

from wardgate_infra import ROOT, Failed
from wardgate_infra.image import pins
from wardgate_infra.operate.terminal import say

NAME = "wardgate-server"


def version() -> str:
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))["workspace"]
    said: str = workspace["package"]["version"]
    return said


def git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def revision() -> str:
    """The commit, and whether the checkout is more than that."""
    commit = git("rev-parse", "HEAD") or "unknown"
    return f"{commit}-changed" if git("status", "--porcelain", "--untracked-files=no") else commit


def tool() -> str:
    """docker if its daemon answers, else buildah, which needs none."""
    if shutil.which("docker") and not subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        return "docker"
    if shutil.which("buildah"):
        return "buildah"
    lacking = "the daemon of docker does not answer" if shutil.which("docker") else "docker is not installed"
    raise Failed(
        f"Building an image needs docker or buildah: {lacking}, and buildah is not installed (apt-get install buildah)."
    )


def command(builder: str, tag: str) -> list[str]:
    """What builds. What it makes is as old as the commit, not as the build."""
    time = os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct") or "0"
    said = {"RUST": pins.read()["rust"].reference, "VERSION": version(), "REVISION": revision()}
    if builder == "docker":
        # BuildKit knows the time by this name.
        said["SOURCE_DATE_EPOCH"] = time
    words = [f"--build-arg={name}={value}" for name, value in said.items()]
    how = ["docker", "buildx", "build", "--load"] if builder == "docker" else ["buildah", "build", "--format=docker"]
    # Without docker's own format there is no HEALTHCHECK in what buildah makes.
    when = [] if builder == "docker" else [f"--timestamp={time}"]
    return [*how, *when, "--target=server", *words, f"--tag={tag}", "."]


def run(tag: str | None, release: bool, dry_run: bool) -> None:
    for name, pin in pins.read().items():
        if pin.reason:
            say(f"{name}: {pin.reference.partition('@')[0]}: {pin.reason}")
    if release and not pins.read()["rust"].digest:
        raise Failed("The base has no digest, and a release is built of nothing that may change: infra/image/pins.toml")
    words = command(tool(), tag or f"{NAME}:{version()}")
    say(" ".join(words))
    if not dry_run and subprocess.run(words, cwd=ROOT, check=False).returncode:
        raise Failed("The build failed, as above.")
