"""The first minutes of a stage's key. The boundary knows it by its alias (`kms:ResourceAliases`), and AWS takes up to
five minutes until a new alias counts: https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html"""

import datetime
import time

from wardgate_infra.operate import terminal
from wardgate_infra.operate.stage import Stage

UNTIL_IT_COUNTS = datetime.timedelta(minutes=5)


def wait(stage: Stage, now: datetime.datetime | None = None) -> None:
    """Waits until functions may use the key, from `now` on. Nothing else tells: what is listed need not count yet."""
    # The emulator looks at no alias, and roles without a boundary are given the key itself.
    if stage.is_emulated or not stage.parameters["PermissionsBoundary"]:
        return
    alias = f"alias/wardgate-{stage.name}"
    pages = stage.client("kms").get_paginator("list_aliases").paginate()
    found = next((it for page in pages for it in page["Aliases"] if it["AliasName"] == alias), None)
    # Where it leads to another key since then, that is as new.
    changed = found and (found.get("LastUpdatedDate") or found.get("CreationDate"))
    if not changed:
        return
    left = (changed + UNTIL_IT_COUNTS - (now or datetime.datetime.now(datetime.UTC))).total_seconds()
    if left > 0:
        terminal.say(f"waiting {left:.0f} s: {alias} is new, and it takes AWS so long until functions may use its key")
        time.sleep(left)
