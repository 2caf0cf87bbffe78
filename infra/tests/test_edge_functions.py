"""What a deploy tries of the edge's functions before they are live."""

import contextlib
import io
import json
import os
import unittest
from unittest import mock

import boto3
from botocore.validate import ParamValidator

from tests.fakes import FakeClient, error, stage
from wardgate_infra import ROOT, Failed, Json, templates
from wardgate_infra.operate import edge_functions
from wardgate_infra.operate.needs.account import EDGE_TEMPLATE
from wardgate_infra.operate.stage import Stage

STORE = "arn:aws:cloudfront::123456789012:key-value-store/0a1b2c3d-0000-0000-0000-000000000000"
NAMES = {"viewer": "wardgate-staging-viewer", "deny": "wardgate-staging-deny"}


class CloudFront:
    """CloudFront's functions: what is kept, what is live, and what one says to an event."""

    def __init__(self) -> None:
        model = boto3.client("cloudfront", "us-east-1").meta.service_model
        self.shapes = {it: model.operation_model(it).input_shape for it in ("CreateFunction", "TestFunction")}
        self.kept: dict[str, Json] = {}
        self.live: dict[str, str] = {}
        self.share, self.broken, self.says = "21", "", self.right
        self.runs: list[str] = []
        self.client = FakeClient(
            get_function=self.get,
            describe_function=lambda Name, **_: {"ETag": f"of {Name}"} if Name in self.kept else self.absent(),  # noqa: N803
            create_function=self.create,
            delete_function=self.delete,
            test_function=self.test,
        )

    @staticmethod
    def absent() -> Json:
        return error("NoSuchFunctionExists")

    def refuse_invalid(self, operation: str, arguments: Json) -> None:
        report = ParamValidator().validate(arguments, self.shapes[operation])
        if report.has_errors():
            raise AssertionError(report.generate_report())

    def get(self, Name: str, Stage: str) -> Json:  # noqa: N803  # as boto3 has it
        if Stage != "LIVE" or Name not in self.live:
            return self.absent()
        return {"FunctionCode": io.BytesIO(self.live[Name].encode())}

    def create(self, **given: Json) -> Json:
        self.refuse_invalid("CreateFunction", given)
        if given["Name"] in self.kept:
            return error("FunctionAlreadyExists")
        self.kept[given["Name"]] = given
        return {}

    def delete(self, Name: str, IfMatch: str) -> Json:  # noqa: N803
        if IfMatch != f"of {Name}":
            return error("InvalidIfMatchVersion")
        del self.kept[Name]
        return {}

    def test(self, **given: Json) -> Json:
        self.refuse_invalid("TestFunction", given)
        name = given["Name"]
        if given["Stage"] != "DEVELOPMENT" or given["IfMatch"] != f"of {name}":
            return error("InvalidArgument")
        self.runs.append(name)
        said = self.says(name, json.loads(given["EventObject"]))
        result = {"ComputeUtilization": self.share, "FunctionErrorMessage": self.broken}
        return {"TestResult": result | {"FunctionOutput": json.dumps(said)}}

    @staticmethod
    def right(name: str, event: Json) -> Json:
        request = event["request"]
        if "viewer" in name:
            request["headers"]["x-wardgate-viewer-address"] = {"value": event["viewer"]["ip"]}
            return {"request": request}
        header = request["headers"].get("authorization", {})
        is_expired = request["method"] != "OPTIONS" and header.get("value") == CloudFront.expired(request)
        return {"response": {"statusCode": 401}} if is_expired else {"request": request}

    @staticmethod
    def expired(_: Json) -> str:
        [found] = [it for it in edge_functions.requests("deny") if it.is_refused]
        return str(found.headers["authorization"]["value"])


class Trying(unittest.TestCase):
    def setUp(self) -> None:
        self.enterContext(mock.patch.dict(os.environ, {"AWS_DEFAULT_REGION": "us-east-1"}))
        os.environ.pop("AWS_ENDPOINT_URL", None)
        self.enterContext(mock.patch("time.time", return_value=1_800_000_000.5))
        self.cloudfront = CloudFront()

    def tried(self, store: str | None = STORE) -> str:
        outputs = [{"OutputKey": "EdgeStoreArn", "OutputValue": store}] if store else []
        formation = FakeClient(describe_stacks={"Stacks": [{"Outputs": outputs}]})
        made = stage(cloudfront=self.cloudfront.client, cloudformation=formation)
        with (
            mock.patch.object(Stage, "in_region", return_value=made),
            contextlib.redirect_stdout(io.StringIO()) as printed,
        ):
            edge_functions.try_out(made)
        return printed.getvalue()

    def live(self) -> None:
        resources = templates.read(ROOT / EDGE_TEMPLATE)["Resources"]
        for name, resource in (("viewer", "ViewerFunction"), ("deny", "DenyFunction")):
            self.cloudfront.live[NAMES[name]] = resources[resource]["Properties"]["FunctionCode"]

    def test_what_is_new_is_tried_where_nothing_asks_it_and_taken_away_again(self) -> None:
        printed = self.tried()
        self.assertIn("wardgate-staging-viewer: at most 21 of 100", printed)
        self.assertIn("wardgate-staging-deny: at most 21 of 100", printed)
        names = ["wardgate-staging-viewer-candidate", *["wardgate-staging-deny-candidate"] * 10]
        self.assertEqual(self.cloudfront.runs, names)
        self.assertEqual(self.cloudfront.kept, {})
        created = self.cloudfront.client.asked("create_function")
        self.assertNotIn("KeyValueStoreAssociations", created[0]["FunctionConfig"])
        self.assertEqual(
            created[1]["FunctionConfig"]["KeyValueStoreAssociations"]["Items"][0]["KeyValueStoreARN"], STORE
        )
        self.assertEqual(self.cloudfront.client.asked("publish_function"), [])

    def test_what_is_live_already_is_not_tried_again(self) -> None:
        self.live()
        self.assertEqual((self.tried(), self.cloudfront.runs), ("", []))
        self.cloudfront.live[NAMES["deny"]] += " "
        self.tried()
        self.assertEqual(set(self.cloudfront.runs), {"wardgate-staging-deny-candidate"})

    def test_before_there_is_a_list_its_reader_waits(self) -> None:
        self.tried(store=None)
        self.assertEqual(self.cloudfront.runs, ["wardgate-staging-viewer-candidate"])

    def test_what_must_not_be_live_is_not_and_nothing_is_left(self) -> None:
        def refuses_all(name: str, event: Json) -> Json:
            return CloudFront.right(name, event) if "viewer" in name else {"response": {"statusCode": 401}}

        def believes_the_client(_: str, event: Json) -> Json:
            return {"request": event["request"]}

        def lets_all_through(name: str, event: Json) -> Json:
            return CloudFront.right(name, event) if "viewer" in name else {"request": event["request"]}

        wrong: list[tuple[str, Json, str]] = [
            ("share", "61", "61 of 100 computed"),
            ("broken", "SyntaxError", "SyntaxError"),
            ("says", refuses_all, "no token: it refuses that"),
            ("says", lets_all_through, "an expired token: it lets through that"),
            ("says", believes_the_client, "whose address"),
        ]
        for name, value, part in wrong:
            self.cloudfront = CloudFront()
            setattr(self.cloudfront, name, value)
            with self.assertRaisesRegex(Failed, part):
                self.tried()
            self.assertEqual(self.cloudfront.kept, {}, part)

    def test_what_an_interrupted_deploy_has_left_is_taken_away(self) -> None:
        self.cloudfront.kept["wardgate-staging-viewer-candidate"] = {}
        self.tried()
        self.assertEqual(self.cloudfront.kept, {})

    def test_the_emulator_runs_no_function(self) -> None:
        with mock.patch.dict(os.environ, {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}):
            self.assertEqual((self.tried(), self.cloudfront.client.calls), ("", []))
