"""`make image` and `make validate-image`, as the Makefile calls them."""

import argparse
import sys
import time
from pathlib import Path

from wardgate_infra import Failed
from wardgate_infra.image import build, trial
from wardgate_infra.operate.terminal import say


def main() -> None:
    parser = argparse.ArgumentParser(prog="wardgate-image", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    building = verbs.add_parser("build", help="builds the image")
    building.add_argument("--tag")
    building.add_argument("--release", action="store_true", help="refuse a base without a digest")
    building.add_argument("--dry-run", action="store_true", help="print the command that would build")
    trying = verbs.add_parser("try", help="lints the Dockerfile, builds its last stage of a binary, and runs that")
    trying.add_argument("--server", type=Path, required=True, help="a binary of the server for this machine")
    trying.add_argument("--engine", type=Path, help="one with the cargo feature dev, for the store; else the same")
    options = parser.parse_args()
    began = time.monotonic()
    try:
        if options.verb == "build":
            build.run(options.tag, options.release, options.dry_run)
        else:
            trial.run(options.server.resolve(), (options.engine or options.server).resolve())
            say(f"{time.monotonic() - began:.0f} s")
    except Failed as failed:
        sys.exit(str(failed))


if __name__ == "__main__":
    main()
