"""Applies migrations of the data, or takes them back: docs/operations/migrations.md."""

import argparse
import datetime
import re
import time

from botocore.exceptions import ClientError

from wardgate_infra import Failed, Json
from wardgate_infra.operate import migration_report, rehearsal, way_back
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.terminal import confirm, say, table

# Between two tries of a table that has no capacity, in seconds; and how many in a row end it.
PAUSE = 5
TRIES = 12
# A run of ours ends far within what the SDK waits for an answer.
RUN_SECONDS = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--to", help="the last migration to be applied, as 0001; later ones are taken back; 0000 for all"
    )
    parser.add_argument("--dry-run", action="store_true", help="count what would change, and write nothing")
    parser.add_argument("--again", action="store_true", help="also those that repeat and are applied")
    parser.add_argument("--rehearse", action="store_true", help="apply those of this checkout to a copy of the table")
    parser.add_argument("--rate", type=positive, help="the most items looked at in a second, 500 unless said")
    parser.add_argument("--capacity", type=positive, help="the most capacity units in a second, 1000 unless said")
    parser.add_argument("--yes", action="store_true", help="ask nothing")


def positive(text: str) -> int:
    """A whole number of at least one."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def run(stage: Stage, options: argparse.Namespace) -> None:
    limits = {"items_per_second": options.rate, "capacity_per_second": options.capacity}
    limits = {name: value for name, value in limits.items() if value}
    if options.to is not None and not re.fullmatch("[0-9]{4}", options.to):
        raise Failed(f"TO is the number of a migration, as 0001, not {options.to!r}.")
    if options.rehearse:
        if options.dry_run or options.again:
            raise Failed("REHEARSE=1 writes to a copy of the table: leave DRY_RUN=1 and AGAIN=1 out.")
        rehearsal.run(stage, options.to, limits)
        return
    listed = status(stage)
    table(*migration_report.listing(listed))
    there = [it for it in listed["migrations"] if it["status"] in ("running", "applied")]
    back = [it for it in there if options.to is not None and it["number"] > options.to]
    if back and not options.dry_run and stage.name == "production":
        names = ", ".join(f"{it['number']} {it['name']}" for it in back)
        confirm(f"Take back {names} in {stage.name}?", options.yes)
    apply(stage, options.to, options.dry_run, options.again, limits)


def status(stage: Stage) -> Json:
    """How every migration stands, known to the deployed release or not: what a rollback looks at."""
    return ask(stage, {"status": True})


def apply(
    stage: Stage,
    to: str | None = None,
    dry_run: bool = False,
    again: bool = False,
    limits: dict[str, int] | None = None,
) -> None:
    """Has the function work until nothing is left to be done. Whatever ends this, the next one goes on from there."""
    if not dry_run:
        note_way_back(stage, to, again)
    order = ordered(stage, to, dry_run, again, limits or {})
    done = failures = 0
    while True:
        report = ask(stage, order)
        tell(stage, report, dry_run)
        done += len(report["finished"])
        failures = failures + 1 if "interrupted" in report else 0
        if failures == TRIES:
            raise Failed("The table does not keep up. What is done stays done: try again later, or with RATE=50.")
        if not report["more"]:
            break
        if "resume" in report:
            order["resume"] = report["resume"]
        if failures:
            time.sleep(PAUSE)
    if not done:
        say(f"{stage.name}: nothing is left to be migrated.")
    elif dry_run:
        say("Nothing was written.")


def ordered(stage: Stage, to: str | None, dry_run: bool, again: bool, limits: dict[str, int]) -> dict[str, Json]:
    """What the function is asked for, again and again."""
    order: dict[str, Json] = {"seconds": RUN_SECONDS, "dry_run": dry_run, **limits}
    order["asked_by"] = stage.client("sts").get_caller_identity()["Arn"]
    if to is not None:
        order["to"] = to
    if again:
        order["again"] = int(datetime.datetime.fromisoformat(status(stage)["now"]).timestamp() * 1000)
    return order


def note_way_back(stage: Stage, to: str | None, again: bool) -> None:
    """Says where to go back to. In development there is nothing to be lost."""
    if stage.name != "development":
        way_back.note(stage, changing(status(stage)["migrations"], to, again))


def changing(listed: list[Json], to: str | None, again: bool) -> list[str]:
    """Which migrations a run is about to apply or to take back, as far as can be told beforehand."""
    back = [it for it in listed if to is not None and it["number"] > to and it["status"] in ("running", "applied")]
    forth = [it for it in listed if (again or it["due"]) and (to is None or it["number"] <= to)]
    return [it["number"] for it in (*forth, *back)]


def tell(stage: Stage, report: Json, dry_run: bool) -> None:
    """Says how far a run has come. One that was refused ends the command."""
    for step in report["finished"]:
        say(migration_report.finished(step, dry_run))
    if refused := report.get("refused"):
        raise Failed(migration_report.advice(stage, refused))
    if step := report.get("running"):
        say(migration_report.progress(step, dry_run))
    if "interrupted" in report:
        say(f"  {report['interrupted']}")


def ask(stage: Stage, event: Json) -> Json:
    """What the function answers."""
    try:
        return stage.invoke("migrate", event)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        if stage.name == "development" and not stage.is_emulated:
            raise Failed(
                "Stage development has no stacks outside the emulator: `make run` keeps its own store, in .wardgate.\n"
                "To try migrations, start `make emulate` in another terminal and set AWS_ENDPOINT_URL as it says."
            ) from error
        raise Failed(
            f"There is no function {stage.function_name('migrate')}: the stack {stage.migrate_stack} is deployed by\n"
            f"make deploy STAGE={stage.name}"
        ) from error
