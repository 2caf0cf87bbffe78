"""What `make edge-probe` finds, and what it leaves unmeasured."""

import argparse
import contextlib
import http.server
import io
import json
import threading
import unittest
from collections.abc import Iterator
from unittest import mock

from tests.fakes import FakeClient, error, stage
from wardgate_infra import Failed, Json
from wardgate_infra.operate import edge_probe
from wardgate_infra.operate.stage import Stage

REFUSED = {"response": {"statusCode": 401}}
PASSED = {"request": {"method": "GET"}}


class Answering(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("x-amz-cf-pop", "FRA56-P1")
        self.send_header("x-cache", "Hit from cloudfront")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextlib.contextmanager
def site() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class Probe(unittest.TestCase):
    def probed(self, share: str = "21", **services: FakeClient) -> tuple[str, str | None]:
        """What is printed, and why it failed if it did."""
        outputs = {"EdgeStoreArn": "arn:store", "WebAclArn": "arn:aws:wafv2:us-east-1:1:global/webacl/name/id"}
        listed = [{"OutputKey": name, "OutputValue": it} for name, it in outputs.items()]
        self.keys: dict[str, str] = {}

        def test(Name: str, EventObject: bytes, **_: Json) -> Json:  # noqa: N803
            is_denied = Name.endswith("-deny") and bool(self.keys) and b"Bearer " in EventObject
            output = json.dumps(REFUSED if is_denied else PASSED)
            return {"TestResult": {"ComputeUtilization": share, "FunctionOutput": output}}

        def put(Key: str, Value: str, **_: Json) -> Json:  # noqa: N803
            self.keys[Key] = Value
            return {"ETag": "2"}

        given = {
            "cloudformation": FakeClient(describe_stacks={"Stacks": [{"Outputs": listed}]}),
            "cloudfront": FakeClient(describe_function={"ETag": "1"}, test_function=test),
            "cloudfront-keyvaluestore": FakeClient(
                describe_key_value_store={"ETag": "1"},
                put_key=put,
                delete_key=lambda Key, IfMatch, **_: self.keys.pop(Key) if IfMatch == "2" else error("Conflict"),  # noqa: N803
            ),
            "wafv2": FakeClient(
                get_web_acl={"WebACL": {"Capacity": 640}},
                get_rate_based_statement_managed_keys={"ManagedKeysIPV4": {"Addresses": ["192.0.2.7/32"]}},
            ),
        }
        with site() as issuer, contextlib.redirect_stdout(io.StringIO()) as printed:
            made = stage(**{**given, **{name.replace("_", "-"): it for name, it in services.items()}})
            made.parameters.update({"Edge": "on", "Issuer": issuer})
            self.enterContext(mock.patch.object(Stage, "in_region", return_value=made))
            try:
                edge_probe.run(made, argparse.Namespace())
            except Failed as failure:
                return printed.getvalue(), str(failure)
        return printed.getvalue(), None

    def test_everything_that_can_be_asked_is_said_and_the_store_is_left_as_it_was(self) -> None:
        printed, failure = self.probed()
        self.assertIsNone(failure)
        for part in ("21 of 100", "640 of 5000", "FRA56-P1", "Hit from cloudfront", "0 of 8 unmeasured."):
            self.assertIn(part, printed)
        self.assertRegex(printed, r"deny list, a write +\d+ ms")
        self.assertRegex(printed, r"until a function reads it +\d+ ms")
        self.assertRegex(printed, r"addresses over one now +1")
        self.assertEqual(self.keys, {})

    def test_what_cannot_be_asked_is_unmeasured_and_the_rest_is_said(self) -> None:
        printed, failure = self.probed(
            cloudfront=FakeClient(describe_function=error("AccessDenied")), wafv2=FakeClient(get_web_acl={"WebACL": {}})
        )
        self.assertIsNone(failure)
        self.assertIn("4 of 8 unmeasured.", printed)
        self.assertRegex(printed, r"function deny, compute utilisation +unmeasured")
        self.assertEqual(self.keys, {}, "it is taken out all the same")

    def test_a_function_that_computes_too_much_fails(self) -> None:
        _, failure = self.probed(share="61")
        self.assertIn("above 60 of 100", str(failure))

    def test_without_an_edge_there_is_nothing_to_measure(self) -> None:
        with self.assertRaisesRegex(Failed, "staging has no edge of its own"):
            edge_probe.run(stage(), argparse.Namespace())
