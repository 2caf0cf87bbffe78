"""Key rotation: `make rotate STAGE=staging RING=signing`, a stage's first keys, and taking a key out of use at once.

The function rotate-keys makes the keys; this asks for them. On AWS, Secrets Manager itself takes the four steps. It
does not for a ring without a schedule or without a key yet, nor does the emulator for any; then this takes them. What
is printed are names and times, never a key.
"""

import argparse
import datetime
import time
import uuid

from wardgate_infra import Failed, Json
from wardgate_infra.operate import audit, edge_orders
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.terminal import confirm, say, table

SCHEDULED = ("signing", "session_mac", "login_mac", "mail_mac")
# By command only: afterwards a migration seals again what the table keeps under them (docs/operations/rotation.md).
RINGS = (*SCHEDULED, "password_wrap", "factor_wrap")
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
FUNCTION = "rotate-keys"
# Each step may take a minute, and Secrets Manager a while between them.
LONGEST = 600
# The last second of the year 9999: the key signs until the next one is made.
NO_END = 253402300799000
LOSSES = {
    "signing": "Access tokens that it signed are refused; clients get new ones with their refresh tokens.",
    "session_mac": "Everybody whose session it sealed has to sign in again, and known devices become unknown.",
    "login_mac": "Registrations that wait for their address to be verified have to set a password again.",
    "mail_mac": "Links and codes that were mailed with it no longer work.",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ring", choices=RINGS, help="one ring; without it, every ring that has a schedule")
    parser.add_argument("--retire", metavar="KID", help="takes a key out of use at once: its name, newest or all")
    parser.add_argument("--first", action="store_true", help="only fills the rings that have no key yet")
    parser.add_argument("--yes", action="store_true", help="does not ask")


def run(stage: Stage, options: argparse.Namespace) -> None:
    if options.first:
        first(stage)
    elif options.retire:
        if not options.ring:
            raise Failed("Say which ring the key is of: RING=signing RETIRE=…")
        retire(stage, options.ring, options.retire, options.yes)
    else:
        rings = (options.ring,) if options.ring else SCHEDULED
        audit.record(stage, "rotation_requested", ", ".join(rings))
        for ring in rings:
            rotate(stage, ring)


def first(stage: Stage) -> None:
    """Gives every ring that has none its first key, which signs at once. Repeated, it does nothing."""
    for ring in RINGS:
        if not listed(stage, ring)["keys"]:
            take_steps(stage, ring, str(uuid.uuid4()))
            show(ring, {}, listed(stage, ring)["keys"])


def rotate(stage: Stage, ring: str) -> None:
    """Gives a ring its next key, and waits until it has it."""
    before = listed(stage, ring)
    if not before["keys"]:
        raise Failed(f"{ring} has no key yet: make rotate STAGE={stage.name} FIRST=1")
    if not resumed(stage, ring):
        if stage.is_emulated or ring not in SCHEDULED:
            take_steps(stage, ring, str(uuid.uuid4()))
        else:
            wait_for(stage, ring, start(stage, ring))
    after = listed(stage, ring)["keys"]
    show(ring, by_kid(before["keys"]), after)
    if by_kid(after).keys() <= by_kid(before["keys"]).keys():
        say(f"{ring}: its next key was there before and is not in use yet, so that no other one was made.")


def retire(stage: Stage, ring: str, kid: str, yes: bool) -> None:
    """Takes a key, or all, out of a ring at once."""
    if ring not in LOSSES:
        raise Failed(
            f"A key of {ring} is never retired: what it sealed could not be opened any more. "
            "Rotate it and migrate, as in docs/operations/rotation.md."
        )
    keys = listed(stage, ring)["keys"]
    chosen = keys if kid == "all" else in_use(keys) if kid == "newest" else [it for it in keys if it["kid"] == kid]
    if not chosen:
        raise Failed(f"{ring} has no key {kid}. It has: {', '.join(by_kid(keys)) or 'none'}.")
    names = ", ".join(key["kid"] for key in chosen)
    confirm(f"Retire {names} of {ring} in {stage.name}? {LOSSES[ring]}", yes)
    audit.record(stage, "retirement_requested", f"{ring}: {names}")
    for name in ["all"] if kid == "all" else [key["kid"] for key in chosen]:
        answer = stage.invoke(FUNCTION, {"retire": {"ring": ring, "kid": name}})
    show(ring, by_kid(keys), answer["keys"])
    left = [key["kid"] for key in chosen if key["kid"] in by_kid(answer["keys"])]
    if left:
        raise Failed(f"{', '.join(left)} is still there. Try again: a rotation may have been under way.")
    say("Caches accept it for a while yet; what and how long: docs/operations/rotation.md")
    if ring == "signing":
        edge_orders.retired(stage, [key["kid"] for key in chosen])


def listed(stage: Stage, ring: str) -> Json:
    """The ring's keys, without what is secret about them."""
    return stage.invoke(FUNCTION, {"list": ring})


def secret(stage: Stage, ring: str) -> str:
    return f"wardgate/{stage.name}/{ring}"


def described(stage: Stage, ring: str) -> Json:
    return stage.client("secretsmanager").describe_secret(SecretId=secret(stage, ring))["VersionIdsToStages"]


def under_way(stage: Stage, ring: str) -> str | None:
    """The version of a rotation that was begun and not finished. Secrets Manager begins no other one beside it. After
    one that was finished, the current version may have the label, too."""
    waiting = [(version, labels) for version, labels in described(stage, ring).items() if "AWSPENDING" in labels]
    if not waiting or any("AWSCURRENT" in labels for _, labels in waiting):
        return None
    return str(waiting[0][0])


def resumed(stage: Stage, ring: str) -> bool:
    """Brings a rotation that was not finished to its end, if it can still be used. The function gives up one that
    cannot, so that another can begin."""
    token = under_way(stage, ring)
    if not token:
        return False
    say(f"{ring}: going on with the rotation {token}, which was not finished")
    try:
        take_steps(stage, ring, token)
    except Failed as failure:
        say(f"{ring}: {failure}\n{ring}: beginning anew")
        return False
    return True


def start(stage: Stage, ring: str) -> str:
    token = str(uuid.uuid4())
    stage.client("secretsmanager").rotate_secret(SecretId=secret(stage, ring), ClientRequestToken=token)
    return token


def wait_for(stage: Stage, ring: str, token: str) -> None:
    """Waits until Secrets Manager has taken all steps."""
    began = time.monotonic()
    while "AWSCURRENT" not in described(stage, ring).get(token, []):
        waited = time.monotonic() - began
        if waited > LONGEST:
            raise Failed(
                f"{ring} was not rotated within {LONGEST} seconds. Why: make logs STAGE={stage.name} "
                f"F={FUNCTION}. Then make rotate STAGE={stage.name} RING={ring} goes on with it."
            )
        say(f"{ring}: Secrets Manager takes its steps, {waited:.0f} s")
        time.sleep(5)


def take_steps(stage: Stage, ring: str, token: str) -> None:
    """What Secrets Manager does, where it does not."""
    for step in STEPS:
        stage.invoke(FUNCTION, {"SecretId": secret(stage, ring), "ClientRequestToken": token, "Step": step})
        say(f"{ring}: {step}")


def by_kid(keys: list[Json]) -> dict[str, Json]:
    return {key["kid"]: key for key in keys}


def in_use(keys: list[Json]) -> list[Json]:
    """The key that signs now; of the signing ring, that of each algorithm."""
    now = time.time() * 1000
    signing = [key for key in keys if key["sign_from"] <= now < key["sign_until"]]
    newest = {key.get("alg"): key for key in sorted(signing, key=lambda key: key["sign_from"])}
    return list(newest.values())


def show(ring: str, before: dict[str, Json], keys: list[Json]) -> None:
    """Names and times, and what is new."""
    rows = []
    for key in sorted(keys, key=lambda key: key["sign_from"]):
        new = "new" if key["kid"] not in before else ""
        times = [moment(key[name]) for name in ("sign_from", "sign_until", "publish_until")]
        rows.append([ring, key["kid"], key.get("alg", ""), *times, new])
    gone = before.keys() - by_kid(keys).keys()
    rows += [[ring, kid, before[kid].get("alg", ""), "", "", "", "gone"] for kid in sorted(gone)]
    table(rows, head=["ring", "key", "", "signs from", "until", "accepted until", ""])


def moment(milliseconds: float) -> str:
    if milliseconds >= NO_END:
        return "its successor"
    return f"{datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC):%Y-%m-%d %H:%M}"
