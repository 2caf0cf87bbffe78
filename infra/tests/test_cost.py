"""What the tables of docs/operations/cost.md are computed from."""

import unittest
from unittest import mock

from wardgate_infra import cost, functions


class Computed(unittest.TestCase):
    def test_without_users_a_stage_costs_what_it_has(self) -> None:
        found = cost.costs(0)
        self.assertEqual((found["SES"], found["API Gateway"], found["SQS and EventBridge"]), (0, 0, 0))
        has = cost.has()
        alarms = has["alarms' metrics"] * 0.10 + has["AWS::CloudWatch::CompositeAlarm"] * 0.50 + has["metrics"] * 0.30
        self.assertAlmostEqual(found["CloudWatch, metrics and alarms"], alarms + has["AWS::CloudWatch::Dashboard"] * 3)

    def test_an_alarm_is_billed_by_the_metrics_that_it_looks_at(self) -> None:
        self.assertEqual(cost.watched({"MetricName": "a"}), 1)
        of_two = [{"MetricStat": {}}, {"MetricStat": {}}, {"Expression": "a + b"}]
        self.assertEqual(cost.watched({"Metrics": of_two}), 2)
        self.assertEqual(cost.watched({"Metrics": [*of_two, {"Expression": "ANOMALY_DETECTION_BAND(a, 2)"}]}), 4)

    def test_what_a_stage_has_is_what_its_templates_have(self) -> None:
        self.assertEqual(cost.has()["AWS::SecretsManager::Secret"], 6)
        # One of each function that a deploy can take back, on three metrics or two.
        self.assertGreater(cost.has()["alarms' metrics"], 2 * len(functions()))

    def test_what_is_used_grows_with_users_and_what_a_stage_has_does_not(self) -> None:
        one, ten = cost.costs(1_000), cost.costs(10_000)
        same = {name for name in one if one[name] == ten[name]}
        self.assertEqual(same, {"Secrets Manager and KMS", "CloudWatch, metrics and alarms"})
        self.assertAlmostEqual(ten["API Gateway"], 10 * one["API Gateway"])

    def test_a_price_is_for_an_amount(self) -> None:
        self.assertAlmostEqual(cost.price("HTTP API, a million requests", 2_000_000, cost.MILLION), 2.0)
        self.assertAlmostEqual(cost.price("KMS, a key", 3), 3.0)

    def test_one_request_costs_its_gateway_function_table_and_log(self) -> None:
        idle = cost.of_one(0, 512, 0, 0)
        self.assertAlmostEqual(idle, (1.00 + 0.20) / cost.MILLION + 0.50 * cost.LOG_BYTES / 1e9)
        self.assertAlmostEqual(cost.of_one(0, 512, 2, 0) - idle, 2 * 0.625 / cost.MILLION)

    def test_cents_are_told_as_long_as_they_matter(self) -> None:
        self.assertEqual([cost.money(it) for it in (0.5, 9.994, 10, 1234.5)], ["0.50", "9.99", "10", "1,234"])

    def test_the_last_lines_are_the_sum_and_a_users_share(self) -> None:
        lines = cost.tables()
        total = next(line for line in lines if line.startswith("| **together"))
        expected = cost.money(sum(cost.costs(cost.STAGES["1,000 users"]).values()))
        self.assertEqual(total.split(" | ")[2], f"**{expected}**")
        self.assertEqual(len([line for line in lines if line.startswith("|---|")]), 4)

    def test_what_stands_adds_up(self) -> None:
        standing = cost.standing()
        self.assertEqual(standing["dashboards"], (1, "CloudWatch, a dashboard", 3.00))
        [line] = [line for line in cost.tables() if line.startswith("| **together, a month** |  |")]
        self.assertIn(f"**{cost.money(sum(it[2] for it in standing.values()))}**", line)

    def test_a_changed_line_of_the_budget_is_named(self) -> None:
        self.assertEqual(cost.outdated(), [])
        changed = {**cost.REQUESTS, "account": (*cost.REQUESTS["account"][:6], "1 read")}
        with mock.patch.object(cost, "REQUESTS", changed):
            self.assertEqual(cost.outdated(), ["account"])
