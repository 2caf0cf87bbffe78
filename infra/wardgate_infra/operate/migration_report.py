"""Migrations in words: how they stand, how far one is, and why nothing is done."""

import datetime

from wardgate_infra import Json
from wardgate_infra.operate.stage import Stage

HEAD = ("number", "name", "status", "for", "applied")


def listing(listed: Json) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """How every one stands, as rows and their head."""
    return [standing(it) for it in listed["migrations"]], HEAD


def standing(it: Json) -> tuple[str, ...]:
    """A migration as a row."""
    state = it["status"] + (", due" if it["due"] and it["status"] != "pending" else "")
    name = (
        it["name"] + ("" if it["known"] else " (unknown to this release)") + (" (contract)" if it["contract"] else "")
    )
    return it["number"], name, state, it["revision"] or "-", it["applied_at"] or "-"


def finished(step: Json, dry_run: bool) -> str:
    """A migration at its end."""
    would = "would change" if dry_run else "changed"
    counted = "".join(f"\n  {count:>10,} {what}" for what, count in sorted(step["tallies"].items()))
    return f"{name(step)}: {step['seen']:,} items seen, {would} {step['changed']:,}{counted}"


def progress(step: Json, dry_run: bool) -> str:
    """A migration on its way."""
    total, left = step["total"], step["seconds_left"]
    of = f" of about {max(total, step['seen']):,}" if total else ""
    until = f", about {datetime.timedelta(seconds=left)} left" if left is not None else ""
    would = "would change" if dry_run else "changed"
    return (
        f"{name(step)}: {step['seen']:,}{of} items seen, {would} {step['changed']:,}, {step['rate']:,} a second{until}"
    )


def name(step: Json) -> str:
    """Which migration, and which way."""
    return f"{step['number']} {step['name']} {step['direction']} (for {step['revision']})"


def advice(stage: Stage, refused: Json) -> str:
    """Why nothing is done, and what to do."""
    match refused["code"]:
        case "locked" | "lock_lost":
            then = f"Wait for it. If it is dead, this goes on where it was after that: make migrate STAGE={stage.name}"
        case "checksum_mismatch":
            then = "Restore its file as it was when it was applied, and write the change as a new one: make migrate-new"
        case "unknown_migration":
            then = f"make version STAGE={stage.name} says which releases there were."
        case "unknown_target":
            then = f"Those there are: make migrate STAGE={stage.name} DRY_RUN=1"
        case _:
            then = f"Its log says more: make logs STAGE={stage.name} F=migrate"
    detail = refused["detail"]
    return f"{detail[0].upper()}{detail[1:]}.\n{then}"
