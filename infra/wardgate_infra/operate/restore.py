"""Restores the table to a time, and switches over to it: `make restore`. The audit table is not rolled back: it says
what the restored table has forgotten (PL-07).

The table that was live is closed to writes before the sweep, and kept. Nothing but that happens to it, so until the
switch-over everything can be given up: `make restore STAGE=… SWITCH_TO=<its name>` opens it again.
"""

import argparse
import datetime
import time
from collections.abc import Collection

from wardgate_infra import Failed
from wardgate_infra.operate import audit, edge_orders, smoke, switch_over
from wardgate_infra.operate.restore_sweep import Sweep
from wardgate_infra.operate.restored_table import RestoredTable, made_at, name_at
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.terminal import confirm, say, table

# User ids of one kind.
MOST_LISTED = 50
# How far back recovery reaches.
RECOVERY = datetime.timedelta(days=35)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", type=moment, help="the time, as 2026-03-01T12:29:00Z")
    parser.add_argument("--backup", help="the ARN of a backup, instead of a time")
    parser.add_argument("--table", help="go on with a table that is restored already, without the stage; needs --to")
    parser.add_argument("--switch-to", help="only switch over to this table, without the stage")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def moment(text: str) -> datetime.datetime:
    try:
        time = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write it as 2026-03-01T12:29:00Z") from None
    if time.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} does not say in which time zone: end it with Z for UTC")
    return time


def run(stage: Stage, options: argparse.Namespace) -> None:
    if options.switch_to:
        switch_back(stage, options)
        return
    began = time.monotonic()
    live = RestoredTable(stage, stage.parameters["TableName"])
    restored, point = begin(stage, live, options)
    say(f"{restored.full_name} is there after {restored.wait():.0f} s.")
    if live.describe():
        say(
            f"Nobody can write to {live.full_name} from now on. To give up: make restore STAGE={stage.name} "
            f"SWITCH_TO={live.name}"
        )
        live.close()
    swept = sweep(stage, restored, point)
    restored.apply_settings()
    stream = restored.check_settings()
    say("Stream, TTL, recovery, tags, key and protection are as infra/data.yaml has them.")
    switch(stage, restored, stream, f"from {live.full_name}, as of {point:%Y-%m-%dT%H:%M:%SZ}")
    report(stage, restored, point, swept)
    check_smoke(stage, live)
    say(f"The table is {restored.full_name} after {time.monotonic() - began:.0f} s.")
    say(f"{live.full_name} is kept, closed to writes.")
    say(f"Commit {stage.parameter_file.name} of the stage now: the next deploy goes by it.")


def begin(stage: Stage, live: RestoredTable, options: argparse.Namespace) -> tuple[RestoredTable, datetime.datetime]:
    """Begins to make the restored table, or finds the one that is there."""
    if options.table:
        if not options.to:
            raise Failed("TABLE needs TO: what the table is as of decides what it has forgotten.")
        restored = RestoredTable(stage, options.table)
        made_at(restored.name)
        if not restored.describe():
            raise Failed(f"There is no table {restored.full_name}.")
        if restored.name == live.name:
            raise Failed(f"{restored.full_name} is live already.")
        return restored, options.to
    now = datetime.datetime.now(datetime.UTC)
    restored = RestoredTable(stage, name_at(stage, now))
    if options.backup:
        point = backup_time(stage, options.backup)
    elif options.to:
        point = options.to
        check_time(live, point, now)
    else:
        raise Failed(f"Say which time: make restore STAGE={stage.name} TO=2026-03-01T12:29:00Z")
    confirm(
        f"Everything that happened in {stage.name} after {point:%Y-%m-%dT%H:%M:%SZ} will be forgotten, every session "
        "will end, and who changed a password since will need a reset. Go on?",
        options.yes,
    )
    if options.backup:
        restored.restore_backup(options.backup)
    else:
        restored.restore_to(live, point)
    say(
        f"{restored.full_name} is being made. If this is interrupted: make restore STAGE={stage.name} "
        f"TABLE={restored.name} TO={point:%Y-%m-%dT%H:%M:%SZ}"
    )
    return restored, point


def backup_time(stage: Stage, arn: str) -> datetime.datetime:
    dynamodb = stage.client("dynamodb")
    try:
        described = dynamodb.describe_backup(BackupArn=arn)
    except dynamodb.exceptions.BackupNotFoundException:
        raise Failed(
            f"There is no backup {arn}. Those of AWS Backup are restored by it: "
            "docs/operations/disaster-recovery.md has the way."
        ) from None
    made: datetime.datetime = described["BackupDescription"]["BackupDetails"]["BackupCreationDateTime"]
    return made.astimezone(datetime.UTC)


def check_time(live: RestoredTable, point: datetime.datetime, now: datetime.datetime) -> None:
    """Whether the table can be restored to then."""
    if not live.describe():
        raise Failed(
            f"{live.full_name} is gone, and its recovery with it. AWS has made a last backup of it: "
            "docs/operations/disaster-recovery.md has the way."
        )
    backups = live.dynamodb.describe_continuous_backups(TableName=live.full_name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {})
    if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
        raise Failed(f"{live.full_name} has no point-in-time recovery. Restore a backup: make restore BACKUP=<arn>")
    first, last = recovery["EarliestRestorableDateTime"], recovery["LatestRestorableDateTime"]
    if live.stage.is_emulated:
        # The emulator says of every table that it can be restored to this very second and to no other.
        first, last = now - RECOVERY, now
    if not first <= point <= last:
        raise Failed(
            f"TO is {point:%Y-%m-%dT%H:%M:%SZ}; {live.full_name} can be restored from "
            f"{first:%Y-%m-%dT%H:%M:%SZ} to {last:%Y-%m-%dT%H:%M:%SZ}."
        )


def sweep(stage: Stage, restored: RestoredTable, point: datetime.datetime) -> Sweep:
    """Lets the sweep go through the table, and again to see that it is as it has to be."""
    now = made_at(restored.name)
    swept = Sweep(stage, restored, point, now, check=False).run()
    say(
        f"Swept {swept.items.total()} items in {swept.seconds:.0f} s: {swept.changed['accounts']} accounts without "
        f"sessions, {swept.changed['killed']} mailed tokens killed."
    )
    seen = Sweep(stage, restored, point, now, check=True).run()
    table(sorted(seen.items.items()), ("kind", "items"))
    if (seen.staying(), seen.checksum) != (swept.staying(), swept.checksum):
        raise Failed(
            f"The sweep has changed what it must not, or somebody writes to {restored.full_name}: items or "
            "their checksum differ before and after. Nothing was switched; restore again."
        )
    if seen.items["credential"] < seen.items["user"] or not seen.items["user"]:
        raise Failed(
            f"{restored.full_name} has {seen.items['user']} users and {seen.items['credential']} credentials. "
            "Nothing was switched; take an earlier time."
        )
    if seen.wrong:
        for what in seen.wrong[:20]:
            say(f"  {what}")
        confirm(f"{len(seen.wrong)} things are not as they have to be, as above. Switch over nevertheless?", False)
    say(f"{seen.items.total()} items are as they have to be; checksum {seen.checksum:032x}.")
    return swept


def switch(stage: Stage, restored: RestoredTable, stream: str, detail: str) -> None:
    """Makes the table the live one."""
    switch_over.write_parameters(stage, restored.name, stream)
    # What is in the cache of this process is of the table before.
    stage.__dict__.pop("parameters", None)
    switch_over.deploy(stage)
    say(f"The functions use {restored.full_name}.")
    audit.record(stage, "restored", f"{restored.full_name} {detail}")
    # Sessions of the table before are in no stream of this one, and so nobody else tells the edge of them.
    try:
        edge_orders.refuse_before_now(stage)
    except Failed as failure:
        # The restore goes on all the same.
        say(str(failure))


def check_smoke(stage: Stage, before: RestoredTable) -> None:
    """Tries the stage as a user would."""
    try:
        smoke.check(stage)
    except Failed as failure:
        raise Failed(
            f"{failure}\nThe functions use the new table already, and something does not work. To go back: "
            f"make restore STAGE={stage.name} SWITCH_TO={before.name}"
        ) from failure


def switch_back(stage: Stage, options: argparse.Namespace) -> None:
    """Makes a table live again that was, with everything that it had then."""
    target = RestoredTable(stage, options.switch_to)
    described = target.describe()
    if not described:
        raise Failed(f"There is no table {target.full_name}.")
    confirm(
        f"{stage.name} will use {target.full_name}, as it is. Sessions and tokens of it work again. Go on?", options.yes
    )
    target.open()
    live = RestoredTable(stage, stage.parameters["TableName"])
    if live.name == target.name:
        say(f"{target.full_name} is live, and open to writes.")
        return
    if live.describe():
        live.close()
    # The stack that made the first table says its stream itself.
    first = target.name == name_at(stage, datetime.datetime.now(datetime.UTC)).split("-restored-")[0]
    switch(stage, target, "" if first else described["LatestStreamArn"], f"instead of {live.full_name}")
    check_smoke(stage, live)
    say(f"Commit {stage.parameter_file.name} of the stage now: the next deploy goes by it.")


def report(stage: Stage, restored: RestoredTable, point: datetime.datetime, swept: Sweep) -> None:
    """What whoever answers the users has to know, by user id."""
    meaning = {
        "reset_forced": "Need a password reset",
        "factor_removal_repeated": "Without the second factor that was removed or replaced",
        "recovery_codes_ended": "Need new recovery codes",
        "second_factor_on": "Asked for the second factor again",
        "disabled": "Disabled, since their address may not be theirs any more: look at each",
        "deletion_repeated": "Leave again, having been erased or having asked for it",
        "cancellation_repeated": "Are kept again",
    }
    # First what the law asks for.
    erased = stage.invoke("eraser", {"id": f"restore-{restored.name}"})["erased"]
    for action, users in sorted(swept.accounts.items()):
        say_users(meaning.get(action, action), users)
    say(f"Erased again: {erased}")
    say_users("Began after that time and are gone", accounts_since(stage, restored, point))


def say_users(what: str, users: Collection[str]) -> None:
    """How many and which. The trail has all of them."""
    listed = ", ".join(sorted(users)[:MOST_LISTED]) + (" …" if len(users) > MOST_LISTED else "")
    say(f"{what}: {len(users)}{': ' if listed else ''}{listed}")


def accounts_since(stage: Stage, restored: RestoredTable, point: datetime.datetime) -> set[str]:
    """Accounts that the trail says began after the point, and that the restored table does not know. It goes through
    the whole trail, so it comes after the switch-over."""
    dynamodb = stage.client("dynamodb")
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=f"{stage.parameters['AuditTableName']}-{stage.name}",
        FilterExpression="begins_with(pk, :user) AND #at >= :point AND #action IN (:verified, :imported)",
        ProjectionExpression="pk",
        ExpressionAttributeNames={"#at": "at", "#action": "action"},
        ExpressionAttributeValues={
            ":user": {"S": "USER#"},
            ":point": {"N": str(int(point.timestamp() * 1000))},
            ":verified": {"S": "email_verified"},
            ":imported": {"S": "imported"},
        },
    )
    users = {line["pk"]["S"].split("#")[1] for page in pages for line in page["Items"]}
    key = {user: {"pk": {"S": f"USER#{user}"}, "sk": {"S": "PROFILE"}} for user in users}
    return {
        user
        for user in users
        if "Item" not in dynamodb.get_item(TableName=restored.full_name, Key=key[user], ProjectionExpression="pk")
    }
