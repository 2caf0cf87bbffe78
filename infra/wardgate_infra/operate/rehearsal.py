"""A migration rehearsed: `make migrate STAGE=production REHEARSE=1`. The live table is copied, the migrations of this
checkout are applied to the copy, and the copy is deleted, whatever comes of it.

The program runs here and not as the stage's function, which may touch the live table alone and has the migrations of
the release before. Nothing of it reaches the live table, the trail or a user: a copy has no stream.
"""

import datetime
import json
import time

from wardgate_infra import Failed
from wardgate_infra.operate import audit, backup, migration_report, transfer, way_back
from wardgate_infra.operate.restored_table import COPY_INFIX, RestoredTable, copy_name_at
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.terminal import say, table

# The longest that the copy of a restore that was interrupted is waited for: DynamoDB deletes none that is being made.
DEADLINE = 3600


def run(stage: Stage, to: str | None, limits: dict[str, int]) -> None:
    live = RestoredTable(stage, stage.parameters["TableName"])
    if not live.describe():
        raise Failed(f"There is no table {live.full_name} to copy.")
    left_over(stage)
    copy = RestoredTable(stage, copy_name_at(stage, datetime.datetime.now(datetime.UTC)))
    audit.record(stage, "migration_rehearsed", f"on {copy.full_name}, a copy of {live.full_name}")
    times: list[tuple[str, str]] = []
    began = time.monotonic()
    made: list[str] = []
    try:
        fill(stage, live, copy, made)
        times.append(("copy", f"{copy.wait():.0f} s after it was asked for"))
        times += apply(stage, copy, to, limits)
    finally:
        delete(stage, copy, made)
    table(times)
    say(f"The rehearsal took {time.monotonic() - began:.0f} s, and {live.full_name} is as it was.")


def fill(stage: Stage, live: RestoredTable, copy: RestoredTable, made: list[str]) -> None:
    """Begins to copy the table as it is now, or was minutes ago. A backup that had to be made for it is in `made`."""
    say(f"{copy.full_name} is being made of {live.full_name}.")
    if not way_back.has_recovery(live):
        made.append(backup.of_table(stage, live.full_name))
        copy.restore_backup(made[0])
        return
    described = live.dynamodb.describe_continuous_backups(TableName=live.full_name)["ContinuousBackupsDescription"]
    copy.restore_to(live, described["PointInTimeRecoveryDescription"]["LatestRestorableDateTime"])


def apply(stage: Stage, copy: RestoredTable, to: str | None, limits: dict[str, int]) -> list[tuple[str, str]]:
    """Applies them to the copy, and gives how long each took."""
    given = {"items_per_second": "--rate", "capacity_per_second": "--capacity"}
    asked = [it for name, value in limits.items() for it in (given[name], str(value))]
    asked += ["--to", to] if to is not None else []
    reports = transfer.lines(stage, "rehearse", "--table", copy.name, *asked)
    listed = json.loads(next(reports))
    table(*migration_report.listing(listed))
    times, began = [], time.monotonic()
    for line in reports:
        report = json.loads(line)
        for step in report["finished"]:
            say(migration_report.finished(step, dry_run=False))
            took, began = time.monotonic() - began, time.monotonic()
            times.append((migration_report.name(step), f"{took:.0f} s, {step['seen']:,} items"))
        if refused := report.get("refused"):
            raise Failed(migration_report.advice(stage, refused))
        if step := report.get("running"):
            say(migration_report.progress(step, dry_run=False))
    return times or [("migrations", "nothing was left to be done")]


def delete(stage: Stage, copy: RestoredTable, made: list[str]) -> None:
    """Deletes the copy, and the backup that was made for it."""
    for arn in made:
        copy.dynamodb.delete_backup(BackupArn=arn)
    described = copy.describe()
    if described is None:
        return
    if described["TableStatus"] == "CREATING":
        say(f"{copy.full_name} can be deleted once it is there. If this is interrupted: {by_hand(stage, copy)}")
        wait(copy, "CREATING")
    copy.dynamodb.delete_table(TableName=copy.full_name)
    wait(copy, "DELETING")
    say(f"{copy.full_name} is deleted.")


def wait(copy: RestoredTable, status: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while (copy.describe() or {}).get("TableStatus") == status:
        if time.monotonic() > deadline:
            raise Failed(f"{copy.full_name} is {status} after an hour: delete it by hand.")
        time.sleep(1)


def left_over(stage: Stage) -> None:
    """Names copies that are there. Whether somebody is at one cannot be seen, so that none is deleted."""
    pages = stage.client("dynamodb").get_paginator("list_tables").paginate()
    first = copy_name_at(stage, datetime.datetime.now(datetime.UTC)).split(COPY_INFIX)[0]
    for page in pages:
        for name in page["TableNames"]:
            if name.startswith(f"{first}{COPY_INFIX}") and name.endswith(f"-{stage.name}"):
                copy = RestoredTable(stage, name.removesuffix(f"-{stage.name}"))
                say(f"{name} is of another rehearsal. If nobody is at it: {by_hand(stage, copy)}")


def by_hand(stage: Stage, copy: RestoredTable) -> str:
    return f"aws dynamodb delete-table --region {stage.region} --table-name {copy.full_name}"
