"""Signs people of a seed in at a steady rate, and says how long that took: `make load`. What it may do is little, and
production is refused: it is for seeing whether a change made sign-in slower, and when a stage begins to refuse.

Requests are due at fixed times and their latency counts from then, so that a slow stage is not asked less. All come
from one source, which has limits of its own: docs/performance.md has the way past them.
"""

import argparse
import base64
import collections
import concurrent.futures
import hashlib
import http.client
import json
import os
import time
import urllib.parse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wardgate_infra import Failed
from wardgate_infra.operate import running
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.terminal import say, table

MOST_RATE = 200
MOST_SECONDS = 600
# As long as a client waits.
TIMEOUT = 15
# Of requests that are sent so many seconds after they were due, this machine is the slow one.
LATE = 0.05
REFUSED = "429"


@dataclass(frozen=True)
class Answer:
    """What came of a request: the status or the error, and the seconds since it was due."""

    status: str
    seconds: float
    late: bool


# Sends a sign-in, and gives the status.
SignIn = Callable[[str, str], str]


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rate", type=at_most(MOST_RATE), default=5, help="sign-ins a second, 5 unless said")
    parser.add_argument("--seconds", type=at_most(MOST_SECONDS), default=30, help="for how long, 30 unless said")
    parser.add_argument("--users", type=at_most(1_000_000), default=100, help="how many the seed has, 100 unless said")
    parser.add_argument("--seed", default="wardgate", help="which people, as for `make seed`")


def at_most(most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {most:,}")
        return int(text)

    return parse


def run(stage: Stage, options: argparse.Namespace) -> None:
    if stage.name == "production":
        raise Failed("Production is never loaded: the people there are real. Use staging, which is made alike.")
    url = address(stage)
    many = options.rate * options.seconds
    people = [person(stage, options.seed, 1 + number % options.users) for number in range(many)]
    first = sign_in(url)(*people[0])
    if first != "200":
        raise Failed(
            f"{people[0][0]} cannot sign in at {url}: {first}. Are they there? "
            f"make seed STAGE={stage.name} USERS={options.users} SEED={options.seed}"
        )
    say(f"{options.rate} sign-ins a second for {options.seconds} s at {url}")
    report(send(sign_in(url), people, options.rate), options.seconds)


def address(stage: Stage) -> str:
    """Where the stage answers."""
    if stage.name == "development" and not stage.is_emulated:
        return f"http://localhost:{os.environ.get('AUTH__HTTP__PORT', '8080')}"
    url = running.api_url(stage)
    if url is None:
        raise Failed(f"The API of {stage.name} has no address: make deploy STAGE={stage.name}")
    return url


def person(stage: Stage, seed: str, number: int) -> tuple[str, str]:
    """Address and password, as operate/src/seed/person.rs makes them."""
    name = f"seed-{digest(seed, 0, 'name')[:4].hex()}"
    password = base64.urlsafe_b64encode(digest(seed, number, "password")[:18]).decode()
    if stage.name == "development":
        return f"{name}-{number}@example.com", password
    return f"success+{name}-{number}@simulator.amazonses.com", password


def digest(seed: str, number: int, what: str) -> bytes:
    parts = ("wardgate seed", seed, str(number), what)
    return hashlib.sha256(b"".join(it.encode() + b"\0" for it in parts)).digest()


def sign_in(url: str) -> SignIn:
    """A connection for each, as of people who have nothing to do with each other."""
    base = urllib.parse.urlsplit(url)
    kind = http.client.HTTPSConnection if base.scheme == "https" else http.client.HTTPConnection

    def send(email: str, password: str) -> str:
        connection = kind(base.netloc, timeout=TIMEOUT)
        try:
            body = json.dumps({"email": email, "password": password})
            connection.request("POST", f"{base.path}/v1/login", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            return str(answer.status)
        except (OSError, http.client.HTTPException) as error:
            return type(error).__name__
        finally:
            connection.close()

    return send


def send(
    ask: SignIn,
    people: Sequence[tuple[str, str]],
    rate: int,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Answer]:
    """Asks for each when it is due, whatever the ones before it are at."""
    began = now()

    def one(email: str, password: str, due: float) -> Answer:
        late = now() - due > LATE
        status = ask(email, password)
        return Answer(status, now() - due, late)

    # As many as can wait at a time when nothing is answered.
    with concurrent.futures.ThreadPoolExecutor(min(rate * TIMEOUT, 512)) as pool:
        sent = []
        for number, (email, password) in enumerate(people):
            due = began + number / rate
            sleep(max(0.0, due - now()))
            sent.append(pool.submit(one, email, password, due))
        return [it.result() for it in sent]


def report(answers: Sequence[Answer], seconds: int) -> None:
    """Statuses, and how long those that worked took."""
    counts = collections.Counter(it.status for it in answers)
    worked = sorted(it.seconds for it in answers if it.status == "200")
    table([(status, f"{count:,}", f"{count / len(answers):.1%}") for status, count in sorted(counts.items())])
    say(f"{len(worked) / seconds:.1f} a second signed in: {percentiles(worked)}")
    if late := sum(it.late for it in answers):
        say(f"{late:,} were sent late: this machine or its network is too slow for the rate.")
    if counts[REFUSED]:
        say("429: the limits of one source, or of the gateway. The way past them is in docs/performance.md.")


def percentiles(seconds: Sequence[float]) -> str:
    """Of sorted times."""
    if not seconds:
        return "none"
    at = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return ", ".join(
        f"{name} {seconds[min(int(share * len(seconds)), len(seconds) - 1)] * 1000:.0f} ms"
        for name, share in at.items()
    )
