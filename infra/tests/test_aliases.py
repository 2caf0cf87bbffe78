"""Which version is live, and how all of them move."""

import base64
import contextlib
import io
import unittest

from tests.fakes import FakeClient, error, formation, function, stage
from wardgate_infra import Failed, Json
from wardgate_infra.operate import aliases, deploy, running
from wardgate_infra.operate.aliases import Function


class Versions(unittest.TestCase):
    def test_the_newest_version_of_a_publication_is_the_highest_number_not_the_last_text(self) -> None:
        me = function("me", "1", *["a"] * 9, "b", "a")
        self.assertEqual(me.version_of("a"), "11")
        self.assertEqual(me.version_of("b"), "10")
        self.assertIsNone(me.version_of("c"))
        self.assertIsNone(me.version_of(None))

    def test_what_is_live_is_the_publication_of_the_version_that_is(self) -> None:
        self.assertEqual(function("me", "1", "a", "b").publication, "a")
        self.assertEqual(function("me", "7", "a", "b").publication, "")
        self.assertEqual(running.short(function("me", "7", "a").publication), "unnamed")

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

    def found(self, **stacks: list[Json]) -> list[Function]:
        """The functions of a release, where these stacks have these resources."""
        versions = [{"Version": "$LATEST", "CodeSha256": "", "Description": "b"}]
        versions += [{"Version": "1", "CodeSha256": "", "Description": "a"}]
        client = FakeClient(get_alias={"FunctionVersion": "1"}, list_versions_by_function={"Versions": versions})
        there = {f"wardgate-staging-{name}".removesuffix("-api"): resources for name, resources in stacks.items()}
        return aliases.functions(stage(**{"lambda": client}, cloudformation=formation(there)))

    def test_functions_are_those_of_the_stack_that_are_still_there(self) -> None:
        gone, role = self.listed("gone", "DELETE_COMPLETE"), self.listed("role", kind="AWS::IAM::Role")
        found = self.found(api=[self.listed("me"), gone, self.listed("login"), role])
        self.assertEqual(
            [(it.short, it.live, list(it.versions)) for it in found], [("login", "1", ["1"]), ("me", "1", ["1"])]
        )

    def test_functions_are_those_of_every_stack_but_the_ones_that_stay_as_new_as_the_data(self) -> None:
        moved, kept = ["rotate-keys", "smoke"], ["migrate", "restore-sweep"]
        # The stacks of the other areas have not been made yet.
        found = self.found(
            migrate=[self.listed(it) for it in (*kept, *moved)],
            accounts=[self.listed("me")],
            api=[self.listed("events")],
            data=[self.listed("other")],
        )
        self.assertEqual([it.short for it in found], ["events", "me", *moved])

    def test_of_no_stack_there_are_none(self) -> None:
        self.assertEqual(self.found(), [])

    def test_what_cloudformation_has_deployed_is_no_version_and_need_not_be_live(self) -> None:
        [me] = self.found(accounts=[self.listed("me")])
        self.assertEqual((me.publication, me.deployed, list(me.versions)), ("a", "b", ["1"]))

    def test_a_function_without_the_alias_takes_no_part(self) -> None:
        client = FakeClient(get_alias=error("ResourceNotFoundException"))
        self.assertEqual(aliases.look(stage(**{"lambda": client}), ["wardgate-staging-me"]), [])

    def test_another_error_is_none_of_that(self) -> None:
        client = FakeClient(get_alias=error("AccessDeniedException"))
        with self.assertRaisesRegex(Exception, "AccessDenied"):
            aliases.look(stage(**{"lambda": client}), ["wardgate-staging-me"])


def moved(name: str, version: str) -> Json:
    """How an alias moves, with nothing beside it any more."""
    weights: Json = {"RoutingConfig": {"AdditionalVersionWeights": {}}}
    return {"FunctionName": f"wardgate-staging-{name}", "Name": "live", "FunctionVersion": version} | weights


class Moving(unittest.TestCase):
    def test_behind_is_what_has_the_publication_and_does_not_answer_with_it_alone(self) -> None:
        live, canary = function("live", "2", "a", "b"), function("canary", "2", "a", "b", beside={"1": 0.1})
        late, new = function("late", "1", "a", "b"), function("new", "1", "c")
        wanted = {"live": "b", "canary": "b", "late": "b", "new": "b"}
        self.assertEqual(aliases.behind([live, canary, late, new], wanted), [canary, late])

    def test_each_function_goes_by_what_it_publishes_itself(self) -> None:
        me, login, other = function("me", "1", "a", "b"), function("login", "2", "c", "d"), function("other", "1", "a")
        self.assertEqual(aliases.behind([me, login, other], {"me": "b", "login": "c"}), [me, login])
        self.assertEqual(aliases.behind([me, login, other], {"me": "a", "login": "d"}), [])

    def test_a_flip_moves_what_is_behind_and_ends_each_canary(self) -> None:
        client = FakeClient()
        me, login = function("me", "1", "a", "b"), function("login", "2", "c", "d", beside={"1": 0.9})
        all_functions = [me, login, function("jwks", "2", "a", "b"), function("new", "1", "c")]
        wanted = {"me": "b", "login": "d", "jwks": "b"}
        self.assertEqual(aliases.flip(stage(**{"lambda": client}), all_functions, wanted), 2)
        self.assertCountEqual(client.asked("update_alias"), [moved("me", "2"), moved("login", "2")])

    def test_a_flip_that_is_refused_in_part_moves_the_rest_and_names_what_stays(self) -> None:
        def update(FunctionName: str, **_: Json) -> Json:  # noqa: N803
            return error("TooManyRequests", "slower") if FunctionName.endswith("-me") else {}

        client = FakeClient(update_alias=update)
        both = [function("me", "1", "a", "b"), function("login", "1", "a", "b")]
        with self.assertRaises(Failed) as failed:
            aliases.flip(stage(**{"lambda": client}), both, {"me": "b", "login": "b"})
        self.assertIn("1 of 2 aliases are moved", str(failed.exception))
        self.assertIn("wardgate-staging-me is not at version 2", str(failed.exception))
        self.assertEqual(len(client.asked("update_alias")), 2)

    def test_what_is_put_back_is_what_is_elsewhere_or_has_something_beside_it(self) -> None:
        now = {"here": ("1", {}), "elsewhere": ("2", {}), "canary": ("1", {"2": 0.1})}

        def alias(FunctionName: str, **_: Json) -> Json:  # noqa: N803
            name = FunctionName.removeprefix("wardgate-staging-")
            if name not in now:
                return error("ResourceNotFoundException")
            live, beside = now[name]
            return {"FunctionVersion": live, "RoutingConfig": {"AdditionalVersionWeights": beside}}

        latest = {"Versions": [{"Version": "$LATEST", "CodeSha256": ""}]}
        client = FakeClient(get_alias=alias, list_versions_by_function=latest)
        before = [function(it, "1", "a", "b") for it in (*now, "gone")]
        self.assertEqual(aliases.put_back(stage(**{"lambda": client}), before), 2)
        self.assertCountEqual(client.asked("update_alias"), [moved("elsewhere", "1"), moved("canary", "1")])

    def test_where_nothing_was_before_nothing_is_put_back(self) -> None:
        client = FakeClient()
        self.assertEqual(aliases.put_back(stage(**{"lambda": client}), []), 0)
        self.assertEqual(client.calls, [])


class Deleting(unittest.TestCase):
    def forgotten(self, me: Function, /, **wanted: str) -> list[str]:
        """The versions that are deleted before a deploy."""
        client = FakeClient()
        aliases.forget(stage(**{"lambda": client}), [me], wanted)
        return [it["Qualifier"] for it in client.asked("delete_function") if it["FunctionName"] == me.name]

    def test_forgotten_are_versions_of_the_publication_that_answer_nothing(self) -> None:
        me = function("me", "1", "a", "b", "b", "c", beside={"2": 0.1}, deployed="a")
        self.assertEqual(self.forgotten(me, me="b"), ["3"])

    def test_an_older_version_of_the_same_publication_is_kept_for_a_rollback(self) -> None:
        # By number: 9 is older than 10, though not as text.
        me = function("me", "10", *["b"] * 9, "a", "b", deployed="a")
        self.assertEqual(self.forgotten(me, me="b"), ["11"])

    def test_what_is_live_is_never_forgotten(self) -> None:
        self.assertEqual(self.forgotten(function("me", "2", "a", "b", deployed="a"), me="b"), [])

    def test_what_cloudformation_has_deployed_is_not_forgotten_after_a_rollback(self) -> None:
        me = function("me", "1", "a", "b", deployed="b")
        self.assertEqual(self.forgotten(me, me="b"), [])

    def test_of_a_function_that_publishes_nothing_nothing_is_forgotten(self) -> None:
        # Nor of one that no deploy has ever published.
        self.assertEqual(self.forgotten(function("me", "1", "a", "b", "", deployed="a"), login="b"), [])

    def test_a_rollback_goes_past_what_a_failed_deploy_has_left_so_that_it_can_be_forgotten(self) -> None:
        # `b` was live, and a deploy of `a`, which was live before it, has failed and left version 3.
        me = function("me", "2", "a", "b", "a", deployed="b")
        self.assertEqual(me.version_of("a"), "1")
        client = FakeClient()
        aliases.flip(stage(**{"lambda": client}), [me], {"me": "a"})
        self.assertEqual(client.asked("update_alias"), [moved("me", "1")])
        self.assertEqual(self.forgotten(function("me", "1", "a", "b", "a", deployed="b"), me="a"), ["3"])

    def test_what_cloudformation_has_deployed_is_its_own_version_and_not_an_older_likeness(self) -> None:
        self.assertEqual(function("me", "2", "a", "b", "a").version_of("a"), "3")
        self.assertEqual(function("me", "2", "a", "b", "a").version_of("c"), None)

    def test_an_alias_that_is_at_what_was_left_goes_to_its_older_likeness_first(self) -> None:
        me, client = function("me", "3", "a", "b", "a", deployed="b"), FakeClient()
        self.assertTrue(aliases.forget(stage(**{"lambda": client}), [me], {"me": "a"}))
        gone = ("delete_function", {"FunctionName": me.name, "Qualifier": "3"})
        self.assertEqual(client.calls, [("update_alias", moved("me", "1")), gone])

    def test_where_nothing_was_left_nothing_is_touched_and_it_says_so(self) -> None:
        client = FakeClient()
        for me in (function("me", "2", "a", "b"), function("me", "1", "a", "b"), function("me", "1", "a")):
            self.assertFalse(aliases.forget(stage(**{"lambda": client}), [me], {"me": "b"}))
        self.assertEqual(client.calls, [])

    def test_what_was_left_and_has_no_likeness_is_published_under_another_name(self) -> None:
        def renamed(me: Function) -> dict[str, str]:
            return aliases.renamed([me, function("login", "1", "x")], {"me": "a", "login": "x"})

        # `a` was live so long ago that its version is gone, and what a deploy of it has left is live.
        found = renamed(function("me", "2", "b", "a", deployed="b"))
        self.assertEqual(found.keys(), {"me"})
        self.assertRegex(found["me"], "^[0-9a-f]{64}$")
        self.assertEqual(found, renamed(function("me", "2", "b", "a", deployed="b")))
        for me in (
            # Not live, live with a likeness, not the last that was published, and CloudFormation's own.
            function("me", "1", "b", "a", deployed="b"),
            function("me", "3", "a", "b", "a", deployed="b"),
            function("me", "1", "a", "b", deployed="b"),
            function("me", "2", "b", "a", deployed="a"),
        ):
            self.assertEqual(renamed(me), {}, me)

    def pruned(self, me: Function, *needed: dict[str, str]) -> list[str]:
        """The versions that are deleted after a deploy."""
        client = FakeClient()
        gone = aliases.prune(stage(**{"lambda": client}), [me], list(needed))
        found = [it["Qualifier"] for it in client.asked("delete_function") if it["FunctionName"] == me.name]
        self.assertEqual(gone, len(found))
        return sorted(found, key=int)

    def test_the_newest_ten_versions_are_kept_by_number(self) -> None:
        published = [f"p{number}" for number in range(1, 13)]
        self.assertEqual(self.pruned(function("me", "12", *published)), ["1", "2"])
        self.assertEqual(self.pruned(function("me", "10", *published[:10])), [])

    def test_of_older_ones_stays_what_answers_and_what_a_needed_release_publishes(self) -> None:
        published = [f"p{number}" for number in range(1, 21)]
        me = function("me", "2", *published, beside={"3": 0.1})
        needed = {"me": "p5", "login": "p6"}, {"me": "p8"}, {"login": "p9"}
        self.assertEqual(self.pruned(me, *needed), ["1", "4", "6", "7", "9", "10"])


class Canaries(unittest.TestCase):
    def test_codedeploy_stays_out_where_an_alias_is_not_where_cloudformation_left_it(self) -> None:
        as_deployed, rolled_back = function("me", "2", "a", "b"), function("login", "1", "a", "b")
        self.assertEqual(self.canary(as_deployed), ({}, ""))
        given, printed = self.canary(as_deployed, rolled_back)
        self.assertEqual(given, {"Canary": "false"})
        self.assertIn("no canary and no hook this time", printed)
        self.assertTrue(printed.endswith(": login (version 1)\n"), printed)
        # A deploy that was taken back in an area, whose versions stay.
        self.assertEqual(self.canary(function("me", "2", "a", "b", "c"))[0], {"Canary": "false"})

    def test_a_likeness_of_what_cloudformation_left_is_not_where_it_left_the_alias(self) -> None:
        # `b` was deployed, then `a`, then `b` again. CloudFormation's own is the last.
        self.assertEqual(self.canary(function("me", "3", "b", "a", "b"))[0], {})
        self.assertEqual(self.canary(function("me", "1", "b", "a", "b"))[0], {"Canary": "false"})
        # Somebody has shared the requests out by hand.
        self.assertEqual(self.canary(function("me", "2", "a", "b", beside={"1": 0.1}))[0], {"Canary": "false"})

    def test_codedeploy_stays_out_until_there_is_an_alarm_that_takes_deployments_back(self) -> None:
        self.assertEqual(self.canary(watched=False), ({"Canary": "false"}, ""))
        self.assertEqual(self.canary(function("me", "2", "a", "b"), watched=False), ({"Canary": "false"}, ""))

    def canary(self, *before: Function, watched: bool = True) -> tuple[dict[str, str], str]:
        with contextlib.redirect_stdout(io.StringIO()) as output:
            return deploy.canary(before, watched=watched), output.getvalue()
