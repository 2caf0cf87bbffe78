"""Whoever asks, so many times a second, whatever the answers take: each request in flight for itself."""

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Iterator

from wardgate_infra import Failed, Json
from wardgate_infra.operate.terminal import say
from wardgate_infra.prometheus.processes import HOST

RATE = 50
# A person's own thread: one token after the other.
PAUSE = 0.2


class Load:
    """Counts what was asked, and keeps what failed."""

    def __init__(self, port: int, credentials: Json) -> None:
        self.port, self.credentials = port, credentials
        self.began = time.monotonic()
        self.asked = 0
        self.failed: list[str] = []

    def ask(self, method: str, path: str, expected: int, body: Json = None) -> Json:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
        began = time.monotonic()
        try:
            connection.request(method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            said = answer.read()
            if answer.status == expected:
                return json.loads(said)
            wrong = f"{answer.status}"
        except (OSError, http.client.HTTPException, ValueError) as error:
            wrong = repr(error)
        finally:
            connection.close()
            self.asked += 1
        self.failed.append(f"{method} {path}: {wrong} after {time.monotonic() - began:.2f} s")
        return {}

    def person(self, over: threading.Event) -> None:
        """A chain of refreshes: a lost link ends the session, and would be seen."""
        token = self.ask("POST", "/v1/login", 200, self.credentials).get("refresh_token")
        while token and not over.wait(PAUSE):
            token = self.ask("POST", "/v1/token/refresh", 200, {"refresh_token": token}).get("refresh_token")

    def step(self, what: str) -> None:
        """Says how far it is, if nothing has failed."""
        if self.failed:
            raise Failed(f"{what}: {len(self.failed)} of {self.asked} requests failed: {'; '.join(self.failed[:5])}")
        say(f"{what}: {self.asked} requests, none failed, after {time.monotonic() - self.began:.0f} s")

    @contextlib.contextmanager
    def going_on(self) -> Iterator[None]:
        over = threading.Event()
        people = [threading.Thread(target=self.person, args=(over,), daemon=True) for _ in range(2)]

        def open_loop() -> None:
            due = time.monotonic()
            while not over.wait(max(0.0, due - time.monotonic())):
                due += 1 / RATE
                asked = ("GET", "/.well-known/jwks.json", 200)
                threading.Thread(target=self.ask, args=asked, daemon=True).start()

        threads = [*people, threading.Thread(target=open_loop, daemon=True)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()
