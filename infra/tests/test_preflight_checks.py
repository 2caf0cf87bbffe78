"""What the checks of `make preflight` find of quotas, keys and roles, of answers as AWS gives them."""

from tests.canned import ID, Answers, Canned, Made, described, stack
from wardgate_infra import Json
from wardgate_infra.operate.needs import access, limits
from wardgate_infra.operate.needs.account import Account
from wardgate_infra.operate.needs.finding import Level


def quota(value: int) -> Json:
    return {"Quota": {"Value": float(value)}}


class Concurrency(Canned):
    def account_of(self, most: int, unreserved: int, reserves: int | None = 30, now: int | None = None) -> Account:
        """One where a stage's function is to reserve so much, and has reserved so much."""
        limit = {"ConcurrentExecutions": most, "UnreservedConcurrentExecutions": unreserved}
        answers: Answers = [("get_account_settings", {"AccountLimit": limit})]
        if now is not None:
            answers.append(("get_function_concurrency", {"ReservedConcurrentExecutions": now}))
        properties = {"FunctionName": "wardgate-staging-login", "ReservedConcurrentExecutions": reserves}
        others = {"FunctionName": "wardgate-staging-me"}
        resources = ("Login", limits.FUNCTION, properties), ("Me", limits.FUNCTION, others)
        account = self.account({"lambda": answers}, [stack(None, "sign-in", *resources)])
        account.known["sign-in"] = None if now is None else {"Login", "Me"}
        return account

    def test_what_is_reserved_leaves_a_hundred(self) -> None:
        self.found(
            limits.concurrency, self.account_of(130, 130), Level.OK, "reserves 30, others 0 of 130; 100 are left"
        )

    def test_a_new_account_has_ten_and_is_told_to_ask_for_the_usual(self) -> None:
        parts = "reserves 30, others 0 of 10; -20 are left", "ask for 1000", "L-B99A9384", "some days"
        self.found(limits.concurrency, self.account_of(10, 10), Level.MISSING, *parts)

    def test_what_other_stages_reserve_counts(self) -> None:
        self.found(limits.concurrency, self.account_of(1000, 129), Level.MISSING, "others 871", "ask for 1001")
        self.found(limits.concurrency, self.account_of(1000, 130), Level.OK, "others 870")

    def test_what_the_stage_has_reserved_already_does_not_count_twice(self) -> None:
        self.found(limits.concurrency, self.account_of(1000, 120, now=10), Level.OK, "others 870")
        self.found(limits.concurrency, self.account_of(1000, 119, now=10), Level.MISSING, "others 871")

    def test_less_than_before_is_never_refused(self) -> None:
        self.found(limits.concurrency, self.account_of(100, 60, now=40), Level.OK, "70 are left")

    def test_where_nothing_is_reserved_so_few_are_only_slow(self) -> None:
        self.found(
            limits.concurrency, self.account_of(10, 10, reserves=None), Level.WARNING, "no more than 10 requests"
        )
        self.found(limits.concurrency, self.account_of(1000, 1000, reserves=None), Level.OK)

    def test_the_emulator_refuses_none(self) -> None:
        self.emulate()
        self.found(limits.concurrency, self.account_of(10, 10), Level.WARNING)


class Limits(Canned):
    def test_a_stacks_functions_are_deployed_at_the_same_time(self) -> None:
        resources: list[Made] = [(f"It{number}", limits.FUNCTION, {}) for number in range(15)]
        stacks = [stack(None, "few", *resources[:3]), stack(None, "many", *resources)]
        for most, has_stage, level in ((15, True, Level.OK), (14, True, Level.MISSING), (14, False, Level.WARNING)):
            answers: Answers = [("get_service_quota", quota(most))]
            account = self.account({"service-quotas": answers}, stacks, has_stage=has_stage)
            self.found(limits.deployments, account, level, f"15 at a time where all of many changes, of {most}")

    def test_a_quota_that_the_account_has_not_changed_is_that_of_aws(self) -> None:
        answers: Answers = [
            ("get_service_quota", "NoSuchResourceException"),
            ("get_aws_default_service_quota", quota(1300)),
        ]
        account = self.account({"service-quotas": answers}, [stack(None, "one")])
        self.found(limits.deployments, account, Level.OK, "of 1300")

    def test_stacks_that_are_there_are_not_made_and_deleted_ones_do_not_count(self) -> None:
        statuses = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE")
        there = [{"StackName": it, "StackStatus": it, "CreationTime": "2026-01-31T12:00:00Z"} for it in statuses]
        for most, level in ((3, Level.OK), (2, Level.MISSING)):
            answers: Answers = [
                ("describe_account_limits", {"AccountLimits": [{"Name": "StackLimit", "Value": most}]}),
                ("list_stacks", {"StackSummaries": there}),
            ]
            account = self.account({"cloudformation": answers})
            account.__dict__["stacks"] = [stack(account.stage, "new"), stack(account.stage, "old")]
            account.known = {"new": None, "old": set()}
            self.found(limits.stacks, account, level, f"1 of 2 have to be made, and there are 2 of {most}")

    def test_tables_that_are_there_are_not_made(self) -> None:
        table = "AWS::DynamoDB::GlobalTable"
        for most, level in ((4, Level.OK), (3, Level.MISSING)):
            answers: Answers = [("list_tables", {"TableNames": ["one", "two", "wardgate-staging"]})]
            stacks = [stack(None, "data", ("Table", table, {}), ("AuditTable", table, {}))]
            account = self.account(
                {"dynamodb": answers, "service-quotas": [("get_service_quota", quota(most))]}, stacks
            )
            account.known["data"] = {"Table"}
            self.found(limits.tables, account, level, f"1 have to be made, and there are 3 of {most}")

    def test_roles_and_policies_have_a_quota_each(self) -> None:
        made: list[Made] = [(it, "AWS::IAM::Role", {}) for it in ("One", "Two")]
        made.append(("It", "AWS::IAM::ManagedPolicy", {}))
        for roles, policies, level, part in (
            (12, 11, Level.OK, "2 roles have to be made, and there are 10 of 12; 1 policies"),
            (11, 11, Level.MISSING, "ask for more roles:"),
            (12, 10, Level.MISSING, "ask for more policies:"),
        ):
            summary = {"Roles": 10, "RolesQuota": roles, "Policies": 10, "PoliciesQuota": policies}
            account = self.account(
                {"iam": [("get_account_summary", {"SummaryMap": summary})]}, [stack(None, "one", *made)]
            )
            self.found(limits.identities, account, level, part)


class Boundary(Canned):
    NAME = "wardgate-pipeline/wardgate-staging-boundary"

    def bounded(self, made: Json, *asked: tuple[str, Json]) -> Account:
        """One whose stage has a boundary, where the pipeline's stack is this, and IAM answers so."""
        account = self.account({"cloudformation": [("describe_stacks", made)], "iam": list(asked)})
        account.stage.parameters["PermissionsBoundary"] = self.NAME
        return account

    def test_none_is_needed_where_none_is_named(self) -> None:
        self.found(access.boundary, self.account(), Level.OK, "is empty")

    def test_what_make_pipeline_has_made_is_there(self) -> None:
        made = described("wardgate-staging-cloudformation-role", Boundary=self.NAME)
        self.found(access.boundary, self.bounded(made), Level.OK, "is there")

    def test_another_policy_of_that_name_will_do(self) -> None:
        # Of another boundary than the one that is named.
        made = described("wardgate-staging-cloudformation-role", Boundary="other")
        policy: Json = {"Policy": {"PolicyName": "wardgate-staging-boundary"}}
        account = self.bounded(made, ("get_policy", policy))
        self.found(access.boundary, account, Level.OK, "is there")

    def test_without_it_no_role_can_be_made(self) -> None:
        for emulated, level in ((False, Level.MISSING), (True, Level.WARNING)):
            if emulated:
                self.emulate()
            account = self.bounded(described("it"), ("get_policy", "NoSuchEntity"))
            self.found(access.boundary, account, level, self.NAME, "make pipeline STAGE=staging")


class Key(Canned):
    ALIAS = "alias/wardgate-staging"

    def keyed(self, *aliases: str, state: str | None = None, boundary: str = "") -> Account:
        listed = [{"AliasName": it, "TargetKeyId": "6f1d2c9e-3b7a-4f50-8e21-0a9b8c7d6e5f"} for it in aliases]
        answers: Answers = [("list_aliases", {"Aliases": listed, "Truncated": False})]
        if state:
            answers.append(("describe_key", {"KeyMetadata": {"KeyId": "6f1d", "KeyState": state}}))
        data = stack(None, "wardgate-staging-data", ("KeyAlias", "AWS::KMS::Alias", {"AliasName": self.ALIAS}))
        account = self.account({"kms": answers}, [stack(None, "other"), data])
        account.stage.parameters["PermissionsBoundary"] = boundary
        return account

    def test_one_that_is_enabled_is_fine(self) -> None:
        self.found(access.key, self.keyed("alias/aws/s3", self.ALIAS, state="Enabled"), Level.OK, "is enabled")

    def test_one_that_is_to_be_deleted_or_disabled_is_not(self) -> None:
        self.found(
            access.key, self.keyed(self.ALIAS, state="Disabled"), Level.MISSING, "is Disabled", ": enable key 6f1d"
        )
        pending = self.keyed(self.ALIAS, state="PendingDeletion")
        self.found(access.key, pending, Level.MISSING, "is PendingDeletion", "cancel its deletion")

    def test_a_new_alias_counts_late_where_a_boundary_goes_by_it(self) -> None:
        self.found(access.key, self.keyed(f"{self.ALIAS}-backup"), Level.OK, f"the deploy makes {self.ALIAS}")
        self.found(access.key, self.keyed(boundary="some/boundary"), Level.OK, "waits up to five minutes")


class GitHub(Canned):
    ARN = f"arn:aws:iam::{ID}:oidc-provider/token.actions.githubusercontent.com"

    def known(self, *arns: str, given: str = "", pipeline: Json | None = None) -> Account:
        listed = {"OpenIDConnectProviderList": [{"Arn": it} for it in arns]}
        answers: Answers = [("describe_stacks", pipeline)] if pipeline else []
        account = self.account({"iam": [("list_open_id_connect_providers", listed)], "cloudformation": answers})
        account.stage.parameters["GitHubProvider"] = given
        return account

    def test_it_is_there_or_nobody_wants_it(self) -> None:
        other = f"arn:aws:iam::{ID}:oidc-provider/accounts.google.com"
        self.found(access.github, self.known(other), Level.OK, "none")
        self.found(access.github, self.known(other, self.ARN, given=self.ARN), Level.OK, "is there")
        own = described("wardgate-staging-pipeline", DeployRoleArn="it")
        self.found(access.github, self.known(self.ARN, pipeline=own), Level.OK, "is there")

    def test_there_can_be_one_only(self) -> None:
        account = self.known(self.ARN, pipeline=described("it"))
        self.found(access.github, account, Level.WARNING, self.ARN, "GitHubProvider")

    def test_one_that_is_named_has_to_be_there(self) -> None:
        self.found(access.github, self.known(given=self.ARN), Level.WARNING, "the account has none")
