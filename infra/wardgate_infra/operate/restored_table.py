"""The table that a restore makes: how it comes to be, and what it has to have before anybody uses it. A restore keeps
neither stream, TTL, recovery, tags nor protection."""

import contextlib
import datetime
import json
import re
import time
from collections.abc import Callable
from typing import Self

from botocore.exceptions import ClientError

from wardgate_infra import ROOT, Failed, Json, templates
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.terminal import say

# Between a table's first name and the time of a restore. The templates and the sweep's role go by it.
INFIX = "-restored-"
# Likewise of a copy that a migration is rehearsed on. No role of a function knows it: nothing ever switches to one.
COPY_INFIX = "-rehearsal-"
TIME = "%Y%m%dt%H%M%Sz"
# How long nothing is said while a table is being made.
BETWEEN_LINES = 30
# What a closed table refuses. A transaction counts as the single actions in it.
WRITES = [
    f"dynamodb:{it}"
    for it in (
        "BatchWriteItem",
        "DeleteItem",
        "PartiQLDelete",
        "PartiQLInsert",
        "PartiQLUpdate",
        "PutItem",
        "UpdateItem",
    )
]


def name_at(stage: Stage, now: datetime.datetime) -> str:
    """What a table is called that is restored now, without the stage."""
    return f"{stage.parameters['TableName'].split(INFIX)[0]}{INFIX}{now:{TIME}}"


def copy_name_at(stage: Stage, now: datetime.datetime) -> str:
    """Likewise of a copy to rehearse on."""
    return f"{stage.parameters['TableName'].split(INFIX)[0]}{COPY_INFIX}{now:{TIME}}"


def made_at(name: str) -> datetime.datetime:
    """When a restore named this table. It is the time of everything that the restore does to it."""
    if not (found := re.search(f"{INFIX}([0-9]{{8}}t[0-9]{{6}}z)$", name)):
        raise Failed(f"{name} is not a name that a restore gives: <first name>{INFIX}<yyyymmdd>t<hhmmss>z.")
    return datetime.datetime.strptime(found[1], TIME).replace(tzinfo=datetime.UTC)


class RestoredTable:
    """One table of a stage, by its name without the stage."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.stage = stage
        self.name = name
        self.full_name = f"{name}-{stage.name}"
        self.dynamodb = stage.client("dynamodb")

    def describe(self) -> Json:
        """The table as DynamoDB describes it, or None."""
        try:
            return self.dynamodb.describe_table(TableName=self.full_name)["Table"]
        except self.dynamodb.exceptions.ResourceNotFoundException:
            return None

    def restore_to(self, source: Self, point: datetime.datetime) -> None:
        """Begins to restore another table, as it was then, into this one."""
        self.dynamodb.restore_table_to_point_in_time(
            SourceTableArn=source.describe()["TableArn"], RestoreDateTime=point, **self.target()
        )

    def restore_backup(self, arn: str) -> None:
        """Begins to restore a backup into this table."""
        self.dynamodb.restore_table_from_backup(BackupArn=arn, **self.target())

    def target(self) -> dict[str, Json]:
        return {
            "TargetTableName": self.full_name,
            "BillingModeOverride": "PAY_PER_REQUEST",
            "SSESpecificationOverride": self.encryption(),
        }

    def encryption(self) -> dict[str, Json]:
        return {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": self.key()}

    def key(self) -> str:
        """The stage's key. A restore would take AWS's own."""
        if key := self.stage.outputs(self.stage.data_stack).get("KeyArn"):
            return key
        raise Failed(f"The stack {self.stage.data_stack} has no key: deploy it first.")

    def wait(self) -> float:
        """Waits until the table can be used, and says how long it took."""
        began = said = time.monotonic()
        while (status := (self.describe() or {}).get("TableStatus")) != "ACTIVE":
            if status not in ("CREATING", "UPDATING"):
                raise Failed(f"{self.full_name} is {status or 'gone'}.")
            if time.monotonic() - said >= BETWEEN_LINES:
                said = time.monotonic()
                say(f"  {self.full_name} is {status} for {said - began:.0f} s")
            time.sleep(1)
        return time.monotonic() - began

    def tags(self) -> dict[str, str]:
        """As samconfig.toml and infra/data.yaml give them to the first table."""
        return {"service": "wardgate", "stage": self.stage.name, "wardgate:backup": self.stage.name}

    def apply_settings(self) -> None:
        """What infra/data.yaml gives its tables. Each can be given again."""
        replica = self.template()["Replicas"][0]
        recovery = replica["PointInTimeRecoverySpecification"]
        arn = self.describe()["TableArn"]
        if self.ttl() != self.template()["TimeToLiveSpecification"]["AttributeName"]:
            self.dynamodb.update_time_to_live(
                TableName=self.full_name, TimeToLiveSpecification=self.template()["TimeToLiveSpecification"]
            )
        # A table is ACTIVE a moment before it can be recovered.
        self.persist(
            lambda: self.dynamodb.update_continuous_backups(
                TableName=self.full_name, PointInTimeRecoverySpecification=recovery
            ),
            "ContinuousBackupsUnavailableException",
        )
        tags = [{"Key": key, "Value": value} for key, value in self.tags().items()]
        self.dynamodb.tag_resource(ResourceArn=arn, Tags=tags)
        if not self.describe().get("DeletionProtectionEnabled"):
            self.dynamodb.update_table(TableName=self.full_name, DeletionProtectionEnabled=True)
            self.wait()
        # AWS Backup may have restored the table with another key; the emulator has not heard of any.
        if self.describe().get("SSEDescription", {}).get("KMSMasterKeyArn") != self.key():
            self.dynamodb.update_table(TableName=self.full_name, SSESpecification=self.encryption())
            self.wait()
        if not self.describe().get("StreamSpecification", {}).get("StreamEnabled"):
            view = self.template()["StreamSpecification"]["StreamViewType"]
            self.dynamodb.update_table(
                TableName=self.full_name, StreamSpecification={"StreamEnabled": True, "StreamViewType": view}
            )
            self.wait()

    def check_settings(self) -> str:
        """Asks DynamoDB whether it has them."""
        table = self.describe()
        recovery = self.dynamodb.describe_continuous_backups(TableName=self.full_name)["ContinuousBackupsDescription"]
        recovery = recovery.get("PointInTimeRecoveryDescription", {})
        tags = self.dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]
        tags = {it["Key"]: it["Value"] for it in tags}
        template = self.template()
        found = {
            "its billing": table.get("BillingModeSummary", {}).get("BillingMode") == template["BillingMode"],
            "its key": table.get("SSEDescription", {}).get("KMSMasterKeyArn") == self.key(),
            "its stream": table.get("StreamSpecification", {}).get("StreamViewType")
            == template["StreamSpecification"]["StreamViewType"],
            "TTL": self.ttl() == template["TimeToLiveSpecification"]["AttributeName"],
            "point-in-time recovery": recovery.get("PointInTimeRecoveryStatus") == "ENABLED",
            "deletion protection": table.get("DeletionProtectionEnabled") is True,
            "its tags": tags.items() >= self.tags().items(),
        }
        if missing := [name for name, there in found.items() if not there]:
            raise Failed(f"{self.full_name} lacks {', '.join(missing)}. The live table is as before; type this again.")
        return str(table["LatestStreamArn"])

    def ttl(self) -> str | None:
        """The attribute by which items expire, if any."""
        ttl = self.dynamodb.describe_time_to_live(TableName=self.full_name)["TimeToLiveDescription"]
        return ttl.get("AttributeName") if ttl["TimeToLiveStatus"] in ("ENABLED", "ENABLING") else None

    @staticmethod
    def template() -> Json:
        return templates.read(ROOT / "infra/data.yaml")["Resources"]["Table"]["Properties"]

    def close(self) -> None:
        """Lets nobody write to the table any more: what would be written now would be lost."""
        arn = self.describe()["TableArn"]
        statement = {
            "Sid": "ClosedByRestore",
            "Effect": "Deny",
            "Principal": "*",
            "Action": WRITES,
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.dynamodb.put_resource_policy(ResourceArn=arn, Policy=policy)
        # The emulator keeps a table's policy and does not look at it.
        if not self.stage.is_emulated:
            self.persist(self.try_to_write, "ConditionalCheckFailedException", until="AccessDeniedException")

    def try_to_write(self) -> None:
        """A write that changes nothing: the item never exists."""
        nobody = {"S": "NOBODY"}
        self.dynamodb.update_item(
            TableName=self.full_name,
            Key={"pk": nobody, "sk": nobody},
            UpdateExpression="SET #at = :at",
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeNames={"#at": "at"},
            ExpressionAttributeValues={":at": {"N": "0"}},
        )

    def open(self) -> None:
        """Takes that back."""
        with contextlib.suppress(self.dynamodb.exceptions.PolicyNotFoundException):
            self.dynamodb.delete_resource_policy(ResourceArn=self.describe()["TableArn"])

    def persist(self, call: Callable[[], object], while_it_says: str, until: str | None = None) -> None:
        """Repeats a call for five minutes while AWS has not caught up. With `until` it has to end in that error."""
        deadline = time.monotonic() + 300
        while True:
            try:
                call()
                if until is None:
                    return
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code == until:
                    return
                if code != while_it_says or time.monotonic() > deadline:
                    raise
            time.sleep(1)
