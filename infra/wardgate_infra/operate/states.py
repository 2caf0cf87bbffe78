"""The states that CloudFormation leaves a stack in, and how each becomes one from which a deploy goes on. All of them:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html"""

import datetime
import itertools
import os
import time
from collections.abc import Callable, Iterable

from botocore.exceptions import ClientError

from wardgate_infra import Failed, Json
from wardgate_infra.operate import terminal
from wardgate_infra.operate.stage import Stage, is_refused

# Nothing is left to do.
SETTLED = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")
# A change was taken back as a whole: the stack is what it was before, and takes the next.
PUT_BACK = ("UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE")
# A change set was made and never run, so that there is no resource: sam makes the stack all the same.
ONLY_SHOWN = "REVIEW_IN_PROGRESS"
# A first deploy failed. AWS takes no other change of such a stack than its deletion.
NEVER_WORKED = ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
# Somebody's change, whose end nobody here decides upon.
UNDER_WAY = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "IMPORT_IN_PROGRESS", "DELETE_IN_PROGRESS")
# What ends by itself, and leaves one of the states above.
ENDING = (
    *("ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "IMPORT_ROLLBACK_IN_PROGRESS"),
    *("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"),
)
# What CloudFormation stops because something else failed. It cannot be skipped.
BESIDE_THE_POINT = ("cancelled", "Rollback requested")
# A stack goes back function by function, and each may take its canary's time.
PATIENCE = datetime.timedelta(minutes=30)
LOOKS_UNTIL_IT_SHOWS = 10


def state(stage: Stage, name: str) -> str | None:
    """None if there is no stack."""
    stack = stage.stack(name)
    return stack and str(stack["StackStatus"])


def refuse_under_way(stage: Stage, names: Iterable[str]) -> None:
    """Stops a deploy, before it begins, where somebody else's is at one of its stacks: they would undo each other's
    aliases."""
    for name in names:
        if state(stage, name) in UNDER_WAY:
            raise Failed(f"the deploy of {stage.name} has not begun: {who_is_at(stage, name)}")


def who_is_at(stage: Stage, name: str) -> str:
    """What is known of a change that is under way."""
    stack = stage.stack(name)
    since = stack.get("LastUpdatedTime") or stack["CreationTime"]
    return (
        f"{name} is {stack['StackStatus']}, of a change that began at {since:%Y-%m-%d %H:%M:%S} UTC or after. That is "
        "another deploy, or one that was interrupted, which CloudFormation finishes; CloudTrail says whose "
        f"(ExecuteChangeSet, DeleteStack). Once make status STAGE={stage.name} says that it is over, type the same "
        f"command again. make rollback STAGE={stage.name} stops an update."
    )


def settle(stage: Stage, name: str) -> None:
    """Brings a stack to where it can be deployed, and says what that took."""
    found = state(stage, name)
    if found in ENDING:
        found = wait_for_end(stage, name, f"{name} is {found}")
    if found in (None, ONLY_SHOWN, *SETTLED, *PUT_BACK):
        return
    if found in NEVER_WORKED:
        delete(stage, name)
    elif found == "UPDATE_ROLLBACK_FAILED":
        continue_rollback(stage, name)
    elif found == "UPDATE_FAILED":
        # Somebody has deployed it with --disable-rollback.
        take_back(stage, name)
    elif found in UNDER_WAY:
        raise Failed(who_is_at(stage, name))
    else:
        raise Failed(stuck(stage, name))


def delete(stage: Stage, name: str) -> None:
    """Deletes a stack whose first deploy failed: nothing of it has answered anybody."""
    found, kept = state(stage, name), of_state(stage, name, "DELETE_SKIPPED")
    terminal.say(f"{name} is {found}: its first deploy failed, and all that AWS lets be done with it is to delete it")
    try:
        stage.client("cloudformation").delete_stack(StackName=name)
    except ClientError as error:
        if not is_refused(error):
            raise
        raise Failed(
            f"{name} is {found}, and has to be deleted before it is made again, which no pipeline may. Have an "
            f"administrator type the same make deploy once, or: {command(stage, 'delete-stack', name)}"
        ) from error
    if wait_for_end(stage, name, f"{name} is being deleted", found):
        raise Failed(stuck(stage, name))
    terminal.say(f"{name} is deleted, and is made anew")
    if kept:
        names = ", ".join(f"{it['LogicalResourceId']} {it.get('PhysicalResourceId', '')}".strip() for it in kept)
        terminal.say(f"What it had made of what is never deleted is left, and its names are taken: {names}")


def continue_rollback(stage: Stage, name: str) -> None:
    """Has CloudFormation go on with what it could not put back. Which part of it may stay as it is, people decide."""
    failed = rows(stuck_in(stage, name))
    terminal.say(f"{name} is UPDATE_ROLLBACK_FAILED: CloudFormation could not put back\n{failed}\nIt tries once more")
    ask(stage, name, "continue-update-rollback")
    found = wait_for_end(stage, name, f"CloudFormation puts {name} back", "UPDATE_ROLLBACK_FAILED")
    if found in PUT_BACK:
        terminal.say(f"{name} is what it was before the update that failed")
        return
    left = stuck_in(stage, name)
    skip = command(stage, "continue-update-rollback", name, *role_of("--role-arn"), "--resources-to-skip")
    raise Failed(
        f"{name} is {found} still: CloudFormation cannot put back\n{rows(left)}\n"
        "Correct what it names (what is missing has to be there again), and type the same command again. Or have it "
        "left as it is, and taken for put back: always right for a function's alias (AWS::Lambda::Alias), since each "
        "deploy looks at those itself; for anything else only if it is what the release before wants:\n  "
        + " ".join([skip, *(it["LogicalResourceId"] for it in left)])
    )


def take_back(stage: Stage, name: str) -> None:
    """Puts back an update that failed and was left as it was."""
    terminal.say(f"{name} is UPDATE_FAILED: an update failed and was not taken back. CloudFormation puts it back now")
    ask(stage, name, "rollback-stack")
    found = wait_for_end(stage, name, f"CloudFormation puts {name} back", "UPDATE_FAILED")
    if found == "UPDATE_ROLLBACK_FAILED":
        continue_rollback(stage, name)
    elif found not in PUT_BACK:
        raise Failed(stuck(stage, name))


def ask(stage: Stage, name: str, verb: str) -> None:
    """Asks CloudFormation for one of these, as the role that changes resources where whoever deploys may not."""
    operation = getattr(stage.client("cloudformation"), verb.replace("-", "_"))
    try:
        operation(StackName=name, **({"RoleARN": role} if (role := os.environ.get("CLOUDFORMATION_ROLE")) else {}))
    except ClientError as error:
        if not is_refused(error):
            raise
        who = "The pipeline's roles are older than this: make pipeline, as an administrator; or"
        raise Failed(f"{who} an administrator types {command(stage, verb, name)}\n{error}") from error


def stuck(stage: Stage, name: str) -> str:
    """Why no deploy goes on from here, and what to do."""
    found = state(stage, name)
    if found != "DELETE_FAILED":
        return (
            f"{name} is {found}, which no deploy can change. CloudFormation's console, {stage.region}, has its events."
        )
    left = of_state(stage, name, "DELETE_FAILED")
    keep = command(stage, "delete-stack", name, "--retain-resources")
    return (
        f"{name} is DELETE_FAILED: somebody deletes it, and CloudFormation could not delete\n{rows(left)}\n"
        f"Correct what it names and delete it again: {command(stage, 'delete-stack', name)}\n"
        "Or have the stack forget what it cannot delete, which then is nobody's and keeps its name:\n  "
        + " ".join([keep, *(it["LogicalResourceId"] for it in left)])
        + f"\nThen make deploy STAGE={stage.name} makes it anew."
    )


def stuck_in(stage: Stage, name: str) -> list[Json]:
    """The resources that a rollback could not put back: only they can be skipped."""
    found = of_state(stage, name, "UPDATE_FAILED")
    return [it for it in found if not any(part in it.get("ResourceStatusReason", "") for part in BESIDE_THE_POINT)]


def of_state(stage: Stage, name: str, status: str) -> list[Json]:
    pages = stage.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=name)
    return [it for page in pages for it in page["StackResourceSummaries"] if it["ResourceStatus"] == status]


def rows(resources: list[Json]) -> str:
    lines = [
        f"  {it['LogicalResourceId']} ({it['ResourceType']}): {it.get('ResourceStatusReason') or 'no reason is given'}"
        for it in resources
    ]
    return "\n".join(lines or ["  (it names no resource: its events say more)"])


def command(stage: Stage, verb: str, name: str, *others: str) -> str:
    """What an administrator can type."""
    return " ".join([f"aws cloudformation {verb} --region {stage.region} --stack-name {name}", *others])


def role_of(option: str) -> list[str]:
    role = os.environ.get("CLOUDFORMATION_ROLE")
    return [option, role] if role else []


def wait_for_end(stage: Stage, name: str, what: str, before: str | None = None) -> str | None:
    """The state that a stack comes to; None if it is gone. What was asked for a moment ago may not show yet: it then is
    for some looks in the state from before."""
    looks = itertools.count()

    def is_over() -> bool:
        if stage.is_in_progress(name):
            return False
        return before is None or state(stage, name) != before or next(looks) >= LOOKS_UNTIL_IT_SHOWS

    wait(is_over, what, "The same command again goes on waiting.")
    return state(stage, name)


def wait(is_over: Callable[[], bool], what: str, otherwise: str) -> None:
    """Looks every other second."""
    deadline = time.monotonic() + PATIENCE.total_seconds()
    terminal.say(f"waiting: {what}")
    while not is_over():
        if time.monotonic() > deadline:
            raise Failed(f"{what}, for {PATIENCE} now. {otherwise}")
        time.sleep(2)
