"""The functions' `live` aliases, which say what answers requests. Each release has published a version of every
function, with the release as its description."""

import base64
import concurrent.futures
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError
from stage import Failed

ALIAS = "live"
# Lambda takes fifteen such calls a second from an account, and a call takes a tenth of one or more.
AT_A_TIME = 2


@dataclass
class Function:
    """A function, with the version that is live and all that there are, by number."""

    name: str
    live: str
    # Where CodeDeploy sends a part of the requests.
    beside: dict
    # Version -> (release, SHA-256 of its code in hexadecimal).
    versions: dict

    @property
    def release(self):
        """What is live."""
        return self.versions[self.live][0] if self.live in self.versions else ""

    def version_of(self, release):
        """The newest version of a release, or None."""
        return max((number for number, (of, _) in self.versions.items() if of == release), key=int, default=None)


def functions(stage):
    """Every function of the code stack."""
    client = stage.client("lambda")
    pages = stage.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stage.code_stack)
    resources = [it for page in pages for it in page["StackResourceSummaries"]]
    # What a first deploy has made and taken back is listed, too.
    there = [it for it in resources if it["ResourceStatus"] != "DELETE_COMPLETE"]
    names = sorted(it["PhysicalResourceId"] for it in there if it["ResourceType"] == "AWS::Lambda::Function")

    def look(name):
        alias = client.get_alias(FunctionName=name, Name=ALIAS)
        pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
        versions = {
            it["Version"]: (it.get("Description", ""), base64.b64decode(it["CodeSha256"]).hex())
            for page in pages
            for it in page["Versions"]
            if it["Version"] != "$LATEST"
        }
        return Function(name, alias["FunctionVersion"], weights(alias), versions)

    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        return list(pool.map(look, names))


def weights(alias):
    return alias.get("RoutingConfig", {}).get("AdditionalVersionWeights") or {}


def behind(all_functions, release):
    """Those that have a version of a release, but another one live or beside it."""
    return [it for it in all_functions if it.version_of(release) and (it.live != it.version_of(release) or it.beside)]


def flip(stage, all_functions, release):
    """Makes a release live in every function that has it, all at once. Gives how many there were."""
    client = stage.client("lambda")
    late = behind(all_functions, release)

    def move(function):
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

    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        refused = [it for it in pool.map(move, late) if it]
    if refused:
        raise Failed(
            "\n".join([f"{len(late) - len(refused)} of {len(late)} aliases are at release {release}, but:", *refused])
            + "\nBoth releases answer requests now, which they may. The same command again moves the rest."
        )
    return len(late)


def forget(stage, all_functions, release):
    """Deletes versions of a release that a failed deploy has left behind: Lambda publishes no second version of the
    same code and settings, and CloudFormation takes that as a failure."""
    client = stage.client("lambda")
    for function in all_functions:
        for number, (of, _) in function.versions.items():
            if of == release and number != function.live and number not in function.beside:
                client.delete_function(FunctionName=function.name, Qualifier=number)
