"""CloudWatch's alarms as their templates have them, with a stage's parameters put in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from wardgate_infra import ROOT, Json, templates

TEMPLATE = "infra/observability.yaml"
# The stages that have parameters; each gets a file of rules.
STAGES = ("staging", "production")
# Where AWS's own alarms stand that are no part of the table: what takes deployments back, and what asks from outside.
OTHERS = ("template.yaml", "infra/probe.yaml")
KINDS = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")


@dataclass(frozen=True)
class Statistic:
    """One metric that an alarm looks at."""

    namespace: str
    metric: str
    labels: Mapping[str, str]
    stat: str
    period: int


@dataclass(frozen=True)
class Alarm:
    """An alarm: what it computes of which statistics, and when that is too much."""

    name: str
    template: str
    # Without the stage: error-rate-warn.
    title: str
    summary: str
    runbook: str
    statistics: Mapping[str, Statistic]
    expression: str
    comparison: str
    threshold: float
    periods: int
    breaching: int
    # What it makes of no data.
    missing: str
    # The windows that have to be on together, if it is composite.
    parts: tuple[str, ...] = ()

    @property
    def severity(self) -> str:
        return "page" if self.title.endswith("-page") else "warn"

    @property
    def section(self) -> str:
        """Its heading in the runbook."""
        return self.runbook.rpartition("#")[2]


def parameters(stage: str) -> dict[str, Json]:
    """What a stage has for the table; the defaults are development's."""
    known = templates.read(ROOT / TEMPLATE)["Parameters"]
    given = {} if stage == "development" else templates.read(ROOT / f"infra/{stage}/parameters.yaml")
    return {name: given.get(name, it.get("Default")) for name, it in known.items()}


def read(stage: str) -> dict[str, Alarm]:
    """Every alarm of the table with a stage's thresholds, by its name in the template."""
    values = parameters(stage)
    template = templates.read(ROOT / TEMPLATE)
    conditions = {
        name: str(values[it["Fn::Equals"][0]["Ref"]]) == it["Fn::Equals"][1]
        for name, it in template["Conditions"].items()
        if "Fn::Equals" in it
    }
    made = template["Resources"].items()
    return {name: alarm(name, put_in(it["Properties"], values, conditions)) for name, it in made if it["Type"] in KINDS}


def others() -> dict[str, str]:
    """The alarms of other templates: where each stands."""
    resources = {path: templates.read(ROOT / path)["Resources"] for path in OTHERS}
    return {name: path for path, made in resources.items() for name, it in made.items() if it["Type"] in KINDS}


def put_in(value: Json, values: Mapping[str, Json], conditions: Mapping[str, bool]) -> Json:
    """A part of a template with its parameters put in. What only AWS could tell stays as it is."""
    if isinstance(value, list):
        return [put_in(it, values, conditions) for it in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"Ref": str(name)} if name in values:
            return values[name]
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{(\w+)\}", lambda it: str(values.get(it[1], it[0])), text)
        case {"Fn::If": [str(name), yes, no]} if name in conditions:
            return put_in(yes if conditions[name] else no, values, conditions)
    return {name: put_in(it, values, conditions) for name, it in value.items()}


def alarm(name: str, said: Json) -> Alarm:
    queries = said.get("Metrics", [])
    statistics = {it["Id"]: statistic(it["MetricStat"]) for it in queries if "MetricStat" in it}
    expressions = [it["Expression"] for it in queries if "Expression" in it]
    if "MetricName" in said:
        stat = said.get("Statistic") or said["ExtendedStatistic"]
        statistics["result"] = statistic({"Metric": said, "Stat": stat, "Period": said["Period"]})
    periods = int(said.get("EvaluationPeriods", 1))
    summary, _, runbook = said["AlarmDescription"].rpartition(" ")
    return Alarm(
        name=name,
        template=TEMPLATE,
        title=re.sub(r"^wardgate-[a-z]+-", "", said["AlarmName"]),
        summary=summary,
        runbook=runbook,
        statistics=statistics,
        expression=expressions[0] if expressions else "result",
        comparison=said.get("ComparisonOperator", ""),
        threshold=float(said.get("Threshold", 0)),
        periods=periods,
        breaching=int(said.get("DatapointsToAlarm", periods)),
        missing=said.get("TreatMissingData", "missing"),
        parts=composed(said.get("AlarmRule", "")),
    )


def composed(rule: str) -> tuple[str, ...]:
    """The alarms that have to be on together; none of a rule that is anything else."""
    each = r'ALARM\("\$\{(\w+)\}"\)'
    return tuple(re.findall(each, rule)) if re.fullmatch(f"{each}( AND {each})+", rule.strip()) else ()


def statistic(said: Json) -> Statistic:
    metric = said["Metric"]
    labels = {it["Name"]: it["Value"] for it in metric.get("Dimensions", []) if isinstance(it["Value"], str)}
    return Statistic(metric["Namespace"], metric["MetricName"], labels, said["Stat"], int(said["Period"]))
