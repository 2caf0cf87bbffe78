"""What people do, so that every metric of the server counts something: the demo user of a development server."""

import contextlib
import http.client
import itertools
import json
import threading
from collections.abc import Callable, Iterator, Mapping

from wardgate_infra import Json
from wardgate_infra.prometheus.processes import HOST

DEMO = {"email": "demo@example.com", "password": "tulips lean over quiet canals"}
STRANGER = {"email": "nobody@example.com", "password": "geese argue under bridges"}
ORIGIN = {"Origin": "http://localhost:3000"}
# While errors are wanted: requests under way at a time, and the seconds between two of one client.
CROWD, SHOVE = 4, 0.05
# Between two rounds: about twenty requests a second, of which few hash.
PAUSE = 0.25
# Whom the server takes for a proxy, which writes no address.
HIDING = {"X-Forwarded-For": "somewhere"}
# What makes this traffic count everything: every proxy is believed, mails have a low limit, nobody answers the breach
# check, rings are read again and again, and a store that is stuck is given up soon.
VARIABLES = {
    "AUTH__HTTP__TRUSTED_PROXIES": '["127.0.0.0/8"]',
    "AUTH__LIMITS__MAIL_PAIR__LIMIT": "2",
    "AUTH__BREACH_CHECK__RANGE_URL": "http://127.0.0.1:1/range/",
    "AUTH__SECRETS__CACHE_SECONDS": "10",
    "AUTH__AWS__ATTEMPT_TIMEOUT_MS": "400",
    "AUTH__AWS__OPERATION_TIMEOUT_MS": "500",
    "AUTH__AWS__MAX_ATTEMPTS": "1",
}


class People:
    """Those who ask a server, each time the same."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.names = itertools.count()

    def ask(
        self, path: str, body: Json = None, headers: Mapping[str, str] | None = None, *, seconds: float = 15
    ) -> Json:
        """The answer's JSON; nothing where there is none."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=seconds)
        method = "GET" if body is None else "POST"
        said = {"Content-Type": "application/json", **(headers or {})}
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            connection.request(method, path, None if body is None else json.dumps(body), said)
            with contextlib.suppress(ValueError):
                return json.loads(connection.getresponse().read())
        return {}

    def round(self) -> None:
        """One of everything."""
        signed_in = self.ask("/v1/login", DEMO)
        self.ask("/v1/me", headers={"Authorization": f"Bearer {signed_in.get('access_token')}"})
        refresh = {"refresh_token": signed_in.get("refresh_token", "")}
        for _ in range(2):
            self.ask("/v1/token/refresh", refresh)
        self.ask("/v1/login", STRANGER)
        self.ask("/v1/register", {**STRANGER, "email": f"{next(self.names)}@example.com"})
        self.ask("/v1/email/verify", {"token": "ml_none"})
        self.ask("/v1/login/email-code", {"email": DEMO["email"]})
        self.ask("/v1/token/refresh", {}, {**ORIGIN, "Cookie": "__Host-wardgate-refresh=rt_none"})
        for _ in range(10):
            self.ask("/health", headers=HIDING)

    def sign_in_in_vain(self) -> None:
        self.ask("/v1/login", STRANGER)

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """A round after another, for as long as the block takes."""
        with self.repeated(self.round, 1, PAUSE):
            yield

    @contextlib.contextmanager
    def crowd(self) -> Iterator[None]:
        """Many who try to sign in."""
        with self.repeated(self.sign_in_in_vain, CROWD, SHOVE):
            yield

    @staticmethod
    @contextlib.contextmanager
    def repeated(do: Callable[[], None], many: int, pause: float) -> Iterator[None]:
        over = threading.Event()

        def again() -> None:
            while not over.wait(pause):
                do()

        threads = [threading.Thread(target=again, daemon=True) for _ in range(many)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()
