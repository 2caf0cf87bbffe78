"""What stands before `make destroy`: who may not, when it must not be, and what has to be typed first."""

import datetime
import os
import re
import sys

from botocore.exceptions import ClientError

from wardgate_infra import Failed
from wardgate_infra.operate import rollback, switch_over
from wardgate_infra.operate.lasting import minute, moment
from wardgate_infra.operate.needs.finding import code
from wardgate_infra.operate.remains import Remains
from wardgate_infra.operate.stage import Stage

# What of a stack's states is no change that could still end otherwise: it goes already, or was only shown.
HARMLESS = ("DELETE_IN_PROGRESS", "REVIEW_IN_PROGRESS")


def refuse_pipeline(stage: Stage, caller: str) -> None:
    """An administrator takes a stage away, by hand. A pipeline's roles have no right to, and this says so first."""
    role = re.search(f":assumed-role/(wardgate-{stage.name}-(?:deploy|read|cloudformation))/", caller)
    if role or os.environ.get("CLOUDFORMATION_ROLE"):
        raise Failed(
            f"{role[1] if role else 'Whoever has a CLOUDFORMATION_ROLE'} is a pipeline's and takes nothing away. An "
            f"administrator of the account types make destroy STAGE={stage.name}, without CLOUDFORMATION_ROLE."
        )


def refuse_protected(names: list[tuple[Stage, str]]) -> None:
    """Somebody has protected a stack by hand, and takes that back by hand."""
    for where, name in names:
        if (where.stack(name) or {}).get("EnableTerminationProtection"):
            raise Failed(
                f"{name} has termination protection, which somebody has given it. To take it off: aws cloudformation "
                f"update-termination-protection --region {where.region} --stack-name {name} "
                "--no-enable-termination-protection"
            )


def refuse_busy(remains: Remains) -> None:
    """Nothing is taken away under a deploy, a rollback, a migration or a restore."""
    stage = remains.stage
    for where, name in remains.stacks:
        status = str((where.stack(name) or {}).get("StackStatus"))
        if status.endswith("_IN_PROGRESS") and status not in HARMLESS:
            raise Failed(f"{name} is {status}: a deploy or a rollback is under way. Wait for its end.")
    if under_way := rollback.deployments(stage):
        raise Failed(
            f"CodeDeploy is at {', '.join(sorted(under_way))}: a deploy is under way. Wait for its end, or "
            f"make rollback STAGE={stage.name} first."
        )
    refuse_restore(remains)
    refuse_migration(stage)


def refuse_restore(remains: Remains) -> None:
    """A restore makes a table, closes the live one, and then deploys: what is under way is one of these."""
    stage = remains.stage
    live = switch_over.running(stage).get("TableName") or stage.parameters["TableName"]
    for name in remains.tables:
        # AWS says of a table that it is being restored for as long as this.
        found = remains.describe(name) or {}
        if found.get("TableStatus") == "CREATING":
            raise Failed(f"{name} is being made: a restore is under way. Wait for its end.")
        if name == f"{live}-{stage.name}" and is_closed(stage, found["TableArn"]):
            raise Failed(
                f"{name} is live and closed to writes: a restore is under way, or was interrupted. Let it end, or give "
                f"it up: make restore STAGE={stage.name} SWITCH_TO={live}"
            )


def is_closed(stage: Stage, arn: str) -> bool:
    """Whether a restore lets nobody write to a table."""
    try:
        policy = stage.client("dynamodb").get_resource_policy(ResourceArn=arn)["Policy"]
    except ClientError as error:
        if code(error) != "PolicyNotFoundException":
            raise
        return False
    return "ClosedByRestore" in policy


def refuse_migration(stage: Stage) -> None:
    """A migration has its lock for as long as it is at it, and a while after it was killed."""
    try:
        states = rollback.migrations(stage)
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
        return
    for it in states:
        until = moment(it.get("expires"))
        if until and until > datetime.datetime.now(datetime.UTC):
            raise Failed(f"Migration {it['number']} is under way, or was interrupted: wait until {minute(until)}.")


def confirm(stage: Stage, data: str | None, *, yes: bool) -> None:
    """Asks for what nobody types by the way. YES=1 answers for a stage whose data are invented, and never for
    production."""
    is_production = stage.name == "production"
    if is_production and data is None:
        raise Failed("For production say what becomes of its data: DATA=kept, or DATA=lost. Nothing was changed.")
    if yes and not is_production:
        return
    if not sys.stdin.isatty():
        instead = "YES=1 is no answer for production" if is_production else "say YES=1"
        raise Failed(f"Nobody is there to type what has to be typed: {instead}. Nothing was changed.")
    phrase = phrase_of(stage, loses=data == "lost")
    if input(f"Type {phrase!r} to go on: ").strip() != phrase:
        raise Failed("Stopped; nothing was changed.")


def phrase_of(stage: Stage, *, loses: bool) -> str:
    """What has to be typed: another one where data are lost, so that no habit types it."""
    name = f"destroy {stage.name}" if stage.name == "production" else stage.name
    return f"{name} and its data" if loses else name
