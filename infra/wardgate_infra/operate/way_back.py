"""The way back from a change of the data: before a migration writes, the time that a restore would go back to is said
and kept in the trail. Where the table cannot be restored to a time, a backup is made first."""

import datetime

from botocore.exceptions import ClientError

from wardgate_infra.operate import audit, backup
from wardgate_infra.operate.restored_table import RestoredTable
from wardgate_infra.operate.stage import Stage, is_refused
from wardgate_infra.operate.terminal import say


def note(stage: Stage, migrations: list[str], now: datetime.datetime | None = None) -> None:
    """Notes the way back from these; from none there is nothing to go back to."""
    if not migrations:
        return
    live = RestoredTable(stage, stage.parameters["TableName"])
    word = f"TO={now or datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
    if not may_be_restored(live):
        say(f"{live.full_name} has no point-in-time recovery: a backup is made first.")
        word = f"BACKUP={backup.of_table(stage, live.full_name)}"
    say(f"To go back to before it: make restore STAGE={stage.name} {word}")
    audit.record(stage, "migration_begun", f"{', '.join(migrations)}; before it: {word}")


def may_be_restored(live: RestoredTable) -> bool:
    """Whether the table can be restored to a time, as far as whoever asks may know."""
    try:
        return has_recovery(live)
    except ClientError as error:
        if not is_refused(error):
            raise
        # A role that may deploy and not look at a table of a restore: recovery is on unless somebody has turned it off.
        say(f"This role may not ask whether {live.full_name} has point-in-time recovery.")
        return True


def has_recovery(table: RestoredTable) -> bool:
    """Whether the table can be restored to a time."""
    described = table.dynamodb.describe_continuous_backups(TableName=table.full_name)["ContinuousBackupsDescription"]
    return bool(described.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED")
