"""Prometheus' rules are what CloudWatch's alarms say, and each has a test that it rings and one that it does not."""

import dataclasses
import re
import unittest
from unittest import mock

import yaml

from wardgate_infra import ROOT, Failed, Json
from wardgate_infra.prometheus import alarms, promql, rules
from wardgate_infra.prometheus.alarms import Alarm, Statistic
from wardgate_infra.prometheus.promql import World

TESTS = ROOT / "infra/prometheus/tests"
WORLD = World("staging", minimum=20)


def requests(metric: str = "Count", stat: str = "Sum", period: int = 300) -> Statistic:
    return Statistic("AWS/ApiGateway", metric, {}, stat, period)


def alarm(**others: Json) -> Alarm:
    made = Alarm(
        name="MadeWarn",
        template="",
        title="made-warn",
        summary="Made.",
        runbook="runbook.md#made",
        statistics={"result": requests()},
        expression="result",
        comparison="GreaterThanThreshold",
        threshold=5,
        periods=1,
        breaching=1,
        missing="notBreaching",
    )
    return dataclasses.replace(made, **others)


def alerts(stage: str) -> dict[str, Json]:
    groups = yaml.safe_load((rules.FOLDER / f"{stage}.yaml").read_text(encoding="utf-8"))["groups"]
    return {it["alert"]: it for group in groups for it in group["rules"] if "alert" in it}


class Rules(unittest.TestCase):
    def test_what_make_rules_writes_is_there(self) -> None:
        self.assertEqual(rules.stale(), [], "make rules")

    def test_stages_differ_in_thresholds_and_in_what_needs_traffic(self) -> None:
        production, staging = alerts("production"), alerts("staging")
        self.assertEqual(production.keys() - staging.keys(), {"wardgate-silent-page"})
        self.assertEqual(staging.keys() - production.keys(), set())
        self.assertIn("/ 86400 > 9", production["wardgate-keys-old-warn"]["expr"])
        self.assertIn("/ 86400 > 35", staging["wardgate-keys-old-warn"]["expr"])

    def test_every_reason_is_an_alarm_s(self) -> None:
        known = alarms.read("production").keys() | alarms.others().keys()
        self.assertEqual(rules.WITHOUT.keys() - known, set())
        self.assertEqual(rules.WITHOUT.keys() & rules.translated("production").keys(), set())

    def test_an_alarm_that_nobody_has_thought_of_stops_it(self) -> None:
        without = {name: it for name, it in rules.WITHOUT.items() if name != "MailAgeWarn"}
        with mock.patch.object(rules, "WITHOUT", without), self.assertRaisesRegex(Failed, "MailAgeWarn.*SQS"):
            rules.translated("production")
        without = {name: it for name, it in rules.WITHOUT.items() if name != "OutsideProbePage"}
        with mock.patch.object(rules, "WITHOUT", without), self.assertRaisesRegex(Failed, "OutsideProbePage"):
            rules.translated("production")

    def test_each_has_a_case_in_which_it_rings_and_one_in_which_it_does_not(self) -> None:
        rings: set[str] = set()
        silent: set[str] = set()
        for path in sorted(TESTS.glob("*.yaml")):
            for case in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
                for asked in case["promql_expr_test"]:
                    [name] = re.findall(r'alertname="([\w-]+)"', asked["expr"])
                    (rings if asked["exp_samples"] else silent).add(name)
        self.assertEqual((rings, silent), (set(alerts("production")), set(alerts("production"))))

    def test_each_leads_to_its_section_of_the_runbook(self) -> None:
        runbook = (ROOT / "docs/operations/runbook.md").read_text(encoding="utf-8")
        for name, it in alerts("production").items():
            section = it["annotations"]["runbook_url"].removeprefix("docs/operations/runbook.md#")
            self.assertIn(f"\n## {section}\n", runbook, name)
            self.assertEqual(it["labels"], {"stage": "production", "severity": name[-4:], "section": section})

    def test_every_length_of_time_can_be_made_shorter_for_a_test(self) -> None:
        short = yaml.safe_dump(rules.document("development", scale=20))
        self.assertEqual(set(re.findall(r"(?:\d+[dhms])+(?=[\]:])", short)) & {"5m", "1h", "6h", "14m59s"}, set())
        self.assertIn("[44s:15s]", short)


class Translation(unittest.TestCase):
    def condition(self, **others: Json) -> str:
        return promql.translate(alarm(**others), {}, WORLD).condition

    def test_one_period_is_asked_at_any_time_and_several_by_the_clock(self) -> None:
        kept = 'wardgate:requests:increase5m{stage="staging"}'
        self.assertEqual(self.condition(), f"{kept} > 5")
        several = self.condition(periods=3, breaching=2)
        self.assertEqual(several, f"sum_over_time(({kept} > bool 5)[14m59s:5m]) >= 2")

    def test_a_share_counts_only_of_enough(self) -> None:
        looked_at = {"errors": requests("5xx"), "requests": requests()}
        made = self.condition(statistics=looked_at, expression="IF(requests >= 20, errors / requests, 0)")
        self.assertTrue(made.endswith(' > 5 and wardgate:requests:increase5m{stage="staging"} >= 20'), made)

    def test_the_unit_is_the_alarm_s(self) -> None:
        made = self.condition(statistics={"result": requests("Latency", "p95")}, threshold=500)
        self.assertEqual(made, 'wardgate:request_duration_seconds:p95_5m{stage="staging"} * 1000 > 500')

    def test_what_nobody_has_taught_it_is_refused(self) -> None:
        for others, said in (
            ({"expression": "RATE(result)"}, "RATE"),
            ({"statistics": {"result": requests(stat="IQM")}}, "IQM"),
            ({"statistics": {"result": requests("IntegrationLatency")}}, "IntegrationLatency"),
        ):
            with self.subTest(said), self.assertRaisesRegex(Failed, said):
                self.condition(**others)

    def test_lengths_of_time(self) -> None:
        lengths = {300: "5m", 899: "14m59s", 86400: "1d", 3605: "1h5s"}
        self.assertEqual({it: WORLD.span(it) for it in lengths}, lengths)


if __name__ == "__main__":
    unittest.main()
