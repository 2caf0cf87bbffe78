"""`make destroy`: takes a stage away, in the reverse order of a deploy. The code alone, so that `make deploy` brings
the stage back; with DATA=lost everything. Typed again, it goes on where it stopped."""

import argparse
import datetime
import functools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

from wardgate_infra import Failed
from wardgate_infra.operate import audit, destroy_data, destroy_gates, destroy_shown, stacks, terminal
from wardgate_infra.operate.needs.account import copy_stack
from wardgate_infra.operate.remains import Remains
from wardgate_infra.operate.stage import Stage

# A stack of functions goes in minutes.
PATIENCE = datetime.timedelta(minutes=45)
# Until CloudFormation says that it has begun, in seconds.
MOMENT = 10
AGAIN = "The same command again goes on from there; what is done is not done twice."


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="ask nothing; not for production")
    parser.add_argument("--data", choices=("kept", "lost"), help="kept for the next deploy, or lost")
    parser.add_argument("--dry-run", action="store_true", help="only say what would go")


def run(stage: Stage, options: argparse.Namespace) -> None:
    caller = str(stage.client("sts").get_caller_identity()["Arn"])
    destroy_gates.refuse_pipeline(stage, caller)
    emulated = ", emulated" if stage.is_emulated else ""
    terminal.say(f"Stage {stage.name} in {stage.region}, account {caller.split(':')[4]}{emulated}")
    remains, loses = Remains(stage), options.data == "lost"
    code, data = destroy_shown.of_code(remains), destroy_shown.of_data(remains)
    destroy_shown.show(remains, "Goes, for good:", [*code, *data] if loses else code)
    destroy_shown.show(remains, "Stays, and costs what it did:", [] if loses else data)
    destroy_shown.show(remains, "Is deleted, and waits:", destroy_shown.waiting(remains))
    terminal.say("")
    if not code and not (data and loses):
        left = f"Its data are: DATA=lost takes them away. make deploy STAGE={stage.name} goes on with them."
        terminal.say(f"Nothing of {stage.name} is here to be taken away. {left if data else ''}".rstrip())
        return
    if options.dry_run:
        terminal.say("DRY_RUN=1 only looks. Nothing was changed.")
        return
    code_stacks = [*remains.outside, *((stage, it) for it in remains.code_stacks)]
    destroy_gates.refuse_protected(remains.stacks if loses else code_stacks)
    destroy_gates.refuse_busy(remains)
    destroy_gates.confirm(stage, options.data, yes=options.yes)
    take_away(Destroy(stage, remains, loses=loses))


@dataclass
class Destroy:
    """What the steps of one run know of each other."""

    stage: Stage
    remains: Remains
    loses: bool
    # What is still there at the end, until when, and what to do about it.
    stays: list[str] = field(default_factory=list)


# Gives what it did.
Step: TypeAlias = Callable[[Destroy], str]


def take_away(destroy: Destroy) -> None:
    stage, began = destroy.stage, time.monotonic()
    record(destroy)
    steps = EVERYTHING if destroy.loses else CODE
    for number, (name, step) in enumerate(steps, 1):
        try:
            terminal.step(number, len(steps), name, functools.partial(step, destroy))
        except (Failed, BotoCoreError, ClientError) as failure:
            raise Failed(
                f"destroying {stage.name} stopped at step {number} of {len(steps)}, {name}.\n{failure}\n"
                f"What to do next: correct what it names. {AGAIN} docs/operations/first-deploy.md has more."
            ) from failure
    if not destroy.loses:
        destroy.stays.append(f"its data: make deploy STAGE={stage.name} goes on with them")
    what = f"Stage {stage.name}" if destroy.loses else f"The code of {stage.name}"
    terminal.say(f"{what} is gone after {time.monotonic() - began:.0f} s. What stays:")
    for it in destroy.stays:
        terminal.say(f"  {it}")


def record(destroy: Destroy) -> None:
    """A line of the audit trail, before anything goes: where the data go, the trail goes with them."""
    stage = destroy.stage
    if not destroy.remains.describe(f"{stage.parameters['AuditTableName']}-{stage.name}"):
        return
    try:
        audit.record(stage, "destroyed", "everything, with its data" if destroy.loses else "the code; data are kept")
    except ClientError as error:
        # A stage whose key is gone has to go, too.
        if not destroy.loses:
            raise
        terminal.say(f"The audit trail takes no line any more: {error}")


def delete_stack(where: Stage, name: str) -> bool:
    """Deletes a stack, and gives whether it was there. One that is going already is waited for."""
    stack, began = where.stack(name), datetime.datetime.now(datetime.UTC)
    if stack is None:
        return False
    terminal.say(f"  {name}")
    if stack["StackStatus"] != "DELETE_IN_PROGRESS":
        # CloudFormation does it with the role that has made the stack, if one has.
        where.client("cloudformation").delete_stack(StackName=name)
    tried, deadline = time.monotonic(), time.monotonic() + PATIENCE.total_seconds()
    # One that has failed before may still say so for a moment.
    is_old = stack["StackStatus"] == "DELETE_FAILED"
    while now := where.stack(name):
        has_failed = now["StackStatus"] == "DELETE_FAILED"
        is_old &= has_failed and time.monotonic() - tried < MOMENT
        if has_failed and not is_old:
            raise Failed(f"CloudFormation did not delete {name}.\n{stacks.failures(where, name, began)}".rstrip())
        if time.monotonic() > deadline:
            raise Failed(f"{name} is {now['StackStatus']}, for {PATIENCE} now.")
        time.sleep(1)
    return True


def delete_stacks(where: Stage, *names: str) -> str:
    return many(sum(delete_stack(where, it) for it in names), "stack")


def many(number: int, what: str, several: str = "") -> str:
    return f"{number} {what if number == 1 else several or what + 's'} deleted" if number else "none there"


def backup(destroy: Destroy) -> str:
    """First of all: without a plan nothing makes new recovery points, and nothing restores one."""
    own, *others = destroy.remains.regions
    gone = delete_stack(own, destroy.stage.backup_stack) + delete_stack(own, destroy.remains.restore_testing_stack)
    return many(gone + sum(delete_stack(it, copy_stack(destroy.stage)) for it in others), "stack")


def observability(destroy: Destroy) -> str:
    """With what asks from outside, which would page as soon as anything goes."""
    gone = sum(delete_stack(*it) for it in destroy.remains.outside)
    return many(gone + delete_stack(destroy.stage, destroy.stage.observability_stack), "stack")


def api(destroy: Destroy) -> str:
    stage = destroy.stage
    for it in destroy.remains.mappings:
        stage.client("apigatewayv2").delete_api_mapping(DomainName=it.domain, ApiMappingId=it.id)
        terminal.say(f"  {it.domain} leads to the API no more")
        destroy.stays.append(f"the custom domain name {it.domain}, with its certificate and its DNS record")
    return delete_stacks(stage, stage.code_stack)


def areas(destroy: Destroy) -> str:
    return delete_stacks(destroy.stage, *reversed(destroy.stage.area_stacks))


def migrate(destroy: Destroy) -> str:
    return delete_stacks(destroy.stage, destroy.stage.migrate_stack)


def log_groups(destroy: Destroy) -> str:
    """Those that are left. One that stayed would stop the next deploy, which makes it."""
    found = destroy.remains.log_groups
    for it in found:
        destroy.stage.client("logs").delete_log_group(logGroupName=it)
    return many(len(found), "log group")


def data(destroy: Destroy) -> str:
    """The stack alone: what it has made outlives it, and goes by name."""
    return delete_stacks(destroy.stage, destroy.stage.data_stack)


def tables(destroy: Destroy) -> str:
    return many(destroy_data.tables(destroy.remains, destroy.stays), "table")


def backups(destroy: Destroy) -> str:
    return many(destroy_data.backups(destroy.remains), "backup")


def secrets(destroy: Destroy) -> str:
    return many(destroy_data.secrets(destroy.remains, destroy.stays), "secret")


def queues(destroy: Destroy) -> str:
    return many(destroy_data.queues(destroy.remains), "queue")


def bus(destroy: Destroy) -> str:
    return many(destroy_data.buses(destroy.remains, destroy.stays), "bus", "buses")


def vaults(destroy: Destroy) -> str:
    return many(destroy_data.vaults(destroy.remains, destroy.stays), "vault")


def keys(destroy: Destroy) -> str:
    gone = destroy_data.keys(destroy.remains, destroy.stays)
    return f"{gone} given up" if gone else "none there"


def records(destroy: Destroy) -> str:
    return many(destroy_data.records(destroy.remains, destroy.stays), "record")


def pipeline(destroy: Destroy) -> str:
    """Last: one of their roles is what CloudFormation deletes a pipeline's stacks with."""
    gone = delete_stacks(destroy.stage, *destroy.remains.pipeline_stacks)
    destroy_data.say_provider(destroy.stage, destroy.stays)
    return gone


CODE: list[tuple[str, Step]] = [
    ("observability stack", observability),
    ("API stack", api),
    ("area stacks", areas),
    ("migrate stack", migrate),
    ("log groups", log_groups),
]
EVERYTHING: list[tuple[str, Step]] = [
    ("backup stacks", backup),
    *CODE,
    ("data stack", data),
    ("tables", tables),
    ("backups", backups),
    ("secrets", secrets),
    ("queues", queues),
    ("event bus", bus),
    ("vaults", vaults),
    ("keys", keys),
    ("records", records),
    ("pipeline stacks", pipeline),
]
