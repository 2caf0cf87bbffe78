"""Asks the function restore-sweep to go through a restored table, page by page, until it is done (PL-07)."""

import collections
import concurrent.futures
import datetime
import threading
import time
from typing import Self

from wardgate_infra import Json
from wardgate_infra.operate.restored_table import RestoredTable
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.terminal import say

SEGMENTS = 8
# A page has a query and a write for each account on it.
LIMIT = 250

# How long nothing is said meanwhile.
BETWEEN_LINES = 10

# Turns to be erased; consents that were taken back, and factors that were removed, since the point.
COME_AND_GO = {"erasure", "consent", "factor", "passkey_owner"}


class Sweep:
    """One way through the table, and what came of it."""

    def __init__(
        self, stage: Stage, table: RestoredTable, point: datetime.datetime, now: datetime.datetime, check: bool
    ) -> None:
        self.stage = stage
        self.event = {
            "id": f"restore-{table.name}",
            "table": table.full_name,
            "point": milliseconds(point),
            "now": milliseconds(now),
            "check": check,
            "limit": LIMIT,
        }
        self.lock = threading.Lock()
        self.items: collections.Counter[str] = collections.Counter()
        self.checksum = 0
        self.changed: collections.Counter[str] = collections.Counter()
        self.accounts: dict[str, list[str]] = collections.defaultdict(list)
        self.wrong: list[str] = []
        self.seconds = 0.0

    def run(self) -> Self:
        """Goes through all parts of the table at once. It can be begun again at any time."""
        began = time.monotonic()
        # A client is made here, once.
        self.stage.client("lambda")
        with concurrent.futures.ThreadPoolExecutor(SEGMENTS) as pool:
            parts = [pool.submit(self.segment, number) for number in range(SEGMENTS)]
            said = began
            while concurrent.futures.wait(parts, timeout=1).not_done:
                if time.monotonic() - said >= BETWEEN_LINES:
                    said = time.monotonic()
                    seconds = said - began
                    items = self.items.total()
                    say(f"  {items} items after {seconds:.0f} s, {items / seconds:.0f} a second")
            for part in parts:
                part.result()
        self.seconds = time.monotonic() - began
        return self

    def segment(self, number: int) -> None:
        cursor = None
        while True:
            part = {"segment": {"number": number, "of": SEGMENTS}, "cursor": cursor}
            answer = self.stage.invoke("restore-sweep", self.event | part)
            self.add(answer)
            if (cursor := answer["cursor"]) is None:
                return

    def add(self, answer: Json) -> None:
        with self.lock:
            self.items.update(answer["items"])
            self.checksum = (self.checksum + int(answer["checksum"], 16)) % (1 << 128)
            self.changed.update(accounts=answer["accounts"], killed=answer["killed"])
            for action, user in answer["actions"]:
                self.accounts[action].append(user)
            self.wrong += answer["wrong"]

    def staying(self) -> dict[str, int]:
        """Items by kind, without those that come and go in the sweep."""
        return {kind: count for kind, count in sorted(self.items.items()) if kind not in COME_AND_GO}


def milliseconds(time: datetime.datetime) -> int:
    return int(time.timestamp() * 1000)
