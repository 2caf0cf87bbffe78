"""What stands for AWS: clients that answer what a test says, and keep what they were asked."""

import datetime
from collections.abc import Callable
from typing import TypeAlias

from botocore.exceptions import ClientError

from wardgate_infra import Json
from wardgate_infra.operate.aliases import Function, Version
from wardgate_infra.operate.stage import Stage

# Of whatever stage: the template, which takes a second to read, is not what these tests are about.
PARAMETERS = {
    "Architecture": "arm64",
    "AuditTableName": "wardgate-audit",
    "LogLevel": "info",
    "MailSender": "Wardgate <no-reply@example.com>",
    "Release": "",
    "TableName": "wardgate",
    "TableStreamArn": "",
}
Call: TypeAlias = tuple[str, dict[str, Json]]


class FakeClient:
    """Answers an operation by its name: with a value, by a function of the arguments, or with an error. What a
    paginator gives is one page."""

    def __init__(self, **answers: Json) -> None:
        self.answers = answers
        self.calls: list[Call] = []

    def __getattr__(self, operation: str) -> Callable[..., Json]:
        def answer(**arguments: Json) -> Json:
            self.calls.append((operation, arguments))
            found = self.answers.get(operation, {})
            found = found(**arguments) if callable(found) else found
            if isinstance(found, Exception):
                raise found
            return found

        return answer

    def get_paginator(self, operation: str) -> "FakePaginator":
        return FakePaginator(getattr(self, operation))

    def asked(self, operation: str) -> list[dict[str, Json]]:
        """The arguments of each call of an operation."""
        return [arguments for name, arguments in self.calls if name == operation]


class FakePaginator:
    def __init__(self, operation: Callable[..., Json]) -> None:
        self.operation = operation

    def paginate(self, **arguments: Json) -> list[Json]:
        return [self.operation(**arguments)]


class FakeBucket(FakeClient):
    """S3 with one bucket of JSON."""

    def __init__(self, **objects: Json) -> None:
        super().__init__()
        self.objects: dict[str, bytes] = {key: value.encode() for key, value in objects.items()}
        self.answers = {"get_object": self.get, "put_object": self.put, "list_objects_v2": self.list}

    def get(self, Key: str, **_: Json) -> Json:  # noqa: N803  # as boto3 has it
        if Key not in self.objects:
            return error("NoSuchKey")
        return {"Body": FakeBody(self.objects[Key])}

    def put(self, Key: str, Body: bytes, **_: Json) -> Json:  # noqa: N803
        # What is written last is the last one.
        self.objects.pop(Key, None)
        self.objects[Key] = Body
        return {}

    def list(self, Prefix: str, **_: Json) -> Json:  # noqa: N803
        """By name, as S3 lists them, each an hour newer than what was written before it."""
        began = datetime.datetime(2026, 1, 31, tzinfo=datetime.UTC)
        ages = {key: began + datetime.timedelta(hours=hours) for hours, key in enumerate(self.objects)}
        found = [{"Key": key, "LastModified": ages[key]} for key in sorted(ages) if key.startswith(Prefix)]
        return {"Contents": found} if found else {}


class FakeBody:
    def __init__(self, content: bytes) -> None:
        self.content = content

    def read(self) -> bytes:
        return self.content


def error(code: str, message: str = "") -> ClientError:
    """What boto3 raises."""
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


def stage(name: str = "staging", /, **clients: Json) -> Stage:
    """A stage whose clients are these."""
    made = Stage(name)
    made.clients = {f"{service} 60": client for service, client in clients.items()}
    made.__dict__["parameters"] = PARAMETERS | {"Stage": name}
    return made


def formation(stacks: dict[str, list[Json]]) -> FakeClient:
    """CloudFormation with these stacks, and the resources of each."""

    def describe(StackName: str) -> Json:  # noqa: N803
        there = StackName in stacks
        return {"Stacks": [{}]} if there else error("ValidationError", f"Stack with id {StackName} does not exist")

    def resources(StackName: str) -> Json:  # noqa: N803
        return {"StackResourceSummaries": stacks[StackName]}

    return FakeClient(describe_stacks=describe, list_stack_resources=resources)


def function(
    name: str, live: str, *publications: str, beside: dict[str, float] | None = None, deployed: str | None = None
) -> Function:
    """A function of staging, with a version of each publication, counted from 1. CloudFormation has deployed the last,
    unless another is named."""
    versions = {str(number): Version(it, f"code of {it}", {}) for number, it in enumerate(publications, 1)}
    last = publications[-1] if deployed is None else deployed
    return Function(f"wardgate-staging-{name}", name, live, beside or {}, versions, last)


# What is asked of CloudFormation beside looking.
CHANGES = ("delete_stack", "continue_update_rollback", "rollback_stack", "cancel_update_stack")
# When each of its stacks was changed last.
BEGAN = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)


class Formation(FakeClient):
    """CloudFormation with a stack that goes through these states: to the next one whenever it is changed, or looked at
    while it is on its way. None is no stack."""

    def __init__(self, *through: str | None, resources: list[Json] | None = None, **answers: Json) -> None:
        self.through = list(through)
        answers.setdefault("list_stack_resources", {"StackResourceSummaries": resources or []})
        super().__init__(describe_stacks=self.describe, **answers)

    def describe(self, StackName: str) -> Json:  # noqa: N803  # as boto3 has it
        state = self.through[0]
        if str(state).endswith("_IN_PROGRESS") and len(self.through) > 1:
            self.through.pop(0)
        if state is None:
            return error("ValidationError", f"Stack with id {StackName} does not exist")
        return {"Stacks": [{"StackStatus": state, "StackId": "s", "CreationTime": BEGAN, "LastUpdatedTime": BEGAN}]}

    @property
    def changed(self) -> list[tuple[str, dict[str, Json]]]:
        return [it for it in self.calls if it[0] in CHANGES]
