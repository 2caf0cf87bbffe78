"""What a stage's functions run: for the verbs that look and change nothing."""

import concurrent.futures
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass

from botocore.exceptions import ClientError
from stage import Failed

# What a version says of itself where it was not published by a deploy.
UNNAMED = "unnamed"
# Lambda takes about fifteen such calls a second from an account.
AT_A_TIME = 8


@dataclass
class Function:
    """A function, and the version that its alias `live` points to."""

    name: str
    version: str
    release: str
    # Versions beside it, and the share of requests that each gets.
    canary: dict
    variables: dict

    def __str__(self):
        return f"{self.name} (version {self.version})"


def names(stage):
    """Every function of the stage, of whichever stack, without what stands before each name."""
    prefix = stage.function_name("")
    pages = stage.client("lambda").get_paginator("list_functions").paginate()
    found = sorted(it["FunctionName"] for page in pages for it in page["Functions"])
    return [name.removeprefix(prefix) for name in found if name.startswith(prefix)]


def released(stage):
    """The functions of the code stack: a deploy and a rollback move them together."""
    if stage.stack(stage.code_stack) is None:
        raise Failed(f"There is no stack {stage.code_stack} in {stage.region}: make deploy STAGE={stage.name}")
    pages = stage.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stage.code_stack)
    resources = [it for page in pages for it in page["StackResourceSummaries"]]
    prefix = stage.function_name("")
    found = [
        it["PhysicalResourceId"].removeprefix(prefix)
        for it in resources
        # What a first deploy has made and taken back is listed, too.
        if it["ResourceType"] == "AWS::Lambda::Function" and it["ResourceStatus"] != "DELETE_COMPLETE"
    ]
    return functions(stage, sorted(found))


def functions(stage, wanted):
    """What is live of these functions. One without the alias takes no part in releases, and is left out."""
    client = stage.client("lambda")

    def look(name):
        function = stage.function_name(name)
        try:
            alias = client.get_alias(FunctionName=function, Name="live")
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise
        version = alias["FunctionVersion"]
        live = client.get_function_configuration(FunctionName=function, Qualifier=version)
        weights = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights") or {}
        variables = live.get("Environment", {}).get("Variables", {})
        return Function(name, version, live.get("Description") or UNNAMED, weights, variables)

    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        return [it for it in pool.map(look, wanted) if it]


def is_changing(stage, live):
    """Whether a deploy is under way, during which functions are of two releases."""
    return stage.stack(stage.code_stack)["StackStatus"].endswith("_IN_PROGRESS") or any(it.canary for it in live)


def published(stage, function):
    """The versions of a function that can still be run, newest first: number and release."""
    pages = stage.client("lambda").get_paginator("list_versions_by_function").paginate(
        FunctionName=stage.function_name(function)
    )
    versions = [it for page in pages for it in page["Versions"] if it["Version"] != "$LATEST"]
    newest_first = sorted(versions, key=lambda it: -int(it["Version"]))
    return [(it["Version"], it.get("Description") or UNNAMED) for it in newest_first]


def api_url(stage):
    """Where the API answers, whatever name clients have for it. None without a code stack."""
    url = stage.outputs(stage.code_stack).get("ApiUrl")
    if url and stage.is_emulated:
        # The emulator's APIs have host names that not every resolver finds. This is the same one.
        name = urllib.parse.urlsplit(url).hostname.partition(".")[0]
        return f"{os.environ['AWS_ENDPOINT_URL']}/_aws/execute-api/{name}"
    return url


def ask(url):
    """An answer's status and body. Status 0 and the reason if there is none."""
    try:
        with urllib.request.urlopen(url, timeout=15) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            text = error.read().decode(errors="replace")
        try:
            return error.code, json.loads(text)
        except ValueError:
            return error.code, {"detail": text[:200]}
    except (OSError, ValueError) as error:
        return 0, {"detail": str(error)}


def short(release):
    """As much of a release's SHA-256 as people compare."""
    return release[:12]
