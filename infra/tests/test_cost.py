"""What is paid for by the month stays under its bounds, and what would go over them is seen."""

import unittest
from pathlib import Path
from unittest import mock

from wardgate_infra import Json, cost, templates

read = templates.read


class Bounds(unittest.TestCase):
    def over(self, changed: object = None) -> list[str]:
        """What costs too much, in templates that are changed so."""
        cost.has.cache_clear()
        self.addCleanup(cost.has.cache_clear)
        with mock.patch.object(templates, "read", changed or read):
            return cost.over()

    def test_a_stage_and_a_further_endpoint_cost_no_more_than_they_may(self) -> None:
        self.assertEqual(self.over(), [])

    def test_an_alarm_more_for_each_function_is_too_much(self) -> None:
        """Three metrics an alarm, as there were before decision 44; a metric by endpoint comes on top."""
        alarm = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": [{"MetricStat": {}}] * 6}}

        def with_alarms(path: Path) -> Json:
            resources = read(path)["Resources"]
            functions = [name for name, it in resources.items() if it["Type"] == "AWS::Serverless::Function"]
            return {"Resources": resources | {f"{name}Alarm": alarm for name in functions}}

        said = self.over(with_alarms)
        self.assertEqual(
            [it.partition(" costs")[0] for it in said], ["a stage before anybody comes", "a further endpoint"]
        )

    def test_a_metric_for_each_endpoint_counts_against_the_endpoint(self) -> None:
        with mock.patch.object(cost, "EMITTED_BY_ENDPOINT", cost.EMITTED):
            said = self.over()
        self.assertEqual(len(said), 1)
        self.assertIn("a further endpoint costs $10.30", said[0])


if __name__ == "__main__":
    unittest.main()
