"""`make watch-alarms`: looks at a stage's alarms for some minutes after a deploy, and fails as soon as one rings."""

import argparse
import time

from wardgate_infra import Failed
from wardgate_infra.operate import terminal
from wardgate_infra.operate.stage import Stage

# Alarms look at whole minutes.
BETWEEN_LOOKS = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", type=float, default=10, help="for how long; 0 looks once")


def run(stage: Stage, options: argparse.Namespace) -> None:
    deadline = time.monotonic() + options.minutes * 60
    known = alarms(stage)
    if not known:
        raise Failed(f"{stage.name} has no alarms, and nothing would say what is wrong: make deploy STAGE={stage.name}")
    terminal.say(f"watching {len(known)} alarms of {stage.name} for {options.minutes:g} minutes")
    while True:
        if ringing := {name: reason for name, (state, reason) in alarms(stage).items() if state == "ALARM"}:
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


def alarms(stage: Stage) -> dict[str, tuple[str, str]]:
    """State and reason of every alarm of the stage, by name."""
    found = {}
    pages = (
        stage.client("cloudwatch")
        .get_paginator("describe_alarms")
        .paginate(AlarmNamePrefix=f"wardgate-{stage.name}-", AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    )
    for page in pages:
        for alarm in [*page.get("MetricAlarms", []), *page.get("CompositeAlarms", [])]:
            found[alarm["AlarmName"]] = alarm["StateValue"], alarm.get("StateReason", "")
    return found
