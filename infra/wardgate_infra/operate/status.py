"""`make status`: how a stage is, from what AWS and the API say of it. No key and nothing of a user is read. Fails if
something is wrong, and says what at the end."""

import argparse
import datetime
import json
import os
from http import HTTPStatus

from botocore.exceptions import BotoCoreError, ClientError

from wardgate_infra import Failed, Json
from wardgate_infra.operate import lasting, rollback, running, settings, states, watch_alarms
from wardgate_infra.operate import release as kept
from wardgate_infra.operate.lasting import Section, minute
from wardgate_infra.operate.needs.account import edge_stacks, has_edge
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.terminal import say, table

DEPLOYING = ["Created", "Queued", "InProgress", "Baking", "Ready"]
# CodeDeploy describes so many at a time.
MOST_DEPLOYMENTS = 25
# Where people look at AWS with a browser, by its partition.
CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}


def arguments(_parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(stage: Stage, _options: argparse.Namespace) -> None:
    who = stage.client("sts").get_caller_identity()
    say(f"Stage {stage.name} in {stage.region}, account {who['Account']}{', emulated' if stage.is_emulated else ''}")
    problems = []
    for section in (stacks, releases, deployments, what_is_set, api, alarms, *lasting.SECTIONS, dashboards):
        title = (section.__doc__ or "").rstrip(".")
        say(f"\n{title}")
        try:
            rows, wrong = section(stage)
        except (BotoCoreError, ClientError, Failed) as error:
            # The rest is worth knowing all the same.
            rows, wrong = [("not known:", str(error))], [f"{title.lower()}: not known, {error}"]
        table([("  " + str(row[0]), *row[1:]) for row in rows])
        problems += wrong
    if problems:
        many = "is 1 thing" if len(problems) == 1 else f"are {len(problems)} things"
        raise Failed("\n  - ".join([f"There {many} wrong with stage {stage.name}:", *problems]))
    say("\nNothing is wrong.")


def stacks(stage: Stage) -> Section:
    """Stacks"""
    edge = [(where, name) for where, name, _ in edge_stacks(stage)] if has_edge(stage) else []
    needed = (stage.data_stack, *stage.release_stacks, *(name for _, name in edge))
    rows: list[tuple[str, ...]] = []
    wrong: list[str] = []
    for where, name in [*((stage, it) for it in stage.stacks), *edge]:
        stack = where.stack(name)
        status = stack["StackStatus"] if stack else "none"
        changed = minute(stack.get("LastUpdatedTime") or stack["CreationTime"]) if stack else ""
        rows.append((name, status, changed))
        if status in ("none", states.ONLY_SHOWN):
            if name in needed:
                wrong.append(f"there is no stack {name}: make deploy STAGE={stage.name}")
        elif where.is_in_progress(name):
            rows[-1] = (name, status, f"{changed}, a change is under way")
        elif status in states.PUT_BACK:
            if not has_run_since(stage, stack):
                wrong.append(f"stack {name} is {status}: its events say why; the next deploy goes on from there")
        elif status not in states.SETTLED:
            wrong.append(f"stack {name} is {status}: {advice(stage, status)}")
    return rows, wrong


def has_run_since(stage: Stage, stack: Json) -> bool:
    """Whether a deploy or a rollback has come to its end since a stack was put back: then it is as it should be."""
    bucket = kept.kept(stage)
    live = (bucket and bucket.read(f"stages/{stage.name}/live.json")) or {}
    changed = stack.get("LastUpdatedTime") or stack["CreationTime"]
    return "at" in live and bool(datetime.datetime.fromisoformat(live["at"]) > changed)


def advice(stage: Stage, status: str) -> str:
    """What becomes of a stack that nobody is at."""
    does = {
        "UPDATE_ROLLBACK_FAILED": "continues to put it back",
        "UPDATE_FAILED": "puts it back",
        **dict.fromkeys(states.NEVER_WORKED, "deletes what its first deploy has left, and makes it anew"),
    }
    deploy = f"make deploy STAGE={stage.name}"
    return f"{deploy} {does[status]}" if status in does else f"{deploy} says what to do"


def releases(stage: Stage) -> Section:
    """Releases"""
    functions = running.released(stage)
    release, others = kept.running(stage, functions)
    rows = [(running.short(release or ""), f"{len(functions) - len(others)} of {len(functions)} functions")]
    rows += [(f"  {it}", "another version than this release's") for it in others]
    for it in functions:
        for version, weight in it.beside.items():
            rows.append((f"  {it}", f"canary: {weight:.0%} of requests go to version {version}"))
    if not others or running.is_changing(stage, functions):
        return rows, []
    return rows, ["functions run different releases: deploy again, or make rollback STAGE=" + stage.name]


def deployments(stage: Stage) -> Section:
    """Deployments under way"""
    if stage.is_emulated and "AWS_ENDPOINT_URL_CODEDEPLOY" not in os.environ:
        return [("the emulator has no CodeDeploy",)], []
    client = stage.client("codedeploy")
    pages = client.get_paginator("list_deployments").paginate(includeOnlyStatuses=DEPLOYING)
    ids = [it for page in pages for it in page["deployments"]]
    found = []
    for start in range(0, len(ids), MOST_DEPLOYMENTS):
        found += client.batch_get_deployments(deploymentIds=ids[start : start + MOST_DEPLOYMENTS])["deploymentsInfo"]
    ours = [it for it in found if rollback.is_application(stage, it["applicationName"])]
    rows: list[tuple[str, ...]] = [
        (it["deploymentId"], it["status"], it["deploymentGroupName"], minute(it["createTime"])) for it in ours
    ]
    return rows or [("none",)], []


def what_is_set(stage: Stage) -> Section:
    """Set by operators"""
    found = settings.read(stage)
    rows = [(key, json.dumps(value)) for key, value in sorted(found.values.items())]
    return rows or [("nothing: everything is as it was deployed",)], []


def api(stage: Stage) -> Section:
    """API"""
    url = running.api_url(stage)
    if url is None:
        return [("none",)], ["the API has no address: there is no API stack"]
    rows: list[tuple[str, ...]] = [("address", url)]
    wrong: list[str] = []
    for path, well in (("health", "healthy"), ("ready", "ready")):
        status, answer = running.ask(f"{url}/{path}")
        said = (
            answer.get("status") if status == HTTPStatus.OK else answer.get("detail", answer.get("status", "nothing"))
        )
        parts = "".join(f", {it['name']} {it['status']}" for it in answer.get("dependencies", []))
        rows.append((f"GET /{path}", f"{status} {said}{parts}"))
        if (status, said) != (HTTPStatus.OK, well):
            wrong.append(f"/{path} answers {status} {said}{parts}: make logs STAGE={stage.name} F={path}")
    return rows, wrong


def alarms(stage: Stage) -> Section:
    """Alarms"""
    found = watch_alarms.described(stage)
    ringing = [it for it in found if it["StateValue"] == "ALARM"]
    silent = [it for it in found if watch_alarms.is_silent(stage, it)]
    rows = [(f"{len(ringing)} of {len(found)} in ALARM", "", "")]
    for it in [*ringing, *silent]:
        state = "" if it in ringing else ", no data"
        rows.append((f"  {it['AlarmName']}", minute(it["StateUpdatedTimestamp"]) + state, it["StateReason"]))
    told = [*ringing, *silent]
    return rows, [f"alarm {it['AlarmName']}: {it.get('AlarmDescription') or it['StateReason']}" for it in told]


def dashboards(stage: Stage) -> Section:
    """Dashboards"""
    name = stage.outputs(stage.observability_stack).get("DashboardName")
    if name is None:
        return [("none",)], []
    console = CONSOLES[stage.client("cloudwatch").meta.partition]
    region = stage.region
    page = f"https://{region}.{console}/cloudwatch/home?region={region}#dashboards/dashboard/{name}"
    return [(name, page)], []
