"""`make watch-alarms`: looks at a stage's alarms for some minutes after a deploy, and fails as soon as one rings."""

import argparse
import datetime
import time

from wardgate_infra import Failed, Json
from wardgate_infra.operate import terminal
from wardgate_infra.operate.stage import Stage

# Alarms look at whole minutes.
BETWEEN_LOOKS = 20
# How AWS begins the reason of an alarm that it has just made.
UNCHECKED = "Unchecked"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", type=float, default=10, help="for how long; 0 looks once")


def run(stage: Stage, options: argparse.Namespace) -> None:
    deadline, began = time.monotonic() + options.minutes * 60, datetime.datetime.now(datetime.UTC)
    known = described(stage)
    if not known:
        raise Failed(f"{stage.name} has no alarms, and nothing would say what is wrong: make deploy STAGE={stage.name}")
    terminal.say(f"watching {len(known)} alarms of {stage.name} for {options.minutes:g} minutes")
    while True:
        if ringing := {it["AlarmName"]: it["StateReason"] for it in described(stage) if rings(stage, it, began)}:
            lines = [f"  {name}: {reason}" for name, reason in sorted(ringing.items())]
            raise Failed(
                "\n".join([f"{len(ringing)} of {len(known)} alarms of {stage.name} ring:", *lines])
                + f"\nIf the release is the reason: make rollback STAGE={stage.name}. docs/operations/runbook.md has a "
                "section for each alarm."
            )
        left = deadline - time.monotonic()
        if left <= 0:
            break
        time.sleep(min(BETWEEN_LOOKS, left))
    terminal.say("none rang")


def described(stage: Stage) -> list[Json]:
    """Every alarm of the stage as CloudWatch describes it, but for those that only tell when others are over: what they
    say is said by the others."""
    pages = (
        stage.client("cloudwatch")
        .get_paginator("describe_alarms")
        .paginate(AlarmNamePrefix=f"wardgate-{stage.name}-", AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    )
    found: list[Json] = []
    for page in pages:
        found += page.get("MetricAlarms", [])
        found += [it for it in page.get("CompositeAlarms", []) if it.get("AlarmActions")]
    return found


def rings(stage: Stage, alarm: Json, since: datetime.datetime) -> bool:
    """Whether an alarm is on, or has fallen silent since then. If it was silent before, that is not the release."""
    if alarm["StateValue"] == "ALARM":
        return True
    return is_silent(stage, alarm) and bool(alarm["StateTransitionedTimestamp"] >= since)


def is_silent(stage: Stage, alarm: Json) -> bool:
    """Whether an alarm misses data, and that is trouble: such an alarm speaks when it gets there. One that has only
    been made has had no time for data, and has not spoken."""
    # In the emulator missing data changes no state.
    if stage.is_emulated or alarm["StateValue"] != "INSUFFICIENT_DATA" or not alarm.get("InsufficientDataActions"):
        return False
    began, made = alarm["StateTransitionedTimestamp"], alarm["AlarmConfigurationUpdatedTimestamp"]
    stats = [it["MetricStat"]["Period"] for it in alarm.get("Metrics", []) if "MetricStat" in it]
    looked_at = datetime.timedelta(seconds=max([alarm.get("Period", 0), *stats]) * alarm["EvaluationPeriods"])
    # A change of its description leaves the state of an alarm as it is.
    is_first = alarm["StateReason"].startswith(UNCHECKED) or began <= made
    return bool(not is_first or datetime.datetime.now(datetime.UTC) - began > looked_at)
