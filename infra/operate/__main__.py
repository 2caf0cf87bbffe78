"""The operator's commands, as the Makefile calls them: python infra/operate <verb> --stage <stage> …

Each verb is a module beside this one with `arguments(parser)` and `run(stage, options)`.
"""

import argparse
import importlib
import sys

from botocore.exceptions import BotoCoreError, ClientError
from stage import STAGES, Failed, Stage

VERBS = {
    "smoke": "take a synthetic user through what is live",
}


def main():
    parser = argparse.ArgumentParser(prog="wardgate", description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    modules = {}
    for name, description in VERBS.items():
        verb = verbs.add_parser(name, description=description, help=description)
        verb.add_argument("--stage", required=True, choices=STAGES)
        modules[name] = importlib.import_module(name.replace("-", "_"))
        modules[name].arguments(verb)
    options = parser.parse_args()
    modules[options.verb].run(Stage(options.stage), options)


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"wardgate: {failure}")
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"wardgate: AWS refused or did not answer: {error}")
    except KeyboardInterrupt:
        sys.exit("wardgate: interrupted")
