"""What `make validate` finds without its tools."""

import unittest
from unittest import mock

from wardgate_infra import Json, validate


def refused(parameter: Json, value: str) -> list[str]:
    return list(validate.refused({"Parameters": {"P": parameter}}, {"P": value}))


class Parameters(unittest.TestCase):
    def test_a_value_that_is_not_allowed_is_refused(self) -> None:
        allowed = {"Type": "Number", "AllowedValues": [1, 3]}
        self.assertEqual(refused(allowed, "3"), [])
        self.assertEqual(refused(allowed, "2"), ["P is '2', not one of [1, 3]"])

    def test_a_pattern_is_for_the_whole_value(self) -> None:
        pattern = {"Type": "String", "AllowedPattern": "[a-z]+"}
        self.assertEqual(refused(pattern, "abc"), [])
        self.assertEqual(refused(pattern, "abc1"), ["P is 'abc1', which does not match [a-z]+"])

    def test_a_number_is_within_its_bounds(self) -> None:
        number = {"Type": "Number", "MinValue": 1, "MaxValue": 9}
        self.assertEqual([refused(number, it) for it in ("1", "9")], [[], []])
        self.assertEqual(refused(number, "0"), ["P is 0, not from 1 to 9"])
        self.assertEqual(refused({"Type": "Number", "MaxValue": 9}, "10"), ["P is 10, not from -inf to 9"])

    def test_a_stages_values_are_over_the_defaults(self) -> None:
        template = {"Parameters": {"A": {"Default": 1}, "B": {"Default": "b"}, "Release": {"Type": "String"}}}
        with mock.patch.object(validate, "read", return_value={"B": ["x", "y"], "Other": 1}):
            found = validate.parameters(template, "infra/staging/parameters.yaml")
        self.assertEqual(found, {"A": "1", "B": "x,y", "Release": "0" * 64})
        self.assertEqual(validate.parameters(template, None)["B"], "b")


class Stacks(unittest.TestCase):
    def stages(self, count: int, value: str = "a") -> tuple[bool, list[str]]:
        """A stack of so many queues, whose one parameter may be only `a`."""
        template = {
            "Parameters": {"P": {"Type": "String", "Default": value, "AllowedValues": ["a"]}},
            "Resources": {f"Queue{number}": {"Type": "AWS::SQS::Queue"} for number in range(count)},
        }
        with (
            mock.patch.object(validate, "read", return_value=template),
            mock.patch.object(validate, "STAGES", {"development": None}),
        ):
            return validate.stages("stack.yaml")

    def test_a_stack_that_fits_says_what_is_in_it(self) -> None:
        self.assertEqual(self.stages(2), (True, ["stack.yaml: 2 resources: 2 AWS::SQS::Queue"]))

    def test_a_stack_that_is_nearly_full_does_not_fit(self) -> None:
        fits, lines = self.stages(validate.MOST_RESOURCES)
        self.assertFalse(fits)
        self.assertIn("stack.yaml, development: 400 resources, 400 are too many: split the stack", lines[0])

    def test_a_stage_with_a_wrong_value_does_not_fit(self) -> None:
        fits, lines = self.stages(1, "b")
        self.assertFalse(fits)
        self.assertIn("P is 'b', not one of ['a']", lines[0])
