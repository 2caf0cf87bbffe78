"""The monthly restore test: `make restore-test`. AWS Backup restores a backup of each table beside the live one, by the
plan of infra/restore-testing.yaml; this looks at what it has restored, and fails where the last test is not a good one.

A restored table is there for a day. Whoever types this within it has it judged; later it only says what was found then.
"""

import argparse
import datetime

from botocore.exceptions import ClientError

from wardgate_infra import ROOT, Failed, Json, templates
from wardgate_infra.operate import audit, stacks
from wardgate_infra.operate.needs.finding import code
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.terminal import say, table

TEMPLATE = "infra/restore-testing.yaml"
# A month and some days: a test that does not come at all is noticed too.
LONGEST = datetime.timedelta(days=35)
# So many items are looked at. The job itself has read and written every one.
SAMPLE = 1000
LIVE_JOBS = ("PENDING", "RUNNING")
# What AWS Backup takes as a reason.
MOST_LETTERS = 1024


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--plan", action="store_true", help="have AWS Backup test each month; as an administrator")
    parser.add_argument("--yes", action="store_true", help="ask nothing")


def run(stage: Stage, options: argparse.Namespace, now: datetime.datetime | None = None) -> None:
    if options.plan:
        stacks.deploy(stage, stack_name(stage), TEMPLATE, stage.parameters, yes=options.yes)
        return
    jobs = newest(stage, plan(stage))
    rows, wrong = [], []
    for job in jobs:
        verdict = judge(stage, job)
        source = str(job.get("SourceResourceArn", "?")).rpartition("/")[2]
        rows.append((source, f"{job['CreationDate']:%Y-%m-%d %H:%M} UTC", took(job), verdict or "good"))
        if verdict:
            wrong.append(f"{source}: {verdict}")
    table(rows or [("none",)], ("table", "test of", "restored in", "") if rows else None)
    wrong += missing(stage, jobs, now or datetime.datetime.now(datetime.UTC))
    if wrong:
        raise Failed("\n  - ".join(["The restore test is not a good one:", *wrong]))
    say("The last restore test is a good one.")


def stack_name(stage: Stage) -> str:
    return f"wardgate-{stage.name}-restore-testing"


def plan(stage: Stage) -> str:
    """The ARN of the stage's plan, as infra/restore-testing.yaml names it."""
    try:
        found = stage.client("backup").get_restore_testing_plan(RestoreTestingPlanName=f"wardgate_{stage.name}")
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
        raise Failed(
            f"{stage.name} has no plan of restore tests: make restore-test STAGE={stage.name} PLAN=1"
        ) from None
    return str(found["RestoreTestingPlan"]["RestoreTestingPlanArn"])


def newest(stage: Stage, plan_arn: str) -> list[Json]:
    """The last job of each table."""
    pages = stage.client("backup").get_paginator("list_restore_jobs").paginate(ByRestoreTestingPlanArn=plan_arn)
    jobs = sorted((it for page in pages for it in page["RestoreJobs"]), key=lambda it: it["CreationDate"])
    by_table = {it.get("SourceResourceArn", it["RestoreJobId"]): it for it in jobs}
    return list(by_table.values())


def judge(stage: Stage, job: Json) -> str:
    """What is wrong with what a job has restored; nothing, if it is well. A verdict is given once."""
    if job["Status"] in LIVE_JOBS:
        return "it is still being restored: type this again later"
    if job["Status"] != "COMPLETED":
        return f"it could not be restored: {job.get('StatusMessage', job['Status'])}"
    known = job.get("ValidationStatus")
    if known == "SUCCESSFUL":
        return ""
    if known in ("FAILED", "TIMED_OUT"):
        return str(job.get("ValidationStatusMessage") or "nobody has looked at it within its day")
    verdict = look(stage, str(job["CreatedResourceArn"]).rpartition("/")[2])
    stage.client("backup").put_restore_validation_result(
        RestoreJobId=job["RestoreJobId"],
        ValidationStatus="FAILED" if verdict else "SUCCESSFUL",
        ValidationStatusMessage=(verdict or "keys and items are as they have to be")[:MOST_LETTERS],
    )
    audit.record(stage, "restore_tested", f"job {job['RestoreJobId']}: {verdict or 'good'}")
    return verdict


def look(stage: Stage, name: str) -> str:
    """What a restored table lacks. Nothing of a user is printed or kept."""
    dynamodb = stage.client("dynamodb")
    try:
        described = dynamodb.describe_table(TableName=name)["Table"]
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
        return f"{name} is gone before anybody has looked at it"
    expected = templates.read(ROOT / "infra/data.yaml")["Resources"]["Table"]["Properties"]["KeySchema"]
    if described["KeySchema"] != expected:
        return f"{name} has other keys than infra/data.yaml"
    names = [it["AttributeName"] for it in expected]
    items = dynamodb.scan(TableName=name, Limit=SAMPLE, ProjectionExpression=", ".join(names))["Items"]
    if not items:
        return f"{name} has no items"
    if broken := sum(set(it) != set(names) for it in items):
        return f"{broken} of {len(items)} items of {name} have no whole key"
    return ""


def missing(stage: Stage, jobs: list[Json], now: datetime.datetime) -> list[str]:
    """Tables that were not tested in time. One of a restore is known by the first one's name as well."""
    late = []
    for parameter in ("TableName", "AuditTableName"):
        name = f"{stage.parameters[parameter]}-{stage.name}"
        own = [it for it in jobs if str(it.get("SourceResourceArn")).endswith(f":table/{name}")]
        if not any(now - it["CreationDate"] < LONGEST for it in own):
            late.append(f"{name} was not restored for a test in the last {LONGEST.days} days")
    return late


def took(job: Json) -> str:
    if "CompletionDate" not in job:
        return "-"
    return f"{(job['CompletionDate'] - job['CreationDate']).total_seconds() / 60:.0f} min"
