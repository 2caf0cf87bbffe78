"""Copies every key ring into a file that is encrypted with age: `make backup-keys`. Without the ring `password_wrap`
nobody's password can be checked any more, and no backup of a table has it.

The keys go from Secrets Manager into the file in one program; nothing here sees them. Each secret is tagged with the
version that was copied, so that `make status` says which ring has changed since.
"""

import argparse
import datetime
import json
from pathlib import Path

from wardgate_infra import Failed, Json
from wardgate_infra.operate import audit, transfer
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.terminal import say, table

COPIED_VERSION = "wardgate:copied-version"
COPIED_AT = "wardgate:copied-at"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--file", type=Path, required=True, help="the file to write; it must not exist")
    parser.add_argument("--recipient", action="append", required=True, help="an age public key, age1…; may be repeated")


def run(stage: Stage, options: argparse.Namespace) -> None:
    refuse_laptop(stage)
    file = options.file.absolute()
    if file.exists():
        raise Failed(f"{options.file} exists already.")
    if wrong := [it for it in options.recipient if not it.startswith("age1")]:
        raise Failed(f"{', '.join(wrong)} is no age public key, which begins with age1. age-keygen makes one.")
    # Before the keys leave: no copy is without a line. Who can open it is no secret.
    audit.record(stage, "keys_backup_requested", f"to {', '.join(options.recipient)}")
    recipients = [it for key in options.recipient for it in ("--recipient", key)]
    copied = json.loads(transfer.ran(stage, "backup-keys", str(file), *recipients))
    tag(stage, copied["rings"], datetime.datetime.now(datetime.UTC))
    table([(it["ring"], it["version"], ", ".join(it["keys"])) for it in copied["rings"]], ("ring", "version", "keys"))
    say(f"{options.file} has every ring of {stage.name}. Keep it where nobody has both it and its identity.")


def refuse_laptop(stage: Stage) -> None:
    if stage.name == "development" and not stage.is_emulated:
        raise Failed("The keys of `make run` are in .wardgate/secrets.json: copy that file.")


def tag(stage: Stage, rings: list[Json], now: datetime.datetime) -> None:
    """Notes what was copied, and when. Names alone: neither a key nor where the copy is."""
    client = stage.client("secretsmanager")
    for it in rings:
        tags = {COPIED_VERSION: it["version"], COPIED_AT: f"{now:%Y-%m-%dT%H:%M:%SZ}"}
        client.tag_resource(
            SecretId=f"wardgate/{stage.name}/{it['ring']}",
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )


def copied_at(described: Json) -> datetime.datetime | None:
    """When a secret was copied as it is now, or None if it was not."""
    tags = {it["Key"]: it["Value"] for it in described.get("Tags", [])}
    labels = described.get("VersionIdsToStages", {}).get(tags.get(COPIED_VERSION), [])
    if "AWSCURRENT" not in labels or COPIED_AT not in tags:
        return None
    return datetime.datetime.fromisoformat(tags[COPIED_AT])
