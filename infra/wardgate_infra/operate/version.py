"""`make version`: what a stage runs, since when and by whom, and where a rollback would go."""

import argparse
import datetime

from wardgate_infra import Failed, Json
from wardgate_infra.operate import release as releases
from wardgate_infra.operate import running
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.terminal import say, table

# How far back the audit trail is searched for a deploy.
MONTHS = 14


def arguments(_parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(stage: Stage, _options: argparse.Namespace) -> None:
    functions = running.released(stage)
    found, others = releases.running(stage, functions)
    release, most = found or "", len(functions) - len(others)
    bucket = releases.kept(stage)

    def read(key: str) -> Json:
        """What `make deploy` keeps, or nothing."""
        return (bucket and bucket.read(key)) or {}

    artifact = read(f"releases/{release}.json").get("artifact")
    manifest = read(f"artifacts/{artifact}.json") if artifact else {}
    url = running.api_url(stage)
    health = running.ask(f"{url}/health")[1] if url else {}
    deployed = last(stage, "deployed") or {}
    previous = read(f"stages/{stage.name}/deploy.json").get("previous")
    nothing = "nothing: this is what was live before the last deploy" if previous else "nothing that is kept"
    table(
        [
            ("stage", f"{stage.name} in {stage.region}"),
            ("release", release or running.UNNAMED),
            ("version", health.get("version") or manifest.get("version") or "not known: /health does not answer"),
            ("commit", manifest.get("commit") or "not known: no manifest is kept for this release"),
            ("deployed", when(deployed) if deployed else "not known: the audit trail has no deploy"),
            ("by", deployed.get("request_id", "not known")),
            ("detail", deployed.get("detail", "none")),
            ("functions", f"{most} of {len(functions)} run it"),
            ("rollback to", previous if previous and previous != release else nothing),
        ]
    )
    if most != len(functions):
        say("")
        table(
            [(it.short, it.live, running.short(it.publication)) for it in others],
            ("function", "version", "publication"),
        )
        if running.is_changing(stage, functions):
            say(f"\nA deploy is under way: make status STAGE={stage.name}")
            return
        raise Failed(
            "The functions run different releases, and no deploy is under way. Deploy again, or make rollback "
            f"STAGE={stage.name}"
        )


def last(stage: Stage, action: str) -> Json:
    """The newest line of the audit trail about such an action, as plain values."""
    now = datetime.datetime.now(datetime.UTC)
    dynamodb = stage.client("dynamodb")
    for back in range(MONTHS):
        months = now.year * 12 + now.month - 1 - back
        pages = dynamodb.get_paginator("query").paginate(
            TableName=f"{stage.parameters['AuditTableName']}-{stage.name}",
            KeyConditionExpression="pk = :pk",
            FilterExpression="#action = :action",
            ExpressionAttributeNames={"#action": "action"},
            ExpressionAttributeValues={
                ":pk": {"S": f"STAGE#{months // 12}-{months % 12 + 1:02}"},
                ":action": {"S": action},
            },
            # Lines sort by time.
            ScanIndexForward=False,
        )
        for page in pages:
            for item in page["Items"]:
                return {name: next(iter(value.values())) for name, value in item.items()}
    return None


def when(line: Json) -> str:
    return f"{datetime.datetime.fromtimestamp(int(line['at']) / 1000, datetime.UTC):%Y-%m-%d %H:%M:%S} UTC"
