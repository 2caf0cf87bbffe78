"""The operator's commands, as the Makefile calls them: python -m wardgate_infra.operate <verb> --stage <stage> …

Each verb is a module beside this one with `arguments(parser)` and `run(stage, options)`.
"""

import argparse
import importlib
import sys

from botocore.exceptions import BotoCoreError, ClientError

from wardgate_infra import Failed
from wardgate_infra.operate import notices
from wardgate_infra.operate.stage import STAGES, Stage

VERBS = {
    "config": "the configuration that holds, key by key, and which layer set it",
    "set": "sets a key of the configuration while a stage runs, or takes it back",
    "logs": "what functions log",
    "status": "how a stage is; fails if something is wrong",
    "version": "what a stage runs, since when and by whom",
    "candidate": "lays out what staging runs, for production",
    "pipeline": "lets GitHub Actions deploy a stage",
    "watch-alarms": "fails if an alarm of a stage rings",
    "preflight": "whether an account has what a deploy needs; fails if a deploy would",
    "deploy": "deploys a release to a stage",
    "rollback": "makes the release before this one live again",
    "destroy": "takes a stage away, its code alone or with its data",
    "backup": "Back up both tables now",
    "restore": "Restore the table to a time, and switch over to it",
    "restore-test": "look at what AWS Backup restores each month for a test",
    "failover": "have the second region take over, or the first one take it back",
    "migrate": "Apply migrations of the data, or take them back",
    "rotate": "make the next keys, or take a key out of use at once",
    "rotate-edge": "make the next secret by which functions know the edge",
    "edge-probe": "what only a real account can tell of the edge",
    "load": "sign people of a seed in at a steady rate, not in production",
    "backup-keys": "copy every key ring into an encrypted file",
    "restore-keys": "put lost key rings back from such a file",
    "smoke": "take a synthetic user through what is live",
    "verify": "asks a stage as a client does, by its own address",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="wardgate", description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    modules = {}
    for name, description in VERBS.items():
        verb = verbs.add_parser(name, description=description, help=description)
        verb.add_argument("--stage", required=True, choices=STAGES)
        modules[name] = importlib.import_module(f"wardgate_infra.operate.{name.replace('-', '_')}")
        modules[name].arguments(verb)
    options = parser.parse_args()
    stage = Stage(options.stage)
    with notices.told(stage, options.verb, options):
        modules[options.verb].run(stage, options)


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"wardgate: {failure}")
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"wardgate: AWS refused or did not answer: {error}")
    except KeyboardInterrupt:
        sys.exit("wardgate: interrupted")
