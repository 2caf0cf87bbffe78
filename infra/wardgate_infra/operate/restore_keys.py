"""Puts key rings back that are lost: `make restore-keys`, from a file of `make backup-keys`. A ring that has a value
stays as it is, unless it is named: what was made under its newer keys would be lost with them."""

import argparse
import datetime
import json
from pathlib import Path

from wardgate_infra import Failed, Json
from wardgate_infra.operate import audit, backup_keys, transfer
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.terminal import confirm, say, table

RINGS = ("password_wrap", "factor_wrap", "public_keys", "signing", "session_mac", "login_mac", "mail_mac")
WORDS = {
    "restore": "lost: is put back",
    "overwrite": "has another value: gives way",
    "keep": "has another value: stays",
    "nothing": "is as in the file",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--file", type=Path, required=True, help="a file of backup-keys")
    parser.add_argument("--identity-file", type=Path, required=True, help="the age identity that opens it")
    parser.add_argument("--overwrite", type=rings, default=[], help="rings that go even if they are not lost, or all")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and write nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def rings(text: str) -> list[str]:
    named = list(RINGS) if text == "all" else text.replace(",", " ").split()
    if unknown := [it for it in named if it not in RINGS]:
        raise argparse.ArgumentTypeError(f"no such ring: {', '.join(unknown)}. There are {', '.join(RINGS)}, and all")
    return named


def run(stage: Stage, options: argparse.Namespace) -> None:
    backup_keys.refuse_laptop(stage)
    file, identity = options.file.absolute(), options.identity_file.absolute()
    if missing := [str(it) for it in (options.file, options.identity_file) if not it.exists()]:
        raise Failed(f"There is no file {' and no file '.join(missing)}.")
    asked = [str(file), "--identity-file", str(identity)]
    asked += [it for ring in options.overwrite for it in ("--overwrite", ring)]
    plan = json.loads(transfer.ran(stage, "restore-keys", *asked, "--dry-run"))
    say(f"The keys of {plan['stage']}, as of {plan['made_at']}:")
    table([row(it) for it in plan["rings"]], ("ring", "", "keys in the file", "keys that only the stage has"))
    changes = [it for it in plan["rings"] if it["does"] in ("restore", "overwrite")]
    if options.dry_run:
        say("Nothing was written.")
        return
    if not changes:
        say(f"No ring of {stage.name} is lost: nothing was written. OVERWRITE=<ring> puts one back all the same.")
        return
    confirm(question(stage, changes), options.yes)
    audit.record(stage, "keys_restore_requested", f"as of {plan['made_at']}: {named(changes)}")
    done = json.loads(transfer.ran(stage, "restore-keys", *asked))
    if [it["does"] for it in done["rings"]] != [it["does"] for it in plan["rings"]]:
        raise Failed("Somebody else has changed the rings meanwhile: look at them with DRY_RUN=1.")
    # A secret that was made again has no note of its copy, and this is the copy.
    backup_keys.tag(stage, changes, datetime.datetime.fromisoformat(plan["made_at"]))
    say(f"{named(changes)} of {stage.name} are as in the file.")
    say("Processes that have read a ring before keep it for up to ten minutes; a deploy makes new ones at once.")


def row(it: Json) -> tuple[str, ...]:
    return it["ring"], WORDS[it["does"]], ", ".join(it["keys"]), ", ".join(it.get("only_there", [])) or "-"


def named(lines: list[Json]) -> str:
    return ", ".join(it["ring"] for it in lines)


def question(stage: Stage, changes: list[Json]) -> str:
    """What is lost by it, ring by ring."""
    lost = [f"{it['ring']} {', '.join(it['only_there'])}" for it in changes if it.get("only_there")]
    what = f" What was made under {'; '.join(lost)} will not be accepted any more." if lost else ""
    return f"Put {named(changes)} back in {stage.name}?{what}"
