"""`make test-deploy`: staging and production with the parameters of their own files, and an upgrade from the previous
release, one after the other in the same account of an emulator that has a free port for itself."""

import socket

from emulated import stages
from wardgate_infra import Failed
from wardgate_infra.emulator import binaries
from wardgate_infra.emulator.deployment import Deployment
from wardgate_infra.emulator.emulate import main, say
from wardgate_infra.emulator.emulator import Emulator


def free_port() -> int:
    """A port that nobody listens on: tests run beside others."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test(emulator: Emulator, began: float) -> None:
    """Every stage, one after the other."""
    previous = binaries.build_previous()
    fine = True
    for stage, its_checks in stages.STAGES.items():
        if stage == "development" and previous is None:
            print("NOT RUN: the upgrade from the previous release, whose commit is not here: git fetch --unshallow")
            # A clone without history cannot know it; in any other, infra/previous-release is wrong.
            fine &= binaries.is_without_history()
            continue
        fine &= stages.run(Deployment(emulator, stage), its_checks)
        say(f"{stage} is checked", began)
    if not fine:
        raise Failed(f"The logs stay in {emulator.folder}.")


if __name__ == "__main__":
    main(free_port(), test, "wardgate: interrupted")
