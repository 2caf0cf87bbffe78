"""`make rollback`: the release that was live before the last deploy answers again, within seconds. Data and stacks stay
as they are. Typed again, it does what is left to do."""

import argparse
import concurrent.futures
import os
import time
from collections.abc import Callable

from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

from wardgate_infra import Failed, Json
from wardgate_infra.operate import aliases, audit, edge, smoke, states, terminal
from wardgate_infra.operate import release as releases
from wardgate_infra.operate.aliases import Function
from wardgate_infra.operate.release import Artifacts
from wardgate_infra.operate.stage import Stage

UNFINISHED = ["Created", "Queued", "InProgress", "Baking", "Ready"]


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="ask nothing")
    parser.add_argument("--release", help="a release to go to, instead of the one before the last deploy")


def run(stage: Stage, options: argparse.Namespace) -> None:
    began = time.monotonic()
    if states.state(stage, stage.code_stack) in (None, states.ONLY_SHOWN, *states.NEVER_WORKED):
        raise Failed(
            f"There is no stack {stage.code_stack} that has worked: there is nothing to go back to. make deploy "
            f"STAGE={stage.name} goes on with a first deploy that failed."
        )
    functions = aliases.functions(stage)
    release = options.release or releases.last_deploy(stage).get("previous")
    wanted, midway = releases.publications(stage, release, functions), in_progress(stage)
    late = aliases.behind(functions, wanted)
    is_live = not late and all(it.publication == wanted.get(it.short, it.publication) for it in functions)
    if wanted and is_live and not midway:
        terminal.say(f"Release {release} is live in {stage.name} already. RELEASE=<hash> names another one:")
        terminal.table(known(stage, release))
        return
    live = running(stage, functions)
    refuse(stage, functions, release, wanted, live)
    before = ", ".join(sorted(live - {release})) or "what is being deployed"
    say_what_stays(functions, wanted)
    terminal.confirm(
        f"Go back to release {release} in {stage.name}, from {before}, in {len(late)} functions?", options.yes
    )

    unfinished: list[str] = []
    if midway:
        stop_deployments(stage)
    # First of all what answers requests.
    aliases.flip(stage, functions, wanted)
    terminal.say(f"Release {release} is live in {stage.name} after {time.monotonic() - began:.1f} s.")
    if midway:
        wait(lambda: not deployments(stage), "CodeDeploy takes back what it has shifted")
        unfinished = stop_update(stage)
        # CloudFormation has its own view of where aliases were before.
        aliases.flip(stage, aliases.functions(stage), wanted)
        terminal.say(f"The deploy that was under way has ended ({time.monotonic() - began:.1f} s).")
    audit.record(stage, "rolled_back", f"release {release}, from {before}")
    with releases.recorded_run(stage, release):
        smoke.check(stage)
    if unfinished:
        raise Failed("\n".join([f"Release {release} is live and works. The next deploy needs more:", *unfinished]))


def running(stage: Stage, functions: list[Function]) -> set[str]:
    """The releases that answer: where functions differ, that is also the one that is or was being deployed."""
    release, others = releases.running(stage, functions)
    found = {release, releases.last_deploy(stage).get("release") if others else None}
    return {it for it in found if it}


def refuse(
    stage: Stage, functions: list[Function], release: str | None, wanted: dict[str, str], live: set[str]
) -> None:
    """Why not to go back."""
    if not release:
        raise Failed(f"Nothing says what was live in {stage.name} before: name a release, RELEASE=<hash>.")
    if not any(it.version_of(wanted.get(it.short)) for it in functions):
        raise Failed(f"No function has a version of release {release}. `make deploy` can bring back its artifact.")
    bucket = releases.artifacts(stage)
    gone = [it.short for it in functions if it.short in wanted and not it.version_of(wanted[it.short])]
    if gone and bucket.release(release).get("publications"):
        raise Failed(
            f"Release {release} is too old: its version of {', '.join(gone)} is deleted. `make deploy` can bring back "
            f"its artifact: ARTIFACT={bucket.release(release)['artifact']}"
        )
    refuse_other_table(stage, bucket, live, release)
    refuse_other_edge(functions, bucket, release, wanted)
    if missing := unreadable(applied(stage), manifests(bucket, live), manifests(bucket, {release})):
        raise Failed(
            f"Release {release} cannot read today's data: it does not know {missing}, after which data has lost what "
            "it reads. Take that back first, with the release that knows it (make migrate TO=), or correct forward."
        )


def refuse_other_table(stage: Stage, bucket: Artifacts, live: set[str], release: str) -> None:
    """A restore switches tables by a deploy, and the table before it is closed."""
    there = bucket.release(release).get("parameters", {}).get("TableName")
    here = {bucket.release(it).get("parameters", {}).get("TableName") for it in live} - {None, there}
    if there and here:
        raise Failed(
            f"Release {release} uses the table {there}, and {stage.name} now {', '.join(sorted(here))}: a restore has "
            f"switched over in between. To change the table: make restore STAGE={stage.name} SWITCH_TO={there}"
        )


def refuse_other_edge(functions: list[Function], bucket: Artifacts, release: str, wanted: dict[str, str]) -> None:
    """A version knows the secrets that the edge had in its time."""
    target = [it.versions[number] for it in functions if (number := it.version_of(wanted.get(it.short)))]
    if edge.lacks(target, edge.answering(functions)):
        artifact = bucket.release(release).get("artifact", "<hash>")
        raise Failed(
            f"Release {release} does not take what the edge sends now: its secret was rotated since, and everybody "
            f"would be refused. `make deploy` can bring back its artifact: ARTIFACT={artifact}"
        )


def manifests(bucket: Artifacts, names: set[str]) -> list[Json]:
    """The artifacts' manifests of releases, as far as they are known."""
    found = [bucket.release(name).get("artifact") for name in names if name]
    return [bucket.manifest(artifact) for artifact in found if artifact]


def applied(stage: Stage) -> list[str]:
    """The numbers of the migrations whose traces are in the table, also of one that is under way."""
    return [it["number"] for it in migrations(stage) if it["status"] != "reverted"]


def migrations(stage: Stage) -> list[Json]:
    """What shared/src/store/migrations.rs keeps of each migration in the table."""
    pages = (
        stage.client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=f"{stage.parameters['TableName']}-{stage.name}",
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": "MIGRATION"}},
            ConsistentRead=True,
        )
    )
    read = TypeDeserializer().deserialize
    return [{name: read(value) for name, value in item.items()} for page in pages for item in page["Items"]]


def unreadable(numbers: list[str], live: list[Json], target: list[Json]) -> str:
    """The applied migrations that take something away (contract) which the target still reads: those that it does not
    know. A release without a manifest knows none; a migration that no manifest knows may take anything."""
    known_there = {it["number"] for manifest in target for it in manifest["migrations"]}
    takes_away = {it["number"]: it["contract"] for manifest in live for it in manifest["migrations"]}
    found = [it for it in numbers if it not in known_there and takes_away.get(it, True)]
    return ", ".join(f"migration {it}" for it in sorted(found))


def say_what_stays(functions: list[Function], wanted: dict[str, str]) -> None:
    """A function that is newer has nothing to go back to, and nothing of the older release calls it."""
    if new := [it.name for it in functions if it.short not in wanted]:
        terminal.say(f"New since then, and left as they are: {', '.join(new)}")


def known(stage: Stage, live: str | None) -> list[tuple[str, str]]:
    """The releases of the stage that there is a record of, newest first."""
    return [(it, "live" if it == live else "") for it in releases.recorded(stage)]


def in_progress(stage: Stage) -> bool:
    """Whether a deploy is under way."""
    return any(stage.is_in_progress(it) for it in stage.release_stacks) or bool(deployments(stage))


def deployments(stage: Stage) -> list[str]:
    """CodeDeploy's deployments of this stage that have not ended."""
    if stage.is_emulated and "AWS_ENDPOINT_URL_CODEDEPLOY" not in os.environ:
        # The emulator has none.
        return []
    client = stage.client("codedeploy")
    pages = client.get_paginator("list_applications").paginate()
    names = [name for page in pages for name in page["applications"]]
    # As CloudFormation calls what SAM makes.
    ours = [name for name in names if is_application(stage, name)]

    def unfinished(names: tuple[str, str]) -> list[str]:
        application, group = names
        pages = client.get_paginator("list_deployments").paginate(
            applicationName=application, deploymentGroupName=group, includeOnlyStatuses=UNFINISHED
        )
        return [it for page in pages for it in page["deployments"]]

    groups = [
        (name, group)
        for name in ours
        for page in client.get_paginator("list_deployment_groups").paginate(applicationName=name)
        for group in page["deploymentGroups"]
    ]
    with concurrent.futures.ThreadPoolExecutor(aliases.MOVES_AT_A_TIME) as pool:
        return [it for found in pool.map(unfinished, groups) for it in found]


def stop_deployments(stage: Stage) -> None:
    """Stops what CodeDeploy is at; it takes back what it has shifted."""
    client = stage.client("codedeploy")
    for deployment in deployments(stage):
        try:
            client.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)
            terminal.say(f"stopped deployment {deployment}")
        except client.exceptions.DeploymentAlreadyCompletedException:
            continue


def is_application(stage: Stage, name: str) -> bool:
    """Whether this is what SAM makes of a stack of the stage, by the name that CloudFormation gives it."""
    return any(name.startswith(f"{it}-ServerlessDeploymentApplication") for it in stage.release_stacks)


def stop_update(stage: Stage) -> list[str]:
    """Cancels the updates of stacks, and waits until CloudFormation has put everything else back. Gives what it could
    not: that keeps nobody from the older release."""
    unfinished = []
    for stack in stage.release_stacks:
        if stage.is_in_progress(stack):
            stop_update_of(stage, stack)
            # CodeDeploy refuses an alias that is back already, and CloudFormation then gives up.
            if states.state(stage, stack) == "UPDATE_ROLLBACK_FAILED":
                try:
                    states.continue_rollback(stage, stack)
                except Failed as failure:
                    unfinished.append(str(failure))
    return unfinished


def stop_update_of(stage: Stage, stack: str) -> None:
    client = stage.client("cloudformation")
    if stage.stack(stack)["StackStatus"] == "UPDATE_IN_PROGRESS":
        try:
            client.cancel_update_stack(StackName=stack)
            terminal.say(f"cancelled the update of {stack}")
        except ClientError as error:
            # It has failed by itself since, because its deployments were stopped.
            if "CancelUpdateStack cannot be called" not in error.response["Error"]["Message"]:
                raise
    wait(lambda: not stage.is_in_progress(stack), f"CloudFormation puts {stack} back")


def wait(is_over: Callable[[], bool], what: str) -> None:
    states.wait(is_over, what, "The older release is live. This command again goes on waiting.")
