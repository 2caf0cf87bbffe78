"""What `make preflight` and a deploy make of the checks, and what they do where AWS does not answer."""

import argparse
import contextlib
import functools
import io
import re
from collections.abc import Callable
from unittest import mock

from tests.canned import CALLER, ID, REGION, Canned, Denying, described, operations
from tests.fakes import FakeClient, stage
from wardgate_infra import ROOT, Failed
from wardgate_infra.operate import deploy, preflight
from wardgate_infra.operate.needs import github, names, placeholders
from wardgate_infra.operate.needs.account import Account
from wardgate_infra.operate.needs.finding import ACTIONS, Finding, Level
from wardgate_infra.operate.preflight import Check
from wardgate_infra.operate.stage import Stage

NEEDS = ROOT / "infra/wardgate_infra/operate/needs"
PAGE = ROOT / "docs/operations/preflight.md"
SERVICES = (
    *("acm", "apigatewayv2", "backup", "cloudformation", "cloudwatch", "dynamodb", "events", "iam", "kms", "lambda"),
    *("logs", "route53", "s3", "secretsmanager", "service-quotas", "sesv2", "sns", "sqs"),
)


def giving(level: Level, title: str = "Something") -> Check:
    """A check that finds this."""

    def check(_account: Account) -> Finding:
        return Finding(level, f"it is {level}", "Do something." if level in (Level.WARNING, Level.MISSING) else "")

    check.__doc__ = title
    return check


class Verb(Canned):
    def printed(self, do: Callable[[], object]) -> str:
        with contextlib.redirect_stdout(io.StringIO()) as output:
            do()
        return output.getvalue()

    def checks(self, *levels: Level, of_every_deploy: tuple[Level, ...] = ()) -> None:
        """What there is to check."""
        self.enterContext(mock.patch.object(preflight, "CHECKS", tuple(map(giving, levels))))
        self.enterContext(mock.patch.object(preflight, "OF_EVERY_DEPLOY", tuple(map(giving, of_every_deploy))))

    def stage(self, *, is_there: bool) -> Stage:
        answer = described("it", "UPDATE_COMPLETE" if is_there else "ROLLBACK_COMPLETE")
        identity = FakeClient(get_caller_identity={"Arn": CALLER})
        return stage(cloudformation=FakeClient(describe_stacks=answer), sts=identity)

    def run_verb(self) -> str:
        return self.printed(lambda: preflight.run(self.stage(is_there=False), argparse.Namespace()))

    def test_each_check_is_a_line_and_what_is_not_right_has_one_more(self) -> None:
        self.checks(Level.OK, Level.WARNING, Level.NOT_ASKED)
        self.assertEqual(
            self.run_verb(),
            f"Stage staging in {REGION}, account {ID}\n"
            "ok         Something  it is ok\n"
            "warning    Something  it is warning\n"
            "           Do something.\n"
            "not asked  Something  it is not asked\n"
            "Nothing is missing without which a deploy fails. 1 of 3 checks warn, and 1 could not be asked.\n",
        )

    def test_only_what_a_deploy_would_fail_of_fails(self) -> None:
        self.checks(Level.MISSING, Level.OK, Level.MISSING)
        with self.assertRaisesRegex(
            Failed, "^make deploy STAGE=staging would fail: 2 things are to be put right, as above"
        ):
            self.run_verb()

    def test_a_first_deploy_tells_what_is_not_right(self) -> None:
        self.checks(Level.OK, Level.WARNING, Level.NOT_ASKED, of_every_deploy=(Level.MISSING,))
        said = self.printed(lambda: preflight.before_deploy(self.stage(is_there=False), anyway=False))
        self.assertEqual(re.findall("^[a-z ]+(?=  Something)", said, re.MULTILINE), ["warning  ", "not asked"])

    def test_a_later_one_asks_for_what_can_still_fail_and_is_silent_where_nothing_does(self) -> None:
        self.checks(Level.MISSING, of_every_deploy=(Level.OK, Level.WARNING))
        said = self.printed(lambda: preflight.before_deploy(self.stage(is_there=True), anyway=False))
        self.assertEqual(said, "")

    def test_a_deploy_to_the_emulator_is_like_a_later_one(self) -> None:
        self.emulate()
        self.checks(Level.MISSING, of_every_deploy=(Level.OK, Level.NOT_ASKED))
        said = self.printed(lambda: preflight.before_deploy(self.stage(is_there=False), anyway=False))
        self.assertEqual(said, "not asked  Something  it is not asked\n")

    def test_what_is_missing_stops_a_deploy_unless_somebody_knows_better(self) -> None:
        self.checks(of_every_deploy=(Level.MISSING,))
        there = self.stage(is_there=True)
        with self.assertRaisesRegex(Failed, "has not begun: 1 thing is to be put right(?s:.*)ANYWAY=1"):
            self.printed(lambda: preflight.before_deploy(there, anyway=False))
        said = self.printed(lambda: preflight.before_deploy(there, anyway=True))
        self.assertIn("missing    Something  it is missing\n           Do something.\n", said)

    def test_a_deploy_is_stopped_before_its_first_step(self) -> None:
        parser, ran = argparse.ArgumentParser(), mock.Mock(return_value=None)
        deploy.arguments(parser)
        self.checks(of_every_deploy=(Level.MISSING,))
        self.enterContext(mock.patch.object(deploy, "STEPS", [("only", ran, "")]))
        for typed, steps in (([], 0), (["--anyway"], 1)):
            with contextlib.suppress(Failed):
                self.printed(functools.partial(deploy.run, self.stage(is_there=True), parser.parse_args(typed)))
            self.assertEqual(ran.call_count, steps)


class Unasked(Canned):
    def test_no_check_stops_where_it_has_no_rights_and_each_says_which_it_takes(self) -> None:
        denied = stage(**{service: Denying(service) for service in SERVICES})
        given = {"PermissionsBoundary": "it", "Issuer": "https://auth.example.com", "MailIdentity": "example.com"}
        denied.parameters.update(given | {"CopyRegion": "eu-west-1", "GitHubProvider": ""})
        self.enterContext(mock.patch.dict("os.environ", {"CLOUDFORMATION_ROLE": "arn:it"}))
        self.enterContext(mock.patch.object(Stage, "in_region", return_value=denied))
        account = Account(denied)
        account.__dict__.update({"caller": CALLER, "has_stage": True})
        # As if each stack were new: otherwise nothing is asked but for the stacks.
        account.known = {it.name: None for it in account.stacks}
        # The one looks at files alone, and the other asks GitHub.
        asking = [it for it in preflight.CHECKS if it not in (placeholders.left, github.rules)]
        for result in preflight.ask(account, asking):
            self.assertEqual(result.finding.level, Level.NOT_ASKED, result)
            found = re.findall(r"the right ([a-z0-9]+:[A-Za-z]+) is missing", result.finding.text)
            self.assertTrue(found and set(found) <= set(ACTIONS.values()), result)

    def test_without_credentials_or_a_way_to_aws_nothing_is_asked_either(self) -> None:
        account = Account(stage(sts=FakeClient(get_caller_identity=Failed("no way"))))
        results = preflight.ask(account, [names.taken, giving(Level.OK)])
        self.assertEqual([it.finding.level for it in results], [Level.NOT_ASKED, Level.OK])
        self.assertEqual((results[0].title, results[0].finding.text), ("Names", "no way"))

    def test_each_question_has_its_right_and_no_other_is_listed(self) -> None:
        source = "".join(it.read_text(encoding="utf-8") for it in sorted(NEEDS.glob("*.py")))
        listed = re.findall(r'\.get_paginator\("([a-z_]+)"', source)
        asked = {*listed, *re.findall(r"\.((?:get|list|describe|head)_(?!paginator)[a-z_]+)", source)}
        known = {method: it for service in SERVICES for method, it in operations(service).items()}
        # Of the SDK alone, which every caller may.
        questions = {known[it] for it in asked if it != "get_caller_identity"}
        # Which stage.py asks.
        self.assertEqual(questions | {"DescribeStacks"}, set(ACTIONS))

    def test_the_page_has_each_check_and_each_right(self) -> None:
        page = PAGE.read_text(encoding="utf-8")
        for check in preflight.CHECKS:
            self.assertIn(f"\n| {check.__doc__} |", page)
        for right in ACTIONS.values():
            self.assertIn(f"`{right}`", page)
