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


@dataclass
class Function:
    """A function, and the version that its alias `live` points to."""

    name: str
    version: str
    release: str
    # Versions beside it, and the share of requests that each gets.
    canary: dict
    variables: dict
    modified: str

    def __str__(self):
        return f"{self.name} (version {self.version})"


def functions(stage):
    """Each function of the stage's, by name. One without the alias takes no part in releases, and is left out."""
    client, prefix = stage.client("lambda"), stage.function_name("")
    pages = client.get_paginator("list_functions").paginate()
    names = sorted(it["FunctionName"] for page in pages for it in page["Functions"])
    ours = [name for name in names if name.startswith(prefix)]
    if not ours:
        raise Failed(f"Stage {stage.name} has no functions in {stage.region}: make deploy STAGE={stage.name} makes them.")

    def describe(name):
        try:
            alias = client.get_alias(FunctionName=name, Name="live")
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise
        version = alias["FunctionVersion"]
        live = client.get_function_configuration(FunctionName=name, Qualifier=version)
        return Function(
            name=name.removeprefix(prefix),
            version=version,
            release=live.get("Description") or UNNAMED,
            canary=alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}),
            variables=live.get("Environment", {}).get("Variables", {}),
            modified=live["LastModified"],
        )

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return [it for it in pool.map(describe, ours) if it]


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
