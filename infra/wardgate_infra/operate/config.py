"""`make config`: the configuration that holds, key by key, and which layer set it. The layers are put together by the
server's own code (`wardgate-server config`), so that nothing here can say something else than what the functions do."""

import argparse
import json
import os
import subprocess
from collections.abc import Mapping
from typing import TypeAlias

import boto3

from wardgate_infra import ROOT, Failed, Json, program
from wardgate_infra.operate import aliases, running, settings
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.terminal import say, table

# Each key's value and source.
Settings: TypeAlias = dict[str, tuple[str, str]]

SERVER = [*program("wardgate-server", "--features", "dev"), "config"]


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--key", help="only keys that contain this")


def run(stage: Stage, options: argparse.Namespace) -> None:
    if is_local(stage):
        # As `make run` starts it.
        variables = {"AUTH__STAGE": stage.name, "AUTH__EMBEDDED__FOLDER": ".wardgate"} | variables_of(os.environ)
        say("What `make run` starts with in this shell; on AWS there is no stage development.\n")
        show({("make run",): settings_of(variables)}, options.key)
        return
    functions = aliases.look(stage, map(stage.function_name, running.names(stage)))
    if not functions:
        raise Failed(f"Stage {stage.name} has no functions in {stage.region}: make deploy STAGE={stage.name}")
    say(
        f"{len(functions)} functions of stage {stage.name}: their variables over the files of this checkout.\n"
        "A key that nothing sets is not listed.\n"
    )
    merged: dict[tuple[str, ...], Settings] = {}
    broken: dict[tuple[str, ...], str] = {}
    followers, live = settings.followers(), settings.read(stage).values
    by_variables: dict[tuple[bool, tuple[tuple[str, str], ...]], list[str]] = {}
    for function in functions:
        given = tuple(sorted(variables_of(function.variables).items()))
        by_variables.setdefault((function.short in followers, given), []).append(function.short)
    for (follows, given), names in by_variables.items():
        try:
            merged[tuple(names)] = settings_of(dict(given), live if follows else {})
        except Failed as failure:
            broken[tuple(names)] = str(failure)
    show(merged, options.key)
    if broken:
        raise Failed("\n".join(f"{', '.join(names)} cannot start: {why}" for names, why in broken.items()))


def is_local(stage: Stage) -> bool:
    """Whether there is nothing but this machine: development needs no AWS."""
    if stage.name != "development":
        return False
    return boto3.Session().get_credentials() is None or stage.stack(stage.code_stack) is None


def variables_of(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith("AUTH__")}


def settings_of(variables: dict[str, str], deployed: dict[str, Json] | None = None) -> Settings:
    """Each key's value and source, of the configuration that these variables give: here with what .env adds, and where
    it is deployed with what operators have set."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("AUTH__")}
    command = SERVER if deployed is None else [*SERVER, "--deployed", json.dumps(deployed)]
    result = subprocess.run(
        command,
        cwd=ROOT,
        env=others | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise Failed(result.stderr.strip().removeprefix("wardgate: "))
    found = {}
    for line in result.stdout.splitlines():
        # A source has no mark of a comment; a value may have anything.
        setting, source = line.rsplit("  # ", 1)
        key, value = setting.split(" = ", 1)
        found[key] = (value, source)
    return found


def show(merged: dict[tuple[str, ...], Settings], part: str | None) -> None:
    """What all have in common, and then where they differ."""
    keys = sorted({key for each in merged.values() for key in each if part is None or part in key})
    alike: list[tuple[str, ...]] = []
    different: list[tuple[str, ...]] = []
    for key in keys:
        found: dict[tuple[str, str], list[str]] = {}
        for names, each in merged.items():
            found.setdefault(each.get(key, ("not set", "–")), []).extend(names)
        if len(found) == 1:
            alike.append((key, *next(iter(found))))
        else:
            # What most have comes first, and the others are named.
            most, *others = sorted(found, key=lambda setting: -len(found[setting]))
            different.append((key, *most, "all others"))
            different += [(key, *setting, ", ".join(sorted(found[setting]))) for setting in others]
    table(alike, ("key", "value", "source"))
    if different:
        say("\nNot the same for every function:\n")
        table(different, ("key", "value", "source", "functions"))
