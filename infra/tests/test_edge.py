"""What stands in front of a stage's API, as a deploy finds it."""

import hashlib
import json
import os
import unittest
from typing import ClassVar
from unittest import mock

from tests.fakes import FakeClient, error, function, stage
from wardgate_infra import Failed, Json
from wardgate_infra.operate import edge
from wardgate_infra.operate.aliases import Function, Version
from wardgate_infra.operate.edge import Versions
from wardgate_infra.operate.needs.account import EDGE_REGION
from wardgate_infra.operate.stage import Stage

OLD, NEW = "old-secret", "new-secret"
EDGE = "wardgate-staging-edge"


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def knowing(*secrets: str) -> Version:
    return Version("", "", {edge.DIGESTS: json.dumps([digest(it) for it in secrets])})


def running(*versions: Version, beside: Version | None = None) -> list[Function]:
    """Functions, each at one of these; the first with another version beside it."""
    found = []
    for number, version in enumerate(versions):
        others = {"2": beside} if beside and number == 0 else {}
        share = dict.fromkeys(others, 0.1)
        found.append(Function(f"wardgate-staging-{number}", str(number), "1", share, {"1": version, **others}, ""))
    return found


class Account(unittest.TestCase):
    def setUp(self) -> None:
        self.enterContext(mock.patch.dict(os.environ))
        os.environ.pop("CLOUDFORMATION_ROLE", None)

    def stage(self, labels: dict[str, list[str]] | None, sent: str | None = None, **parameters: str) -> Stage:
        """A stage whose secret has these versions, named by their values, and whose edge sends one of them."""
        described = {"VersionIdsToStages": labels} if labels is not None else error("ResourceNotFoundException")
        secrets = FakeClient(
            describe_secret=described,
            get_secret_value=lambda VersionId, **_: {"SecretString": VersionId},  # noqa: N803
        )
        self.secrets = secrets
        given = [{"ParameterKey": "SecretVersion", "ParameterValue": sent or ""}]
        outputs = [{"OutputKey": "EdgeStoreArn", "OutputValue": "arn:store"}]
        there = {"Stacks": [{"Parameters": given, "Outputs": outputs}]}
        made = stage(secretsmanager=secrets, cloudformation=FakeClient(describe_stacks=there))
        made.__dict__["region"] = EDGE_REGION
        made.parameters.update({"Edge": "on", "EdgeDigests": "", "Issuer": "https://auth.example.com"} | parameters)
        self.enterContext(mock.patch.object(Stage, "in_region", return_value=made))
        return made


class Secret(Account):
    def test_versions_are_known_by_their_labels(self) -> None:
        for labels, expected in (
            ({OLD: ["AWSCURRENT"]}, Versions(OLD, None)),
            ({OLD: ["AWSCURRENT"], NEW: ["AWSPENDING"]}, Versions(OLD, NEW)),
            ({OLD: ["AWSPREVIOUS"], NEW: ["AWSCURRENT", "AWSPENDING"]}, Versions(NEW, None)),
            (None, None),
        ):
            self.assertEqual(edge.versions(self.stage(labels)), expected)

    def test_sec_ed_01_functions_get_digests_of_the_current_one_and_the_next_and_never_a_secret(self) -> None:
        made = self.stage({"older": ["AWSPREVIOUS"], OLD: ["AWSCURRENT"], NEW: ["AWSPENDING"]})
        self.assertTrue(edge.say_to(made))
        self.assertEqual(made.parameters["EdgeDigests"], f"{digest(OLD)},{digest(NEW)}")
        self.assertNotIn(OLD, made.parameters["EdgeDigests"])
        self.assertFalse(edge.say_to(made), "it is not new to them")

    def test_before_the_first_deploy_there_is_none(self) -> None:
        made = self.stage(None)
        self.assertEqual((edge.digests(made), edge.to_send(made, [])), ([], None))

    def test_an_edge_of_ones_own_keeps_what_the_stage_says(self) -> None:
        made = self.stage({OLD: ["AWSCURRENT"]}, Edge="off", EdgeDigests="theirs")
        self.assertFalse(edge.say_to(made))
        self.assertEqual(made.parameters["EdgeDigests"], "theirs")
        self.assertEqual(self.secrets.calls, [])

    def test_a_pipeline_keeps_what_the_last_deploy_gave_and_reads_no_secret(self) -> None:
        os.environ["CLOUDFORMATION_ROLE"] = "arn:role"
        made = self.stage({OLD: ["AWSCURRENT"]})
        with self.assertRaisesRegex(Failed, "An administrator makes it once"):
            edge.say_to(made)
        given = {"Stacks": [{"Parameters": [{"ParameterKey": "EdgeDigests", "ParameterValue": "d"}]}]}
        made.clients["cloudformation 60"] = FakeClient(describe_stacks=given)
        edge.say_to(made)
        self.assertEqual(made.parameters["EdgeDigests"], "d")
        self.assertEqual(self.secrets.calls, [])


class Sending(Account):
    def test_sec_ed_03_the_edge_sends_what_everything_that_answers_takes(self) -> None:
        made = self.stage({OLD: ["AWSPREVIOUS"], NEW: ["AWSCURRENT"]}, sent=OLD)
        both, old = knowing(OLD, NEW), knowing(OLD)
        for functions, expected in (
            (running(both, both), NEW),
            (running(both, old), OLD),
            (running(both, both, beside=old), OLD),
            # What knows none lets everything through.
            ([function("me", "1", "a")], NEW),
            ([], NEW),
        ):
            self.assertEqual(edge.to_send(made, functions), expected)

    def test_sec_ed_03_a_version_from_before_a_rotation_is_nothing_to_go_back_to(self) -> None:
        self.assertTrue(edge.lacks([knowing(OLD)], [knowing(NEW)]))
        self.assertTrue(edge.lacks([knowing(OLD)], [knowing(OLD, NEW)]))
        self.assertFalse(edge.lacks([knowing(OLD, NEW)], [knowing(NEW)]))
        self.assertFalse(edge.lacks([Version("", "", {})], [knowing(NEW)]))

    def test_it_waits_for_every_location(self) -> None:
        answers = [{"Distribution": {"Status": it}} for it in ("InProgress", "InProgress", "Deployed")]
        outputs = {"Stacks": [{"Outputs": [{"OutputKey": "DistributionId", "OutputValue": "E1"}]}]}
        made = self.stage({})
        made.clients["cloudformation 60"] = FakeClient(describe_stacks=outputs)
        made.clients["cloudfront 60"] = FakeClient(get_distribution=lambda **_: answers.pop(0))
        slept: list[float] = []
        edge.wait(made, clock=lambda: 0.0, sleep=slept.append)
        self.assertEqual((len(slept), answers), (2, []))
        made.clients["cloudfront 60"] = FakeClient(get_distribution={"Distribution": {"Status": "InProgress"}})
        times = iter([0.0, 1.0, 1801.0])
        with self.assertRaisesRegex(Failed, "Not every location has distribution E1"):
            edge.wait(made, clock=lambda: next(times), sleep=slept.append)


class Unready(Account):
    READY: ClassVar = {
        "EdgeCertificateArn": "arn:1",
        "OriginDomain": "origin.example.com",
        "OriginCertificateArn": "arn:2",
    }

    def test_what_could_not_be_made_stops_a_deploy_before_it_begins(self) -> None:
        edge.refuse_unready(self.stage({}, Edge="off"))
        edge.refuse_unready(self.stage({}, **self.READY))
        wrong: list[tuple[Json, str]] = [
            ({"OriginDomain": ""}, "OriginDomain is empty"),
            ({"EdgeCertificateArn": ""}, "EdgeCertificateArn is empty"),
            ({"Issuer": ""}, "Issuer is empty"),
            ({"Issuer": "https://auth.example.com/x"}, "a name alone"),
            ({"OriginDomain": "auth.example.com"}, "would ask itself"),
        ]
        for changed, part in wrong:
            with self.assertRaisesRegex(Failed, part):
                edge.refuse_unready(self.stage({}, **(self.READY | changed)))
