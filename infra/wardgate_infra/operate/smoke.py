"""The smoke test of what is live: a synthetic user registers, signs in, refreshes, is known, signs in to an
application, and signs out."""

import argparse

from wardgate_infra import Failed, Json
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.terminal import say, table


def arguments(_parser: argparse.ArgumentParser) -> None:
    """It has none of its own."""


def run(stage: Stage, _options: argparse.Namespace) -> None:
    report = check(stage)
    table([(it["step"], f"{it['took_ms']} ms") for it in report["steps"]], ("step", "took"))
    say(f"{stage.name} works.")


def check(stage: Stage) -> Json:
    """The function's report, if everything was as it should be."""
    report = stage.invoke("smoke", {"live": True})
    if report["passed"]:
        return report
    failure = report["failure"]
    where = failure.get("function")
    text = f"The smoke test of {stage.name} failed at step {failure['step']}"
    text += f", at {where}: {failure['reason']}." if where else f": {failure['reason']}."
    function = where.partition(":")[0] if where else "smoke"
    text += f"\nThe log says more: make logs STAGE={stage.name} F={function}. See docs/operations/canary.md."
    raise Failed(text)
