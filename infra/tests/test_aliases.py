"""Which version is live, and how all of them move."""

import base64
import unittest

from tests.fakes import FakeClient, error, function, stage
from wardgate_infra import Failed, Json
from wardgate_infra.operate import aliases, running


class Versions(unittest.TestCase):
    def test_the_newest_version_of_a_release_is_the_highest_number_not_the_last_text(self) -> None:
        me = function("me", "1", *["a"] * 9, "b", "a")
        self.assertEqual(me.version_of("a"), "11")
        self.assertEqual(me.version_of("b"), "10")
        self.assertIsNone(me.version_of("c"))

    def test_what_is_live_is_the_release_of_the_version_that_is(self) -> None:
        self.assertEqual(function("me", "2", "a", "b").release, "b")
        self.assertEqual(function("me", "7", "a", "b").release, "")
        self.assertEqual(running.short(function("me", "7", "a").release), "unnamed")

    def test_a_version_has_its_code_as_hexadecimal_and_its_environment(self) -> None:
        described = {
            "Description": "a",
            "CodeSha256": base64.b64encode(bytes([0, 255])).decode(),
            "Environment": {"Variables": {"X": "1"}},
        }
        self.assertEqual(aliases.version(described), aliases.Version("a", "00ff", {"X": "1"}))
        self.assertEqual(aliases.version({"CodeSha256": ""}), aliases.Version("", "", {}))

    def test_an_alias_without_a_canary_has_no_weights(self) -> None:
        self.assertEqual(aliases.weights({"RoutingConfig": {"AdditionalVersionWeights": None}}), {})
        self.assertEqual(aliases.weights({"RoutingConfig": {"AdditionalVersionWeights": {"2": 0.1}}}), {"2": 0.1})


class Looking(unittest.TestCase):
    def listed(self, name: str, status: str = "CREATE_COMPLETE", kind: str = "AWS::Lambda::Function") -> Json:
        return {"PhysicalResourceId": f"wardgate-staging-{name}", "ResourceStatus": status, "ResourceType": kind}

    def test_functions_are_those_of_the_stack_that_are_still_there(self) -> None:
        resources = [
            self.listed("me"),
            self.listed("gone", "DELETE_COMPLETE"),
            self.listed("login"),
            self.listed("role", kind="AWS::IAM::Role"),
        ]
        client = FakeClient(
            get_alias={"FunctionVersion": "1"},
            list_versions_by_function={"Versions": [{"Version": "$LATEST"}, {"Version": "1", "CodeSha256": ""}]},
        )
        formation = FakeClient(list_stack_resources={"StackResourceSummaries": resources})
        found = aliases.functions(stage(**{"lambda": client}, cloudformation=formation))
        self.assertEqual(
            [(it.short, it.live, list(it.versions)) for it in found], [("login", "1", ["1"]), ("me", "1", ["1"])]
        )

    def test_a_function_without_the_alias_takes_no_part(self) -> None:
        client = FakeClient(get_alias=error("ResourceNotFoundException"))
        self.assertEqual(aliases.look(stage(**{"lambda": client}), ["wardgate-staging-me"]), [])

    def test_another_error_is_none_of_that(self) -> None:
        client = FakeClient(get_alias=error("AccessDeniedException"))
        with self.assertRaisesRegex(Exception, "AccessDenied"):
            aliases.look(stage(**{"lambda": client}), ["wardgate-staging-me"])


class Moving(unittest.TestCase):
    def test_behind_is_what_has_the_release_and_does_not_answer_with_it_alone(self) -> None:
        live, canary = function("live", "2", "a", "b"), function("canary", "2", "a", "b", beside={"1": 0.1})
        late, new = function("late", "1", "a", "b"), function("new", "1", "c")
        self.assertEqual(aliases.behind([live, canary, late, new], "b"), [canary, late])

    def test_a_flip_moves_what_is_behind_and_ends_each_canary(self) -> None:
        client = FakeClient()
        all_functions = [function("me", "1", "a", "b"), function("login", "2", "a", "b"), function("new", "1", "c")]
        self.assertEqual(aliases.flip(stage(**{"lambda": client}), all_functions, "b"), 1)
        moved = {"FunctionName": "wardgate-staging-me", "Name": "live", "FunctionVersion": "2"}
        weights: Json = {"RoutingConfig": {"AdditionalVersionWeights": {}}}
        self.assertEqual(client.asked("update_alias"), [moved | weights])

    def test_a_flip_that_is_refused_in_part_moves_the_rest_and_names_what_stays(self) -> None:
        def update(FunctionName: str, **_: Json) -> Json:  # noqa: N803
            return error("TooManyRequests", "slower") if FunctionName.endswith("-me") else {}

        client = FakeClient(update_alias=update)
        both = [function("me", "1", "a", "b"), function("login", "1", "a", "b")]
        with self.assertRaises(Failed) as failed:
            aliases.flip(stage(**{"lambda": client}), both, "b")
        self.assertIn("1 of 2 aliases are at release b", str(failed.exception))
        self.assertIn("wardgate-staging-me has still version 1", str(failed.exception))
        self.assertEqual(len(client.asked("update_alias")), 2)

    def test_forgotten_are_versions_of_the_release_that_answer_nothing(self) -> None:
        client = FakeClient()
        me = function("me", "1", "b", "b", "b", "a", beside={"2": 0.1})
        aliases.forget(stage(**{"lambda": client}), [me], "b")
        self.assertEqual(client.asked("delete_function"), [{"FunctionName": "wardgate-staging-me", "Qualifier": "3"}])
