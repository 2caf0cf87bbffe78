"""What operators set while a stage runs, typed as they type it: it holds in less than a minute, without a build or a
deploy."""

import time
from collections.abc import Callable

from emulated import commands
from emulated.gateway import OTHER_PASSWORD, Answer, Api, equal, holds, wait_for
from wardgate_infra import Json
from wardgate_infra.emulator.deployment import Deployment

# What is promised.
LONGEST = 60
LIMIT = "limits.login_source.limit"
# More sign-ins than all checks can come to in a minute.
OF_ALL_CHECKS = 10_000


def typed(emulator: Deployment, rest: str) -> str:
    ran = commands.typed(emulator, f"make set STAGE=staging {rest}")
    holds(ran.returncode == 0, rest, ran.stdout, ran.stderr)
    return ran.stdout


def heard(what: str, ask: Callable[[], Answer], status: int) -> None:
    """Asks until the answer has this status, which has to be soon."""
    began = time.monotonic()
    wait_for(lambda: ask().status == status, what, LONGEST)
    print(f"    {what}: after {time.monotonic() - began:.0f} s", flush=True)


def check_limit_for_one_address(_api: Api, emulator: Deployment) -> None:
    """The emulator says of everybody that they come from 127.0.0.1: on a fast machine all checks are over its limit."""
    printed = typed(emulator, f"KEY={LIMIT} VALUE={OF_ALL_CHECKS}")
    holds(f"{LIMIT}: 100 (config/default.toml) -> {OF_ALL_CHECKS} (make set)" in printed, printed)


def check_limit_as_deployed(_api: Api, emulator: Deployment) -> None:
    typed(emulator, f"KEY={LIMIT} UNSET=1")


def changes(emulator: Deployment) -> list[str]:
    """What the trail says of settings."""
    trail = emulator.client("dynamodb").scan(TableName="wardgate-audit-staging")["Items"]
    return [it["detail"]["S"] for it in trail if it["action"]["S"] == "settings_changed"]


def check_set(api: Api, emulator: Deployment) -> None:
    """A limit, sign-up, and everything that changes something: on and off; and what is no setting changes nothing."""
    # Before: a function that runs twice hears of a limit twice, each time within its own minute.
    pair = api.signed_in("settings@example.com")
    before = changes(emulator)
    try:
        raise_a_limit(api, emulator)
        refuse_what_is_none(emulator)
        switch_off(api, emulator, pair)
    finally:
        for key in (LIMIT, "switches.read_only", "switches.sign_up"):
            typed(emulator, f"KEY={key} UNSET=1")
    heard("everything as it was deployed", lambda: register(api), 400)
    # Which process answers is chance: by now each has heard, and no later check meets what was set.
    ended = time.monotonic()
    wait_for(lambda: time.monotonic() - ended > LONGEST, "the minute of whoever has not heard", LONGEST + 30)
    said = changes(emulator)
    equal(len(said) - len(before), 7)
    holds(f"{LIMIT}: 1 (make set) -> 1000 (make set)" in said, said)


def wrong_password(api: Api) -> Answer:
    return api.ask("POST", "/v1/login", {"email": "nobody-set@example.com", "password": OTHER_PASSWORD})


def register(api: Api) -> Answer:
    """Of nobody, so that no limit counts it: it is asked again and again."""
    return api.ask("POST", "/v1/register", {"email": "nobody"})


def raise_a_limit(api: Api, emulator: Deployment) -> None:
    printed = typed(emulator, f"KEY={LIMIT} VALUE=1")
    holds(f"{LIMIT}: 100 (config/default.toml) -> 1 (make set)" in printed, printed)
    heard("a lower limit", lambda: wrong_password(api), 429)
    printed = typed(emulator, f"KEY={LIMIT} VALUE=1000")
    commands.record("set", f"make set STAGE=staging KEY={LIMIT} VALUE=1000", printed)
    heard("a raised limit", lambda: wrong_password(api), 401)


def refuse_what_is_none(emulator: Deployment) -> None:
    for line, why in (
        ("KEY=switches.sign_up VALUE=maybe YES=1", "`switches.sign_up` from make set: expected a boolean"),
        ("KEY=switches.sing_up VALUE=false", "unknown key `switches.sing_up` from make set"),
        ("KEY=tokens.issuer VALUE=https://evil.example", "`tokens.issuer` cannot be set while the service runs"),
        (f"KEY={LIMIT} VALUE=0", f"wrong value for key `{LIMIT}` from make set: expected 1 to 1000000"),
        ("KEY=switches.sign_up VALUE=false", "Nobody is there to ask"),
    ):
        ran = commands.typed(emulator, f"make set STAGE=staging {line}")
        holds(ran.returncode != 0 and why in ran.stderr, line, ran.stdout, ran.stderr)


def switch_off(api: Api, emulator: Deployment, pair: Json) -> None:
    typed(emulator, "KEY=switches.sign_up VALUE=false YES=1")
    heard("closed sign-up", lambda: register(api), 403)
    register(api).refuses(403, "sign_up_closed")
    works(emulator, "closed sign-up is no failure")
    shown = commands.typed(emulator, "make config STAGE=staging KEY=switches").stdout
    holds(any(line.split()[:4] == ["switches.sign_up", "false", "make", "set"] for line in shown.splitlines()), shown)

    typed(emulator, "KEY=switches.read_only VALUE=true YES=1")
    heard("read-only", lambda: wrong_password(api), 503)
    answer = wrong_password(api)
    answer.refuses(503, "read_only")
    equal(answer.headers["retry-after"], "60")
    equal(api.me(pair["access_token"]).status, 200)
    works(emulator, "read-only is no failure")


def works(emulator: Deployment, why: str) -> None:
    smoke = commands.typed(emulator, "make smoke STAGE=staging")
    holds(smoke.returncode == 0, why, smoke.stdout, smoke.stderr)
