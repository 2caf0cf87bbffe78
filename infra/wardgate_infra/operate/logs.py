"""`make logs`: the lines of one function or of all, merged by time, as people read them. Metrics are left out."""

import argparse
import concurrent.futures
import datetime
import json
import re
import time

from botocore.exceptions import ClientError

from wardgate_infra import Failed, Json
from wardgate_infra.operate import running
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.terminal import say

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
# The access log of API Gateway, beside the functions.
GATEWAY = "api"
# Seconds between two looks with FOLLOW=1.
PAUSE = 2
# What stands in front of a line, and is not repeated behind it.
IN_FRONT = ("timestamp", "time", "level", "message")
# The runtime's own, which repeats ids of Lambda's.
BESIDE_THE_POINT = ("span", "spans")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--function", help=f"only this one, or `{GATEWAY}` for the gateway's access log")
    parser.add_argument("--since", default="15m", help="how far back: 90s, 15m, 2h, 1d")
    parser.add_argument("--grep", help="only lines with this text")
    parser.add_argument("--request", help="only lines about this request id")
    parser.add_argument("--follow", action="store_true", help="goes on until Ctrl-C")


def run(stage: Stage, options: argparse.Namespace) -> None:
    groups = groups_of(stage, options.function)
    start = milliseconds_ago(options.since)
    seen = set()
    while True:
        now = int(time.time() * 1000)
        found = events(stage, groups, start, pattern(options))
        for event in found:
            if event["eventId"] not in seen and (line := readable(event)):
                say(line)
        # All that the next look can find again: each begins no earlier than the one before.
        seen = {event["eventId"] for event in found}
        if not options.follow:
            break
        # What a function logs arrives a little later.
        start = max(start, now - 60_000)
        time.sleep(PAUSE)
    if not seen:
        said = " that match" if pattern(options) else ""
        say(f"No lines{said} since {options.since}. Further back: SINCE=1d")


def groups_of(stage: Stage, function: str | None) -> dict[str, str]:
    """Log groups, by the name that their lines get."""
    if function == GATEWAY:
        return {GATEWAY: f"/aws/vendedlogs/wardgate-{stage.name}/api"}
    names = running.names(stage)
    if function is None:
        return {name: group(stage, name) for name in names} | groups_of(stage, GATEWAY)
    if function not in names:
        raise Failed(
            f"Stage {stage.name} has no function {function}. It has {', '.join(names)}; and {GATEWAY} for the "
            "gateway's access log."
        )
    return {function: group(stage, function)}


def group(stage: Stage, function: str) -> str:
    return f"/aws/lambda/{stage.function_name(function)}"


def milliseconds_ago(since: str) -> int:
    found = re.fullmatch(r"(\d{1,5})([smhd])", since)
    if not found:
        raise Failed(f"SINCE is a number and one of s, m, h, d, such as 15m, not {since!r}.")
    age = datetime.timedelta(**{UNITS[found[2]]: int(found[1])})
    return int((datetime.datetime.now(datetime.UTC) - age).timestamp() * 1000)


def pattern(options: argparse.Namespace) -> str:
    """CloudWatch's own filter: each quoted text has to be in a line."""
    texts = [text for text in (options.grep, options.request) if text]
    return " ".join('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in texts)


def events(stage: Stage, groups: dict[str, str], start: int, texts: str) -> list[Json]:
    """What the groups have since then, in the order of time."""
    client = stage.client("logs")

    def read(name: str) -> list[Json]:
        filters = {"filterPattern": texts} if texts else {}
        pages = client.get_paginator("filter_log_events").paginate(
            logGroupName=groups[name], startTime=start, **filters
        )
        try:
            return [event | {"function": name} for page in pages for event in page["events"]]
        except ClientError as error:
            # A function that was never asked for may have none yet.
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return []
            raise

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = [event for several in pool.map(read, groups) for event in several]
    for event in found:
        # The emulator gives none.
        event.setdefault("eventId", f"{event['function']} {event['timestamp']} {event['message']}")
    return sorted(found, key=lambda event: event["timestamp"])


def readable(event: Json) -> str | None:
    """A line for people; nothing for a metric, or for what Lambda says again at the end."""
    text = event["message"].strip().replace("\t", "  ")
    if text.startswith(("START RequestId", "END RequestId")):
        return None
    moment = datetime.datetime.fromtimestamp(event["timestamp"] / 1000, datetime.UTC)
    start = f"{moment:%H:%M:%S.%f}"[:-3] + f"  {event['function']:<12}"
    try:
        line = json.loads(text)
    except ValueError:
        return f"{start}  {text}"
    if not isinstance(line, dict):
        return f"{start}  {text}"
    if "_aws" in line:
        return None
    known = (*IN_FRONT, *BESIDE_THE_POINT)
    rest = "  ".join(f"{name}={value}" for name, value in line.items() if name not in known and value not in ("", None))
    return f"{start}  {line.get('level', '').upper():<5}  {line.get('message', '')}  {rest}".rstrip()
