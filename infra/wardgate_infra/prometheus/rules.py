"""Prometheus' rules, made of CloudWatch's alarms: `make rules` writes infra/prometheus/rules and the table of
docs/operations/prometheus.md. An alarm that nobody has translated and nobody has given a reason for stops it.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from wardgate_infra import ROOT, Failed, Json
from wardgate_infra.prometheus import alarms
from wardgate_infra.prometheus.alarms import Alarm
from wardgate_infra.prometheus.promql import JOB, NoCounterpart, Record, Translated, World, translate

FOLDER = ROOT / "infra/prometheus/rules"
PAGE = ROOT / "docs/operations/prometheus.md"
BEGIN, END = "<!-- made by rules.py -->\n", "<!-- to here -->\n"

MAILS = "a queue of SQS; the server's mails wait in the table: mail-retries, mails-given-up"
STREAM = "a function that reads the table's stream; the server reads it itself: stream-lag, shards-unread"
EDGE = "the list of an edge, which the server does not feed"
# What the replicas themselves tell of an audit trail is in their logs.
TRAIL = "a function that reads the trail's stream; of the server's own reading: stream-lag, shards-unread, and its log"
# Why an alarm has no meaning on the server.
WITHOUT = {
    "SmokePage": "the smoke test is a function; what asks here is each scrape: target-down",
    "ThrottlesWarn": "Lambda's concurrency; what the server refuses over its own limits: shed-warn",
    "MemoryWarn": "of each function; the server's is an alert of replicas",
    "AuditTamperingPage": TRAIL,
    "AuditErasuresWarn": TRAIL,
    "AuditWatchFailedPage": TRAIL,
    "AuditWatchLatePage": STREAM,
    "SecretReadsPage": "CloudTrail's word on Secrets Manager: the account's, wherever the server runs",
    "MailAgeWarn": MAILS,
    "MailAgePage": MAILS,
    "MailFailedPage": MAILS,
    "EventsLateWarn": STREAM,
    "EventsLatePage": STREAM,
    "EventsFailedPage": STREAM,
    "EdgeLateWarn": EDGE,
    "LogoutFailedWarn": "a queue of SQS; the server's orders wait in the table: logouts-given-up",
    "EdgeFailedWarn": EDGE,
    "EdgeDropsFailedWarn": EDGE,
    "EdgeFullWarn": EDGE,
    "FunctionErrorsWarn": "functions that no request reaches; the server has none",
    "EraserSilentWarn": "a function with a schedule; the server's is done under a lease: jobs-unheld",
    "RotationFailedPage": "a function rotates keys; the server only reads them: keys-old",
    "AnyPage": "Alertmanager says of each alert that it is over",
    "AnyWarn": "Alertmanager says of each alert that it is over",
    "ApiRollbackAlarm": "takes a deployment of CodeDeploy back",
    "AuditWatchRollbackAlarm": "takes a deployment of CodeDeploy back",
    "AuthorizerRollbackAlarm": "takes a deployment of CodeDeploy back",
    "EdgeSyncRollbackAlarm": "takes a deployment of CodeDeploy back",
    "EventsRollbackAlarm": "takes a deployment of CodeDeploy back",
    "LogoutNotifierRollbackAlarm": "takes a deployment of CodeDeploy back",
    "MailerRollbackAlarm": "takes a deployment of CodeDeploy back",
    "OutsideProbePage": "a health check of Route 53 asks `/ready`, and can ask the server's as well",
}
WITHOUT_TRAFFIC = "only where traffic is expected (`ExpectsTraffic`)"


@dataclass(frozen=True)
class OfReplicas:
    """An alert about replicas, which functions have not. Minutes, because a scrape can be lost."""

    title: str
    summary: str
    # `{its}` stands for the labels of what is scraped, `{window}` for five minutes.
    condition: str
    seconds: int
    elsewhere: str = "Lambda has no replicas"


OF_REPLICAS = (
    OfReplicas("target-down-warn", "A replica does not answer.", "up{its} == 0", 300),
    OfReplicas("target-down-page", "No replica answers.", "(count(up{its} == 1) or vector(0)) == 0", 180),
    OfReplicas(
        "shed-warn",
        "Requests are refused because there are too many.",
        "sum(rate(wardgate_shed_total{its}[{window}])) > 0",
        300,
        "throttles-warn",
    ),
    OfReplicas(
        "restarts-warn",
        "A replica has started again and again.",
        "changes(process_start_time_seconds{its}[{window}]) > 1",
        0,
    ),
    OfReplicas(
        "memory-warn",
        "A replica uses nearly all of its memory.",
        "wardgate_memory_share{its} > 0.85",
        300,
        "of functions",
    ),
    OfReplicas(
        "descriptors-warn",
        "A replica has nearly no file descriptors left.",
        "process_open_fds{its} / process_max_fds{its} > 0.8",
        300,
        "a function has one request at a time",
    ),
    OfReplicas(
        "stream-lag-warn",
        "Mails and events are five minutes late.",
        "max by (stream) (wardgate_stream_lag_seconds{its}) > 300",
        300,
        "events-late, mail-age",
    ),
    OfReplicas(
        "stream-lag-page",
        "Mails and events are an hour late; after 24 hours they are lost.",
        "max by (stream) (wardgate_stream_lag_seconds{its}) > 3600",
        300,
        "events-late, mail-age",
    ),
    OfReplicas(
        "shards-unread-page",
        "No replica reads a stream.",
        "sum by (stream) (wardgate_shards_held{its}) == 0",
        300,
        "events-late",
    ),
    OfReplicas(
        "jobs-unheld-warn",
        "No replica erases accounts.",
        "sum(wardgate_lease_held{its}) == 0",
        180,
        "eraser-silent",
    ),
    OfReplicas(
        "mail-retries-warn",
        "Many mails wait for another try.",
        "max(wardgate_mail_retries{its}) > 10",
        900,
        "mail-age",
    ),
    OfReplicas(
        "mails-given-up-page",
        "A mail was tried twenty times, and is tried no more.",
        "sum(increase(wardgate_mails_given_up_total{its}[{window}])) > 0",
        0,
        "mail-failed",
    ),
    OfReplicas(
        "logouts-given-up-warn",
        "An application was not told of sign-outs, and is told no more.",
        "sum(increase(wardgate_logouts_given_up_total{its}[{window}])) > 0",
        0,
        "logout-failed",
    ),
)


def translated(stage: str, scale: int = 1) -> dict[str, tuple[Alarm, Translated]]:
    """Each alarm of a stage that the server has."""
    known = alarms.read(stage)
    world = World(stage, scale, int(alarms.parameters(stage)["MinimumRequests"]))
    windows = {part for it in known.values() for part in it.parts}
    found = {}
    for name, alarm in known.items():
        # Of a metric that CloudWatch is never sent a zero of, this never rings; the server's zeros would.
        is_never_on = alarm.comparison == "LessThanThreshold" and alarm.missing == "notBreaching"
        if name in windows or name in WITHOUT or is_never_on:
            continue
        try:
            found[name] = (alarm, translate(alarm, known, world))
        except NoCounterpart as nothing:
            raise Failed(f"{name}: {nothing}. Say in rules.py why it has no meaning there.") from nothing
    if unknown := alarms.others().keys() - WITHOUT.keys():
        raise Failed(f"{', '.join(sorted(unknown))}: say in rules.py why it has no meaning on the server.")
    return found


def document(stage: str, scale: int = 1) -> Json:
    """A file of rules."""
    found = translated(stage, scale)
    world = World(stage, scale)
    records: dict[str, Record] = {it.name: it for _, made in found.values() for it in made.records}
    usual = {name for name in records if name.endswith(":usual")}
    labels = {"stage": stage}

    def kept(name: str) -> Json:
        return {"record": name, "expr": records[name].expression, "labels": {**labels}}

    alerts = [alert(it, made.condition, labels) for it, made in found.values()]
    runbook = str(alarms.parameters(stage)["RunbookUrl"])
    its = f'{{job="{JOB}",stage="{stage}"}}'
    for it in OF_REPLICAS:
        section, _, severity = it.title.rpartition("-")
        alerts.append(
            {
                "alert": f"wardgate-{it.title}",
                "expr": it.condition.replace("{its}", its).replace("{window}", world.span(300)),
                **({"for": world.span(it.seconds)} if it.seconds else {}),
                "labels": {**labels, "severity": severity, "section": section},
                "annotations": {"summary": it.summary, "runbook_url": f"{runbook}#{section}"},
            }
        )
    return {
        "groups": [
            {
                "name": f"wardgate-{stage}",
                "interval": world.span(15),
                "rules": [*(kept(it) for it in records if it not in usual), *alerts],
            },
            # A week is looked back at, which is not needed as often.
            {
                "name": f"wardgate-{stage}-usual",
                "interval": world.span(60),
                "rules": [kept(it) for it in sorted(usual)],
            },
        ]
    }


def alert(alarm: Alarm, condition: str, labels: dict[str, str]) -> Json:
    return {
        "alert": f"wardgate-{alarm.title}",
        "expr": condition,
        "labels": {**labels, "severity": alarm.severity, "section": alarm.section},
        "annotations": {"summary": alarm.summary, "runbook_url": alarm.runbook},
    }


def written(rules: Json) -> str:
    head = "# Made by `make rules` of infra/observability.yaml and the stage's parameters: change those.\n"
    text: str = yaml.safe_dump(rules, sort_keys=False, width=120, allow_unicode=True)
    return head + text


def rows() -> Iterator[str]:
    """The table of the page: each alarm, in which world it is, and what rings it."""
    made = {stage: translated(stage) for stage in alarms.STAGES}
    known = {stage: alarms.read(stage) for stage in alarms.STAGES}
    windows = {part for it in known["production"].values() for part in it.parts}
    yield "| alarm | on AWS | on the server | over, in how many periods |"
    yield "|---|---|---|---|"
    for name, alarm in known["production"].items():
        if name in windows:
            continue
        link = f"[{alarm.title}](runbook.md#{alarm.section})"
        if name in WITHOUT:
            yield f"| {link} | yes | no: {WITHOUT[name]} | |"
            continue
        stages = [stage for stage in alarms.STAGES if name in made[stage]]
        where = "yes" if len(stages) == len(alarms.STAGES) else f"{', '.join(stages)}: {WITHOUT_TRAFFIC}"
        parts = [[known[stage][it] for it in alarm.parts or (name,)] for stage in stages]
        says = list(dict.fromkeys("; ".join(map(bound, it)) for it in parts))
        differing = [f"{it} in {stage}" for it, stage in zip(says, stages, strict=True)] if len(says) > 1 else says
        yield f"| {link} | yes | {where} | {'; '.join(differing)} |"
    for name, path in alarms.others().items():
        yield f"| {name} of `{path}` | yes | no: {WITHOUT[name]} | |"
    for it in OF_REPLICAS:
        section = it.title.rpartition("-")[0]
        said = it.summary.rstrip(".") + (f", for {World('').span(it.seconds)}" if it.seconds else "")
        yield f"| [{it.title}](runbook.md#{section}) | no: {it.elsewhere} | yes | {said} |"


def bound(alarm: Alarm) -> str:
    """What rings it, in short."""
    [period] = {it.period for it in alarm.statistics.values()}
    span = World("").span(period)
    often = f"in {span}" if alarm.periods == 1 else f"{alarm.breaching} of {alarm.periods} periods of {span}"
    if "BAND" in alarm.expression:
        return f"the usual, {often}"
    less = "under " if alarm.comparison.startswith("Less") else ""
    return f"{less}{alarm.threshold:g}{unit(alarm)}, {often}"


def unit(alarm: Alarm) -> str:
    """What its threshold counts, where that is more than a number or a share."""
    if alarm.expression.endswith("/ 86400"):
        return " days"
    metrics = {it.metric for it in alarm.statistics.values()}
    return " ms" if "Latency" in metrics else " s" if "wardgate_store_duration_seconds" in metrics else ""


def files() -> dict[Path, str]:
    """What `make rules` writes."""
    made = {FOLDER / f"{stage}.yaml": written(document(stage)) for stage in alarms.STAGES}
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    made[PAGE] = before + BEGIN + "\n" + "\n".join(rows()) + "\n\n" + END + after
    return made


def stale() -> list[str]:
    """Files that say something else than the alarms."""
    return [
        str(path.relative_to(ROOT))
        for path, text in files().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main() -> None:
    try:
        for path, text in files().items():
            path.write_text(text, encoding="utf-8")
    except Failed as failed:
        sys.exit(str(failed))


if __name__ == "__main__":
    main()
