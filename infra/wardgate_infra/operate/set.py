"""`make set`: sets a key of the configuration while a stage runs, or takes it back. No build, no deploy: every function
has it in less than a minute. The functions' own code checks it before it is written, and the audit trail says who and
what."""

import argparse
import json

from wardgate_infra import Failed, Json
from wardgate_infra.operate import aliases, config, running, settings
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.terminal import confirm, say

# What people notice at once: asked about first.
ASKED = {
    "switches.read_only": "Everybody is refused whatever changes something, signing in and refreshing, too.",
    "switches.sign_up": "Nobody can register.",
    "switches.email_codes": "Nobody can sign in by a mailed code.",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--key", required=True, help="a key of docs/operations/configuration.md")
    parser.add_argument("--value", help="its value: JSON, or text as it is")
    parser.add_argument("--unset", action="store_true", help="takes it back: then it is as it was deployed")
    parser.add_argument("--yes", action="store_true", help="does not ask")


def run(stage: Stage, options: argparse.Namespace) -> None:
    if options.unset == (options.value is not None):
        raise Failed("Say VALUE=… to set the key, or UNSET=1 to take it back.")
    if config.is_local(stage):
        raise Failed(
            "Nothing is deployed: for `make run`, set the variable that docs/operations/configuration.md names."
        )
    given = environments(stage)
    before = settings.read(stage)
    after = changed(before.values, options.key, None if options.unset else options.value)
    was = checked(given, before.values).get(options.key, ("not set", "–"))
    becomes = checked(given, after).get(options.key, ("not set", "–"))
    if after == before.values:
        say(f"{options.key} is {was[0]} ({was[1]}) already; nothing was changed.")
        return
    if refuses_people(options.key, becomes[0]):
        confirm(f"Set {options.key} to {becomes[0]} in {stage.name}? {ASKED[options.key]}", options.yes)
    written = settings.write(stage, before, after, f"{options.key}: {was[0]} ({was[1]}) -> {becomes[0]} ({becomes[1]})")
    say(f"{options.key}: {was[0]} ({was[1]}) -> {becomes[0]} ({becomes[1]})")
    say(f"Version {written.version} of the settings. Every function that uses the table has it in less than a minute.")


def environments(stage: Stage) -> list[dict[str, str]]:
    """The variables of the functions that follow what is set, each set of them once."""
    followers = settings.followers()
    names = [name for name in running.names(stage) if name in followers]
    functions = aliases.look(stage, map(stage.function_name, names))
    if not functions:
        raise Failed(f"Stage {stage.name} has no functions in {stage.region}: make deploy STAGE={stage.name}")
    distinct = {tuple(sorted(config.variables_of(it.variables).items())) for it in functions}
    return [dict(variables) for variables in sorted(distinct)]


def changed(values: dict[str, Json], key: str, text: str | None) -> dict[str, Json]:
    """The values with this one: JSON where it is JSON, and otherwise the text itself. None takes the key out."""
    others = {name: value for name, value in values.items() if name != key}
    if text is None:
        return others
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    return others | {key: value}


def checked(given: list[dict[str, str]], values: dict[str, Json]) -> config.Settings:
    """What holds with these values. Refused by any function, they are refused."""
    held = [config.settings_of(variables, values) for variables in given]
    return held[0]


def refuses_people(key: str, value: str) -> bool:
    """Whether a switch is set so that people are refused."""
    return key in ASKED and value == ("true" if key == "switches.read_only" else "false")
