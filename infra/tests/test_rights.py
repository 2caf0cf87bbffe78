"""Every policy of every template against what IAM knows; and what is made of IAM's rules here."""

import unittest
from collections.abc import Iterator
from unittest import mock

from wardgate_infra import Json, rights, validate
from wardgate_infra.rights import allowing, statements

# What AWS asks for and its own reference does not have.
NOT_IN_THE_REFERENCE = {"apigateway:TagResource", "apigateway:UntagResource"}
# Where the reference knows no resource for an action, and AWS's own examples name one all the same.
NAMED_ALL_THE_SAME = {
    # "Deploying serverless applications gradually" in SAM's guide: a hook's role, by its deployment group.
    "codedeploy:PutLifecycleEventHookExecutionStatus",
    # DynamoDBStreamReadPolicy of SAM's policy templates: by the table's streams.
    "dynamodb:ListStreams",
}
# An ARN of AWS's own account, which the reference's formats leave out.
TRANSFORM = "arn:aws:cloudformation:eu-central-1:aws:transform/Serverless-2016-10-31"


def policies() -> Iterator[tuple[str, Json]]:
    """Each statement of each template, of roles, keys, buckets and topics, with where it stands."""
    for path in validate.STACKS:
        template, values = rights.values_of(path)
        for name, resource in template["Resources"].items():
            for statement in statements(resource.get("Properties", {})):
                yield f"{path}: {name}, {statement.get('Sid', 'without a Sid')}", values.resolve(statement)


class Policies(unittest.TestCase):
    found: list[tuple[str, Json]]

    @classmethod
    def setUpClass(cls) -> None:
        cls.found = list(policies())

    def test_every_action_is_one_that_iam_knows(self) -> None:
        self.assertGreater(len(self.found), 400)
        actions = {(action, where) for where, it in self.found for action in rights.listed(it["Action"])}
        unknown = {it for it in actions if not rights.actions_like(it[0]) and it[0] not in NOT_IN_THE_REFERENCE}
        self.assertEqual(unknown, set())
        # As soon as the reference has them, they are no exception.
        self.assertEqual({it for it in NOT_IN_THE_REFERENCE if rights.actions_like(it)}, set())

    def test_every_action_can_be_allowed_for_what_its_statement_names(self) -> None:
        """One that knows no resource is allowed by `*` alone, and a queue is no answer to a question about a table."""
        wrong = set()
        for where, it in self.found:
            # In the policy of a bucket or a key, the resource is what the policy is about.
            resources = [] if "Principal" in it else rights.listed(it["Resource"])
            if {"*", TRANSFORM, None} & set(resources) or not resources:
                continue
            for action in set(rights.listed(it["Action"])) - NAMED_ALL_THE_SAME - NOT_IN_THE_REFERENCE:
                formats = rights.formats(action)
                if not any(format_.fullmatch(arn.replace("*", "x")) for arn in resources for format_ in formats):
                    wrong.add(f"{where}: {action}")
        self.assertEqual(wrong, set())


class Rules(unittest.TestCase):
    def test_wildcards_are_iams(self) -> None:
        self.assertTrue(rights.matches("role/a-*", "role/a-b"))
        self.assertTrue(rights.matches("secret:a-??", "secret:a-bc"))
        self.assertFalse(rights.matches("secret:a-??", "secret:a-b"))
        self.assertFalse(rights.matches("a.b", "acb"))

    def test_a_pattern_of_actions_stands_for_those_that_there_are(self) -> None:
        self.assertIn("dynamodb:describetable", rights.actions_like("dynamodb:Describe*"))
        self.assertEqual(rights.actions_like("kms:DescribeKey"), ["kms:describekey"])
        self.assertEqual(rights.actions_like("nothing:Describe*") + rights.actions_like("kms:Forge"), [])

    def test_an_action_without_resources_has_no_format(self) -> None:
        self.assertEqual(rights.formats("lambda:ListFunctions"), [])
        table = "arn:aws:dynamodb:eu-central-1:123456789012:table/t"
        self.assertTrue(any(it.fullmatch(table) for it in rights.formats("dynamodb:DescribeTable")))

    def test_statements_allow_by_action_and_resource(self) -> None:
        given = [{"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": "arn:aws:sqs:*:*:mine-*"}]
        self.assertEqual(allowing(given, "sqs:sendmessage", "arn:aws:sqs:r:a:mine-1"), given)
        self.assertEqual(allowing(given, "sqs:SendMessage", "arn:aws:sqs:r:a:yours"), [])
        self.assertEqual(allowing(given, "sqs:DeleteQueue", "arn:aws:sqs:r:a:mine-1"), [])
        # Whose ARN only a deploy knows.
        self.assertTrue(allowing([given[0] | {"Resource": [None]}], "sqs:SendMessage", "arn:aws:sqs:r:a:yours"))

    def test_statements_are_found_under_whatever_condition(self) -> None:
        one, other = ({"Effect": "Allow", "Action": it} for it in ("a:B", "c:D"))
        self.assertEqual(list(statements({"Statement": [one, {"Fn::If": ["C", other, {}]}]})), [one, other])

    def test_a_wrong_action_or_resource_would_be_found(self) -> None:
        wrong = {"Effect": "Allow", "Action": "lambda:ListFunctions", "Resource": "arn:aws:lambda:r:a:function:f"}
        test = Policies("test_every_action_can_be_allowed_for_what_its_statement_names")
        with mock.patch.object(Policies, "found", [("here", wrong)], create=True), self.assertRaises(AssertionError):
            test.test_every_action_can_be_allowed_for_what_its_statement_names()
