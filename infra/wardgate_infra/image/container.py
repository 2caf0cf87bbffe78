"""The last stage of the Dockerfile, built of a binary of this machine, and a container of it that may do nothing."""

import contextlib
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from wardgate_infra import ROOT, Failed, Json

IMAGE = "localhost/wardgate-server:trial"
# Binaries, and the Debian packages that have them.
TOOLS = {"buildah": "buildah", "podman": "podman", "runc": "runc"}
# runc and no systemd: what works as root on a machine that is a container itself.
PODMAN = ["podman", "--runtime=runc", "--cgroup-manager=cgroupfs"]
# What a cluster allows, and less: the memory of staging's limit is twice this.
CONFINED = [
    "--read-only",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
    "--memory=256m",
    "--pids-limit=64",
    "--ulimit=nofile=4096:4096",
    "--ulimit=nproc=512:512",
]


def missing() -> list[str]:
    """The Debian packages that this machine lacks."""
    return sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None})


def called(command: Sequence[str | Path], folder: Path = ROOT) -> str:
    """What a command prints, if it succeeds."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}")
    return done.stdout


def libraries(binary: Path) -> list[Path]:
    """What a binary needs beside it: nothing if it is linked as the Dockerfile does."""
    said = subprocess.run(["ldd", binary], capture_output=True, text=True, check=False)
    return [Path(it) for it in re.findall(r"(/\S+) \(0x", said.stdout)]


def built(server: Path) -> list[Path]:
    """Builds the last stage with the binary in place of what the first would have made. Gives the libraries that had to
    be laid beside it."""
    beside = libraries(server)
    with tempfile.TemporaryDirectory(prefix="wardgate-image-") as name:
        image = Path(name) / "image"
        image.mkdir()
        shutil.copy2(server, image / "wardgate-server")
        for library in beside:
            laid = image / library.relative_to("/")
            laid.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(library, laid)
        # `scratch` for the base: the stage that it is for is not built.
        words = ["--build-arg=RUST=scratch", "--build-arg=VERSION=0.0.0", "--build-arg=REVISION=trial"]
        how = ["buildah", "build", "--quiet", "--isolation=chroot", "--format=docker", "--target=server"]
        called([*how, f"--build-context=build={name}", *words, f"--tag={IMAGE}", "--file=Dockerfile", name])
    return beside


def context() -> list[str]:
    """Every file that a build gets to see, by its path in the repository."""
    with tempfile.TemporaryDirectory(prefix="wardgate-context-") as name:
        listing = Path(name) / "Dockerfile"
        listing.write_text("FROM scratch\nCOPY . /\n", encoding="utf-8")
        tag = "localhost/wardgate-context:trial"
        how = ["buildah", "build", "--quiet", "--isolation=chroot", "--ignorefile=.dockerignore", f"--file={listing}"]
        called([*how, f"--tag={tag}", "."])
        working = called(["buildah", "from", tag]).strip()
        try:
            root = Path(called(["buildah", "mount", working]).strip())
            called(["cargo", "metadata", "--locked", "--offline", "--no-deps", "--format-version=1"], root)
            return sorted(str(it.relative_to(root)) for it in root.rglob("*") if it.is_file())
        finally:
            called(["buildah", "rm", working])
            called(["buildah", "rmi", tag])


def inspected(kind: str, name: str) -> Json:
    return json.loads(called([*PODMAN, kind, "inspect", name]))[0]


@contextlib.contextmanager
def running(name: str, variables: Mapping[str, str], secrets: Path) -> Iterator[None]:
    """A container on the network of this machine, which is gone afterwards."""
    words = [f"--env={key}={value}" for key, value in variables.items()]
    mounted = f"--volume={secrets}:/run/secrets/wardgate:ro"
    called([*PODMAN, "run", "--detach", f"--name={name}", "--network=host", *CONFINED, *words, mounted, IMAGE])
    try:
        yield
    except Failed as failed:
        said = subprocess.run([*PODMAN, "logs", name], capture_output=True, text=True, check=False)
        raise Failed(f"{failed}\nThe container said:\n{said.stdout}{said.stderr}") from failed
    finally:
        subprocess.run([*PODMAN, "rm", "--force", "--time=0", name], capture_output=True, check=False)
