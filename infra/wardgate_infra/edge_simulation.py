"""Who keeps whom from signing in, for how long: `make edge-simulation` writes docs/operations/edge-simulation.md.

Second by second over one route that hashes: what senders send, what the limits by source of infra/edge.yaml let
through, and what the gateway's throttle, which all share, then has for each. Limits and throttles are the templates'
and the stages' own. How late WAF sees what is sent is AWS's word: usually below 30 seconds, at worst minutes.
"""

import collections
import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from wardgate_infra import ROOT, Json, templates

PAGE = ROOT / "docs/operations/edge-simulation.md"
# How late WAF acts on what it counts, in seconds.
USUALLY, AT_WORST = 30, 180
LASTS = 600
# People who want to sign in meanwhile, each second. More than a stage of a hundred thousand users has.
PEOPLE = 20
# Below this share they meet an answer at their next try.
NOTICED = 0.01


@dataclass(frozen=True)
class Limit:
    """A rate rule: so many requests of one source within a window of seconds."""

    limit: int
    window: int

    @property
    def a_second(self) -> float:
        return self.limit / self.window


@dataclass(frozen=True)
class Throttle:
    """The gateway's: so many requests a second of everybody, and so many at once after a rest."""

    rate: int
    burst: int


@dataclass(frozen=True)
class Senders:
    """Somebody with so many addresses of so many networks, who sends so much a second with all of them."""

    a_second: float
    addresses: float = 1
    networks: float = 1
    is_ipv6: bool = False


@dataclass(frozen=True)
class Edge:
    """Limits by source, and how late they see."""

    by_address: Limit
    by_network: Limit
    late: int


@dataclass(frozen=True)
class Outcome:
    """Which share of people is refused while it is worst, and until when in seconds; None is as long as it lasts."""

    refused: float
    until: int | None


def rules(template: Json) -> dict[str, Limit]:
    """The rate rules of infra/edge.yaml by their names."""
    found = {}
    for rule in template["Resources"]["WebAcl"]["Properties"]["Rules"]:
        if limit := rule["Statement"].get("RateBasedStatement"):
            found[rule["Name"]] = Limit(limit["Limit"], limit["EvaluationWindowSec"])
    return found


def edge(late: int) -> Edge:
    found = rules(templates.read(ROOT / "infra/edge.yaml"))
    return Edge(found["guessing-by-address"], found["guessing-by-network"], late)


def throttle(stage: str) -> Throttle:
    given = templates.read(ROOT / f"infra/{stage}/parameters.yaml")
    return Throttle(given["HashingRate"], given["HashingBurst"])


def let_through(senders: Senders, limits: Edge | None) -> Iterator[float]:
    """What of it reaches the gateway, each second. A source that is over its limit is refused whole, whatever of it."""
    sent: collections.deque[float] = collections.deque()
    while True:
        sent.append(senders.a_second)
        if limits is None:
            yield senders.a_second
            continue
        seen = list(sent)[: max(0, len(sent) - limits.late)]
        over = sum(seen[-limits.by_address.window :]) / senders.addresses > limits.by_address.limit
        if senders.is_ipv6:
            over |= sum(seen[-limits.by_network.window :]) / senders.networks > limits.by_network.limit
        yield 0.0 if over else senders.a_second


def simulate(senders: Senders, shared: Throttle, limits: Edge | None) -> Outcome:
    """People come from addresses of their own, and are never over a limit by source."""
    tokens, refused = float(shared.burst), []
    for _, strangers in zip(range(LASTS), let_through(senders, limits), strict=False):
        tokens = min(float(shared.burst), tokens + shared.rate)
        asked = strangers + PEOPLE
        answered = min(asked, tokens)
        tokens -= answered
        refused.append(1 - answered / asked)
    noticed = [second for second, share in enumerate(refused, 1) if share > NOTICED]
    if not noticed:
        return Outcome(0.0, 0)
    # What comes after a burst is what lasts.
    lasting = refused[min(noticed[-1], len(refused)) - 1]
    return Outcome(lasting, None if noticed[-1] == LASTS else noticed[-1])


def enough(shared: Throttle, limit: Limit) -> int:
    """How many sources that stay below their limit fill what all share."""
    return math.ceil(shared.rate / limit.a_second)


HOST = Senders(10_000)
NETWORK = Senders(10_000, addresses=math.inf, is_ipv6=True)
SCENARIOS: tuple[tuple[str, Senders], ...] = (
    ("one host, 10,000 requests a second", HOST),
    ("one host, as many as all may have", Senders(500)),
    ("one network of IPv6, each request from another address, 10,000 a second", NETWORK),
    ("one host just below its limit", Senders(3.3)),
    ("100 hosts just below their limit", Senders(330, addresses=100)),
    ("200 hosts just below their limit", Senders(660, addresses=200)),
)
EDGES: tuple[tuple[str, int | None], ...] = (("none", None), ("usual", USUALLY), ("at worst", AT_WORST))


def said(outcome: Outcome) -> str:
    if outcome.refused == 0:
        return "nobody"
    until = "as long as it lasts" if outcome.until is None else f"until {outcome.until} s"
    return f"{outcome.refused:.0%}, {until}"


def page() -> str:
    shared = throttle("production")
    limits = edge(USUALLY)
    rows = []
    for name, senders in SCENARIOS:
        outcomes = [simulate(senders, shared, None if late is None else edge(late)) for _, late in EDGES]
        rows.append(f"| {name} | {' | '.join(map(said, outcomes))} |")
    by_stage = []
    for stage in ("staging", "production"):
        it = throttle(stage)
        hosts, networks = enough(it, limits.by_address), enough(it, limits.by_network)
        by_stage.append(f"| {stage} | {it.rate} | {hosts} | {networks} |")
    by_address, by_network = limits.by_address, limits.by_network
    introduction = (
        f"People want to sign in, {PEOPLE} each second, and somebody sends to the same route. The gateway's throttle "
        f"is production's: {shared.rate:,} a second and {shared.burst:,} at once, shared by all. "
        f"[The edge](../edge.md) has, before it, {by_address.limit:,} in {by_address.window} seconds for an address "
        f"and {by_network.limit:,} in {by_network.window} for a network of IPv6. WAF acts late on what it counts: "
        "AWS says usually below 30 seconds, and minutes at worst, which is taken for "
        f"{USUALLY} and {AT_WORST} seconds. It lasts {LASTS} seconds. "
        "Computed of the templates, not measured on AWS. What the API counts itself for a source (EN-02) comes after "
        "all of this."
    )
    beside = (
        "Whoever shares a network of IPv6 with a sender that is over its limit is refused with it. Where WAF only "
        "counts (`WafMode: count`, as in staging), everything is as without an edge. "
        "Sources that each stay below their limit fill what all share only together:"
    )
    return "\n".join(
        [
            "# Who keeps whom out",
            "",
            "<!-- Written by `make edge-simulation`. -->",
            "",
            filled(introduction),
            "",
            "| what is sent | people refused without an edge | with it | with it, at worst |",
            "|---|---|---|---|",
            *rows,
            "",
            filled(beside),
            "",
            "| stage | all, a second | addresses that fill it | networks that fill it |",
            "|---|---|---|---|",
            *by_stage,
            "",
        ]
    )


def filled(text: str) -> str:
    return textwrap.fill(text, 124, break_on_hyphens=False)


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
