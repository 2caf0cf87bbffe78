"""`make compose` and `make validate-compose`, as the Makefile calls them."""

import argparse
import os
import sys
from pathlib import Path

from wardgate_infra import ROOT, Failed
from wardgate_infra.compose import layout, trial
from wardgate_infra.operate.terminal import say


def main() -> None:
    parser = argparse.ArgumentParser(prog="wardgate-compose", description=__doc__)
    parser.add_argument("verb", choices=("lay-out", "try"))
    parser.add_argument("--server", type=Path, required=True, help="a binary with the cargo feature dev")
    options = parser.parse_args()
    server = options.server.resolve()
    try:
        if not server.is_file():
            raise Failed(f"There is no {server}.")
        if options.verb == "try":
            trial.run(server)
            return
        out = layout.laid_out(ROOT / ".wardgate", server)
        say(f"store and keys are in {out.relative_to(ROOT)}")
        say(f"WARDGATE_USER={os.getuid()}:{os.getgid()} docker compose up --build --wait")
    except Failed as failed:
        sys.exit(str(failed))


if __name__ == "__main__":
    main()
