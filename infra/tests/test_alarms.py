"""What `make status` and `make watch-alarms` make of alarms, above all of those that speak when there are no data."""

import argparse
import contextlib
import datetime
import io
import os
import re
import unittest
from unittest import mock

from tests.fakes import FakeClient, stage
from wardgate_infra import Failed, Json, validate
from wardgate_infra.operate import status, watch_alarms
from wardgate_infra.operate.stage import Stage

NOW = datetime.datetime.now(datetime.UTC)
UNKNOWN = "Insufficient Data: 3 datapoints were unknown."
FIRST = "Unchecked: Initial alarm creation"


def minutes_ago(minutes: float) -> datetime.datetime:
    return NOW - datetime.timedelta(minutes=minutes)


def alarm(name: str, state: str, reason: str = "", *, since: float = 30, made: float = 900, **others: Json) -> Json:
    """An alarm that looks at a quarter of an hour, in a state for so many minutes."""
    return {
        "AlarmName": f"wardgate-staging-{name}",
        "AlarmDescription": f"{name} is wrong.",
        "StateValue": state,
        "StateReason": reason,
        "StateUpdatedTimestamp": minutes_ago(since),
        "StateTransitionedTimestamp": minutes_ago(since),
        "AlarmConfigurationUpdatedTimestamp": minutes_ago(made),
        "AlarmActions": ["topic"],
        "Period": 300,
        "EvaluationPeriods": 3,
        **others,
    }


def silent(reason: str = UNKNOWN, **others: Json) -> Json:
    return alarm("silent-page", "INSUFFICIENT_DATA", reason, InsufficientDataActions=["topic"], **others)


def target(*alarms: Json, composites: list[Json] | None = None) -> Stage:
    answer = {"MetricAlarms": list(alarms), "CompositeAlarms": composites or []}
    return stage(cloudwatch=FakeClient(describe_alarms=answer))


class Alarms(unittest.TestCase):
    def setUp(self) -> None:
        self.enterContext(mock.patch.dict(os.environ))
        os.environ.pop("AWS_ENDPOINT_URL", None)

    def told(self, *alarms: Json, composites: list[Json] | None = None) -> list[str]:
        rows, wrong = status.alarms(target(*alarms, composites=composites))
        self.assertEqual(len(rows) - 1, len(wrong))
        return wrong

    def test_one_that_is_on_is_told_and_one_that_is_not_is_not(self) -> None:
        told = self.told(alarm("down-page", "ALARM"), alarm("latency-warn", "OK"))
        self.assertEqual(told, ["alarm wardgate-staging-down-page: down-page is wrong."])

    def test_one_that_spoke_because_there_are_no_data_is_told(self) -> None:
        self.assertEqual(self.told(silent()), ["alarm wardgate-staging-silent-page: silent-page is wrong."])
        self.assertEqual(self.told(silent(since=1)), ["alarm wardgate-staging-silent-page: silent-page is wrong."])
        rows, _ = status.alarms(target(silent()))
        self.assertIn("no data", rows[1][1])

    def test_of_one_that_has_only_been_made_there_is_nothing_to_tell_until_it_has_had_the_time(self) -> None:
        self.assertEqual(self.told(silent(FIRST, since=14, made=14)), [])
        self.assertEqual(self.told(silent(since=14, made=14)), [])
        self.assertEqual(len(self.told(silent(FIRST, since=16, made=16))), 1)
        # A deploy has changed its description since.
        self.assertEqual(len(self.told(silent(FIRST, since=900, made=1))), 1)

    def test_where_no_data_are_no_trouble_nothing_is_told(self) -> None:
        self.assertEqual(self.told(alarm("latency-warn", "INSUFFICIENT_DATA", UNKNOWN)), [])

    def test_the_longest_of_several_metrics_is_what_it_looks_at(self) -> None:
        metrics = [{"Id": "a", "Expression": "b"}, *({"MetricStat": {"Period": it}} for it in (60, 600))]
        young = silent(FIRST, since=29, made=29, Metrics=metrics)
        young.pop("Period")
        self.assertEqual(self.told(young), [])
        self.assertEqual(len(self.told(young | {"StateTransitionedTimestamp": minutes_ago(31)})), 1)

    def test_what_only_says_that_all_is_over_is_no_trouble_beside_it(self) -> None:
        any_page = alarm("any-page", "ALARM", OKActions=["topic"])
        any_page.pop("AlarmActions")
        slow = alarm("slo-slow-warn", "ALARM")
        told = self.told(alarm("down-page", "ALARM"), composites=[any_page, slow])
        self.assertEqual(
            [it.split(":")[0] for it in told], [f"alarm wardgate-staging-{it}" for it in ("down-page", "slo-slow-warn")]
        )

    def test_in_the_emulator_missing_data_change_no_state(self) -> None:
        os.environ["AWS_ENDPOINT_URL"] = "http://127.0.0.1:1"
        self.assertEqual(self.told(silent()), [])

    def watched(self, *alarms: Json) -> str:
        """What a watch of no minutes says."""
        with contextlib.redirect_stdout(io.StringIO()) as output:
            try:
                watch_alarms.run(target(*alarms), argparse.Namespace(minutes=0))
            except Failed as failure:
                return str(failure)
        return output.getvalue()

    def test_a_watch_hears_of_what_falls_silent_during_it_and_not_of_what_was_silent_before(self) -> None:
        self.assertIn("1 of 1 alarms of staging ring", self.watched(silent(since=-1)))
        self.assertIn("none rang", self.watched(silent(since=1)))
        self.assertIn("1 of 1 alarms of staging ring", self.watched(alarm("down-page", "ALARM", since=1)))


class Composites(unittest.TestCase):
    def test_all_is_over_once_there_are_data_again(self) -> None:
        """An alarm that speaks when there are no data is not over while there are none."""
        made = validate.read("infra/observability.yaml")["Resources"]
        speaking = {name: it for name, it in made.items() if "InsufficientDataActions" in it["Properties"]}
        self.assertTrue(speaking)
        for name, it in speaking.items():
            topic = it["Properties"]["AlarmActions"][0]["Ref"].removesuffix("Topic")
            rule = made[f"Any{topic}"]["Properties"]["AlarmRule"]["Fn::Sub"]
            self.assertIn(f'INSUFFICIENT_DATA("${{{name}}}")', rule)
        # And no other: an alarm that takes missing data for good has none of them until it is first evaluated.
        rules = " ".join(str(it["Properties"].get("AlarmRule")) for it in made.values())
        self.assertEqual(set(re.findall(r'INSUFFICIENT_DATA\("\$\{(\w+)\}"\)', rules)), speaking.keys())
