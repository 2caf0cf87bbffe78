"""The tables of docs/operations/cost.md: `make cost` writes them, and `make validate` asks whether they stand there.

The prices are AWS's list prices for us-east-1 in November 2026, in dollars, without free tiers and discounts. They and
the habits of users are inputs: put in your own.
"""

import functools
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping

from wardgate_infra import ROOT, Json, templates

PAGE = ROOT / "docs/operations/cost.md"
MILLION = 1_000_000
MONTH = 30.4

PRICES = {
    "Lambda, a GB-second (arm64)": 0.0000133334,
    "Lambda, a million requests": 0.20,
    "HTTP API, a million requests": 1.00,
    "DynamoDB, a million write units": 0.625,
    "DynamoDB, a million read units": 0.125,
    "DynamoDB, a GB": 0.25,
    "DynamoDB, a GB with point-in-time recovery": 0.20,
    "Backup, a GB": 0.10,
    "Secrets Manager, a secret": 0.40,
    "Secrets Manager, 10,000 calls": 0.05,
    "KMS, a key": 1.00,
    "KMS, 10,000 calls": 0.03,
    "CloudWatch, a GB of logs": 0.50,
    "CloudWatch, a metric": 0.30,
    "CloudWatch, an alarm on a metric": 0.10,
    "CloudWatch, a composite alarm": 0.50,
    "CloudWatch, a dashboard": 3.00,
    "CloudFront, 1,000 calls of its key-value store": 1.00,
    "SES, 1,000 mails": 0.10,
    "Route 53, a health check by HTTPS": 1.50,
    "SQS, a million requests (FIFO)": 0.50,
    "EventBridge, a million events": 1.00,
}

# What an active user does in a month, and what each costs: milliseconds at how many MB, write and read units. A write
# in a transaction is two units, and a check in one is as much. The last two are an event and what
# docs/store-requests.md says of it: where that changes, the units here are wrong until somebody has counted again.
SIGN_IN = "GetItem + UpdateItem → UpdateItem → UpdateItem → TransactWriteItems → Query + 2 UpdateItem"
REGISTRATION = "UpdateItem → UpdateItem → UpdateItem → UpdateItem → GetItem → TransactWriteItems"
REQUESTS = {
    # name: (a month, ms, MB, write units, read units, the event, its requests)
    # The transaction has a check on the user, the session and the line of the trail.
    "sign-in": (4, 120, 1769, 3 + 2 * 3 + 2, 2, "login/ok", SIGN_IN),
    "refresh": (120, 15, 512, 1, 1, "token-refresh/ok", "GetItem + UpdateItem"),
    "account": (60, 12, 512, 0, 2, "me/ok", "2 GetItem"),
    # Session and line.
    "sign-out": (2, 15, 512, 2 * 2, 0, "logout/ok", "TransactWriteItems"),
    # Registration and line.
    "registration": (0.1, 120, 1769, 4 + 2 * 2, 1, "register/ok", REGISTRATION),
}
MAILS = 0.5
# A line of the function, its metrics, the gateway's line, and Lambda's own three.
LOG_BYTES = 3_000
# Profile, credential, sessions, devices, and 400 days of the trail.
USER_BYTES = 60_000

# What a stage is made of, used or not.
TEMPLATES = (
    *("infra/data.yaml", "infra/migrate.yaml", "template.yaml", "infra/observability.yaml"),
    # Where it is switched on, as in production.
    *("infra/probe.yaml", "infra/backup.yaml"),
)
AREAS = "infra/functions/*.yaml"
# How many metrics our own code counts, and how many for each endpoint, as the emitter itself was asked
# (tests/observability.rs).
EMITTED = re.compile(r"^\| Metrics of our own.*? \| (\d+) \|", re.MULTILINE)
EMITTED_BY_ENDPOINT = re.compile(r"^\| Metrics for each endpoint.*? \| (\d+) \|", re.MULTILINE)
# What is paid before anybody comes, and what a further endpoint adds to it: dollars a month, held by --check.
MOST_STANDING = 40
MOST_ENDPOINT = 0.50
# Of an alarm on what is usual at an hour, CloudWatch counts the two edges of its band.
BAND = 2
# Functions that look for new keys, as warm as traffic keeps them.
SECRET_CALLS = 300_000
KEY_CALLS = 200_000
# `eraser` each quarter of an hour.
SCHEDULED = MONTH * 24 * 4
# The smoke test every five minutes: what a run asks of functions, without the gateway, and a mail to SES's simulator.
# An application's sign-in is another one on a page, a code that is exchanged, and three requests that read. Its own
# time is mostly waiting; what it makes, erases and leases is in its writes.
SMOKES = MONTH * 24 * 12
WALK = {"registration": 1, "sign-in": 2, "refresh": 2, "account": 5, "sign-out": 1}
SMOKE_SECONDS, SMOKE_WRITES, SMOKE_READS = 1.9, 26, 6

# Of the edge's list: keys of a call, and how long what is taken out of it collects (template.yaml).
LIST_KEYS, DROP_SECONDS = 50, 300
# How many sessions end in a second, and EdgeSyncSeconds.
ENDINGS, EDGE_SYNC_SECONDS = (0.01, 0.2, 1, 10, 25), (1, 5, 30)
DAY = 86_400

WITHOUT_CENTS = 10
STAGES = {"staging": 50, "1,000 users": 1_000, "100,000 users": 100_000, "1 million users": 1_000_000}


@functools.cache
def has() -> Counter[str]:
    """What a stage has that is paid for by the month."""
    found: Counter[str] = Counter()
    for path in [*(ROOT / it for it in TEMPLATES), *sorted(ROOT.glob(AREAS))]:
        for resource in templates.read(path)["Resources"].values():
            found[resource["Type"]] += 1
            if resource["Type"] == "AWS::CloudWatch::Alarm":
                found["alarms' metrics"] += watched(resource["Properties"])
    bill = (ROOT / "docs/operations/observability.md").read_text(encoding="utf-8")
    for name, row in (("metrics", EMITTED), ("metrics for each endpoint", EMITTED_BY_ENDPOINT)):
        [emitted] = row.findall(bill)
        found[name] = int(emitted)
    return found


def watched(alarm: Json) -> int:
    """How many metrics an alarm looks at, which is what it is billed by."""
    queries = alarm.get("Metrics")
    if queries is None:
        return 1
    banded = any("ANOMALY_DETECTION_BAND" in it.get("Expression", "") for it in queries)
    return sum("MetricStat" in it for it in queries) + (BAND if banded else 0)


def standing() -> dict[str, tuple[float, str, float]]:
    """What a stage costs a month before anybody comes, if everything that is counted is: how many, and of what."""
    lines = {
        "metrics of our own, all that there can be": ("metrics", "CloudWatch, a metric"),
        "metrics that alarms look at": ("alarms' metrics", "CloudWatch, an alarm on a metric"),
        "composite alarms": ("AWS::CloudWatch::CompositeAlarm", "CloudWatch, a composite alarm"),
        "dashboards": ("AWS::CloudWatch::Dashboard", "CloudWatch, a dashboard"),
        "secrets": ("AWS::SecretsManager::Secret", "Secrets Manager, a secret"),
        "keys": ("AWS::KMS::Key", "KMS, a key"),
        "what asks from outside": ("AWS::Route53::HealthCheck", "Route 53, a health check by HTTPS"),
    }
    return {line: (has()[what], name, price(name, has()[what])) for line, (what, name) in lines.items()}


def of_endpoint() -> dict[str, tuple[float, str, float]]:
    """What a further endpoint adds to that: of an area's stack, which has a function for each, its share."""
    areas = [templates.read(path)["Resources"].values() for path in sorted(ROOT.glob(AREAS))]
    resources = [it for area in areas for it in area]
    functions = sum(it["Type"] == "AWS::Serverless::Function" for it in resources)
    alarms = sum(watched(it["Properties"]) for it in resources if it["Type"] == "AWS::CloudWatch::Alarm") / functions
    lines = {
        "metrics of our own": (has()["metrics for each endpoint"], "CloudWatch, a metric"),
        "metrics that alarms look at": (alarms, "CloudWatch, an alarm on a metric"),
        # ThrottlesWarn, of each function with a concurrency of its own.
        "where it hashes: one more of these": (1, "CloudWatch, an alarm on a metric"),
    }
    return {line: (many, name, price(name, many)) for line, (many, name) in lines.items()}


def over() -> list[str]:
    """What costs more than it may."""
    bounds = (
        ("a stage before anybody comes", standing(), MOST_STANDING),
        ("a further endpoint", of_endpoint(), MOST_ENDPOINT),
    )
    costs = ((what, sum(it[2] for it in lines.values()), most) for what, lines, most in bounds)
    return [f"{what} costs ${cost:.2f} a month, at most ${most:.2f}" for what, cost, most in costs if cost > most]


def price(name: str, amount: float, per: float = 1) -> float:
    return PRICES[name] * amount / per


def costs(users: int) -> dict[str, float]:
    """Dollars a month by service, for so many active users."""
    asked = {name: users * it[0] for name, it in REQUESTS.items()}
    made = {name: it + SMOKES * WALK[name] for name, it in asked.items()}
    requests = sum(made.values())
    writes = sum(made[name] * it[3] for name, it in REQUESTS.items()) + SMOKES * SMOKE_WRITES
    reads = sum(made[name] * it[4] for name, it in REQUESTS.items()) + SMOKES * SMOKE_READS
    seconds = sum(made[name] * it[1] / 1_000 * it[2] / 1_024 for name, it in REQUESTS.items())
    seconds += SMOKES * SMOKE_SECONDS * 0.5
    mails = users * MAILS + SMOKES
    # The stream's function takes up to a hundred changes at a time, a mail is one call, an order and its mark.
    behind = writes / 20 + mails + SCHEDULED + SMOKES
    stored = users * USER_BYTES / 1e9
    return {
        "Lambda": price("Lambda, a GB-second (arm64)", seconds + behind * 0.02 * 0.5)
        + price("Lambda, a million requests", requests + behind, MILLION),
        "API Gateway": price("HTTP API, a million requests", sum(asked.values()), MILLION),
        "DynamoDB, requests": price("DynamoDB, a million write units", writes + mails * 3, MILLION)
        + price("DynamoDB, a million read units", reads + mails * 2, MILLION),
        "DynamoDB, storage and recovery": price("DynamoDB, a GB", stored)
        + price("DynamoDB, a GB with point-in-time recovery", stored)
        + price("Backup, a GB", stored * 3),
        "Secrets Manager and KMS": price("Secrets Manager, a secret", has()["AWS::SecretsManager::Secret"])
        + price("Secrets Manager, 10,000 calls", SECRET_CALLS, 10_000)
        + price("KMS, a key", has()["AWS::KMS::Key"])
        + price("KMS, 10,000 calls", KEY_CALLS, 10_000),
        "CloudWatch, logs": price("CloudWatch, a GB of logs", (requests + behind) * LOG_BYTES / 1e9),
        "CloudWatch, metrics and alarms": sum(
            amount for _, name, amount in standing().values() if name.startswith("CloudWatch")
        ),
        "Route 53": price("Route 53, a health check by HTTPS", has()["AWS::Route53::HealthCheck"]),
        "SES": price("SES, 1,000 mails", mails, 1_000),
        "SQS and EventBridge": price("SQS, a million requests (FIFO)", mails * 3, MILLION)
        + price("EventBridge, a million events", made["sign-in"] + made["sign-out"] + made["registration"], MILLION),
    }


def rows(head: list[str], body: Iterable[Iterable[object]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|---|" + "--:|" * (len(head) - 1)]
    return lines + ["| " + " | ".join(map(str, row)) + " |" for row in body]


def money(amount: float) -> str:
    """Dollars, with cents as long as they matter."""
    return f"{amount:,.0f}" if amount >= WITHOUT_CENTS else f"{amount:.2f}"


def tables() -> list[str]:
    """The tables of cost.md."""
    found = {stage: costs(users) for stage, users in STAGES.items()}
    body = [[service, *(money(it[service]) for it in found.values())] for service in found["staging"]]
    totals = {stage: sum(it.values()) for stage, it in found.items()}
    body.append(["**together, a month**", *(f"**{money(it)}**" for it in totals.values())])
    body.append(["a user a month", *(f"{totals[stage] / users:.4f}" for stage, users in STAGES.items())])
    used = [
        [name, f"{often:g}", ms, mb, writes, reads, f"{1e6 * of_one(ms, mb, writes, reads):.2f}"]
        for name, (often, ms, mb, writes, reads, *_) in REQUESTS.items()
    ]
    head = ["request", "a user a month", "ms", "MB", "write units", "read units", "$ a million"]
    return [
        *rows(["service", *STAGES], body),
        "",
        *bill("before anybody comes", standing(), MOST_STANDING),
        "",
        *bill("a further endpoint", of_endpoint(), MOST_ENDPOINT),
        "",
        *rows(head, used),
        "",
        *rows(
            ["sessions that end in a second", *(f"every {it} s" for it in EDGE_SYNC_SECONDS)],
            [[f"{it:g}", *(money(of_list(it, window)) for window in EDGE_SYNC_SECONDS)] for it in ENDINGS],
        ),
        "",
        *rows(["price", "$"], PRICES.items()),
    ]


def bill(head: str, lines: Mapping[str, tuple[float, str, float]], most: float) -> list[str]:
    """What is paid by the month, used or not."""
    body = [[line, f"{many:g}", PRICES[name], money(amount)] for line, (many, name, amount) in lines.items()]
    together = money(sum(amount for _, _, amount in lines.values()))
    body.append([f"**together, a month; at most {most:.2f}**", "", "", f"**{together}**"])
    return rows([head, "how many", "$ each", "$ a month"], body)


def of_one(ms: float, mb: float, writes: float, reads: float) -> float:
    """What one request costs, gateway, function, table and log."""
    return (
        price("HTTP API, a million requests", 1, MILLION)
        + price("Lambda, a million requests", 1, MILLION)
        + price("Lambda, a GB-second (arm64)", ms / 1_000 * mb / 1_024)
        + price("DynamoDB, a million write units", writes, MILLION)
        + price("DynamoDB, a million read units", reads, MILLION)
        + price("CloudWatch, a GB of logs", LOG_BYTES / 1e9)
    )


def of_list(endings: float, window: float) -> float:
    """What the edge's list costs a day: calls that put what ended in a window, and calls that take it out again, each
    of as many keys as there are and a call takes."""
    calls = sum(max(min(endings, 1 / seconds), endings / LIST_KEYS) for seconds in (window, DROP_SECONDS))
    return price("CloudFront, 1,000 calls of its key-value store", calls * DAY, 1_000)


def outdated() -> list[str]:
    """Requests of which docs/store-requests.md says something else."""
    asked = {}
    for line in (ROOT / "docs/store-requests.md").read_text(encoding="utf-8").splitlines():
        if found := re.fullmatch(r"\| `.+` \| \[.+\]\(\.\./events/(.+)\.json\) \| \d+ \| (.+) \|", line):
            asked[found[1]] = found[2]
    return [name for name, it in REQUESTS.items() if asked.get(it[5]) != it[6]]


def main() -> None:
    text = PAGE.read_text(encoding="utf-8")
    begin, end = "<!-- made by cost.py -->\n", "<!-- to here -->\n"
    before, rest = text.split(begin)
    after = rest.split(end)[1]
    made = before + begin + "\n" + "\n".join(tables()) + "\n\n" + end + after
    if names := outdated():
        sys.exit(f"docs/store-requests.md says something else about {', '.join(names)}: count its units in cost.py")
    if lines := over():
        sys.exit("\n".join(lines))
    if "--check" in sys.argv:
        if made != text:
            sys.exit("docs/operations/cost.md is not what cost.py makes of it: make cost")
    else:
        PAGE.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
