"""What a stage is given: its own file, what a deploy changes, and how both reach a template."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

from tests.fakes import FakeClient, stage
from wardgate_infra import Failed, templates
from wardgate_infra.operate import deploy, stacks, switch_over
from wardgate_infra.operate import stage as stages

FILE = """\
# For every stack: the table.
TableName: wardgate
Origins: [a, b]
TableStreamArn: ""
"""


class Changed(unittest.TestCase):
    def test_values_are_quoted_as_in_a_shell_and_may_have_equals_signs(self) -> None:
        text = "LogLevel=debug 'MailSender=A B <a@example.com>' TableStreamArn=x=y"
        expected = {"LogLevel": "debug", "MailSender": "A B <a@example.com>", "TableStreamArn": "x=y"}
        self.assertEqual(deploy.changed_parameters(stage(), text), expected)
        self.assertEqual(deploy.changed_parameters(stage(), ""), {})

    def test_what_is_no_parameter_is_refused_by_name(self) -> None:
        with self.assertRaisesRegex(Failed, "^PARAMETERS has Loglevel, which is no parameter of staging"):
            deploy.changed_parameters(stage(), "Loglevel=debug")

    def test_stage_and_release_are_no_deploys_to_change(self) -> None:
        with self.assertRaisesRegex(Failed, "has Release, Stage, which"):
            deploy.changed_parameters(stage(), "Stage=production Release=1")


class Given(unittest.TestCase):
    def test_lists_and_numbers_are_text(self) -> None:
        self.assertEqual(templates.as_text({"a": ["x", 1], "b": 2, "c": True}), {"a": "x,1", "b": "2", "c": "True"})

    def test_every_parameter_of_a_template_is_given_and_no_other(self) -> None:
        content = {"Parameters": {"A": {"Default": 1}, "B": {"Default": "b"}}}
        self.assertEqual(stacks.given_to(content, {"B": "other", "C": "c"}), {"A": "1", "B": "other"})

    def test_functions_are_named_by_where_their_archives_are(self) -> None:
        me = {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "target/lambda/me"}}
        content = {"Resources": {"Me": me, "Queue": {"Type": "AWS::SQS::Queue"}}}
        stacks.name_code(content, stacks.Code("bucket", {"me": "functions/me/1.zip"}, {"me": "a"}))
        expected = {"CodeUri": "s3://bucket/functions/me/1.zip", "AutoPublishCodeSha256": "a"}
        self.assertEqual(me["Properties"], expected)

    def test_a_stack_says_what_it_was_given(self) -> None:
        stack = {"Parameters": [{"ParameterKey": "Release", "ParameterValue": "a"}]}
        self.assertEqual(stacks.parameter(stack, "Release"), "a")
        self.assertIsNone(stacks.parameter(stack, "Other"))
        self.assertIsNone(stacks.parameter(None, "Release"))


class Files(unittest.TestCase):
    def setUp(self) -> None:
        self.root = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.file = self.root / "infra/staging/parameters.yaml"
        self.file.parent.mkdir(parents=True)
        self.file.write_text(FILE, encoding="utf-8")
        for module in (stages, switch_over):
            self.enterContext(mock.patch.object(module, "ROOT", self.root))

    def write(self, **templates_of: str) -> None:
        """Templates of the areas."""
        for name, text in templates_of.items():
            file = self.root / f"infra/functions/{name}.yaml"
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")

    def test_a_stages_own_file_is_over_the_defaults_of_the_templates(self) -> None:
        template = "Parameters: {TableName: {Default: none}, Days: {Default: 7}, Release: {Type: String}}"
        (self.root / "template.yaml").write_text(template, encoding="utf-8")
        (self.root / "infra/migrate.yaml").write_text("Parameters: {RotationDays: {Default: 30}}", encoding="utf-8")
        self.write(accounts="Parameters: {TableName: {Default: none}, Memory: {Default: 512}}")
        expected = {"TableName": "wardgate", "Days": "7", "Origins": "a,b", "TableStreamArn": "", "Stage": "staging"}
        expected |= {"RotationDays": "30", "Memory": "512"}
        self.assertEqual(stages.Stage("staging").parameters, expected)

    def test_a_release_is_what_hooks_ask_then_each_area_and_at_last_the_api_which_leads_to_them(self) -> None:
        self.write(**{"sign-in": "", "accounts": "", "pages": ""})
        expected = [
            ("wardgate-staging-migrate", "infra/migrate.yaml"),
            ("wardgate-staging-accounts", "infra/functions/accounts.yaml"),
            ("wardgate-staging-pages", "infra/functions/pages.yaml"),
            ("wardgate-staging-sign-in", "infra/functions/sign-in.yaml"),
            ("wardgate-staging", "template.yaml"),
        ]
        self.assertEqual(list(stages.Stage("staging").release_stacks.items()), expected)

    def test_a_table_is_named_without_touching_anything_else(self) -> None:
        switch_over.write_parameters(stage(), "wardgate-restored-1", "arn:x")
        expected = FILE.replace("wardgate\n", "wardgate-restored-1\n").replace('""', '"arn:x"')
        self.assertEqual(self.file.read_text(encoding="utf-8"), expected)

    def test_a_file_without_both_lines_is_left_as_it_is(self) -> None:
        self.file.write_text("TableName: wardgate\n", encoding="utf-8")
        with self.assertRaisesRegex(Failed, "one line each for TableName and TableStreamArn"):
            switch_over.write_parameters(stage(), "other", "arn:x")
        self.assertEqual(self.file.read_text(encoding="utf-8"), "TableName: wardgate\n")

    def test_a_deploy_does_not_go_to_another_table_than_the_live_one(self) -> None:
        def running(table: str) -> FakeClient:
            parameters = [{"ParameterKey": "TableName", "ParameterValue": table}]
            return FakeClient(describe_stacks={"Stacks": [{"Parameters": parameters}]})

        switch_over.refuse_other_table(stage(cloudformation=running("wardgate")))
        with self.assertRaisesRegex(Failed, "SWITCH_TO=wardgate$"):
            switch_over.refuse_other_table(stage(cloudformation=running("wardgate-restored-1")))

    def test_a_stage_that_does_not_exist_is_refused(self) -> None:
        with self.assertRaisesRegex(Failed, "STAGE is one of development, staging, production, not 'test'"):
            stages.Stage("test")
