"""`make version`: what a stage runs, since when and by whom, and where a rollback would go."""

import collections
import datetime
import json

import running
from botocore.exceptions import ClientError
from stage import Failed
from terminal import say, table

ARTIFACTS_STACK = "wardgate-artifacts"
# How far back the audit trail is searched for a deploy.
MONTHS = 14


def arguments(_parser):
    """None of its own."""


def run(stage, _options):
    functions = running.released(stage)
    counted = collections.Counter(it.release for it in functions)
    release, most = counted.most_common(1)[0]
    bucket = bucket_of(stage)
    artifact = bucket(f"releases/{release}.json").get("artifact")
    manifest = bucket(f"artifacts/{artifact}.json") if artifact else {}
    url = running.api_url(stage)
    health = running.ask(f"{url}/health")[1] if url else {}
    deployed = last(stage, "deployed") or {}
    previous = bucket(f"stages/{stage.name}/deploy.json").get("previous") or before(stage, functions, release)
    table([
        ("stage", f"{stage.name} in {stage.region}"),
        ("release", release),
        ("version", health.get("version") or manifest.get("version") or "not known: /health does not answer"),
        ("commit", manifest.get("commit") or "not known: no manifest is kept for this release"),
        ("deployed", when(deployed) if deployed else "not known: the audit trail has no deploy"),
        ("by", deployed.get("request_id", "not known")),
        ("detail", deployed.get("detail", "none")),
        ("functions", f"{most} of {len(functions)} run it"),
        ("rollback to", previous if previous != release else "nothing: this is what was live before the last deploy"),
    ])
    if most != len(functions):
        say("")
        table([(it.name, it.version, it.release) for it in functions if it.release != release],
              ("function", "version", "release"))
        if running.is_changing(stage, functions):
            say(f"\nA deploy is under way: make status STAGE={stage.name}")
            return
        raise Failed("The functions run different releases, and no deploy is under way. Deploy again, or make rollback "
                     f"STAGE={stage.name}")


def bucket_of(stage):
    """Reads what `make deploy` keeps of releases: by a key, what is there, or nothing."""
    bucket, s3 = stage.outputs(ARTIFACTS_STACK).get("Bucket"), stage.client("s3")

    def read(key):
        if bucket is None:
            return {}
        try:
            return json.load(s3.get_object(Bucket=bucket, Key=key)["Body"])
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return {}
            raise

    return read


def before(stage, functions, release):
    """Where nothing was kept of the last deploy: the release whose versions come before the live ones, if the functions
    agree on it."""
    found = set()
    for function in functions:
        if function.release != release:
            continue
        older = [it for it in running.published(stage, function.name) if int(it[0]) < int(function.version)]
        if older:
            found.add(older[0][1])
    if len(found) > 1:
        return f"not the same for every function: {', '.join(map(running.short, sorted(found)))}"
    return found.pop() if found else "nothing: no version before this one is there"


def last(stage, action):
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


def when(line):
    return f"{datetime.datetime.fromtimestamp(int(line['at']) / 1000, datetime.UTC):%Y-%m-%d %H:%M:%S} UTC"
