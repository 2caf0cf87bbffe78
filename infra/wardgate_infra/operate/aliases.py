"""The functions' `live` aliases, which say what answers requests. A release publishes a version of each function whose
code or settings it changes, with the SHA-256 of both as its description: the publication."""

import base64
import concurrent.futures
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from wardgate_infra import Failed, Json
from wardgate_infra.operate.stage import Stage

ALIAS = "live"
# Lambda takes fifteen such calls a second from an account, and a call takes a tenth of one or more. A look that was too
# much is taken again; a move is better not refused.
LOOKS_AT_A_TIME = 8
MOVES_AT_A_TIME = 2
# What changes data stays as new as the data: no release takes it back.
KEPT = ("migrate", "restore-sweep")
# Versions that a rollback can still go to.
VERSIONS_KEPT = 10


@dataclass(frozen=True)
class Version:
    """A published version of a function."""

    # Empty where no deploy has published it.
    publication: str
    # The SHA-256 of its code in hexadecimal.
    code: str
    # Its environment.
    variables: dict[str, str]


@dataclass(frozen=True)
class Function:
    """A function, with the version that is live and all that there are, by number."""

    # Its name in AWS, and the one that people type.
    name: str
    short: str
    live: str
    # Where CodeDeploy sends a part of the requests, and which part.
    beside: dict[str, float]
    versions: dict[str, Version]
    # What CloudFormation has published last, whatever the alias has by now.
    deployed: str

    def __str__(self) -> str:
        return f"{self.short} (version {self.live})"

    @property
    def publication(self) -> str:
        """What is live."""
        return self.versions[self.live].publication if self.live in self.versions else ""

    @property
    def variables(self) -> dict[str, str]:
        """The environment of what is live."""
        return self.versions[self.live].variables if self.live in self.versions else {}

    @property
    def is_moved(self) -> bool:
        """Whether the alias is elsewhere than where CloudFormation has put it, or has something beside it."""
        return self.live != self.version_of(self.deployed) or bool(self.beside)

    def version_of(self, publication: str | None) -> str | None:
        """The version of a publication, or None. Of several that are alike it is the newest, which is CloudFormation's
        own, if that has deployed it; otherwise the oldest, since a deploy that fails leaves a newer one, which `forget`
        can only delete where it is not live."""
        found = [number for number, it in self.versions.items() if it.publication == publication]
        return (max if publication == self.deployed else min)(found, key=int, default=None)


def functions(stage: Stage) -> list[Function]:
    """The functions of a release, of whichever stack: a deploy and a rollback move them together."""
    return [it for it in deployed(stage) if it.short not in KEPT]


def deployed(stage: Stage) -> list[Function]:
    """Every function of the stacks of a release, also of those that change data."""
    client, names = stage.client("cloudformation"), []
    for stack in stage.release_stacks:
        if stage.stack(stack) is None:
            continue
        pages = client.get_paginator("list_stack_resources").paginate(StackName=stack)
        resources = [it for page in pages for it in page["StackResourceSummaries"]]
        # What a first deploy has made and taken back is listed, too.
        there = [it for it in resources if it["ResourceStatus"] != "DELETE_COMPLETE"]
        names += [it["PhysicalResourceId"] for it in there if it["ResourceType"] == "AWS::Lambda::Function"]
    return look(stage, names)


def look(stage: Stage, names: Iterable[str]) -> list[Function]:
    """These functions, by their names in AWS. One without the alias takes no part in releases, and is left out."""
    client = stage.client("lambda")

    def one(name: str) -> Function | None:
        try:
            alias = client.get_alias(FunctionName=name, Name=ALIAS)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise
        pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
        versions = {it["Version"]: version(it) for page in pages for it in page["Versions"]}
        deployed = versions.pop("$LATEST").publication
        return Function(name, stage.short_name(name), alias["FunctionVersion"], weights(alias), versions, deployed)

    with concurrent.futures.ThreadPoolExecutor(LOOKS_AT_A_TIME) as pool:
        return [it for it in pool.map(one, sorted(names)) if it]


def version(described: Json) -> Version:
    """A version as Lambda lists it."""
    return Version(
        described.get("Description", ""),
        base64.b64decode(described["CodeSha256"]).hex(),
        described.get("Environment", {}).get("Variables", {}),
    )


def weights(alias: Json) -> dict[str, float]:
    """Versions beside the one that an alias points to, and the share of requests that each gets."""
    return dict(alias.get("RoutingConfig", {}).get("AdditionalVersionWeights") or {})


def behind(all_functions: list[Function], publications: dict[str, str]) -> list[Function]:
    """Those that have a version of what they are to run, but another one live or beside it."""

    def is_behind(function: Function) -> bool:
        wanted = function.version_of(publications.get(function.short))
        return wanted is not None and (function.live != wanted or bool(function.beside))

    return [it for it in all_functions if is_behind(it)]


def flip(stage: Stage, all_functions: list[Function], publications: dict[str, str]) -> int:
    """Makes a release live, by what each function publishes in it, all at once. Gives how many aliases had to move."""
    late = behind(all_functions, publications)
    move(stage, {it.name: version for it in late if (version := it.version_of(publications[it.short]))})
    return len(late)


def put_back(stage: Stage, before: list[Function]) -> int:
    """Moves each alias to where it was. Gives how many had to move."""
    now = {it.name: it for it in look(stage, [it.name for it in before])}
    there = [it for it in before if it.name in now]
    moved = {it.name: it.live for it in there if now[it.name].live != it.live or now[it.name].beside}
    move(stage, moved)
    return len(moved)


def move(stage: Stage, versions: dict[str, str]) -> None:
    """Points the alias of each of these functions to a version, and to nothing beside it."""
    client = stage.client("lambda")

    def one(moved: tuple[str, str]) -> str | None:
        name, version = moved
        try:
            client.update_alias(
                FunctionName=name,
                Name=ALIAS,
                FunctionVersion=version,
                RoutingConfig={"AdditionalVersionWeights": {}},
            )
        except (BotoCoreError, ClientError) as error:
            return f"  {name} is not at version {version}: {error}"
        return None

    with concurrent.futures.ThreadPoolExecutor(MOVES_AT_A_TIME) as pool:
        refused = [it for it in pool.map(one, versions.items()) if it]
    if refused:
        raise Failed(
            "\n".join([f"{len(versions) - len(refused)} of {len(versions)} aliases are moved, but:", *refused])
            + "\nBoth releases answer requests now, which they may. The same command again moves the rest."
        )


def forget(stage: Stage, all_functions: list[Function], publications: dict[str, str]) -> bool:
    """Deletes versions that a failed deploy has left behind: Lambda publishes no second version of the same code and
    settings, and CloudFormation takes that as a failure. They are newer than what is live; older ones are kept. If one
    is live, because somebody has moved the alias to it, the alias goes to its older likeness first. Gives whether
    anything is not as it was."""
    client, changed = stage.client("lambda"), False
    for function in all_functions:
        wanted, live = publications.get(function.short), function.live
        if wanted == function.deployed:
            continue
        if function.publication == wanted and (older := function.version_of(wanted)) not in (None, live):
            move(stage, {function.name: older})
            live, changed = older, True
        for number, it in function.versions.items():
            if it.publication == wanted and int(number) > int(live) and number not in function.beside:
                client.delete_function(FunctionName=function.name, Qualifier=number)
                changed = True
    return changed


def renamed(all_functions: list[Function], publications: dict[str, str]) -> dict[str, str]:
    """What functions have to publish under another name than their own, because `forget` can do nothing: the version
    that a failed deploy has left is live, is the last one that Lambda has published, and has no older likeness. Where
    only the name differs, the next deploy of the same publishes once more."""
    found = {}
    for function in all_functions:
        wanted, live = publications.get(function.short), function.live
        last = max(function.versions, key=int, default=None)
        alike = [number for number, it in function.versions.items() if it.publication == wanted]
        if wanted and wanted != function.deployed and alike == [live] == [last]:
            found[function.short] = hashlib.sha256(f"{wanted} {live}".encode()).hexdigest()
    return found


def prune(stage: Stage, all_functions: list[Function], needed: list[dict[str, str]]) -> int:
    """Deletes all but the newest versions of each function, and none that is live or in one of the releases that are
    `needed`. An account has 75 GB for code. Gives how many went."""
    client, gone = stage.client("lambda"), 0
    for function in all_functions:
        newest = sorted(function.versions, key=int)[-VERSIONS_KEPT:]
        kept = {function.version_of(it.get(function.short)) for it in needed}
        for number in function.versions.keys() - kept - {function.live, *newest, *function.beside}:
            client.delete_function(FunctionName=function.name, Qualifier=number)
            gone += 1
    return gone
