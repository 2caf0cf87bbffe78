"""The stacks of `make pipeline` as AWS would take them, and what the boundary leaves to the stage's roles."""

import contextlib
import io
import unittest
from unittest import mock

from tests import fakes
from wardgate_infra import Json, handlers, rights, validate
from wardgate_infra.operate import pipeline, stacks
from wardgate_infra.operate.needs.intrinsics import Values

# What an account has without asking for more.
POLICIES_OF_A_ROLE = 10
# As tests/template/limits.rs, which measures the policies themselves.
SHARE = 0.8


class Stack(unittest.TestCase):
    template: Json

    @classmethod
    def setUpClass(cls) -> None:
        cls.template = validate.read("infra/pipeline.yaml")

    def test_a_role_has_no_more_policies_than_an_account_gives(self) -> None:
        for path in pipeline.TEMPLATES.values():
            for name, it in validate.read(path)["Resources"].items():
                attached = it["Properties"].get("ManagedPolicyArns", [])
                self.assertLessEqual(len(attached), SHARE * POLICIES_OF_A_ROLE, name)

    def test_a_deploy_names_the_role_that_the_other_stack_makes(self) -> None:
        made = rights.values_of("infra/cloudformation-role.yaml")[0]["Resources"]["CloudFormationRole"]["Properties"]
        name = made["RoleName"]["Fn::Sub"].replace("${Stage}", rights.STAGE)
        arn = f"arn:aws:iam::{rights.ACCOUNT}:role{made['Path']}{name}"
        [passed] = rights.allowing(rights.role("DeployRole"), "iam:PassRole", arn)
        self.assertEqual(passed["Resource"], arn)
        changes = [it for it in rights.role("DeployRole") if "cloudformation:RoleArn" in str(it.get("Condition"))]
        self.assertEqual([it["Condition"]["StringEquals"]["cloudformation:RoleArn"] for it in changes], [arn] * 2)

    def test_a_repository_is_named_with_both_ids_or_with_none(self) -> None:
        """https://docs.github.com/actions/reference/openid-connect-reference, "Immutable subject claims"."""
        for value, fits in (
            ("acme/wardgate", True),
            ("acme@123456/wardgate@456789", True),
            ("acme_co@1/ward.gate_2@2", True),
            ("acme/wardgate@456789", False),
            ("acme@123456/wardgate", False),
            ("acme@123456/wardgate@*", False),
            ("acme@x/wardgate@y", False),
            ("repo:acme/wardgate", False),
            ("acme/*", False),
        ):
            parameters = {"Parameters": {"Repository": self.template["Parameters"]["Repository"]}}
            self.assertEqual(not list(validate.refused(parameters, {"Repository": value})), fits, value)

    def test_an_environment_is_known_by_the_subject_alone_word_for_word(self) -> None:
        for role, end in (("DeployRole", ""), ("ReadRole", "-read")):
            [trust] = self.template["Resources"][role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
            self.assertEqual(trust["Condition"].keys(), {"StringEquals"})
            subject = trust["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
            given = Values(self.template, {"Repository": "acme@1/wardgate@2", "Stage": "staging"})
            self.assertEqual(given.resolve(subject), f"repo:acme@1/wardgate@2:environment:staging{end}", role)

    def test_people_are_told_the_repositorys_name_without_ids(self) -> None:
        stage = fakes.stage(cloudformation=fakes.FakeClient(describe_stacks={"Stacks": [{"Outputs": OUTPUTS}]}))
        stage.__dict__["parameters"]["Repository"] = "acme@1/wardgate@2"
        options = mock.Mock(parameters="", yes=True)
        with (
            mock.patch.object(stacks, "deploy"),
            contextlib.redirect_stdout(io.StringIO()) as printed,
        ):
            pipeline.run(stage, options)
        for environment, variable in (("staging", "DEPLOY_ROLE"), ("staging-read", "READ_ROLE")):
            expected = f"The environment {environment} of acme/wardgate on GitHub needs these variables:\n{variable} "
            self.assertIn(expected, printed.getvalue())


NAMES = [name for variables in pipeline.VARIABLES.values() for name in variables.values()]
OUTPUTS = [{"OutputKey": name, "OutputValue": "arn"} for name in NAMES]


class Boundary(unittest.TestCase):
    def test_it_has_what_every_role_of_the_stage_acts_on(self) -> None:
        boundary = rights.attached("infra/cloudformation-role.yaml", "Boundary")
        outside, looked_at = set(), 0
        for path in set(validate.STACKS) - set(handlers.ADMINISTRATORS):
            stack, values = rights.values_of(path)
            for name, it in stack["Resources"].items():
                for statement in rights.statements(it["Properties"].get("Policies", [])):
                    given = values.resolve(statement)
                    for action in rights.listed(given["Action"]):
                        # A wildcard of the role's is a letter that the boundary's wildcard has to match.
                        for arn in filter(None, rights.listed(given["Resource"])):
                            looked_at += 1
                            if not rights.allowing(boundary, action, arn):
                                outside.add(f"{path}: {name}, {action} of {arn}")
        self.assertGreater(looked_at, 200)
        self.assertEqual(outside, set())

    def test_backups_get_their_tables_tags(self) -> None:
        """AWS Backup has asked for this since 2025-09-30, of whatever ARN the backup has."""
        template, values = rights.values_of("infra/backup.yaml")
        role = template["Resources"]["BackupRole"]["Properties"]["Policies"]
        given = [values.resolve(it) for it in rights.statements(role)]
        for arn in (
            "arn:aws:backup:eu-west-1:123456789012:recovery-point:0a1b2c3d",
            "arn:aws:dynamodb:eu-central-1:123456789012:table/wardgate-staging/backup/01-2",
        ):
            [statement] = rights.allowing(given, "backup:TagResource", arn)
            self.assertNotIn("Condition", statement)
