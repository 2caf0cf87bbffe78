"""The functions' `live` aliases, which say what answers requests. Each release has published a version of every
function, with the release as its description."""

import base64
import concurrent.futures
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


@dataclass(frozen=True)
class Version:
    """A published version of a function."""

    # Empty where no deploy has published it.
    release: str
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

    def __str__(self) -> str:
        return f"{self.short} (version {self.live})"

    @property
    def release(self) -> str:
        """What is live."""
        return self.versions[self.live].release if self.live in self.versions else ""

    @property
    def variables(self) -> dict[str, str]:
        """The environment of what is live."""
        return self.versions[self.live].variables if self.live in self.versions else {}

    def version_of(self, release: str) -> str | None:
        """The newest version of a release, or None."""
        return max((number for number, it in self.versions.items() if it.release == release), key=int, default=None)


def functions(stage: Stage) -> list[Function]:
    """The functions of the code stack: a deploy and a rollback move them together."""
    pages = stage.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stage.code_stack)
    resources = [it for page in pages for it in page["StackResourceSummaries"]]
    # What a first deploy has made and taken back is listed, too.
    there = [it for it in resources if it["ResourceStatus"] != "DELETE_COMPLETE"]
    return look(stage, (it["PhysicalResourceId"] for it in there if it["ResourceType"] == "AWS::Lambda::Function"))


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
        versions = {
            it["Version"]: version(it) for page in pages for it in page["Versions"] if it["Version"] != "$LATEST"
        }
        return Function(name, stage.short_name(name), alias["FunctionVersion"], weights(alias), versions)

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


def behind(all_functions: list[Function], release: str) -> list[Function]:
    """Those that have a version of a release, but another one live or beside it."""
    return [it for it in all_functions if it.version_of(release) and (it.live != it.version_of(release) or it.beside)]


def flip(stage: Stage, all_functions: list[Function], release: str) -> int:
    """Makes a release live in every function that has it, all at once. Gives how many there were."""
    client = stage.client("lambda")
    late = behind(all_functions, release)

    def move(function: Function) -> str | None:
        try:
            client.update_alias(
                FunctionName=function.name,
                Name=ALIAS,
                FunctionVersion=function.version_of(release),
                # Nothing beside it any more.
                RoutingConfig={"AdditionalVersionWeights": {}},
            )
        except (BotoCoreError, ClientError) as error:
            return f"  {function.name} has still version {function.live}: {error}"
        return None

    with concurrent.futures.ThreadPoolExecutor(MOVES_AT_A_TIME) as pool:
        refused = [it for it in pool.map(move, late) if it]
    if refused:
        raise Failed(
            "\n".join([f"{len(late) - len(refused)} of {len(late)} aliases are at release {release}, but:", *refused])
            + "\nBoth releases answer requests now, which they may. The same command again moves the rest."
        )
    return len(late)


def forget(stage: Stage, all_functions: list[Function], release: str) -> None:
    """Deletes versions of a release that a failed deploy has left behind: Lambda publishes no second version of the
    same code and settings, and CloudFormation takes that as a failure."""
    client = stage.client("lambda")
    for function in all_functions:
        for number, it in function.versions.items():
            if it.release == release and number != function.live and number not in function.beside:
                client.delete_function(FunctionName=function.name, Qualifier=number)
