"""What a stage's functions run and what its API says: for the verbs that look and change nothing."""

import json
import os
import urllib.error
import urllib.parse
import urllib.request

from wardgate_infra import Failed, Json
from wardgate_infra.operate import aliases
from wardgate_infra.operate.aliases import Function
from wardgate_infra.operate.stage import Stage

# What a release is called where no deploy has published the version.
UNNAMED = "unnamed"


def names(stage: Stage) -> list[str]:
    """Every function of the stage, of whichever stack, as people type it."""
    prefix = stage.function_name("")
    pages = stage.client("lambda").get_paginator("list_functions").paginate()
    found = sorted(it["FunctionName"] for page in pages for it in page["Functions"])
    return [stage.short_name(name) for name in found if name.startswith(prefix)]


def released(stage: Stage) -> list[Function]:
    """The functions of a release."""
    if stage.stack(stage.code_stack) is None:
        raise Failed(f"There is no stack {stage.code_stack} in {stage.region}: make deploy STAGE={stage.name}")
    return aliases.functions(stage)


def is_changing(stage: Stage, live: list[Function]) -> bool:
    """Whether a deploy is under way, during which functions are of two releases."""
    return any(stage.is_in_progress(it) for it in stage.release_stacks) or any(it.beside for it in live)


def api_url(stage: Stage) -> str | None:
    """Where the API answers, whatever name clients have for it. None without an API stack."""
    url = stage.outputs(stage.code_stack).get("ApiUrl")
    if url and stage.is_emulated:
        # The emulator's APIs have host names that not every resolver finds. This is the same one.
        name = urllib.parse.urlsplit(url).netloc.partition(".")[0]
        return f"{os.environ['AWS_ENDPOINT_URL']}/_aws/execute-api/{name}"
    return url


def ask(url: str) -> tuple[int, Json]:
    """An answer's status and body. Status 0 and the reason if there is none."""
    try:
        with urllib.request.urlopen(url, timeout=15) as answer:  # noqa: S310  # of the stack's own outputs
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


def short(release: str) -> str:
    """As much of a release's SHA-256 as people compare."""
    return release[:12] or UNNAMED
