"""`make verify`: asks a stage as a client does, over HTTPS through the issuer's own address. The smoke test asks
functions, and so passes where the domain, its certificate, CORS or a route is broken."""

import argparse
import contextlib
import datetime
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from wardgate_infra import ROOT, Failed, Json
from wardgate_infra.operate import running, stacks
from wardgate_infra.operate.outside import checks, walk
from wardgate_infra.operate.outside.checks import Check, Result, Visit
from wardgate_infra.operate.outside.site import Site
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.terminal import say

# For where the issuer's name does not lead to the stage, as on the emulator: what connections go through, and whom to
# trust. No other variable of the shell changes whom it asks.
PROXY, AUTHORITY = "VERIFY_PROXY", "VERIFY_CA_FILE"
BETWEEN_ROUNDS = 60
EVERYTHING: tuple[Check, ...] = (
    *(checks.certificate, checks.ready, checks.health, checks.headers),
    *(checks.discovery, checks.keys, checks.cors_allowed, checks.cors_foreign),
    *(checks.routes, walk.bearer_mode, walk.cookie_mode),
)
# Asking every route is refused by most of them: again and again it would set off the alarm on refusals by itself.
ONCE = (checks.routes,)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", type=float, default=0, help="for how long, once a minute; 0 asks once")


def run(stage: Stage, options: argparse.Namespace) -> None:
    watch(lambda: visiting(stage), options.minutes)
    say(f"Clients reach {stage.name} as they should.")


def once(stage: Stage) -> None:
    """For the end of a deploy."""
    watch(lambda: visiting(stage), 0)


def watch(
    visit: Callable[[], contextlib.AbstractContextManager[Visit]],
    minutes: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Asks in rounds for so many minutes, and fails at the end with everything that failed, by its time."""
    deadline, failures = clock() + minutes * 60, []
    rounds = 0
    while True:
        rounds += 1
        with visit() as it:
            if rounds == 1:
                say(f"asking {it.site.issuer} as a client does")
            found = show(it, [check for check in EVERYTHING if rounds == 1 or check not in ONCE], quietly=rounds > 1)
            failures += [f"{it.now:%H:%M:%S} UTC  {one.title}: {one.text}" for one in found if not one.passed]
        left = deadline - clock()
        if left <= 0:
            break
        sleep(min(BETWEEN_ROUNDS, left))
    if rounds > 1:
        say(f"asked {rounds} times in {minutes:g} minutes")
    if failures:
        many = "1 check" if len(failures) == 1 else f"{len(failures)} checks"
        raise Failed("\n  ".join([f"{many} failed, as seen by clients:", *failures]))


def show(visit: Visit, asked: Sequence[Check], *, quietly: bool) -> list[Result]:
    """Runs checks and prints a line for each; quietly, only of those that fail."""
    width = max(len((it.__doc__ or "").splitlines()[0]) for it in asked)
    results = []
    for result in checks.run(visit, asked):
        if not (quietly and result.passed):
            say(result.line(width))
        results.append(result)
    return results


@contextlib.contextmanager
def visiting(stage: Stage) -> Iterator[Visit]:
    """A round's visit, with an account of one of the smoke test's users for as long as it lasts."""
    deployed = stage.stack(stage.code_stack)
    if deployed is None:
        raise Failed(f"There is no stack {stage.code_stack} in {stage.region}: make deploy STAGE={stage.name}")
    issuer = stacks.parameter(deployed, "Issuer") or running.api_url(stage)
    if not issuer:
        raise Failed(f"{stage.code_stack} has no address: make deploy STAGE={stage.name}")
    origins = [it for it in (stacks.parameter(deployed, "AllowedOrigins") or "").split(",") if it]
    authority = os.environ.get(AUTHORITY)
    site = Site(issuer, Path(authority) if authority else None, os.environ.get(PROXY))
    with lent(stage) as account:
        yield Visit(site, datetime.datetime.now(datetime.UTC), origins, routes(), account)


@contextlib.contextmanager
def lent(stage: Stage) -> Iterator[Json]:
    """An account, which the function smoke makes and takes back. None where it does not: the checks that need one say
    so, and all others are asked. Where this process ends before, the account's lease does, within 90 seconds."""
    account = None
    try:
        report = stage.invoke("smoke", {"lend": True})
        if not report["passed"]:
            raise Failed(report["failure"]["reason"])
        account = report["lent"]
    except (BotoCoreError, ClientError, Failed) as error:
        say(f"no account to sign in with: {error}")
    try:
        yield account
    finally:
        if account is not None:
            with contextlib.suppress(BotoCoreError, ClientError, Failed):
                stage.invoke("smoke", {"give_back": {"number": account["number"], "holder": account["holder"]}})


def routes() -> list[tuple[str, str]]:
    """Every route of the API, as docs/api/openapi.json has them."""
    described = json.loads((ROOT / "docs/api/openapi.json").read_text(encoding="utf-8"))
    return [(method.upper(), path) for path, methods in described["paths"].items() for method in methods]
