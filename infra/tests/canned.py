"""An account of AWS for the tests of `make preflight`: botocore's own clients, which take no answer that AWS could not
give, and give none that no test has put there."""

import functools
import os
import unittest
from typing import TypeAlias
from unittest import mock

import boto3
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from tests.fakes import stage
from wardgate_infra import Client, Json
from wardgate_infra.operate.needs.account import Account, Resource, Stack
from wardgate_infra.operate.needs.finding import Level
from wardgate_infra.operate.needs.intrinsics import Values
from wardgate_infra.operate.preflight import Check

REGION, ID = "eu-central-1", "123456789012"
CALLER = f"arn:aws:iam::{ID}:root"
# Operations in the order in which they are asked, each with its answer, or with the code of an error.
Answers: TypeAlias = list[tuple[str, Json]]
# A resource: its logical id, kind and properties.
Made: TypeAlias = tuple[str, str, Json]


@functools.cache
def real(service: str) -> Client:
    """The SDK's own client, made once, because that takes a while. Without an answer it would ask AWS, as nobody."""
    return boto3.client(service, region_name=REGION, aws_access_key_id="none", aws_secret_access_key="none")


def operations(service: str) -> dict[str, str]:
    """AWS's name of each operation, by the SDK's."""
    return dict(real(service).meta.method_to_api_mapping)


class Denying:
    """A client that may do nothing."""

    def __init__(self, service: str) -> None:
        self.service = service

    def __getattr__(self, method: str) -> Json:
        def deny(**_: Json) -> Json:
            answer = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
            raise ClientError(answer, operations(self.service)[method])

        return deny

    def get_paginator(self, method: str) -> Json:
        return mock.Mock(paginate=getattr(self, method))


class Canned(unittest.TestCase):
    """A test with an account of its own, on AWS and by hand whatever the shell says."""

    def setUp(self) -> None:
        self.stubbers: dict[str, Stubber] = {}
        self.enterContext(mock.patch.dict(os.environ))
        for name in ("AWS_ENDPOINT_URL", "CLOUDFORMATION_ROLE"):
            os.environ.pop(name, None)

    def emulate(self) -> None:
        os.environ["AWS_ENDPOINT_URL"] = "http://127.0.0.1:1"

    def client(self, service: str, answers: Answers) -> Client:
        """A client that gives these answers. Those that it was to give before have to be given."""
        if service not in self.stubbers:
            self.stubbers[service] = stubber = Stubber(real(service))
            stubber.activate()
            self.addCleanup(stubber.deactivate)
            self.addCleanup(stubber.assert_no_pending_responses)
        self.stubbers[service].assert_no_pending_responses()
        for operation, answer in answers:
            if isinstance(answer, str):
                self.stubbers[service].add_client_error(operation, service_error_code=answer)
            else:
                self.stubbers[service].add_response(operation, answer)
        return real(service)

    def account(
        self, answers: dict[str, Answers] | None = None, stacks: list[Stack] | None = None, *, has_stage: bool = False
    ) -> Account:
        """An account with these answers of its services, and these stacks to make, none of which is there."""
        clients = {service: self.client(service, it) for service, it in (answers or {}).items()}
        account = Account(stage(**clients))
        account.stage.parameters.update({"PermissionsBoundary": "", "Issuer": "", "MailIdentity": "example.com"})
        account.__dict__.update({"caller": CALLER, "stacks": stacks or [], "has_stage": has_stage})
        account.known = {it.name: None for it in account.stacks}
        return account

    def found(self, check: Check, account: Account, level: Level, *parts: str) -> None:
        """Holds what a check finds, and that it says each of these."""
        finding = check(account)
        said = f"{finding.text}\n{finding.advice}"
        self.assertEqual(finding.level, level, said)
        for part in parts:
            self.assertIn(part, said)
        # Whatever is not all right says what to do about it, unless it could not be asked.
        self.assertEqual(bool(finding.advice), level in (Level.WARNING, Level.MISSING), said)


def stack(where: Json, name: str, *resources: Made) -> Stack:
    """A stack that makes these. Where it is, only some checks ask."""
    return Stack(where, name, [Resource(*it, Values({}, {})) for it in resources])


def described(name: str, status: str = "CREATE_COMPLETE", **outputs: str) -> Json:
    """A stack, as CloudFormation describes it."""
    found = {"StackName": name, "StackStatus": status, "CreationTime": "2026-01-31T12:00:00Z"}
    listed = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
    return {"Stacks": [{**found, "Outputs": listed}]}
