"""`make rotate-edge`: the next secret by which functions know the edge, with nobody refused on the way (ED-03).

The functions take both, then the edge sends the new one, then the functions take that alone. Where it is stopped
between two of these, everything works, and the same command goes on. Twice it deploys what runs already, with the
parameters that the stage has, because a function learns of a secret by its next version.
"""

import argparse
from typing import Protocol

from wardgate_infra import Failed
from wardgate_infra.operate import aliases, audit, deploy, edge
from wardgate_infra.operate import release as releases
from wardgate_infra.operate.edge import Versions
from wardgate_infra.operate.needs.account import has_edge
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.terminal import confirm, say


class Way(Protocol):
    """What a rotation asks of the way from the edge to the functions."""

    def versions(self) -> Versions:
        """The secret's versions."""

    def make_next(self) -> None:
        """Makes the version that is to follow, if there is none."""

    def make_current(self) -> None:
        """Has the edge send the next version from now on, or a new one if there is none, whatever functions take."""

    def is_taken(self, version: str) -> bool:
        """Whether everything that answers takes a version."""

    def is_taken_alone(self, version: str) -> bool:
        """Whether everything that answers takes this version and no other."""

    def deploy(self) -> None:
        """Has the functions take the current version, and the next one if there is one."""

    def send(self, version: str) -> None:
        """Has the edge send a version, and comes back when it does everywhere."""


def rotate(way: Way) -> None:
    """Takes the steps that are left of a rotation, or of a new one if none is under way."""
    found = way.versions()
    if found.next is None and not way.is_taken_alone(found.current):
        say("going on with a rotation that was not finished")
        finish(way)
        return
    way.make_next()
    follows = way.versions().next
    if follows is None:
        raise Failed("The next version is gone again: somebody else rotates. This command again goes on.")
    if not way.is_taken(follows):
        say("the functions take both")
        way.deploy()
    if not way.is_taken(follows):
        raise Failed("Something that answers does not take the next secret. The edge sends the one before still.")
    say("the edge sends the next one")
    way.send(follows)
    way.make_current()
    finish(way)


def finish(way: Way) -> None:
    """What is left when the next version is the current one."""
    current = way.versions().current
    if way.is_taken(current):
        way.send(current)
    if not way.is_taken_alone(current):
        say("the functions take that one alone")
        way.deploy()
    way.send(current)


def retire(way: Way) -> None:
    """Takes the secret that is sent out of use at once. Until the edge sends the next one, everybody is refused."""
    way.make_current()
    current = way.versions().current
    say("the functions take the new one alone: from here everybody is refused, until the edge sends it")
    way.deploy()
    way.send(current)


class Stack:
    """A stage's own way."""

    def __init__(self, stage: Stage, parameters: str, *, at_once: bool) -> None:
        self.stage = stage
        self.secrets = edge.there(stage).client("secretsmanager")
        # Moved all at once where every minute counts: as a canary it would be ten for each stack.
        self.parameters = f"{parameters} Canary=false" if at_once else parameters

    def versions(self) -> Versions:
        found = edge.versions(self.stage)
        if found is None:
            raise Failed(f"There is no secret {edge.secret(self.stage)}: make deploy STAGE={self.stage.name} makes it.")
        return found

    def make_next(self) -> None:
        if self.versions().next is None:
            self.put(edge.NEXT)

    def put(self, label: str) -> None:
        value = self.secrets.get_random_password(PasswordLength=edge.LETTERS, ExcludePunctuation=True)["RandomPassword"]
        self.secrets.put_secret_value(SecretId=edge.secret(self.stage), SecretString=value, VersionStages=[label])

    def make_current(self) -> None:
        found = self.versions()
        if found.next is None:
            self.put(edge.CURRENT)
            return
        name = edge.secret(self.stage)
        self.secrets.update_secret_version_stage(
            SecretId=name, VersionStage=edge.CURRENT, MoveToVersionId=found.next, RemoveFromVersionId=found.current
        )
        self.secrets.update_secret_version_stage(SecretId=name, VersionStage=edge.NEXT, RemoveFromVersionId=found.next)

    def is_taken(self, version: str) -> bool:
        return edge.is_taken(aliases.deployed(self.stage), edge.digest(self.stage, version))

    def is_taken_alone(self, version: str) -> bool:
        answering = edge.answering(aliases.deployed(self.stage))
        expected = {edge.digest(self.stage, version)}
        return all(edge.known([it]) == expected for it in answering if edge.DIGESTS in it.variables)

    def deploy(self) -> None:
        bucket = releases.artifacts(self.stage)
        live = (bucket.read(f"stages/{self.stage.name}/live.json") or {}).get("artifact")
        if not live:
            raise Failed(f"Nothing says what {self.stage.name} runs: make deploy STAGE={self.stage.name} first.")
        given = {"artifact": live, "binaries": None, "parameters": self.parameters}
        deploy.run(self.stage, argparse.Namespace(yes=True, anyway=False, **given))

    def send(self, version: str) -> None:
        edge.deploy(self.stage, version, yes=True)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--retire", action="store_true", help="takes what is sent now out of use at once")
    parser.add_argument("--parameters", default="", help="Name=Value …, as they were given to the last deploy")
    parser.add_argument("--yes", action="store_true", help="does not ask")


def run(stage: Stage, options: argparse.Namespace) -> None:
    stage.parameters.update(deploy.changed_parameters(stage, options.parameters))
    if not has_edge(stage):
        raise Failed(f"{stage.name} has no edge of its own: Edge is off in {stage.parameter_file.name}.")
    what = "Retire the edge's secret" if options.retire else "Rotate the edge's secret"
    cost = (
        "Everybody is refused for some minutes, until the edge sends the next one."
        if options.retire
        else "It deploys what runs twice, and refuses nobody."
    )
    confirm(f"{what} in {stage.name}? {cost}", options.yes)
    audit.record(stage, "retirement_requested" if options.retire else "rotation_requested", "edge")
    way = Stack(stage, options.parameters, at_once=options.retire)
    retire(way) if options.retire else rotate(way)
    say(f"The edge of {stage.name} shows its next secret, and nothing takes the one before.")
