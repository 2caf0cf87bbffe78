"""What `make destroy DATA=lost` takes away by name, because it outlives the stacks that have made it. Each part gives
how many it has deleted, and adds what AWS keeps for a while to what stays."""

import datetime
import time
from collections.abc import Callable

from botocore.exceptions import ClientError

from wardgate_infra import Failed, Json
from wardgate_infra.operate import release as releases
from wardgate_infra.operate.needs.access import GITHUB
from wardgate_infra.operate.needs.finding import code
from wardgate_infra.operate.remains import Remains
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.terminal import say

PATIENCE = datetime.timedelta(minutes=30)
# The longest that AWS takes, within which somebody can regret it. Neither a key nor a secret costs anything then.
WINDOW_DAYS = 30
# How long DynamoDB keeps its own backup of a table that is deleted with point-in-time recovery on.
SAVED = datetime.timedelta(days=35)
# What S3 deletes in a request.
AT_A_TIME = 1000


def tables(remains: Remains, stays: list[str]) -> int:
    """Takes each table's deletion protection off, and deletes it."""
    found = remains.tables
    for name in found:
        say(f"  {name}")
        delete_table(remains, name, stays)
    return len(found)


def delete_table(remains: Remains, name: str, stays: list[str]) -> None:
    client, table = remains.stage.client("dynamodb"), remains.describe(name)
    if table and table["TableStatus"] != "DELETING":
        described = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        recovery = described.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
        if table.get("DeletionProtectionEnabled"):
            client.update_table(TableName=name, DeletionProtectionEnabled=False)
            wait(lambda: (remains.describe(name) or {}).get("TableStatus") != "UPDATING", f"{name} is being changed")
        client.delete_table(TableName=name)
        # The emulator makes none.
        if recovery == "ENABLED" and not remains.stage.is_emulated:
            until = datetime.datetime.now(datetime.UTC) + SAVED
            stays.append(
                f"DynamoDB's own backup of {name} until {until:%Y-%m-%d}, free of charge, readable while its key is"
            )
    wait(lambda: remains.describe(name) is None, f"{name} is being deleted")


def backups(remains: Remains) -> int:
    found, client = remains.backups, remains.stage.client("dynamodb")
    for it in found:
        client.delete_backup(BackupArn=it["BackupArn"])
    return len(found)


def secrets(remains: Remains, stays: list[str]) -> int:
    """Production's key rings wait, so that somebody can regret it. Until they are gone their names are taken, and a
    deploy is refused; another stage is thrown away to be made again."""
    stage, gone = remains.stage, 0
    client = stage.client("secretsmanager")
    for it in remains.secrets:
        name, until = it["Name"], it.get("DeletedDate")
        if stage.name != "production":
            client.delete_secret(SecretId=it["ARN"], ForceDeleteWithoutRecovery=True)
            gone += 1
            continue
        if not until:
            until = client.delete_secret(SecretId=it["ARN"], RecoveryWindowInDays=WINDOW_DAYS)["DeletionDate"]
            gone += 1
        stays.append(
            f"secret {name} until {until:%Y-%m-%d}, free of charge. Back: aws secretsmanager restore-secret "
            f"--region {stage.region} --secret-id {name}"
        )
    return gone


def queues(remains: Remains) -> int:
    found, client = remains.queues, remains.stage.client("sqs")
    for name in found:
        client.delete_queue(QueueUrl=client.get_queue_url(QueueName=name)["QueueUrl"])
    return len(found)


def buses(remains: Remains, stays: list[str]) -> int:
    """A rule on a bus is of whoever listens, and AWS deletes no bus that has one."""
    client, gone = remains.stage.client("events"), 0
    for name in remains.buses:
        pages = client.get_paginator("list_rules").paginate(EventBusName=name)
        if rules := [it["Name"] for page in pages for it in page["Rules"]]:
            stays.append(
                f"event bus {name}, on which others have rules: {', '.join(rules)}. Type this again after them"
            )
            continue
        client.delete_event_bus(Name=name)
        gone += 1
    return gone


def vaults(remains: Remains, stays: list[str]) -> int:
    return sum(delete_vault(remains, where, stays) for where in remains.regions)


def delete_vault(remains: Remains, where: Stage, stays: list[str]) -> bool:
    """Deletes what is in a vault, and the vault. A lock is there so that nobody does, and nothing takes it off by the
    way: then all of it stays, and its key."""
    vault = remains.vault(where)
    if vault is None:
        return False
    client, name, points = where.client("backup"), vault["BackupVaultName"], remains.recovery_points(where, vault)
    here = f"vault {name} in {where.region}"
    if vault.get("Locked") and points:
        stays.append(
            f"{here}, with its key and {len(points)} recovery points, the last until {last_day(points)}: it is locked. "
            f"aws backup delete-backup-vault-lock-configuration --region {where.region} --backup-vault-name {name} "
            "takes off a lock that is in governance mode. Type this again then"
        )
        return False
    refused = []
    for it in points:
        try:
            client.delete_recovery_point(BackupVaultName=name, RecoveryPointArn=it["RecoveryPointArn"])
        except ClientError as error:
            # Under legal hold, or about to be deleted already.
            if code(error) not in ("InvalidRequestException", "InvalidResourceStateException"):
                raise
            if it["Status"] != "DELETING":
                refused.append(f"{it['RecoveryPointArn']}: {error.response['Error'].get('Message')}")
    if refused:
        stays += [f"{here}, with its key, because of {len(refused)} recovery points", *refused]
        return False
    wait(lambda: not remains.recovery_points(where, vault), f"the recovery points of {here} are being deleted")
    client.delete_backup_vault(BackupVaultName=name)
    say(f"  {name} in {where.region}, with {len(points)} recovery points")
    return True


def last_day(points: list[Json]) -> str:
    """When the last of them is deleted by itself."""
    days = [it.get("CalculatedLifecycle", {}).get("DeleteAt") for it in points]
    return f"{max(days):%Y-%m-%d}" if all(days) else "somebody deletes it"


def keys(remains: Remains, stays: list[str]) -> int:
    """Gives each key up that nothing needs any more. Its name goes at once, for the next stage to take."""
    gone = 0
    for where in remains.regions:
        client = where.client("kms")
        vault = remains.vault(where)
        kept = [vault, *remains.recovery_points(where, vault)] if vault else []
        needed = {it.get("EncryptionKeyArn") for it in kept}
        for alias, key in remains.aliases(where).items():
            described = client.describe_key(KeyId=key)["KeyMetadata"]
            if described["Arn"] in needed:
                continue
            until = described.get("DeletionDate")
            if described["KeyState"] != "PendingDeletion":
                until = client.schedule_key_deletion(KeyId=key, PendingWindowInDays=WINDOW_DAYS)["DeletionDate"]
            client.delete_alias(AliasName=alias)
            gone += 1
            stays.append(
                f"key {key} in {where.region}, which was {alias}, until {until:%Y-%m-%d}, free of charge. Back: "
                f"aws kms cancel-key-deletion --region {where.region} --key-id {key}"
            )
    return gone


def records(remains: Remains, stays: list[str]) -> int:
    """What is said of the stage's own releases. Artifacts are other stages', too, and another account's production's:
    they stay."""
    if (bucket := releases.kept(remains.stage)) is None:
        return 0
    found = remains.records
    for start in range(0, len(found), AT_A_TIME):
        named = [{"Key": key} for key in found[start : start + AT_A_TIME]]
        answer = bucket.s3.delete_objects(Bucket=bucket.bucket, Delete={"Objects": named, "Quiet": True})
        if errors := answer.get("Errors"):
            raise Failed(f"{len(errors)} records stay in {bucket.bucket}: {errors[0].get('Message')}")
    stays.append(
        f"stack {releases.STACK} and bucket {bucket.bucket}, which all stages here deploy from. After the last one: "
        "docs/operations/first-deploy.md"
    )
    return len(found)


def say_provider(stage: Stage, stays: list[str]) -> None:
    """An account has one, whichever stage's pipeline has made it."""
    providers = stage.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    stays += [f"{it['Arn']}, which all stages are signed in to by" for it in providers if it["Arn"].endswith(GITHUB)]


def wait(is_over: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE.total_seconds()
    while not is_over():
        if time.monotonic() > deadline:
            raise Failed(f"{what}, for {PATIENCE} now.")
        time.sleep(1)
