"""The parts of `make status` about what outlives a deploy: each gives rows to print, and what is wrong."""

import datetime
from collections.abc import Sequence
from http import HTTPStatus
from typing import TypeAlias

from botocore.exceptions import ClientError

from wardgate_infra import Json
from wardgate_infra.operate import backup_keys, release, rollback, running
from wardgate_infra.operate.stage import Stage, is_refused

# A part of `make status`: rows to print, and what is wrong.
Section: TypeAlias = tuple[Sequence[Sequence[str]], list[str]]

# Where what could not be delivered waits for somebody.
SET_ASIDE = "-failed"
# The rings whose loss nothing makes good, and what would be lost.
IRREPLACEABLE = {"password_wrap": "every password", "factor_wrap": "every authenticator app"}
QUEUE_COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


def minute(time: datetime.datetime) -> str:
    """A moment as people read it."""
    return f"{time.astimezone(datetime.UTC):%Y-%m-%d %H:%M} UTC"


def queues(stage: Stage) -> Section:
    """Queues"""
    sqs = stage.client("sqs")
    pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix=f"wardgate-{stage.name}-")
    rows: list[tuple[str, ...]] = []
    wrong: list[str] = []
    for url in sorted(url for page in pages for url in page.get("QueueUrls", [])):
        name = url.rsplit("/", 1)[1]
        counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=QUEUE_COUNTS)["Attributes"]
        waiting, taken = (int(counts[it]) for it in QUEUE_COUNTS)
        rows.append((name, f"{waiting} waiting", f"{taken} in work"))
        if SET_ASIDE in name and waiting + taken:
            wrong.append(f"{waiting + taken} messages were given up and are in {name}")
    return rows or [("none",)], wrong


def tables(stage: Stage) -> Section:
    """Tables, counted by AWS every six hours"""
    dynamodb = stage.client("dynamodb")
    rows: list[tuple[str, ...]] = []
    wrong: list[str] = []
    for parameter in ("TableName", "AuditTableName"):
        name = f"{stage.parameters[parameter]}-{stage.name}"
        found = dynamodb.describe_table(TableName=name)["Table"]
        size = f"{found['ItemCount']} items, {found['TableSizeBytes']} bytes"
        rows.append((name, f"{found['TableStatus']}, {size}"))
        if found["TableStatus"] not in ("ACTIVE", "UPDATING"):
            wrong.append(f"table {name} is {found['TableStatus']}")
        described = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        recovery = described.get("PointInTimeRecoveryDescription", {})
        if recovery.get("PointInTimeRecoveryStatus") == "ENABLED":
            window = [
                minute(recovery[it]) if it in recovery else "?"
                for it in ("EarliestRestorableDateTime", "LatestRestorableDateTime")
            ]
            rows.append(("  can be restored to", f"{window[0]} to {window[1]}"))
        else:
            rows.append(("  can be restored to", "no moment"))
            wrong.append(f"point-in-time recovery of {name} is off: make deploy STAGE={stage.name} turns it on")
        backups = dynamodb.list_backups(TableName=name, BackupType="ALL")["BackupSummaries"]
        newest = max((it["BackupCreationDateTime"] for it in backups), default=None)
        rows.append(("  newest backup", minute(newest) if newest else "none"))
    return rows, wrong


def rings(stage: Stage) -> Section:
    """Key rings, and the keys that are published"""
    secrets = stage.client("secretsmanager")
    prefix = f"wardgate/{stage.name}/"
    pages = secrets.get_paginator("list_secrets").paginate(Filters=[{"Key": "name", "Values": [prefix]}])
    names = sorted(it["Name"] for page in pages for it in page["SecretList"] if it["Name"].startswith(prefix))
    now = datetime.datetime.now(datetime.UTC)
    rows: list[tuple[str, ...]] = []
    wrong: list[str] = []
    for name in names:
        # Dates and version ids; never a value.
        found = secrets.describe_secret(SecretId=name)
        current = any("AWSCURRENT" in stages for stages in found.get("VersionIdsToStages", {}).values())
        changed, due = found.get("LastRotatedDate") or found.get("LastChangedDate"), found.get("NextRotationDate")
        copied = backup_keys.copied_at(found)
        rows.append(
            (
                name,
                f"changed {minute(changed)}" if current and changed else "empty",
                f"next rotation {minute(due)}" if due else "no schedule",
                f"copied {minute(copied)}" if copied else "not copied as it is",
            )
        )
        if not current:
            wrong.append(f"{name} is empty: make rotate STAGE={stage.name}")
        elif due and due < now:
            wrong.append(
                f"{name} should have been rotated on {minute(due)}: make logs STAGE={stage.name} F=rotate-keys"
            )
        elif not copied and stage.name == "production" and (lost := IRREPLACEABLE.get(name.removeprefix(prefix))):
            wrong.append(
                f"{name} has no copy as it is now, and with it {lost} would be lost: "
                f"make backup-keys STAGE={stage.name}"
            )
    if not names:
        wrong.append(f"there are no key rings: make deploy STAGE={stage.name} makes them")
    url = running.api_url(stage)
    status, published = running.ask(f"{url}/.well-known/jwks.json") if url else (0, {})
    rows += [("  published", key.get("kid", "?"), key.get("alg", "?"), "") for key in published.get("keys", [])]
    if status != HTTPStatus.OK or not published.get("keys"):
        wrong.append(f"no key is published, so nobody can verify a token: /.well-known/jwks.json answers {status}")
    return rows, wrong


def migrations(stage: Stage) -> Section:
    """Migrations"""
    if stage.stack(stage.migrate_stack) is None:
        return [("no stack of migrations",)], []
    rows: list[tuple[str, ...]] = []
    wrong: list[str] = []
    try:
        standing = stage.invoke("migrate", {"status": True})["migrations"]
    except ClientError as error:
        if not is_refused(error):
            raise
        # Whoever may ask the function may also have it migrate, and so a role that only looks may not.
        standing = kept(stage)
        rows.append(("as the table has them:", "whether a key makes one due again, the function alone knows", ""))
    for it in standing:
        applied = it["applied_at"] and minute(datetime.datetime.fromisoformat(it["applied_at"]))
        rows.append((f"{it['number']} {it['name']}", it["status"], applied or ""))
        # Somebody who has its lock is at it.
        if it["due"] and not it["locked_until"]:
            wrong.append(f"migration {it['number']} is due: make migrate STAGE={stage.name}")
    return rows or [("none",)], wrong


def kept(stage: Stage) -> list[Json]:
    """Migrations as the table has them, and those that the release knows beside them, in the form of the function's."""
    bucket, now = release.kept(stage), datetime.datetime.now(datetime.UTC)
    live = bucket.read(f"stages/{stage.name}/live.json") if bucket else None
    known = bucket.manifest(live["artifact"])["migrations"] if bucket and live and live["artifact"] else []
    states = {it["number"]: it for it in rollback.migrations(stage)}
    found = []
    for it in [*known, *(it for it in states.values() if it["number"] not in {one["number"] for one in known})]:
        state = states.get(it["number"], {"status": "pending"})
        applied, expires = (moment(state.get(name)) for name in ("applied_at", "expires"))
        found.append(
            {
                "number": it["number"],
                "name": it["name"],
                "status": state["status"],
                "due": it in known and state["status"] != "applied",
                "applied_at": applied and applied.isoformat(),
                "locked_until": expires and expires > now,
            }
        )
    return sorted(found, key=lambda it: str(it["number"]))


def moment(milliseconds: Json) -> datetime.datetime | None:
    """A time as the table has it."""
    return milliseconds and datetime.datetime.fromtimestamp(int(milliseconds) / 1000, datetime.UTC)


SECTIONS = (queues, tables, rings, migrations)
