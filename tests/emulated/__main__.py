"""`make test-deploy`: staging and production with the parameters of their own files, one after the other in the same
account of an emulator that has a free port for itself; and beside them, in an account of its own, an upgrade from the
previous release. `make test-regions` is a stage of two regions alone."""

import contextlib
import functools
import socket
import subprocess
import sys
from collections.abc import Iterator

from emulated import stages
from wardgate_infra import TARGET, Failed
from wardgate_infra.emulator import binaries
from wardgate_infra.emulator.deployment import Deployment
from wardgate_infra.emulator.emulate import main, say
from wardgate_infra.emulator.emulator import Emulator

ONE_AFTER_THE_OTHER = ("staging", "production")
UPGRADED = "development"
# Staging, in an account of its own.
REGIONS = "regions"


def free_port() -> int:
    """A port that nobody listens on: tests run beside others."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def build() -> None:
    """Both releases, before anything runs: cargo would wait for nobody."""
    previous = binaries.build_previous()
    binaries.build()
    if previous is None:
        print("NOT RUN: the upgrade from the previous release, whose commit is not here: git fetch --unshallow")
        # A clone without history cannot know it; in any other, infra/previous-release is wrong.
        if not binaries.is_without_history():
            raise Failed("infra/previous-release names no commit of this repository.")


def test(names: tuple[str, ...], emulator: Emulator, began: float) -> None:
    """These stages, one after the other."""
    failed: list[str] = []
    for stage in names:
        name = "staging" if stage == REGIONS else stage
        failed += stages.run(Deployment(emulator, name), stages.STAGES[stage])
        say(f"{stage} is checked", began)
    if failed:
        # Once more, at the end: there is much between, and of a long output people are often shown the end.
        raise Failed("\n".join(["What failed:", *failed, f"The logs stay in {emulator.folder}."]))


@contextlib.contextmanager
def upgrade_beside() -> Iterator[None]:
    """The upgrade in a process of its own, which says at the end what it has seen."""
    log = TARGET / "emulator/upgrade.log"
    command = [sys.executable, "-m", "emulated", UPGRADED]
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)
    try:
        yield
        process.wait()
    finally:
        # It takes its emulator along.
        process.terminate()
        process.wait()
        print(log.read_text(encoding="utf-8", errors="replace"), end="", flush=True)
    if process.returncode != 0:
        raise Failed("The upgrade from the previous release failed, as above.")


def test_all(emulator: Emulator, began: float) -> None:
    with contextlib.nullcontext() if binaries.build_previous() is None else upgrade_beside():
        test(ONE_AFTER_THE_OTHER, emulator, began)


if __name__ == "__main__":
    if sys.argv[1:]:
        # Beside the others, what these need is built already.
        build = binaries.build if REGIONS in sys.argv else lambda: None
        main(free_port(), functools.partial(test, tuple(sys.argv[1:])), "wardgate: interrupted", build)
    else:
        main(free_port(), test_all, "wardgate: interrupted", build)
