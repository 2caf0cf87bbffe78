"""`make destroy`, as an administrator types it, after everything else has been asked of both stages: staging goes, once
its code alone and once everything, and production beside it, in the same account, notices nothing.

The emulator has no recovery points, keeps a deleted key as AWS does, and deletes a table at once. A vault's lock, what
AWS refuses to delete, and everything that takes time are held by infra/tests/test_destroy.py."""

import time

from emulated import delivery
from emulated.deploys import BUCKET, kept, live, trail
from emulated.gateway import Api, equal, holds, remembered, wait_for
from emulated.mails import Mailbox
from wardgate_infra import Json
from wardgate_infra.emulator.deployment import Deployment
from wardgate_infra.operate import destroy

STAYED = "destroyed@example.com"
THEIRS = "of-somebody-else"
# Whatever holds data, and what tests whether they come back.
KEPT = ("backup", "cloudformation-role", "data", "pipeline", "restore-testing")
# What streams and queues call, and for how long it has to have said nothing to have nothing more to do.
CALLED_BEHIND = ("audit-watch", "edge-sync", "events", "logout-notifier", "mailer")
QUIET = 3
QUEUES = ("mail.fifo", "mail-failed.fifo", "events-failed", "audit-watch-failed")


def check_production_is_not_destroyed_by_the_way(api: Api, emulator: Deployment) -> None:
    """It lists what would be lost, and nobody is there to type what has to be typed."""
    for data, why in (
        ([], "DATA=kept, or DATA=lost"),
        (["kept"], "YES=1 is no answer"),
        (["lost"], "YES=1 is no answer"),
    ):
        options = [word for it in data for word in ("--data", it)]
        refused = emulator.refused("destroy", "--yes", *options)
        holds(why in refused and "wardgate-audit-production" in refused, refused[-3000:])
        holds("==>" not in refused, refused[-3000:])
    api.ask("GET", "/ready").is_ok()


def check_code_goes_and_comes_back(_api: Api, emulator: Deployment) -> None:
    """Without a word about data they stay: who was signed in before is signed in after the next deploy."""
    staging = emulator.beside("staging")
    api = of(staging)
    pair = api.signed_in(STAYED)
    settle(staging)
    said = staging.operate("destroy", "--yes")
    for number, (name, _) in enumerate(destroy.CODE, 1):
        holds(f"==> {number} of {len(destroy.CODE)}: {name}\n" in said, name, said[-3000:])
    holds("its data: make deploy STAGE=staging goes on with them" in said, said[-3000:])
    found = left(staging)
    equal(found.pop("stacks"), [f"wardgate-staging-{it}" for it in KEPT])
    for kind in ("functions", "log groups", "alarms", "topics", "apis"):
        equal((kind, found.pop(kind)), (kind, []))
    # All of the rest is there.
    holds(all(found.values()), found)
    again = staging.operate("destroy", "--yes")
    holds("Nothing of staging is here to be taken away. Its data are" in again and "==>" not in again, again[-3000:])
    lines = [line["detail"]["S"] for line in stage_lines(staging) if line["action"]["S"] == "destroyed"]
    equal(lines, ["the code; data are kept"])

    deploys = trail(staging).count("deployed")
    staging.deploy()
    equal(trail(staging).count("deployed"), deploys + 1)
    api.me(pair["access_token"]).is_ok()
    remembered(api.refresh(pair["refresh_token"]).is_ok().json)
    api.login(STAYED)


def check_everything_goes(api: Api, emulator: Deployment) -> None:
    """With DATA=lost nothing of the stage is left, but what is somebody else's, whom it waits for."""
    staging, events = emulator.beside("staging"), emulator.client("events")
    before = [live(emulator, name)["Version"] for name in ("login", "me")]
    bus = "wardgate-staging"
    events.put_rule(Name=THEIRS, EventBusName=bus, EventPattern='{"source": ["wardgate"]}')
    settle(staging)
    said = staging.operate("destroy", "--yes", "--data", "lost")
    for number, (name, _) in enumerate(destroy.EVERYTHING, 1):
        holds(f"==> {number} of {len(destroy.EVERYTHING)}: {name}\n" in said, name, said[-4000:])
    for part in (f"event bus {bus}, on which others have rules: ", THEIRS, f"bucket {BUCKET}", "Back: aws kms cancel"):
        holds(part in said, f"no {part!r}", said[-4000:])
    equal({kind: names for kind, names in left(staging).items() if names}, {"buses": [bus]})

    for rule in events.list_rules(EventBusName=bus)["Rules"]:
        targets = events.list_targets_by_rule(Rule=rule["Name"], EventBusName=bus)["Targets"]
        if targets:
            events.remove_targets(Rule=rule["Name"], EventBusName=bus, Ids=[it["Id"] for it in targets])
        events.delete_rule(Name=rule["Name"], EventBusName=bus)
    staging.operate("destroy", "--yes", "--data", "lost")
    equal({kind: names for kind, names in left(staging).items() if names}, {})
    said = staging.operate("destroy", "--yes", "--data", "lost")
    holds("Nothing of staging is here to be taken away." in said and "==>" not in said, said[-2000:])

    api.ask("GET", "/ready").is_ok()
    equal([live(emulator, name)["Version"] for name in ("login", "me")], before)
    run = kept(emulator, "stages/production/live.json")
    holds(kept(emulator, f"artifacts/{run['artifact']}.json"), run)


def settle(stage: Deployment) -> None:
    """Waits for what is called behind an answer. The emulator makes a log group anew that a late line belongs to; AWS
    refuses, since no function's role may."""
    lines: dict[str, int] = {}
    since = time.monotonic()

    def is_quiet() -> bool:
        nonlocal lines, since
        now = {name: len(delivery.logged(stage, name)) for name in CALLED_BEHIND}
        if now != lines:
            lines, since = now, time.monotonic()
        return time.monotonic() - since > QUIET

    wait_for(is_quiet, "a moment in which nothing is called", 60)


def of(stage: Deployment) -> Api:
    """Another stage's API, with the mails that it sends."""
    mailbox = Mailbox(stage.endpoint, stage.parameters["MailSender"], stage.parameters["Issuer"])
    return Api(stage.url, mailbox)


def stage_lines(stage: Deployment) -> list[Json]:
    """What the audit trail says about the stage."""
    pages = stage.client("dynamodb").get_paginator("scan").paginate(TableName=f"wardgate-audit-{stage.stage}")
    return [line for page in pages for line in page["Items"] if line["pk"]["S"].startswith("STAGE#")]


def left(stage: Deployment) -> dict[str, list[str]]:
    """What there is of a stage, by kind."""
    name = f"wardgate-{stage.stage}"
    listed: dict[str, tuple[str, str, str, str, dict[str, Json]]] = {
        "stacks": ("cloudformation", "list_stacks", "StackSummaries", "StackName", {}),
        "tables": ("dynamodb", "list_tables", "TableNames", "", {}),
        "functions": ("lambda", "list_functions", "Functions", "FunctionName", {}),
        "log groups": ("logs", "describe_log_groups", "logGroups", "logGroupName", {}),
        "secrets": ("secretsmanager", "list_secrets", "SecretList", "Name", {"IncludePlannedDeletion": True}),
        "aliases": ("kms", "list_aliases", "Aliases", "AliasName", {}),
        "vaults": ("backup", "list_backup_vaults", "BackupVaultList", "BackupVaultName", {}),
        "roles": ("iam", "list_roles", "Roles", "RoleName", {}),
        "alarms": ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName", {}),
        "topics": ("sns", "list_topics", "Topics", "TopicArn", {}),
        "apis": ("apigatewayv2", "get_apis", "Items", "ApiId", {}),
    }
    found = {}
    for kind, (service, operation, member, key, asked) in listed.items():
        pages = stage.client(service).get_paginator(operation).paginate(**asked)
        things = [it for page in pages for it in page[member]]
        there = [it for it in things if not key or it.get("StackStatus") != "DELETE_COMPLETE"]
        names = [str(it[key] if key else it) for it in there]
        found[kind] = sorted(it for it in names if is_of(it, stage.stage))
    events, queues = stage.client("events"), stage.client("sqs")
    found["buses"] = [it["Name"] for it in events.list_event_buses()["EventBuses"] if it["Name"] == name]
    urls = queues.list_queues(QueueNamePrefix=name).get("QueueUrls", [])
    # Checks have queues of their own, which are named alike.
    found["queues"] = sorted(it.rsplit("/", 1)[1] for it in urls if it.endswith(tuple(f"{name}-{q}" for q in QUEUES)))
    objects = stage.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"stages/{stage.stage}/").get("Contents", [])
    found["records"] = [it["Key"] for it in objects]
    backups = stage.client("dynamodb").list_backups()["BackupSummaries"]
    found["backups"] = sorted(it["BackupName"] for it in backups if it["TableName"].endswith(f"-{stage.stage}"))
    return found


def is_of(name: str, stage: str) -> bool:
    """Whether a thing is a stage's, by its name: a table has the stage at its end, and a secret as a folder."""
    return f"wardgate-{stage}" in name or f"wardgate/{stage}/" in name or name.endswith(f"-{stage}")
