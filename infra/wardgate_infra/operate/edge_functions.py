"""Trying the edge's functions in CloudFront before they are live: infra/edge.yaml publishes what changes, and then it
answers everywhere at once.

What is new runs as a function of another name that nothing asks, by CloudFront's own test of it, and is deleted again.
"""

import base64
import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

from botocore.exceptions import ClientError

from wardgate_infra import ROOT, Client, Failed, Json, templates
from wardgate_infra.operate.needs.account import EDGE_REGION, EDGE_TEMPLATE, edge_stack
from wardgate_infra.operate.needs.finding import code
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.terminal import say

# CloudFront's share of what a function may compute, of a hundred. Above it, it may be throttled.
MUCH = 60
DEVELOPMENT, LIVE = "DEVELOPMENT", "LIVE"
ADDRESS, VIEWER = "192.0.2.7", "x-wardgate-viewer-address"
# A session's identifier that no session has: its time is 1970.
NOBODYS = "ses_" + "0" * 26
# What deny.js reads at most of a token.
LONG = 9000


@dataclass(frozen=True)
class Request:
    """What a function is asked, and whether it is to answer it by itself."""

    name: str
    headers: Json
    is_refused: bool
    method: str = "GET"


def token(**changes: Json) -> str:
    """A token as the deny function reads it; no key has signed it, and no function of CloudFront could tell."""
    now = int(time.time())
    claims = {"iat": now, "exp": now + 300, "sid": NOBODYS, "sub": "usr_" + "0" * 26} | changes
    parts = ({"alg": "RS256", "typ": "at+jwt", "kid": "probe"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(it).encode()).rstrip(b"=").decode() for it in parts]
    return ".".join([*encoded, "c2lnbmF0dXJl"])


def bearer(value: str) -> Json:
    return {"authorization": {"value": f"Bearer {value}"}}


def requests(name: str) -> list[Request]:
    """What a function is tried with."""
    if name == "viewer":
        return [Request("an address of the client's own", {VIEWER: {"value": "198.51.100.1"}}, is_refused=False)]
    expired = token(exp=int(time.time()) - 60)
    return [
        Request("no token", {}, is_refused=False),
        Request("a good token", bearer(token()), is_refused=False),
        Request("a good token, twice", {"authorization": multiple(token())}, is_refused=False),
        Request("a token with much in it", bearer(token(claims="x" * 5000)), is_refused=False),
        Request("a token that is too long", bearer(token(claims="x" * LONG)), is_refused=False),
        Request("a token with other claims", bearer(token(exp="soon")), is_refused=False),
        Request("a key of somebody else's", bearer("sk_live_0123456789"), is_refused=False),
        Request("a password", {"authorization": {"value": "Basic YTpi"}}, is_refused=False),
        Request("an expired token", bearer(expired), is_refused=True),
        Request("a preflight", bearer(expired), is_refused=False, method="OPTIONS"),
    ]


def multiple(value: str) -> Json:
    text = f"Bearer {value}"
    return {"value": text, "multiValue": [{"value": text}, {"value": text}]}


def ran(client: Client, function: str, at: str, request: Request) -> Json:
    """What CloudFront says of one run."""
    event = {
        "version": "1.0",
        "context": {"eventType": "viewer-request"},
        "viewer": {"ip": ADDRESS},
        "request": {
            "method": request.method,
            "uri": "/",
            "headers": request.headers,
            "cookies": {},
            "querystring": {},
        },
    }
    tag = client.describe_function(Name=function, Stage=at)["ETag"]
    found = client.test_function(Name=function, IfMatch=tag, Stage=at, EventObject=json.dumps(event).encode())
    result: Json = found["TestResult"]
    if result.get("FunctionErrorMessage"):
        raise Failed(f"{function}, {request.name}: {result['FunctionErrorMessage']}")
    return result


def has_refused(result: Json) -> bool:
    """Whether a function has answered by itself."""
    return "statusCode" in output(result).get("response", {})


def output(result: Json) -> Json:
    return json.loads(result.get("FunctionOutput") or "{}")


def try_out(stage: Stage) -> None:
    """Stops where a function that is about to be live fails, computes too much, or says what it must not."""
    # The emulator keeps functions and runs none: edge/test/ runs them in njs.
    if stage.is_emulated:
        return
    there = stage.in_region(EDGE_REGION)
    client: Client = there.client("cloudfront")
    template = templates.read(ROOT / EDGE_TEMPLATE)["Resources"]
    store = there.outputs(edge_stack(stage)).get("EdgeStoreArn")
    for name, resource in (("viewer", "ViewerFunction"), ("deny", "DenyFunction")):
        source, full = template[resource]["Properties"]["FunctionCode"], f"wardgate-{stage.name}-{name}"
        # Before the first deploy there is no list, and nobody asks what reads it.
        if source == live(client, full) or (name == "deny" and not store):
            continue
        with candidate(client, full, source, store if name == "deny" else None) as tried:
            shares = [judged(ran(client, tried, DEVELOPMENT, it), tried, it) for it in requests(name)]
        say(f"  {full}: at most {max(shares)} of 100 of what CloudFront lets it compute")


def live(client: Client, function: str) -> str | None:
    """What a function does now; None if there is none."""
    try:
        return str(client.get_function(Name=function, Stage=LIVE)["FunctionCode"].read().decode())
    except ClientError as error:
        if code(error) != "NoSuchFunctionExists":
            raise
        return None


@contextlib.contextmanager
def candidate(client: Client, function: str, source: str, store: str | None) -> Iterator[str]:
    """A function of its own, which is never published."""
    name = f"{function}-candidate"
    config: Json = {"Comment": "Tried by a deploy, and not live", "Runtime": "cloudfront-js-2.0"}
    if store:
        config["KeyValueStoreAssociations"] = {"Quantity": 1, "Items": [{"KeyValueStoreARN": store}]}
    # A deploy that was interrupted may have left one.
    delete(client, name)
    client.create_function(Name=name, FunctionConfig=config, FunctionCode=source.encode())
    try:
        yield name
    finally:
        delete(client, name)


def delete(client: Client, function: str) -> None:
    try:
        tag = client.describe_function(Name=function, Stage=DEVELOPMENT)["ETag"]
        client.delete_function(Name=function, IfMatch=tag)
    except ClientError as error:
        if code(error) != "NoSuchFunctionExists":
            raise


def judged(result: Json, function: str, request: Request) -> int:
    """How much of what it may compute a run has used."""
    if has_refused(result) != request.is_refused:
        raise Failed(f"{function}, {request.name}: it {'lets through' if request.is_refused else 'refuses'} that.")
    headers = output(result).get("request", {}).get("headers", {})
    if VIEWER in request.headers and headers.get(VIEWER, {}).get("value") != ADDRESS:
        raise Failed(f"{function}, {request.name}: it does not say whose address it is.")
    share = int(result["ComputeUtilization"])
    if share > MUCH:
        raise Failed(f"{function}, {request.name}: {share} of 100 computed; above {MUCH} CloudFront may throttle it.")
    return share
