"""Backs up both tables now: `make backup`. Backups of each hour and day are AWS Backup's work: infra/backup.yaml.

These are DynamoDB's own backups. They are there at once, need no vault, and `make restore BACKUP=…` takes them. They
stay until somebody deletes them.
"""

import argparse
import datetime
import time

from wardgate_infra import Client, Failed, Json
from wardgate_infra.operate import audit
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.terminal import say, table

DEADLINE = 600


def arguments(_: argparse.ArgumentParser) -> None:
    pass


def run(stage: Stage, _: argparse.Namespace) -> None:
    began = time.monotonic()
    dynamodb = stage.client("dynamodb")
    name = name_now()
    tables = [f"{stage.parameters[it]}-{stage.name}" for it in ("TableName", "AuditTableName")]
    # Both begin before either is waited for, so that they are of nearly the same moment.
    begun = [dynamodb.create_backup(TableName=it, BackupName=name)["BackupDetails"]["BackupArn"] for it in tables]
    rows = []
    for of, arn in zip(tables, begun, strict=True):
        details = wait(dynamodb, arn)
        rows.append((of, f"{details['BackupSizeBytes']:,} bytes", details["BackupArn"]))
    table(rows)
    say(f"Both are there after {time.monotonic() - began:.0f} s.")
    audit.record(stage, "backed_up", ", ".join(begun))


def name_now() -> str:
    return f"{datetime.datetime.now(datetime.UTC):%Y%m%dt%H%M%Sz}"


def of_table(stage: Stage, table_name: str) -> str:
    """Backs up one table, and gives the ARN once it can be used."""
    dynamodb = stage.client("dynamodb")
    arn = dynamodb.create_backup(TableName=table_name, BackupName=name_now())["BackupDetails"]["BackupArn"]
    wait(dynamodb, arn)
    return str(arn)


def wait(dynamodb: Client, arn: str) -> Json:
    """What a backup is once it can be used."""
    deadline = time.monotonic() + DEADLINE
    while True:
        details = dynamodb.describe_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]
        if details["BackupStatus"] == "AVAILABLE":
            return details
        if details["BackupStatus"] != "CREATING" or time.monotonic() > deadline:
            raise Failed(f"{arn} is {details['BackupStatus']}. Look at it in the console, and type this again.")
        time.sleep(2)
