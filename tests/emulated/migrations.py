"""Migrations as an operator runs them: the command, the function under its own role, and the emulator's table."""

import base64
import json
import secrets
import time

from emulated import commands
from emulated.gateway import Api, equal, holds
from wardgate_infra import Json
from wardgate_infra.emulator.deployment import Deployment


def migrate(emulator: Deployment, *arguments: str) -> tuple[int, str]:
    """The operator's command, and what it prints."""
    ran = emulator.typed("migrate", *arguments)
    return ran.returncode, ran.stdout


def done(emulator: Deployment, *arguments: str) -> str:
    code, printed = migrate(emulator, *arguments)
    holds(code == 0, printed)
    return printed


def versions(emulator: Deployment) -> set[str]:
    """Under which key versions hashes are sealed."""
    pages = emulator.client("dynamodb").get_paginator("scan").paginate(TableName=f"wardgate-{emulator.stage}")
    items = [item for page in pages for item in page["Items"]]
    return {item["password"]["M"]["key_version"]["N"] for item in items if "password" in item}


def lines(emulator: Deployment) -> int:
    """How many lines about migrations the audit trail has."""
    pages = emulator.client("dynamodb").get_paginator("scan").paginate(TableName=f"wardgate-audit-{emulator.stage}")
    return sum(line["action"]["S"] == "migrated" for page in pages for line in page["Items"])


def check_migrations(api: Api, emulator: Deployment) -> None:
    """Dry, up, up again, under a second key, and all the way back; nobody's password is lost."""
    email = "migrated@example.com"
    api.registered(email)
    # The deploy has applied them.
    done(emulator, "--to", "0000", "--yes")
    applied = lines(emulator)
    printed = done(emulator, "--dry-run")
    holds("sealed under version 1" in printed and "Nothing was written." in printed, printed)
    holds("0001 rewrap-password-hashes up" in done(emulator), "it was not applied")
    holds("nothing is left" in done(emulator), "it was applied twice")

    # For a moment that no sign-in falls into: functions have read the ring as it was.
    client, name = emulator.client("secretsmanager"), f"wardgate/{emulator.stage}/password_wrap"
    before = client.get_secret_value(SecretId=name)["SecretString"]
    ring = json.loads(before)
    first = ring["keys"][0]
    secret = base64.b64encode(secrets.token_bytes(32)).decode()
    later = {"version": 2, "secret": secret, "sign_from": int(time.time() * 1000) - 1000}
    client.put_secret_value(SecretId=name, SecretString=json.dumps({"keys": [first, later]}))
    printed = done(emulator, "--rate", "20")
    holds("sealed under version 2" in printed, printed)
    equal(versions(emulator), {"2"})
    done(emulator, "--to", "0000", "--yes")
    equal(versions(emulator), {"1"})
    client.put_secret_value(SecretId=name, SecretString=before)
    done(emulator)
    api.login(email)

    code, printed = migrate(emulator, "--to", "0099")
    holds(code == 1 and "knows no migration 0099" in printed, printed)
    # Four up, the first anew under the second key, four down, four up.
    equal(lines(emulator) - applied, 13)


def check_rehearsal(_api: Api, emulator: Deployment) -> None:
    """On a copy that is gone afterwards, and the table and its trail have never heard of it: by recovery, and by a
    backup where there is none."""
    dynamodb, live = emulator.client("dynamodb"), f"wardgate-{emulator.stage}"
    line = f"make migrate STAGE={emulator.stage} TO=0000 REHEARSE=1"
    described = dynamodb.describe_continuous_backups(TableName=live)["ContinuousBackupsDescription"]
    recovery = described["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    before = left(emulator)
    for recovers in (not recovery, recovery):
        dynamodb.update_continuous_backups(
            TableName=live, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": recovers}
        )
        ran = commands.typed(emulator, line)
        holds(ran.returncode == 0, ran.stdout, ran.stderr)
        holds("0001 rewrap-password-hashes down" in ran.stdout and "items seen, changed" in ran.stdout, ran.stdout)
        holds(f"{live} is as it was" in ran.stdout, ran.stdout)
        equal(left(emulator), before)
    both = commands.typed(emulator, f"{line} DRY_RUN=1")
    holds(both.returncode != 0 and "leave DRY_RUN=1" in both.stderr, both.stdout, both.stderr)


def left(emulator: Deployment) -> tuple[Json, Json, Json, int]:
    """What a rehearsal could leave behind: tables, backups, what the table says of its migrations, and lines."""
    dynamodb = emulator.client("dynamodb")
    backups = sorted(it["BackupArn"] for it in dynamodb.list_backups()["BackupSummaries"])
    return dynamodb.list_tables()["TableNames"], backups, states(emulator), lines(emulator)


def states(emulator: Deployment) -> list[Json]:
    """What the table says of its migrations."""
    asked = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": "MIGRATION"}}}
    return list(emulator.client("dynamodb").query(TableName=f"wardgate-{emulator.stage}", **asked)["Items"])
