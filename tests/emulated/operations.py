"""The operator's commands that change nothing, typed as an operator would."""

import itertools
import json
import re
import subprocess
import sys
import time
import uuid

from emulated import commands
from emulated.deploys import kept
from emulated.gateway import Api, equal, holds
from wardgate_infra.emulator.deployment import Deployment

# A line of the audit trail, as `make deploy` writes one.
RECORD = """
from wardgate_infra.operate import audit, stage
audit.record(stage.Stage("staging"), "deployed", "release of a test")
"""


def check_version(api: Api, emulator: Deployment) -> None:
    """What is live, who deployed it, and where a rollback would go. Functions of two releases are a failure."""
    record = [sys.executable, "-c", RECORD]
    subprocess.run(record, cwd=emulator.root, env=emulator.environment, timeout=60, check=True)
    functions, name = emulator.client("lambda"), "wardgate-staging-me"
    versions = functions.list_versions_by_function(FunctionName=name)["Versions"]
    published = {it["Version"]: it["Description"] for it in versions if it["Version"] != "$LATEST"}
    live = functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
    [other, *_] = [version for version, it in published.items() if it != published[live]]
    deployed = kept(emulator, "stages/staging/deploy.json")

    ran = commands.typed(emulator, "make version STAGE=staging")
    lines = dict(re.findall(r"^(\S+(?: to)?)  +(.*)$", ran.stdout, re.MULTILINE))
    equal((ran.returncode, lines["stage"], lines["release"]), (0, "staging in eu-central-1", deployed["release"]))
    version = api.ask("GET", "/health").json["version"]
    equal((lines["version"], lines["detail"]), (version, "release of a test"))
    holds(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", lines["deployed"]), lines)
    holds(lines["by"].endswith(":root"), lines)
    equal(lines["rollback to"], deployed["previous"])
    try:
        functions.update_alias(FunctionName=name, Name="live", FunctionVersion=other)
        ran = commands.typed(emulator, "make version STAGE=staging")
        holds(ran.returncode != 0 and "different releases" in ran.stderr, ran.stdout, ran.stderr)
        holds(re.search(rf"^me  +{other}  +{published[other][:12]}$", ran.stdout, re.MULTILINE), ran.stdout)
    finally:
        functions.update_alias(FunctionName=name, Name="live", FunctionVersion=live)


def check_status(_api: Api, emulator: Deployment) -> None:
    """Green where all is well. Each thing that is wrong is named, and all at once."""
    dynamodb = emulator.client("dynamodb")
    # The template's own setting does not stick here; tests/template/ holds the template to it.
    for table in ("wardgate-staging", "wardgate-audit-staging"):
        dynamodb.update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
    well = commands.typed(emulator, "make status STAGE=staging")
    holds(well.returncode == 0 and well.stdout.endswith("Nothing is wrong.\n"), well.stdout, well.stderr)
    for line in (
        r"wardgate-staging-data +CREATE_COMPLETE",
        r"GET /health +200 healthy, dynamodb healthy, keys healthy",
        r"GET /ready +200 ready",
        r"wardgate-staging +ACTIVE, \d+ items",
        r"wardgate/staging/signing +changed",
    ):
        holds(re.search(line, well.stdout), line, well.stdout)
    # Which process it has asked is chance, and one of before a rotation knows no later key: those that sign, each does.
    ring = emulator.client("secretsmanager").get_secret_value(SecretId="wardgate/staging/public_keys")["SecretString"]
    signing = {it["jwk"]["kid"] for it in json.loads(ring)["keys"] if it["sign_from"] <= time.time() * 1000}
    holds(signing and signing <= set(re.findall(r"published +(\S+)", well.stdout)), signing, well.stdout)

    functions, alarms, queues = (emulator.client(service) for service in ("lambda", "cloudwatch", "sqs"))
    name = "wardgate-staging-me"
    live = functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
    versions = functions.list_versions_by_function(FunctionName=name)["Versions"]
    [other, *_] = [it["Version"] for it in versions if it["Version"] not in (live, "$LATEST")]
    queue = queues.get_queue_url(QueueName="wardgate-staging-events-failed")["QueueUrl"]
    alarm = {"AlarmName": "wardgate-staging-invented", "AlarmDescription": "Invented: see docs/operations/runbook.md"}
    try:
        canary = {"AdditionalVersionWeights": {other: 0.1}}
        functions.update_alias(FunctionName=name, Name="live", FunctionVersion=live, RoutingConfig=canary)
        alarms.put_metric_alarm(
            **alarm,
            Namespace="n",
            MetricName="m",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
        alarms.set_alarm_state(AlarmName=alarm["AlarmName"], StateValue="ALARM", StateReason="invented")
        queues.send_message(QueueUrl=queue, MessageBody="{}")
        dynamodb.update_continuous_backups(
            TableName="wardgate-staging", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
        )
        ill = commands.typed(emulator, "make status STAGE=staging")
    finally:
        none: dict[str, dict[str, float]] = {"AdditionalVersionWeights": {}}
        functions.update_alias(FunctionName=name, Name="live", FunctionVersion=live, RoutingConfig=none)
        alarms.delete_alarms(AlarmNames=[alarm["AlarmName"]])
        queues.purge_queue(QueueUrl=queue)
        dynamodb.update_continuous_backups(
            TableName="wardgate-staging", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
    holds(ill.returncode != 0, ill.stdout)
    holds(f"canary: 10% of requests go to version {other}" in ill.stdout, ill.stdout)
    for wrong in (
        "There are 3 things wrong with stage staging",
        "alarm wardgate-staging-invented: Invented: see docs",
        "1 messages were given up and are in wardgate-staging-events-failed",
        "point-in-time recovery of wardgate-staging is off",
    ):
        holds(wrong in ill.stderr, wrong, ill.stderr)


def check_logs_are_found(api: Api, emulator: Deployment) -> None:
    """By function, by text, and one request by its id; in the order of time, and without metrics."""
    api.me("x").refuses(401, "invalid_token")
    request = api.ask("GET", "/ready").headers["x-request-id"]
    asked = commands.typed(emulator, f"make logs STAGE=staging REQUEST={request}")
    [line] = [line for line in asked.stdout.splitlines() if " request " in line]
    holds(asked.returncode == 0 and "ready" in line and f"request_id={request}" in line, asked.stdout, asked.stderr)
    several = commands.typed(emulator, "make logs STAGE=staging F=me SINCE=1h").stdout.splitlines()
    times = [line.split(maxsplit=1)[0] for line in several]
    # They say no day: once, at midnight, they begin again.
    backwards = sum(later < earlier for earlier, later in itertools.pairwise(times))
    holds(several and all("  me " in line for line in several) and backwards <= 1, several)
    holds(not any("_aws" in line for line in several), "there are metrics")
    refused = commands.typed(emulator, "make logs STAGE=staging F=me SINCE=1h GREP='not valid'").stdout.splitlines()
    holds(0 < len(refused) < len(several) and all("is not valid" in line for line in refused), refused)
    none = commands.typed(emulator, f"make logs STAGE=staging REQUEST={uuid.UUID(int=0)}")
    holds(none.returncode == 0 and none.stdout.startswith("No lines that match since 15m"), none.stdout)
    for line, why in (("F=nobody", "has no function nobody"), ("SINCE=soon", "SINCE is a number")):
        ran = commands.typed(emulator, f"make logs STAGE=staging {line}")
        holds(ran.returncode != 0 and why in ran.stderr, ran.stdout, ran.stderr)


def check_config(_api: Api, emulator: Deployment) -> None:
    """What holds is what the functions' variables and the files give, and each value has its source."""
    ran = commands.typed(emulator, "make config STAGE=staging")
    rows = {tuple(re.split("  +", line)) for line in ran.stdout.splitlines()}
    issuer = json.dumps(emulator.parameters["Issuer"])
    sender = json.dumps(emulator.parameters["MailSender"])
    for row in (
        ("tokens.issuer", issuer, "AUTH__TOKENS__ISSUER"),
        ("hashing.memory_kib", "19456", "config/default.toml"),
        ("mail.sender", sender, "AUTH__MAIL__SENDER", "mailer"),
        ("mail.sender", '"Wardgate <no-reply@wardgate.localhost>"', "config/default.toml", "all others"),
        ("authorizer.audience", "not set", "–", "all others"),
    ):
        holds(ran.returncode == 0 and row in rows, row, ran.stdout, ran.stderr)
    local = commands.typed(emulator, "make config STAGE=development KEY=http.port")
    holds(re.search("^http.port +8080 +config/default.toml$", local.stdout, re.MULTILINE), local.stdout, local.stderr)


def check_commands_page(api: Api, emulator: Deployment) -> None:
    """docs/operations/commands.md is what a terminal shows. `UPDATE_SNAPSHOTS=1 make test-deploy` writes it."""
    commands.check(emulator, {"request": api.ask("GET", "/ready").headers["x-request-id"]})
