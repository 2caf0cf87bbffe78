"""Whether a name that a stack is to make is taken by what is not in the stack: CloudFormation makes nothing over it."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from typing import TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

from wardgate_infra import Json
from wardgate_infra.operate.needs.account import Account, Resource, Stack
from wardgate_infra.operate.needs.finding import Finding, Level, code, why_not_asked
from wardgate_infra.operate.stage import Stage

# Those of some names that there are.
Look: TypeAlias = Callable[[Stage, list[str]], Iterable[str]]
SHOWN = 5


def taken(account: Account) -> Finding:
    """Names"""
    found, removable, unasked, asked = list[str](), list[tuple[str, str, str]](), list[str](), 0
    for stack in account.stacks:
        for kind, resources in named(account, stack).items():
            asked += len(resources)
            try:
                there = set(NAMED[kind][1](stack.where, list(resources)))
            except (BotoCoreError, ClientError) as error:
                unasked.append(f"{kind}: {why_not_asked(error)}")
                continue
            found += [f"{it.logical_id} ({kind}) {name}" for name, it in resources.items() if name in there]
            removable += [(kind, name, stack.where.region) for name in resources if name in there]
    # Each kind once, of however many stacks.
    unknown = "; ".join(dict.fromkeys(unasked))
    if found:
        shown = "; ".join(found[:SHOWN]) + (f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else "")
        return Finding(
            Level.MISSING,
            f"taken, and not by the stack that makes it: {shown}" + (f". Not asked: {unknown}" if unknown else ""),
            "If a stack that failed or was deleted has left it and nothing is in it, delete it: "
            + "; ".join(delete(*it) for it in removable[:SHOWN])
            + ". If something is in it or it is somebody's, it has to go by another name, or into the stack: "
            "docs/operations/troubleshooting.md has more.",
        )
    if unknown:
        return Finding(Level.NOT_ASKED, f"whether names are taken: {unknown}")
    return Finding(Level.OK, f"none of {asked} that have to be made is taken" if asked else "all are the stage's own")


def delete(kind: str, name: str, region: str) -> str:
    """What deletes an empty one."""
    return DELETING[kind].format(name, f"--region {region}")


def named(account: Account, stack: Stack) -> dict[str, dict[str, Resource]]:
    """What a stack has to make under names, by kind."""
    there, found = account.there(stack), defaultdict[str, dict[str, Resource]](dict)
    for it in stack.resources:
        name = it.value(NAMED[it.kind][0]) if it.kind in NAMED else None
        if name and it.logical_id not in there:
            found[it.kind][name] = it
    return found


def each(ask: Callable[..., Json], argument: str, names: list[str], absent: Collection[str]) -> list[str]:
    """Those that can be asked for, one by one."""
    found = []
    for name in names:
        try:
            ask(**{argument: name})
        except ClientError as error:
            if code(error) not in absent:
                raise
        else:
            found.append(name)
    return found


def vaults(stage: Stage, _names: list[str]) -> Iterable[str]:
    # Not one by one: of a vault that is not there, AWS Backup says that one may not look at it.
    pages = stage.client("backup").get_paginator("list_backup_vaults").paginate()
    return (it["BackupVaultName"] for page in pages for it in page["BackupVaultList"])


def alarms(stage: Stage, _names: list[str]) -> Iterable[str]:
    asked = {"AlarmNamePrefix": stage.function_name(""), "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}
    pages = stage.client("cloudwatch").get_paginator("describe_alarms").paginate(**asked)
    found = (it for page in pages for it in page.get("MetricAlarms", []) + page.get("CompositeAlarms", []))
    return (it["AlarmName"] for it in found)


def tables(stage: Stage, names: list[str]) -> Iterable[str]:
    return each(stage.client("dynamodb").describe_table, "TableName", names, ["ResourceNotFoundException"])


def buses(stage: Stage, names: list[str]) -> Iterable[str]:
    return each(stage.client("events").describe_event_bus, "Name", names, ["ResourceNotFoundException"])


def aliases(stage: Stage, _names: list[str]) -> Iterable[str]:
    pages = stage.client("kms").get_paginator("list_aliases").paginate()
    return (it["AliasName"] for page in pages for it in page["Aliases"])


def functions(stage: Stage, _names: list[str]) -> Iterable[str]:
    pages = stage.client("lambda").get_paginator("list_functions").paginate()
    return (it["FunctionName"] for page in pages for it in page["Functions"])


def log_groups(stage: Stage, names: list[str]) -> Iterable[str]:
    """Lambda makes one by itself for a function that logs and has none."""
    own = f"wardgate-{stage.name}"
    # All of one service's begin alike.
    prefixes = sorted({name.partition(own)[0] + own for name in names})
    client = stage.client("logs").get_paginator("describe_log_groups")
    pages = (page for prefix in prefixes for page in client.paginate(logGroupNamePrefix=prefix))
    return (it["logGroupName"] for page in pages for it in page["logGroups"])


def buckets(stage: Stage, names: list[str]) -> Iterable[str]:
    return each(stage.client("s3").head_bucket, "Bucket", names, ["404", "NoSuchBucket"])


def secrets(stage: Stage, names: list[str]) -> Iterable[str]:
    # Also those that wait to be deleted: their names are taken until they are.
    return each(stage.client("secretsmanager").describe_secret, "SecretId", names, ["ResourceNotFoundException"])


def queues(stage: Stage, names: list[str]) -> Iterable[str]:
    absent = ["AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"]
    return each(stage.client("sqs").get_queue_url, "QueueName", names, absent)


# Under which property a resource of each kind has its name, and how to ask for it.
NAMED: dict[str, tuple[str, Look]] = {
    "AWS::Backup::BackupVault": ("BackupVaultName", vaults),
    "AWS::CloudWatch::Alarm": ("AlarmName", alarms),
    "AWS::CloudWatch::CompositeAlarm": ("AlarmName", alarms),
    "AWS::DynamoDB::GlobalTable": ("TableName", tables),
    "AWS::Events::EventBus": ("Name", buses),
    "AWS::KMS::Alias": ("AliasName", aliases),
    "AWS::Logs::LogGroup": ("LogGroupName", log_groups),
    "AWS::S3::Bucket": ("BucketName", buckets),
    "AWS::SecretsManager::Secret": ("Name", secrets),
    "AWS::Serverless::Function": ("FunctionName", functions),
    "AWS::SQS::Queue": ("QueueName", queues),
}

# How an empty one of each kind goes. What DynamoDB counts of a table is up to six hours old, and so it is looked into.
DELETING = {
    "AWS::Backup::BackupVault": "aws backup delete-backup-vault {1} --backup-vault-name {0}",
    "AWS::CloudWatch::Alarm": "aws cloudwatch delete-alarms {1} --alarm-names {0}",
    "AWS::CloudWatch::CompositeAlarm": "aws cloudwatch delete-alarms {1} --alarm-names {0}",
    "AWS::DynamoDB::GlobalTable": (
        "aws dynamodb scan {1} --table-name {0} --max-items 1, and if that finds none: "
        "aws dynamodb update-table {1} --table-name {0} --no-deletion-protection-enabled && "
        "aws dynamodb delete-table {1} --table-name {0}"
    ),
    "AWS::Events::EventBus": "aws events delete-event-bus {1} --name {0}",
    "AWS::KMS::Alias": "aws kms delete-alias {1} --alias-name {0}",
    "AWS::Logs::LogGroup": "aws logs delete-log-group {1} --log-group-name {0}",
    "AWS::S3::Bucket": "aws s3 rb {1} s3://{0}",
    "AWS::SecretsManager::Secret": (
        "aws secretsmanager delete-secret {1} --secret-id {0} --force-delete-without-recovery"
    ),
    "AWS::Serverless::Function": "aws lambda delete-function {1} --function-name {0}",
    "AWS::SQS::Queue": (
        "aws sqs delete-queue {1} --queue-url $(aws sqs get-queue-url {1} --queue-name {0} --output text)"
    ),
}
