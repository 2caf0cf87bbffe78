"""What operators' commands tell the edge."""

import json
import unittest
from unittest import mock

import boto3
from botocore.validate import ParamValidator

from tests.fakes import FakeClient, error, stage
from wardgate_infra import ROOT, Failed, Json, templates
from wardgate_infra.operate import audit, edge_orders, restore, rotate, switch_over
from wardgate_infra.operate.needs.account import EDGE_TEMPLATE
from wardgate_infra.operate.restored_table import RestoredTable
from wardgate_infra.operate.stage import Stage

NOW = 1_800_000_000
KEYS = [
    {"kid": "a", "alg": "RS256", "sign_from": 0, "sign_until": 9e15, "publish_until": 9e15},
    {"kid": "b", "alg": "ES256", "sign_from": 0, "sign_until": 9e15, "publish_until": 9e15},
]


def sqs(**answers: Json) -> FakeClient:
    return FakeClient(**({"get_queue_url": {"QueueUrl": "https://queue"}} | answers))


def running(store: str) -> FakeClient:
    given = [{"ParameterKey": "EdgeStoreArn", "ParameterValue": store}]
    return FakeClient(describe_stacks={"Stacks": [{"Parameters": given}]})


def is_valid(**arguments: Json) -> Json:
    """What CloudFront would not take as a request, it does not answer."""
    model = boto3.client("cloudfront", "us-east-1").meta.service_model.operation_model("CreateInvalidation")
    report = ParamValidator().validate(arguments, model.input_shape)
    return ValueError(report.generate_report()) if report.has_errors() else {"Invalidation": {"Status": "InProgress"}}


class EdgeOrders(unittest.TestCase):
    def setUp(self) -> None:
        self.enterContext(mock.patch("time.time", return_value=NOW + 0.9))
        self.said = self.enterContext(mock.patch.object(edge_orders, "say"))

    def sent(self, queue: FakeClient) -> Json:
        [message] = queue.asked("send_message")
        self.assertEqual(message["QueueUrl"], "https://queue")
        return json.loads(message["MessageBody"])["put"]

    def test_sec_ed_15_a_retired_key_is_an_order_that_lives_as_long_as_a_token_could(self) -> None:
        queue = sqs()
        edge_orders.refuse_keys(stage(sqs=queue, cloudformation=running("arn:x")), ["b", "a"])
        self.assertEqual(self.sent(queue), {"key": "all", "value": "0 a b", "until": NOW + 3665, "at": NOW})
        self.assertEqual(queue.asked("get_queue_url"), [{"QueueName": "wardgate-staging-edge-sync"}])
        self.assertIn("what these keys signed", self.said.call_args.args[0])

    def with_edge(self, cloudfront: FakeClient, outputs: Json, edge: str = "on", **clients: Json) -> Stage:
        """A stage with an edge of its own, whose stack has these outputs, and with a list."""
        listed = [{"OutputKey": name, "OutputValue": it} for name, it in outputs.items()]
        given = [
            {"ParameterKey": "EdgeStoreArn", "ParameterValue": "arn:x"},
            {"ParameterKey": "Edge", "ParameterValue": edge},
        ]
        formation = FakeClient(describe_stacks={"Stacks": [{"Outputs": listed, "Parameters": given}]})
        made = stage(cloudfront=cloudfront, cloudformation=formation, **clients)
        self.regions: list[str] = []

        def in_region(region: str) -> Stage:
            self.regions.append(region)
            return made

        self.enterContext(mock.patch.object(Stage, "in_region", side_effect=in_region))
        return made

    def test_sec_ed_15_every_location_is_told_to_ask_for_the_key_set_anew(self) -> None:
        cloudfront = FakeClient(create_invalidation=is_valid)
        for _ in range(2):
            edge_orders.forget_key_set(self.with_edge(cloudfront, {"DistributionId": "E1"}))
        first, second = cloudfront.asked("create_invalidation")
        self.assertEqual((first["DistributionId"], self.regions), ("E1", ["us-east-1"]))
        self.assertEqual(first["InvalidationBatch"]["Paths"], {"Quantity": 1, "Items": ["/.well-known/*"]})
        # CloudFront does nothing for a reference that it knows.
        self.assertNotEqual(*(it["InvalidationBatch"]["CallerReference"] for it in (first, second)))

    def test_sec_ed_15_the_paths_that_are_told_are_those_that_the_edge_keeps(self) -> None:
        template = templates.read(ROOT / EDGE_TEMPLATE)
        distribution = template["Resources"]["Distribution"]["Properties"]["DistributionConfig"]
        self.assertEqual([it["PathPattern"] for it in distribution["CacheBehaviors"]], [edge_orders.KEPT])

    def test_without_an_edge_of_its_own_nothing_is_kept(self) -> None:
        cloudfront = FakeClient()
        edge_orders.forget_key_set(self.with_edge(cloudfront, {}))
        edge_orders.forget_key_set(self.with_edge(cloudfront, {"DistributionId": "E1"}, edge="off"))
        self.assertEqual(cloudfront.calls, [])

    def test_sec_ed_15_where_the_list_or_the_locations_cannot_be_told_the_other_is(self) -> None:
        outputs = {"DistributionId": "E1"}
        queue, cloudfront = sqs(), FakeClient(create_invalidation=error("TooManyInvalidationsInProgress"))
        with self.assertRaisesRegex(Failed, "key set anew(?s:.*)create-invalidation --paths '/.well-known/\\*'"):
            edge_orders.retired(self.with_edge(cloudfront, outputs, sqs=queue), ["a"])
        self.assertEqual(self.sent(queue)["value"], "0 a")
        cloudfront = FakeClient(create_invalidation=is_valid)
        with self.assertRaisesRegex(Failed, "what these keys signed"):
            edge_orders.retired(self.with_edge(cloudfront, outputs, sqs=sqs(send_message=error("AccessDenied"))), ["a"])
        self.assertEqual(len(cloudfront.asked("create_invalidation")), 1)

    def test_a_restore_refuses_what_was_issued_before(self) -> None:
        queue = sqs()
        edge_orders.refuse_before_now(stage(sqs=queue, cloudformation=running("arn:x")))
        self.assertEqual(self.sent(queue)["value"], str(NOW))

    def test_without_an_edge_nothing_is_sent_and_nothing_is_said(self) -> None:
        queue = sqs()
        edge_orders.refuse_before_now(stage(sqs=queue, cloudformation=running("")))
        self.assertEqual(queue.calls, [])
        self.said.assert_not_called()

    def test_a_failure_says_what_is_done_and_how_to_tell_it_again(self) -> None:
        queue = sqs(send_message=error("AccessDenied"))
        with self.assertRaises(Failed) as failed:
            edge_orders.refuse_keys(stage(sqs=queue, cloudformation=running("arn:x")), ["a"])
        text = str(failed.exception)
        for part in ("was not told", "AccessDenied", "wardgate-staging-edge-sync", '"value": "0 a"'):
            self.assertIn(part, text)


class Commands(unittest.TestCase):
    """Which commands tell it."""

    def retired(self, ring: str, kid: str) -> list[list[str]]:
        made = stage(cloudformation=running("arn:x"))
        told: list[list[str]] = []
        answers = iter([{"keys": KEYS}, {"keys": []}, {"keys": []}])
        with (
            mock.patch.object(Stage, "invoke", side_effect=lambda *_: next(answers)),
            mock.patch.object(audit, "record"),
            mock.patch.object(rotate, "say"),
            mock.patch.object(rotate, "show"),
            mock.patch.object(edge_orders, "retired", side_effect=lambda _, kids: told.append(list(kids))),
        ):
            rotate.retire(made, ring, kid, yes=True)
        return told

    def test_sec_ed_15_a_retired_signing_key_is_told_and_no_other_ring_is(self) -> None:
        self.assertEqual(self.retired("signing", "a"), [["a"]])
        self.assertEqual(self.retired("signing", "all"), [["a", "b"]])
        self.assertEqual(self.retired("session_mac", "a"), [])

    def test_a_switch_of_tables_is_told_once_the_functions_use_the_new_one_and_goes_on_if_it_cannot_be(self) -> None:
        done: list[str] = []
        made = stage()

        def tell(_: Stage) -> None:
            done.append("told")
            raise Failed("not told")

        with (
            mock.patch.object(switch_over, "write_parameters"),
            mock.patch.object(switch_over, "deploy", side_effect=lambda _: done.append("deployed")),
            mock.patch.object(audit, "record"),
            mock.patch.object(restore, "say") as said,
            mock.patch.object(edge_orders, "refuse_before_now", side_effect=tell),
        ):
            restore.switch(made, RestoredTable(made, "wardgate"), "", "")
        self.assertEqual(done, ["deployed", "told"])
        said.assert_called_with("not told")
