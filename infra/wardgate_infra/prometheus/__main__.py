"""`make validate-standalone`: what Debian's Prometheus and Alertmanager say of infra/prometheus, at first by itself and
then with the real server.
"""

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import yaml

from wardgate_infra import ROOT, TARGET, Failed
from wardgate_infra.operate.terminal import say
from wardgate_infra.prometheus import live, processes

FOLDER = ROOT / "infra/prometheus"
# Whoever gets an alert of a severity.
ROUTES = {"page": "page", "warn": "warn"}


def checked(command: Sequence[str | Path]) -> str:
    """What a tool prints, if it is content."""
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}")
    return done.stdout


def static() -> None:
    """Rules, their tests and both configurations."""
    files = sorted((FOLDER / "rules").glob("*.yaml"))
    found = re.findall(r"(\d+) rules found", checked(["promtool", "check", "rules", *files]))
    checked(["promtool", "check", "config", "prometheus.yaml"])
    tests = sorted((FOLDER / "tests").glob("*.yaml"))
    checked(["promtool", "test", "rules", *tests])
    cases = sum(len(yaml.safe_load(it.read_text(encoding="utf-8"))["tests"]) for it in tests)
    say(f"promtool: {' and '.join(found)} rules, {cases} cases pass")
    checked(["amtool", "check-config", "alertmanager.yaml"])
    for severity, receiver in ROUTES.items():
        route = ["amtool", "config", "routes", "test", "--config.file=alertmanager.yaml"]
        told = checked([*route, f"--verify.receivers={receiver}", f"severity={severity}", "stage=production"])
        say(f"amtool: {severity} goes to {told.strip()}")


def built() -> Path:
    """The server with its embedded store, as `make run` builds it."""
    command = ["cargo", "build", "--quiet", "--package", "wardgate-server", "--features", "dev"]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise Failed("The build failed, as above.")
    return TARGET / "debug/wardgate-server"


def main() -> None:
    parser = argparse.ArgumentParser(prog="make validate-standalone")
    parser.add_argument("--server", type=Path, help="a binary with the cargo feature dev; built if there is none")
    given = parser.parse_args().server
    began = time.monotonic()
    try:
        if lacking := processes.missing():
            raise Failed(
                f"This check needs Debian's packages {' and '.join(lacking)}: "
                f"apt-get install --no-install-recommends {' '.join(lacking)}"
            )
        if given and not given.is_file():
            raise Failed(f"There is no {given}.")
        static()
        live.run(given.resolve() if given else built())
    except Failed as failed:
        sys.exit(str(failed))
    say(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
