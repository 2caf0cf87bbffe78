"""Migrations as an operator runs them: the command, the function under its own role, and the emulator's table."""

import base64
import json
import secrets
import subprocess
import time

from gateway import equal, holds


def migrate(emulator, *arguments):
    """The operator's command, and what it prints."""
    command = [emulator.root / ".tools/sam/bin/python", emulator.root / "infra/operate", "migrate"]
    command += ["--stage", emulator.stage, *arguments]
    ran = subprocess.run(command, env=emulator.environment, capture_output=True, text=True, timeout=120, check=False)
    return ran.returncode, ran.stdout + ran.stderr


def done(emulator, *arguments):
    code, printed = migrate(emulator, *arguments)
    holds(code == 0, printed)
    return printed


def versions(emulator):
    """Under which key versions hashes are sealed."""
    pages = emulator.client("dynamodb").get_paginator("scan").paginate(TableName=f"wardgate-{emulator.stage}")
    items = [item for page in pages for item in page["Items"]]
    return {item["password"]["M"]["key_version"]["N"] for item in items if "password" in item}


def lines(emulator):
    """How many lines about migrations the audit trail has."""
    pages = emulator.client("dynamodb").get_paginator("scan").paginate(TableName=f"wardgate-audit-{emulator.stage}")
    return sum(line["action"]["S"] == "migrated" for page in pages for line in page["Items"])


def check_migrations(api, emulator):
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
    equal(lines(emulator) - applied, 7)
