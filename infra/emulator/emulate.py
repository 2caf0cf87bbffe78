"""Deploys a stage to an emulator of AWS on this machine: `make emulate`, and with --test `make test-deploy`.

The first is stage development, to try things out. The second is staging and production with the parameters of their own
files, and an upgrade from the previous release. Whatever is deployed is deployed by the operator's own commands. The
binaries are the real ones, of cargo's profile `ci`. Each runs with the rights of its own role.
"""

import os
import platform
import shutil
import signal
import socket
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).resolve().parents[2] / "tests/emulated")]

import binaries  # noqa: E402
import checks  # noqa: E402
from deployment import ARCHITECTURES, Deployment  # noqa: E402
from emulator import Emulator, Failed  # noqa: E402


def port(test):
    """A free port for a test, which runs beside others; otherwise always the same."""
    if not test:
        return int(os.environ.get("EMULATOR_PORT", "4566"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def interrupted(*_):
    raise KeyboardInterrupt


def say(text, began):
    print(f"{time.monotonic() - began:6.1f} s  {text}", flush=True)


def test(emulator, began):
    """Every stage, one after the other, in the same account."""
    previous = binaries.build_previous()
    fine = True
    for stage, its_checks in checks.STAGES.items():
        if stage == "development" and previous is None:
            print("NOT RUN: the upgrade from the previous release, whose commit is not here: git fetch --unshallow")
            # A clone without history cannot know it; in any other, infra/previous-release is wrong.
            fine &= binaries.is_without_history()
            continue
        fine &= checks.run(Deployment(emulator, stage), its_checks)
        say(f"{stage} is checked", began)
    if not fine:
        raise Failed(f"The logs stay in {emulator.folder}.")


def serve(emulator):
    """Keeps development running."""
    development = Deployment(emulator, "development")
    development.verify_mail_identity()
    print(development.deploy(), flush=True)
    print(f"\nThe API answers on {development.url}. Paste these lines into another terminal:\n")
    print(development.tour)
    print(f"Mails that were sent: {emulator.endpoint}/_ministack/ses/messages")
    print("AWS's own tools and the operator's commands find everything with these variables:")
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        print(f"  export {name}={emulator.environment[name]}")
    print("Ctrl-C ends it; nothing is kept.", flush=True)
    emulator.process.wait()
    raise Failed(f"The emulator has stopped. Its last words are in {emulator.log}.")


def main():
    is_test = sys.argv[1:] == ["--test"]
    if platform.machine() not in ARCHITECTURES:
        raise Failed(f"There is no architecture of Lambda for {platform.machine()}.")
    # A profile of this shell, which the SDK would look for.
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    began = time.monotonic()
    emulator = Emulator(port(is_test))
    keep = True
    try:
        binaries.build()
        say("built", began)
        emulator.start()
        say("the emulator answers", began)
        if is_test:
            test(emulator, began)
        else:
            serve(emulator)
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


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupted)
    # A terminal's, or a job in the background would ignore Ctrl-C.
    signal.signal(signal.SIGINT, interrupted)
    try:
        main()
    except Failed as failure:
        sys.exit(f"wardgate: {failure}")
    except KeyboardInterrupt:
        sys.exit("wardgate: interrupted" if "--test" in sys.argv else 0)
