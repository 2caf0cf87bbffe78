"""Deploys stage development to an emulator of AWS on this machine, to try things out: `make emulate`.

It is deployed by the operator's own commands. The binaries are the real ones, of cargo's profile `ci`. Each runs
with the rights of its own role.
"""

import os
import platform
import shutil
import signal
import sys
import time
from collections.abc import Callable

from wardgate_infra import Failed
from wardgate_infra.emulator import binaries
from wardgate_infra.emulator.deployment import ARCHITECTURES, Deployment
from wardgate_infra.emulator.emulator import Emulator
from wardgate_infra.emulator.tour import tour


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def say(text: str, began: float) -> None:
    print(f"{time.monotonic() - began:6.1f} s  {text}", flush=True)


def serve(emulator: Emulator, _began: float) -> None:
    """Keeps development running."""
    development = Deployment(emulator, "development")
    development.verify_mail_identity()
    print(development.deploy(), flush=True)
    print(f"\nThe API answers on {development.url}. Paste these lines into another terminal:\n")
    print(tour(development.url))
    print(f"Mails that were sent: {emulator.endpoint}/_ministack/ses/messages")
    print("AWS's own tools and the operator's commands find everything with these variables:")
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        print(f"  export {name}={emulator.environment[name]}")
    print("Ctrl-C ends it; nothing is kept.", flush=True)
    emulator.wait()
    raise Failed(f"The emulator has stopped. Its last words are in {emulator.log}.")


def emulate(port: int, work: Callable[[Emulator, float], None], build: Callable[[], None]) -> None:
    """Builds the functions and does something with an emulator, whose logs stay only where that fails."""
    if platform.machine() not in ARCHITECTURES:
        raise Failed(f"There is no architecture of Lambda for {platform.machine()}.")
    # A profile of this shell, which the SDK would look for.
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    began = time.monotonic()
    emulator = Emulator(port)
    keep = True
    try:
        build()
        say("built", began)
        emulator.start()
        say("the emulator answers", began)
        work(emulator, began)
        keep = False
    except KeyboardInterrupt:
        keep = False
        raise
    finally:
        # A second Ctrl-C must not leave functions behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        emulator.stop()
        if not keep:
            shutil.rmtree(emulator.folder)


def main(
    port: int,
    work: Callable[[Emulator, float], None],
    at_an_interrupt: str | int,
    build: Callable[[], None] = binaries.build,
) -> None:
    """What a process does that is nothing but this."""
    signal.signal(signal.SIGTERM, interrupted)
    # A terminal's, or a job in the background would ignore Ctrl-C.
    signal.signal(signal.SIGINT, interrupted)
    try:
        emulate(port, work, build)
    except Failed as failure:
        sys.exit(f"wardgate: {failure}")
    except KeyboardInterrupt:
        sys.exit(at_an_interrupt)


if __name__ == "__main__":
    main(int(os.environ.get("EMULATOR_PORT", "4566")), serve, 0)
