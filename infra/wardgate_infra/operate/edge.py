"""What stands in front of a stage's API: the stack of infra/edge.yaml, and the secret by which functions know that a
request came through it (ED-01). They get its SHA-256, and that of the next one while a rotation is under way.

The secret's versions have the labels that Secrets Manager gives them everywhere: AWSCURRENT is what the edge is to
send, AWSPENDING the next one.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from botocore.exceptions import ClientError

from wardgate_infra import Client, Failed, Json
from wardgate_infra.operate import edge_functions, stacks
from wardgate_infra.operate.aliases import Function, Version
from wardgate_infra.operate.needs.account import EDGE_REGION, EDGE_TEMPLATE, edge_stack, has_edge, makes_edge
from wardgate_infra.operate.needs.finding import code
from wardgate_infra.operate.stage import Stage

CURRENT, NEXT = "AWSCURRENT", "AWSPENDING"
DIGESTS = "AUTH__HTTP__EDGE_DIGESTS"
# Without punctuation: over 256 bits, and a header's value as it is.
LETTERS = 64
# How long CloudFront may take to tell its locations of a change, in seconds: minutes, as AWS says.
LONGEST = 1800
BETWEEN_LOOKS = 10


@dataclass(frozen=True)
class Versions:
    """The secret's versions, by their labels."""

    current: str
    next: str | None


def there(stage: Stage) -> Stage:
    """The stage where its edge is."""
    return stage.in_region(EDGE_REGION)


def secret(stage: Stage) -> str:
    return f"wardgate/{stage.name}/edge"


def versions(stage: Stage) -> Versions | None:
    """The secret's versions. None before the first deploy of the edge."""
    client = there(stage).client("secretsmanager")
    try:
        labels = client.describe_secret(SecretId=secret(stage))["VersionIdsToStages"]
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
        return None
    of = {label: version for version, its in labels.items() for label in its}
    # What is current may have kept the other label.
    pending = of.get(NEXT)
    return Versions(of[CURRENT], pending if pending != of[CURRENT] else None)


def digest(stage: Stage, version: str) -> str:
    """The SHA-256 of a version, in hexadecimal. The value itself goes nowhere."""
    client = there(stage).client("secretsmanager")
    value = client.get_secret_value(SecretId=secret(stage), VersionId=version)["SecretString"]
    return hashlib.sha256(value.encode()).hexdigest()


def digests(stage: Stage) -> list[str]:
    """What functions are to know: the current version, and the next one if there is one."""
    found = versions(stage)
    return [digest(stage, it) for it in (found.current, found.next) if it] if found else []


def say_to(stage: Stage) -> bool:
    """Says in a stage's parameters what its edge has, and gives whether that is new to them."""
    if not has_edge(stage):
        return False
    if makes_edge(stage):
        store = there(stage).outputs(edge_stack(stage)).get("EdgeStoreArn", "")
        has = {"EdgeDigests": ",".join(digests(stage)), "EdgeStoreArn": store}
    else:
        has = of_last_deploy(stage)
    # As far as there is such a parameter.
    has = {name: it for name, it in has.items() if name in stage.parameters}
    is_new = any(stage.parameters[name] != it for name, it in has.items())
    stage.parameters.update(has)
    return is_new


def of_last_deploy(stage: Stage) -> dict[str, str]:
    """What the API's stack was given last."""
    given = stacks.given_before(stage.stack(stage.code_stack))
    if not given.get("EdgeDigests"):
        raise Failed(
            f"Edge is {stage.parameters['Edge']}, and {stage.name} has none yet. An administrator makes it once, by "
            f"make deploy STAGE={stage.name}: a pipeline's roles end at their region."
        )
    return {"EdgeDigests": given["EdgeDigests"], "EdgeStoreArn": given.get("EdgeStoreArn", "")}


def refuse_unready(stage: Stage) -> None:
    """Stops where the edge could not be made, before anything is."""
    if not has_edge(stage):
        return
    needed = ("EdgeCertificateArn", "OriginDomain", "OriginCertificateArn")
    if missing := [it for it in needed if not stage.parameters.get(it)]:
        raise Failed(f"Edge is {stage.parameters['Edge']}, and {', '.join(missing)} is empty: docs/edge.md says how.")
    host = stage.parameters["Issuer"].partition("://")[2]
    if not host or "/" in host or ":" in host:
        raise Failed(f"An edge answers to a name alone, and Issuer is {stage.parameters['Issuer'] or 'empty'}.")
    if stage.parameters["OriginDomain"] == host:
        raise Failed(f"OriginDomain is {host}, which is the issuer's: the edge would ask itself.")


def sent(stage: Stage) -> str | None:
    """The version that the edge sends, as its stack was given it; None if the stack does not say."""
    return stacks.parameter(there(stage).stack(edge_stack(stage)), "SecretVersion") or None


def known(versions: list[Version]) -> set[str]:
    """The digests that each of these versions knows. One that knows none lets all through."""
    lists = [set(json.loads(it.variables[DIGESTS])) for it in versions if DIGESTS in it.variables]
    return set.intersection(*lists) if lists else set()


def answering(functions: list[Function]) -> list[Version]:
    """What answers requests: what is live, and what a canary has beside it."""
    return [it.versions[number] for it in functions for number in (it.live, *it.beside) if number in it.versions]


def is_taken(functions: list[Function], digest: str) -> bool:
    """Whether everything that answers takes the secret of a digest."""
    knowing = [it for it in answering(functions) if DIGESTS in it.variables]
    return all(digest in known([it]) for it in knowing)


def lacks(target: list[Version], now: list[Version]) -> bool:
    """Whether one of these versions checks, and does not take what is taken now: the edge may send any of that."""
    return any(not known(now) <= known([it]) for it in target if DIGESTS in it.variables)


def to_send(stage: Stage, functions: list[Function]) -> str | None:
    """What the edge is to send: the current version, as soon as whatever answers takes it."""
    found = versions(stage)
    if found is None:
        return None
    return found.current if is_taken(functions, digest(stage, found.current)) else sent(stage)


def deploy(stage: Stage, version: str | None, *, yes: bool) -> bool:
    """Deploys the edge, whose functions are tried before, which then sends this version; and waits until every location
    does. Gives whether anything changed."""
    edge_functions.try_out(stage)
    given = stage.parameters | {"SecretVersion": version or ""}
    is_new = stacks.deploy(there(stage), edge_stack(stage), EDGE_TEMPLATE, given, yes=yes)
    wait(stage)
    return is_new


def wait(
    stage: Stage, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Waits until every location of CloudFront has the distribution as it is."""
    found = there(stage).outputs(edge_stack(stage)).get("DistributionId")
    if found is None:
        return
    cloudfront: Client = there(stage).client("cloudfront")
    began = clock()
    while status(cloudfront.get_distribution(Id=found)) != "Deployed":
        if clock() - began > LONGEST:
            raise Failed(f"Not every location has distribution {found} after {LONGEST} s. This command again waits on.")
        sleep(BETWEEN_LOOKS)


def status(answer: Json) -> str:
    return str(answer["Distribution"]["Status"])
