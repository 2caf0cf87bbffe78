"""`make edge-probe`: what only a real account can tell of a stage's edge. What cannot be asked reads `unmeasured`.

It writes one key into the deny list's store, of a session that nobody has, and takes it out again. Everything else only
looks.
"""

import argparse
import contextlib
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from wardgate_infra import Failed, Json
from wardgate_infra.operate import edge, edge_functions, verify
from wardgate_infra.operate.edge_functions import MUCH, NOBODYS, Request
from wardgate_infra.operate.needs.account import edge_stack, has_edge
from wardgate_infra.operate.outside.site import Site
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.terminal import say, table

UNMEASURED = "unmeasured"
ASKED = 10
# How long a key is waited for, in seconds.
LONGEST = 120
BETWEEN_LOOKS = 0.2
Row = tuple[str, str, str]


def arguments(_parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(stage: Stage, _options: argparse.Namespace) -> None:
    if not has_edge(stage):
        raise Failed(f"{stage.name} has no edge of its own: Edge is off. See docs/edge.md.")
    outputs = edge.there(stage).outputs(edge_stack(stage))
    if not outputs:
        raise Failed(f"There is no stack {edge_stack(stage)}: make deploy STAGE={stage.name}")
    clock = time.monotonic
    rows = [
        *functions(stage),
        *store(stage, outputs["EdgeStoreArn"], clock),
        *answers(stage, clock),
        *limits(stage, outputs["WebAclArn"]),
    ]
    table(rows, head=["what", "found", ""])
    if much := [name for name, found, _ in rows if found.endswith(" of 100") and int(found.split()[0]) > MUCH]:
        raise Failed(f"{', '.join(much)}: above {MUCH} of 100, from where CloudFront may throttle a function.")
    say(f"{sum(found == UNMEASURED for _, found, _ in rows)} of {len(rows)} unmeasured.")


@contextlib.contextmanager
def unasked(rows: list[Row], name: str) -> Iterator[None]:
    """A row for what could not be asked."""
    try:
        yield
    except (BotoCoreError, ClientError, Failed, OSError, ValueError) as error:
        rows.append((name, UNMEASURED, str(error)[:120]))


def functions(stage: Stage) -> list[Row]:
    """How much of what CloudFront lets them compute the functions use, by its own test of them."""
    rows: list[Row] = []
    for name, headers in (("viewer", {}), ("deny", bearer())):
        title = f"function {name}, compute utilisation"
        with unasked(rows, title):
            found = tried(stage, name, headers)
            share = found.get("ComputeUtilization", "")
            rows.append((title, f"{share} of 100" if share.isdigit() else UNMEASURED, ""))
    return rows


def bearer() -> Json:
    """A token that expires far beyond any clock."""
    return edge_functions.bearer(edge_functions.token(iat=0, exp=4_000_000_000))


def tried(stage: Stage, name: str, headers: Json) -> Json:
    """What CloudFront says of one run of a function that is live."""
    client, full = edge.there(stage).client("cloudfront"), f"wardgate-{stage.name}-{name}"
    return edge_functions.ran(client, full, edge_functions.LIVE, Request("a request", headers, is_refused=False))


def store(stage: Stage, arn: str, clock: Callable[[], float]) -> list[Row]:
    """How long a write takes, and until the function reads it where CloudFront tests it: elsewhere it may be later."""
    rows: list[Row] = []
    client = edge.there(stage).client("cloudfront-keyvaluestore")
    with unasked(rows, "deny list, a write"):
        tag = client.describe_key_value_store(KvsARN=arn)["ETag"]
        began = clock()
        tag = client.put_key(KvsARN=arn, Key=NOBODYS, Value="0", IfMatch=tag)["ETag"]
        rows.append(("deny list, a write", milliseconds(clock() - began), ""))
        try:
            with unasked(rows, "deny list, until a function reads it"):
                found = read_after(stage, clock)
                rows.append(("deny list, until a function reads it", found, "where CloudFront tests it"))
        finally:
            client.delete_key(KvsARN=arn, Key=NOBODYS, IfMatch=tag)
    return rows


def read_after(stage: Stage, clock: Callable[[], float], sleep: Callable[[float], None] = time.sleep) -> str:
    began = clock()
    while not edge_functions.has_refused(tried(stage, "deny", bearer())):
        if clock() - began > LONGEST:
            return f"more than {LONGEST} s"
        sleep(BETWEEN_LOOKS)
    return milliseconds(clock() - began)


def answers(stage: Stage, clock: Callable[[], float]) -> list[Row]:
    """How long an answer takes from here, with a connection of its own, and whether keys come from the edge."""
    rows: list[Row] = []
    authority = os.environ.get(verify.AUTHORITY)
    site = Site(stage.parameters["Issuer"], Path(authority) if authority else None, os.environ.get(verify.PROXY))
    title = "/ready, median of ten"
    with unasked(rows, title):
        times, places = [], set()
        for _ in range(ASKED):
            began = clock()
            answer = site.ask("GET", "/ready")
            times.append(clock() - began)
            places.add(answer.headers.get("x-amz-cf-pop") or "no location named")
        rows.append((title, milliseconds(statistics.median(times)), ", ".join(sorted(places))))
    title = "/.well-known/jwks.json, asked twice"
    with unasked(rows, title):
        site.ask("GET", "/.well-known/jwks.json")
        found = site.ask("GET", "/.well-known/jwks.json").headers.get("x-cache")
        rows.append((title, found or UNMEASURED, "" if found else "no answer of CloudFront's"))
    return rows


def limits(stage: Stage, arn: str) -> list[Row]:
    """What the limits cost of WAF's own, and who is over one now."""
    rows: list[Row] = []
    client, title = edge.there(stage).client("wafv2"), "limits, capacity"
    name, identifier = arn.split("/")[-2:]
    with unasked(rows, title):
        found = client.get_web_acl(Name=name, Scope="CLOUDFRONT", Id=identifier)["WebACL"].get("Capacity")
        rows.append((title, f"{found} of 5000" if found else UNMEASURED, "above 1500 it costs more"))
    title = "limits, addresses over one now"
    with unasked(rows, title):
        over = client.get_rate_based_statement_managed_keys(
            Scope="CLOUDFRONT", WebACLName=name, WebACLId=identifier, RuleName="guessing-by-address"
        )
        kinds = ("ManagedKeysIPV4", "ManagedKeysIPV6")
        rows.append((title, str(sum(len(over.get(it, {}).get("Addresses", [])) for it in kinds)), ""))
    return rows


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
