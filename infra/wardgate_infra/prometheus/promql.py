"""What an alarm of CloudWatch is in PromQL.

CloudWatch cuts time into periods by the clock and wants so many of the last ones; so does a subquery, whose steps are
by the clock, too. A counter does not exist before it has counted once, so that an increase would not see the first
time: what was not there a window ago, of a replica that was, counts whole.
"""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass

from wardgate_infra import Failed
from wardgate_infra.prometheus.alarms import Alarm, Statistic

# The name of the scrape job: only there it is known which replicas were watched.
JOB = "wardgate"
GATEWAY = "AWS/ApiGateway"
OURS = "Wardgate"
# What the gateway measures, as the server does: metric, labels that have to match, the factor to the gateway's unit.
OF_GATEWAY = {
    "Count": ("wardgate_requests_total", {}, 1),
    "4xx": ("wardgate_requests_total", {"status": "4.."}, 1),
    "5xx": ("wardgate_requests_total", {"status": "5.."}, 1),
    "Latency": ("wardgate_request_duration_seconds", {}, 1000),
}
COMPARISONS = {
    "GreaterThanThreshold": ">",
    "GreaterThanOrEqualToThreshold": ">=",
    "LessThanThreshold": "<",
}
BAND = re.compile(r"ANOMALY_DETECTION_BAND\((\w+), ([\d.]+)\)")
# What is usual is what was usual in a week.
USUAL = 7 * 24 * 3600
UNITS = (("d", 24 * 3600), ("h", 3600), ("m", 60), ("s", 1))


class NoCounterpart(Failed):
    """The server measures nothing of what an alarm looks at."""


@dataclass(frozen=True)
class Record:
    """A query that is kept under a name, because alerts look back at it."""

    name: str
    expression: str


@dataclass(frozen=True)
class Translated:
    """An alarm as a condition, and the records that it reads."""

    condition: str
    records: tuple[Record, ...]


@dataclass(frozen=True)
class World:
    """Whose alarms these are, and how much shorter every window is: 1, but in a test that cannot wait."""

    stage: str
    scale: int = 1
    # Below which no share and no band is worth an alarm.
    minimum: int = 0

    def span(self, seconds: int) -> str:
        """A length of time, as Prometheus writes it."""
        left, text = max(1, seconds // self.scale), ""
        for unit, size in UNITS:
            many, left = divmod(left, size)
            text += f"{many}{unit}" if many else ""
        return text

    def back(self, periods: int, period: int) -> str:
        """A range that has this many steps by the clock in it, whenever it is asked."""
        step = max(1, period // self.scale)
        return f"[{World(self.stage).span(periods * step - 1)}:{World(self.stage).span(step)}]"

    def selector(self, labels: Mapping[str, str]) -> str:
        pairs = [f'stage="{self.stage}"']
        pairs += [f'{name}{"=~" if is_pattern(it) else "="}"{it}"' for name, it in sorted(labels.items())]
        return "{" + ",".join(pairs) + "}"


def is_pattern(value: str) -> bool:
    return "." in value or "|" in value


def translate(alarm: Alarm, known: Mapping[str, Alarm], world: World) -> Translated:
    """The alarm for the server; `known` has the windows of a composite one."""
    if alarm.parts:
        parts = [translate(known[it], known, world) for it in alarm.parts]
        return Translated(" and ".join(f"({it.condition})" for it in parts), sum((it.records for it in parts), ()))
    if not alarm.statistics:
        raise NoCounterpart(f"{alarm.name} looks at no metric")
    [period] = {it.period for it in alarm.statistics.values()}
    if band := BAND.fullmatch(alarm.expression):
        return unusual(alarm, record(alarm.statistics[band[1]], world), float(band[2]), world)
    merged = alarm.statistics
    if "METRICS()" in alarm.expression:
        merged = {"all": together(list(alarm.statistics.values()))}
    records = {name: record(it, world) for name, it in merged.items()}
    names = {name: f"{it.name}{world.selector({})}" for name, it in records.items()}
    units = {name: unit(it) for name, it in merged.items()}
    read = {name: it if units[name] == 1 else f"{it} * {units[name]}" for name, it in names.items()}
    compare = COMPARISONS[alarm.comparison]
    value, guard = computed(alarm.expression, read)
    condition = over(alarm, f"{value} {compare}", number(alarm.threshold), guard, (period, world))
    return Translated(condition, tuple(records.values()))


def over(alarm: Alarm, compared: str, limit: str, guard: str, clock: tuple[int, World]) -> str:
    """So many of the last periods are over it; where one is enough, it is asked at any time."""
    period, world = clock
    guarded = f" and {guard}" if guard else ""
    if alarm.periods == 1:
        return f"{compared} {limit}{guarded}"
    back = world.back(alarm.periods, period)
    return f"sum_over_time(({compared} bool {limit}{guarded}){back}) >= {alarm.breaching}"


def computed(expression: str, read: Mapping[str, str]) -> tuple[str, str]:
    """What an expression computes, and what has to hold for it to count."""
    guard = ""
    if found := re.fullmatch(r"IF\((.+?), (.+), 0\)", expression):
        guard, expression = found.groups()
    elif found := re.fullmatch(r"(?:SUM|MAX)\(METRICS\(\)\)(.*)", expression):
        expression = "all" + found[1]
    elif found := re.fullmatch(r"SUM\(\[(.+)\]\)", expression):
        expression = " + ".join(found[1].split(", "))
    words = set(re.findall(r"[A-Za-z_]\w*", f"{guard} {expression}"))
    if unknown := words - read.keys():
        raise Failed(f"{expression} has {', '.join(sorted(unknown))}, which nobody has taught promql.py")

    def put(text: str) -> str:
        return re.sub(r"[A-Za-z_]\w*", lambda it: read[it[0]], text)

    return put(expression), put(guard)


def unusual(alarm: Alarm, looked_at: Record, band: float, world: World) -> Translated:
    """More than is usual by so many standard deviations: CloudWatch's model, without its hours of the day. A service
    that few people use has no usual, so that it needs as many as every share does."""
    [period] = {it.period for it in alarm.statistics.values()}
    name = f"{looked_at.name}{world.selector({})}"
    week = f"[{world.span(USUAL)}:{world.span(period)}]"
    usual = Record(
        looked_at.name.rpartition(":")[0] + ":usual",
        f"avg_over_time({name}{week}) + {number(band)} * stddev_over_time({name}{week})",
    )
    limit = usual.name + world.selector({})
    condition = over(alarm, f"{name} >", limit, f"{name} >= {world.minimum}", (period, world))
    return Translated(condition, (looked_at, usual))


def together(statistics: list[Statistic]) -> Statistic:
    """The same metric with several values of one label, as one."""
    first = statistics[0]
    alike = {(it.namespace, it.metric, it.stat, it.period) for it in statistics}
    differing = [name for name in first.labels if len({it.labels.get(name) for it in statistics}) > 1]
    if len(alike) > 1 or len(differing) > 1:
        raise Failed(f"{first.metric} and its neighbours differ in more than one label")
    values = {name: "|".join(dict.fromkeys(it.labels[name] for it in statistics)) for name in differing}
    return dataclasses.replace(first, labels={**first.labels, **values})


def source(statistic: Statistic) -> tuple[str, dict[str, str], int]:
    """The metric of the server that says the same, its labels, and the factor to CloudWatch's unit."""
    if statistic.namespace == OURS:
        return statistic.metric, {name: it for name, it in statistic.labels.items() if name != "stage"}, 1
    if statistic.namespace == GATEWAY and statistic.metric in OF_GATEWAY:
        metric, labels, factor = OF_GATEWAY[statistic.metric]
        return metric, dict(labels), factor
    raise NoCounterpart(f"the server has nothing like {statistic.metric} of {statistic.namespace}")


def unit(statistic: Statistic) -> int:
    return source(statistic)[2]


def record(statistic: Statistic, world: World) -> Record:
    """What CloudWatch's statistic is of the server's metric."""
    metric, labels, _ = source(statistic)
    span = world.span(statistic.period)
    plain = re.sub(r"^wardgate_|_total$", "", metric)
    values = [re.sub(r"\W+", lambda it: "xx" if it[0] == ".." else "_", it) for it in labels.values()]
    name = ":".join(["wardgate", "_".join([plain, *values])])
    match statistic.stat:
        case "Sum":
            return Record(f"{name}:increase{span}", increase(metric + world.selector(labels), span, world))
        case "SampleCount":
            counted = f"{metric}_count{world.selector(labels)}"
            return Record(f"{name}_count:increase{span}", increase(counted, span, world))
        case "Maximum":
            # Of a summary, whose highest value stays in it for a while.
            highest = f"{metric}{world.selector({**labels, 'quantile': '1'})}"
            return Record(f"wardgate:{plain}:max{span}", f"max(max_over_time({highest}[{span}]))")
    if found := re.fullmatch(r"p(\d\d)", statistic.stat):
        buckets = f"{metric}_bucket{world.selector(labels)}"
        share = int(found[1]) / 100
        return Record(
            f"{name}:p{found[1]}_{span}", f"histogram_quantile({share}, sum by (le) (rate({buckets}[{span}])))"
        )
    raise Failed(f"nobody has taught promql.py the statistic {statistic.stat}")


def increase(series: str, span: str, world: World) -> str:
    watched = f'up{{job="{JOB}",stage="{world.stage}"}} offset {span} == 1'
    born = f"({series} unless {series} offset {span}) and on (instance, job) ({watched})"
    return f"sum({born} or increase({series}[{span}])) or vector(0)"


def number(value: float) -> str:
    return f"{value:g}"
