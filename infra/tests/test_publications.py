"""What makes a version of a function another one."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

from wardgate_infra.operate import publications

TEMPLATE = """\
Parameters:
  Release: {Default: unreleased}
  TableName: {Default: wardgate}
  Prefix: {Default: secrets}
  Tracing: {Default: "off"}
  Origins: {Default: "http://localhost"}
  Sender: {Default: ""}
  Rate: {Default: 100}
  DeploymentType: {Default: AllAtOnce}
  Concurrency: {Default: 0}
  StreamArn: {Default: ""}
Conditions:
  Traces: !Not [!Equals [!Ref Tracing, "off"]]
Globals:
  Function:
    Timeout: 10
    Tracing: !If [Traces, Active, PassThrough]
    DeploymentPreference:
      Type: !Ref DeploymentType
    Environment:
      Variables:
        TABLE: !Ref TableName
        PREFIX: !Sub wardgate/${Prefix}/
        ORIGINS: !Sub ["${All}", { All: !Join [",", !Ref Origins] }]
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      DelaySeconds: !Ref Rate
  MeFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: ../../target/lambda/me/
      AutoPublishCodeSha256: !Ref Release
      MemorySize: 512
      ReservedConcurrentExecutions: !Ref Concurrency
      DeploymentPreference:
        Alarms: [!Ref MeAlarm]
      Events:
        Stream:
          Properties:
            Stream: !Ref StreamArn
  MailerFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: ../../target/lambda/mailer/
      AutoPublishCodeSha256: !Ref Release
      Environment:
        Variables:
          SENDER: !Ref Sender
"""
ARCHIVES = {"me": "functions/me/1.zip", "mailer": "functions/mailer/1.zip"}


class Publications(unittest.TestCase):
    def setUp(self) -> None:
        self.root = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.enterContext(mock.patch.object(publications, "ROOT", self.root))

    def published(self, given: dict[str, str], archives: dict[str, str], template: str) -> dict[str, str]:
        (self.root / "area.yaml").write_text(template, encoding="utf-8")
        return publications.publications(["area.yaml"], given, archives)

    def changed(self, said: str = "", other: str = "", /, **options: dict[str, str]) -> set[str]:
        """The functions that publish something else where the template says something else, and with these parameters
        (`given`) and `archives`."""
        if said:
            self.assertEqual(TEMPLATE.count(said), 1)
        before = self.published({}, ARCHIVES, TEMPLATE)
        template = TEMPLATE.replace(said, other) if said else TEMPLATE
        after = self.published(options.get("given", {}), ARCHIVES | options.get("archives", {}), template)
        self.assertEqual(before.keys(), after.keys())
        return {name for name in before if before[name] != after[name]}

    def test_each_function_publishes_a_sha_256_of_its_own(self) -> None:
        found = self.published({}, ARCHIVES, TEMPLATE)
        self.assertEqual(found.keys(), {"me", "mailer"})
        self.assertNotEqual(found["me"], found["mailer"])
        for it in found.values():
            self.assertRegex(it, "^[0-9a-f]{64}$")

    def test_the_functions_of_every_template_publish_something(self) -> None:
        (self.root / "area.yaml").write_text(TEMPLATE, encoding="utf-8")
        other = TEMPLATE.replace("lambda/me/", "lambda/jwks/").replace("lambda/mailer/", "lambda/events/")
        (self.root / "template.yaml").write_text(other, encoding="utf-8")
        archives = ARCHIVES | {"jwks": "functions/jwks/1.zip", "events": "functions/events/1.zip"}
        found = publications.publications(["area.yaml", "template.yaml"], {}, archives)
        self.assertEqual(found.keys(), {"me", "mailer", "jwks", "events"})

    def test_the_same_code_and_settings_are_the_same(self) -> None:
        self.assertEqual(self.changed(), set())
        # Said or not: what a default is changes nothing, nor what is no parameter of the template.
        self.assertEqual(self.changed(given={"TableName": "wardgate", "Rate": "100", "Other": "1"}), set())
        self.assertEqual(self.changed("      MemorySize: 512\n", "      # By the way.\n      MemorySize: 512\n"), set())

    def test_other_code_is_another_version_of_that_function_alone(self) -> None:
        self.assertEqual(self.changed(archives={"me": "functions/me/2.zip"}), {"me"})

    def test_another_setting_is_another_version(self) -> None:
        self.assertEqual(self.changed("MemorySize: 512", "MemorySize: 1024"), {"me"})
        self.assertEqual(self.changed("Timeout: 10", "Timeout: 20"), {"me", "mailer"})

    def test_a_parameter_is_a_setting_of_the_functions_that_mention_it(self) -> None:
        by_reference, within_text, within_a_list = {"TableName": "other"}, {"Prefix": "other"}, {"Origins": "a,b"}
        for given in (by_reference, within_text, within_a_list):
            self.assertEqual(self.changed(given=given), {"me", "mailer"}, given)
        self.assertEqual(self.changed(given={"Sender": "a@example.com"}), {"mailer"})

    def test_a_parameter_may_be_a_setting_by_way_of_a_condition_alone(self) -> None:
        self.assertEqual(self.changed(given={"Tracing": "on"}), {"me", "mailer"})

    def test_another_default_is_another_value(self) -> None:
        self.assertEqual(self.changed('Sender: {Default: ""}', "Sender: {Default: a@example.com}"), {"mailer"})

    def test_a_parameter_that_no_function_mentions_is_no_setting(self) -> None:
        self.assertEqual(self.changed(given={"Rate": "50"}), set())

    def test_a_release_of_another_name_is_none_by_itself(self) -> None:
        self.assertEqual(self.changed(given={"Release": "a" * 64}), set())
        by_release = "      AutoPublishCodeSha256: !Ref Release\n      MemorySize"
        self.assertEqual(self.changed(by_release, "      AutoPublishCodeSha256: other\n      MemorySize"), set())
        # Not even where a function is told it.
        named = TEMPLATE.replace("Timeout: 10", "Timeout: 10\n    Description: !Ref Release")
        first, second = (self.published({"Release": it * 64}, ARCHIVES, named) for it in "ab")
        self.assertEqual(first, second)

    def test_how_a_version_gets_its_traffic_and_what_leads_to_it_are_no_part_of_it(self) -> None:
        for given in ({"DeploymentType": "Canary"}, {"Concurrency": "5"}, {"StreamArn": "arn:x"}):
            self.assertEqual(self.changed(given=given), set(), given)
        self.assertEqual(self.changed("Alarms: [!Ref MeAlarm]", "Alarms: [!Ref OtherAlarm]"), set())
        self.assertEqual(self.changed("Stream: !Ref StreamArn", "Stream: other"), set())
        self.assertEqual(self.changed("Executions: !Ref Concurrency", "Executions: 7"), set())
        self.assertEqual(self.changed("Type: !Ref DeploymentType", "Type: Canary"), set())

    def test_where_the_code_lies_in_a_checkout_is_no_part_of_it(self) -> None:
        self.assertEqual(self.changed("../../target/lambda/me/", "../target/lambda/me/"), set())
