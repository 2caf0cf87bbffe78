"""A message to whoever watches a stage, when somebody begins to do something to it and when that ends: who, what, and
how it went. It goes to the topic of what can wait. No value that was typed is in it, but what names a release, a ring
or a time."""

import argparse
import contextlib
import datetime
import time
from collections.abc import Callable, Iterator

from botocore.exceptions import BotoCoreError, ClientError

from wardgate_infra.operate.needs.finding import code
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.terminal import say

# What is told of each verb beside itself: options that name something, and never a value of a setting.
TOLD: dict[str, tuple[str, ...]] = {
    "backup-keys": (),
    "deploy": ("artifact",),
    "destroy": ("data",),
    "failover": ("to", "keep_sessions"),
    "migrate": ("to",),
    "restore-keys": ("overwrite",),
    "restore": ("to", "backup", "table", "switch_to"),
    "rollback": ("release",),
    "rotate": ("ring", "retire"),
    "rotate-edge": ("retire",),
    "set": ("key",),
}
# SNS takes a hundred characters, and no line break.
SUBJECT = 100


@contextlib.contextmanager
def told(
    stage: Stage, verb: str, options: argparse.Namespace, clock: Callable[[], float] = time.monotonic
) -> Iterator[None]:
    """Tells of what happens within, if it is worth it. That nobody can be told stops nothing."""
    if not is_told(verb, options):
        yield
        return
    typed = " ".join([f"make {verb} STAGE={stage.name}", *shown(verb, options)])
    began, outcome = clock(), "failed or was stopped"
    tell(stage, typed, "begins")
    try:
        yield
        outcome = "is done"
    finally:
        tell(stage, typed, f"{outcome}, after {clock() - began:.0f} s")


def is_told(verb: str, options: argparse.Namespace) -> bool:
    """Nobody is told of what only looks, nor of a new key, which the schedule makes as well."""
    only_looks = getattr(options, "dry_run", False)
    return verb in TOLD and not only_looks and (verb != "rotate" or bool(options.retire))


def shown(verb: str, options: argparse.Namespace) -> list[str]:
    given = ((name, getattr(options, name, None)) for name in TOLD[verb])
    return [f"{name.upper()}={value}" for name, value in given if value]


def tell(stage: Stage, typed: str, what: str) -> None:
    """Publishes one message. Before a stage's first deploy and after its last there is no topic."""
    try:
        who = str(stage.client("sts").get_caller_identity()["Arn"])
        _, partition, _, _, account, _ = who.split(":", 5)
        stage.client("sns").publish(
            TopicArn=f"arn:{partition}:sns:{stage.region}:{account}:wardgate-{stage.name}-warn",
            Subject=f"Wardgate {stage.name}: {typed.split()[1]} {what}"[:SUBJECT],
            Message=f"{typed}\n{what}\nby {who}\nat {datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M:%S} UTC",
        )
    except ClientError as error:
        if code(error) not in ("NotFound", "NotFoundException"):
            say(f"nobody was told that it {what}: {error}")
    except BotoCoreError as error:
        say(f"nobody was told that it {what}: {error}")
