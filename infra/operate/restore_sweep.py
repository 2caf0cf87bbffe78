"""Asks the function restore-sweep to go through a restored table, page by page, until it is done (PL-07)."""

import collections
import concurrent.futures
import threading
import time

from terminal import say

SEGMENTS = 8
# A page has a query and a write for each account on it.
LIMIT = 250


class Sweep:
    """One way through the table, and what came of it."""

    def __init__(self, stage, table, point, now, check):
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
        self.items = collections.Counter()
        self.checksum = 0
        self.changed = collections.Counter()
        self.accounts = collections.defaultdict(list)
        self.wrong = []
        self.seconds = 0.0

    def run(self):
        """Goes through all parts of the table at once. It can be begun again at any time."""
        began = time.monotonic()
        # A client is made here, once.
        self.stage.client("lambda")
        with concurrent.futures.ThreadPoolExecutor(SEGMENTS) as pool:
            parts = [pool.submit(self.segment, number) for number in range(SEGMENTS)]
            said = began
            while concurrent.futures.wait(parts, timeout=1).not_done:
                if time.monotonic() - said >= 10:
                    said = time.monotonic()
                    seconds = said - began
                    items = self.items.total()
                    say(f"  {items} items after {seconds:.0f} s, {items / seconds:.0f} a second")
            for part in parts:
                part.result()
        self.seconds = time.monotonic() - began
        return self

    def segment(self, number):
        cursor = None
        while True:
            part = {"segment": {"number": number, "of": SEGMENTS}, "cursor": cursor}
            answer = self.stage.invoke("restore-sweep", self.event | part)
            self.add(answer)
            if (cursor := answer["cursor"]) is None:
                return

    def add(self, answer):
        with self.lock:
            self.items.update(answer["items"])
            self.checksum = (self.checksum + int(answer["checksum"], 16)) % (1 << 128)
            self.changed.update(accounts=answer["accounts"], killed=answer["killed"])
            for action, user in answer["actions"]:
                self.accounts[action].append(user)
            self.wrong += answer["wrong"]

    def staying(self):
        """Items by kind, without the turns to be erased, which come and go in the sweep."""
        return {kind: count for kind, count in sorted(self.items.items()) if kind != "erasure"}


def milliseconds(time):
    return int(time.timestamp() * 1000)
