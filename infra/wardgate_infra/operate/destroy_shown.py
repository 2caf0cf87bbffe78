"""What `make destroy` says before it asks: what goes and what stays, with what it is worth."""

import datetime
from collections.abc import Sequence
from typing import TypeAlias

from wardgate_infra import Json
from wardgate_infra.operate import terminal
from wardgate_infra.operate.lasting import minute
from wardgate_infra.operate.remains import Remains

# A kind of thing, its name or how many, and what is worth knowing of it.
Row: TypeAlias = tuple[str, str, str]
KEEPS = ("table", "vault")


def of_code(remains: Remains) -> list[Row]:
    """What goes in any case."""
    stage = remains.stage
    rows: list[Row] = []
    stacks = [*remains.outside, *((stage, name) for name in remains.code_stacks)]
    rows += [("stack", name, it["StackStatus"]) for where, name in stacks if (it := where.stack(name))]
    if groups := remains.log_groups:
        rows.append(("log groups", str(len(groups)), "with all that was logged"))
    if url := stage.outputs(stage.code_stack).get("ApiUrl"):
        rows.append(("address", url, "the next deploy gives another one"))
    return [*rows, *(("mapping", it.domain, "to be made again after the next deploy") for it in remains.mappings)]


def of_data(remains: Remains) -> list[Row]:
    """What goes with DATA=lost alone."""
    others = [it for it in remains.stacks if it[1] not in remains.code_stacks and it not in remains.outside]
    rows: list[Row] = []
    rows += [("stack", name, it["StackStatus"]) for where, name in others if (it := where.stack(name))]
    rows += [("table", name, size(remains.describe(name))) for name in remains.tables]
    if made := remains.backups:
        rows.append(("backups", str(len(made)), "of make backup"))
    rows += [("secret", it["Name"], "") for it in remains.secrets if not it.get("DeletedDate")]
    rows += [("queue", it, "with what waits in it") for it in remains.queues]
    rows += [("bus", it, "") for it in remains.buses]
    for where in remains.regions:
        rows += [("key", name, f"{key} in {where.region}") for name, key in remains.aliases(where).items()]
        if vault := remains.vault(where):
            number = len(remains.recovery_points(where, vault))
            locked = ", locked" if vault.get("Locked") else ""
            rows.append(("vault", vault["BackupVaultName"], f"{number} recovery points in {where.region}{locked}"))
    if kept := remains.records:
        rows.append(("records", str(len(kept)), "of its releases, in the bucket of artifacts"))
    return rows


def waiting(remains: Remains) -> list[Row]:
    """What has been deleted, and AWS keeps for a while."""
    return [
        ("secret", it["Name"], f"goes on {it['DeletedDate']:%Y-%m-%d}")
        for it in remains.secrets
        if it.get("DeletedDate")
    ]


def size(table: Json) -> str:
    """As of up to six hours ago: AWS counts no oftener."""
    return f"{table['ItemCount']} items, {table['TableSizeBytes']} bytes" if table else "gone"


def show(remains: Remains, title: str, rows: Sequence[Row]) -> None:
    """A list under its title, with the newest backup where there are data in it."""
    if not rows:
        return
    shown = [*rows, *([newest(remains)] if any(it[0] in KEEPS for it in rows) else [])]
    terminal.say(f"\n{title}")
    terminal.table([(f"  {kind}", *rest) for kind, *rest in shown])


def newest(remains: Remains) -> Row:
    made = remains.newest_backup
    if made is None:
        return ("newest backup", "none", "")
    hours = (datetime.datetime.now(datetime.UTC) - made).total_seconds() / 3600
    return ("newest backup", minute(made), f"{hours:.0f} h old")
