"""Whether anybody hears of a stage, and what GitHub lets in."""

import os
from unittest import mock

from tests.canned import Answers, Canned, described
from wardgate_infra import Failed, Json
from wardgate_infra.operate.needs import account as accounts
from wardgate_infra.operate.needs import github, told
from wardgate_infra.operate.needs.account import Account
from wardgate_infra.operate.needs.finding import Level

TOPIC = "arn:aws:sns:eu-central-1:123456789012:wardgate-production-page"


class Subscribers(Canned):
    def look(self, *subscribed: str, stage: str = "production", topic: bool = True, **parameters: str) -> Account:
        outputs = {"PageTopicArn": TOPIC} if topic else {}
        answers: dict[str, Answers] = {"cloudformation": [("describe_stacks", described("it", **outputs))]}
        if topic:
            found = [{"SubscriptionArn": it} for it in subscribed]
            answers["sns"] = [("list_subscriptions_by_topic", {"Subscriptions": found})]
        account = self.account(answers)
        account.stage.name = stage
        account.stage.parameters.update({"PageEmail": "", "PageWebhook": ""} | parameters)
        return account

    def test_production_is_refused_without_anybody_and_others_are_warned(self) -> None:
        for topic in (True, False):
            self.found(told.subscribers, self.look(topic=topic), Level.MISSING, "nobody: PageEmail", "Write PageEmail")
        self.found(told.subscribers, self.look(stage="staging"), Level.WARNING, "nobody")
        self.emulate()
        self.found(told.subscribers, self.look(), Level.WARNING, "nobody")

    def test_somebody_by_parameter_or_by_hand_is_enough_once_confirmed(self) -> None:
        given: dict[str, Json] = {"PageWebhook": "https://events.example.net/x"}
        self.found(told.subscribers, self.look(topic=False, **given), Level.OK, "subscribes PageWebhook")
        self.found(told.subscribers, self.look(told.PENDING, **given), Level.WARNING, "no subscription is confirmed")
        found = self.look(f"{TOPIC}:1", told.PENDING)
        self.found(told.subscribers, found, Level.OK, "1 of 2 subscriptions")


class Outside(Canned):
    def look(self, *, there: bool, stage: str = "production", **parameters: str) -> Account:
        account = self.account()
        account.stage.name = stage
        account.stage.parameters.update({"OutsideProbe": "on", "Issuer": "https://auth.example.net"} | parameters)
        for module in (told, accounts):
            self.enterContext(mock.patch.object(module, "is_there", return_value=there))
        return account

    def test_the_deploy_makes_it_and_a_pipeline_does_not(self) -> None:
        self.found(told.outside, self.look(there=False), Level.OK, "the deploy makes wardgate-production-probe")
        self.found(told.outside, self.look(there=True), Level.OK, "Route 53, by wardgate-production-probe in us-east-1")
        os.environ["CLOUDFORMATION_ROLE"] = "arn:aws:iam::123456789012:role/it"
        self.found(told.outside, self.look(there=False), Level.WARNING, "nobody asks", "as an administrator")

    def test_it_asks_a_name_alone(self) -> None:
        for issuer in ("", "http://auth.example.net", "https://auth.example.net/v2", "https://auth.example.net:8443"):
            self.found(told.outside, self.look(there=False, Issuer=issuer), Level.MISSING, "no https:// name alone")

    def test_production_without_it_is_warned_and_what_is_left_of_it_is_named(self) -> None:
        self.found(told.outside, self.look(there=False, OutsideProbe="off"), Level.WARNING, "OutsideProbe is off")
        self.found(told.outside, self.look(there=False, stage="staging", OutsideProbe="off"), Level.OK, "off")
        left = self.look(there=True, stage="staging", OutsideProbe="off")
        self.found(told.outside, left, Level.WARNING, "still asks", "delete-stack --region us-east-1")
        self.emulate()
        self.found(told.outside, self.look(there=False), Level.OK, "nobody is outside the emulator")


GUARDED = [{"type": it} for it in ("pull_request", "required_status_checks", "non_fast_forward")]
REPOSITORY = "repos/acme/wardgate"


class GitHub(Canned):
    """GitHub as the documentation of its API has it."""

    def setUp(self) -> None:
        super().setUp()
        environment = f"{REPOSITORY}/environments/production"
        reviewers = [{"type": "User", "reviewer": {}}, {"type": "Team", "reviewer": {}}]
        protection = {"type": "required_reviewers", "prevent_self_review": True, "reviewers": reviewers}
        self.answers: dict[str, Json] = {
            environment: {
                "protection_rules": [protection],
                "deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True},
            },
            f"{environment}/deployment-branch-policies": {"branch_policies": [{"name": "v*", "type": "tag"}]},
            f"{REPOSITORY}/rules/branches/develop": GUARDED,
            f"{REPOSITORY}/rules/branches/main": GUARDED,
            f"{REPOSITORY}/rulesets": [{"id": 7, "target": "tag", "enforcement": "active"}],
            f"{REPOSITORY}/rulesets/7": {
                "conditions": {"ref_name": {"include": ["refs/tags/v*"], "exclude": []}},
                "rules": [{"type": "creation"}, {"type": "update"}, {"type": "deletion"}],
            },
        }
        self.enterContext(mock.patch.object(github, "gh", self.answers.get))
        self.which = self.enterContext(mock.patch("shutil.which", return_value="/usr/bin/gh"))

    def look(self, level: Level, *parts: str, repository: str = "acme@1/wardgate@2") -> None:
        account = self.account()
        account.stage.name = "production"
        account.stage.parameters["Repository"] = repository
        self.found(github.rules, account, level, *parts)

    def test_what_is_guarded_is_fine(self) -> None:
        self.look(Level.OK, "environment, branches and tags of acme/wardgate are guarded")

    def test_an_environment_that_lets_in_more_or_has_nobody_to_approve(self) -> None:
        path = f"{REPOSITORY}/environments/production"
        self.answers[path]["protection_rules"][0] |= {"reviewers": [{}], "prevent_self_review": False}
        self.answers[f"{path}/deployment-branch-policies"]["branch_policies"].append({"name": "main"})
        self.look(Level.WARNING, "lets in main, v*, not v* alone", "fewer than 2 reviewers", "approve what they have")
        self.answers[path]["deployment_branch_policy"] = None
        self.look(Level.WARNING, "lets in every branch and tag")
        del self.answers[path]
        self.look(Level.WARNING, "there is no environment production")

    def test_branches_and_tags_without_a_rule(self) -> None:
        self.answers[f"{REPOSITORY}/rules/branches/develop"] = GUARDED[:1]
        self.answers[f"{REPOSITORY}/rulesets/7"]["rules"].pop()
        self.look(
            Level.WARNING,
            "develop takes what the check has not passed; develop can be force-pushed",
            "tags v* are without rules against deletion",
        )
        self.answers[f"{REPOSITORY}/rulesets"] = [{"id": 7, "target": "tag", "enforcement": "disabled"}]
        self.look(Level.WARNING, "against creation, deletion, update")

    def test_without_gh_or_a_repository_it_says_so_plainly(self) -> None:
        self.look(Level.OK, "Repository is nobody's yet", repository="example/wardgate")
        self.which.return_value = None
        self.look(Level.NOT_ASKED, "gh is not installed here", "by hand")

    def test_what_gh_refuses_is_no_answer(self) -> None:
        mock.patch.stopall()
        with mock.patch("subprocess.run") as run:
            run.return_value = mock.Mock(returncode=1, stdout="", stderr="gh: Not Found (HTTP 404)\n")
            self.assertIsNone(REAL("repos/acme/wardgate"))
            run.return_value.stderr = "To get started with GitHub CLI, please run:  gh auth login\nmore"
            with self.assertRaisesRegex(Failed, "^gh api x: To get started with GitHub CLI"):
                REAL("x")


REAL = github.gh
