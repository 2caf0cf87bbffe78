"""AWS as it answers to a role of `make pipeline`: what the role's policies do not allow is refused."""

import contextlib
import datetime
import functools
import io
import json
import re
from collections.abc import Callable
from unittest import mock

from tests import fakes
from tests.fakes import FakeClient
from wardgate_infra import Json, rights
from wardgate_infra.operate.stage import Stage

HERE = f"{rights.REGION}:{rights.ACCOUNT}"
# Where IAM's action is not the SDK's operation.
ACTIONS = {
    "get_stage": "apigateway:GET",
    "head_bucket": "s3:ListBucket",
    "head_object": "s3:GetObject",
    "invoke": "lambda:InvokeFunction",
    "list_objects_v2": "s3:ListBucket",
}
# Which resource an argument names.
NAMED: dict[str, Callable[[str], str]] = {
    "ApiId": lambda name: f"apigateway:{rights.REGION}::/apis/{name}/stages/$default",
    "FunctionName": lambda name: f"lambda:{HERE}:function:{name}",
    "KeyId": lambda name: f"kms:{HERE}:key/{name}",
    "QueueName": lambda name: f"sqs:{HERE}:{name}",
    "QueueUrl": lambda url: f"sqs:{HERE}:{url.rpartition('/')[2]}",
    "SecretId": lambda name: f"secretsmanager:{HERE}:secret:{name}-AbCdEf",
    "StackName": lambda name: f"cloudformation:{HERE}:stack/{name}/0a1b",
    "TableName": lambda name: f"dynamodb:{HERE}:table/{name}",
    "applicationName": lambda name: f"codedeploy:{HERE}:application:{name}",
    "logGroupName": lambda name: f"logs:{HERE}:log-group:{name}",
    # Of a bus. What else has a name is named by another argument as well.
    "Name": lambda name: f"events:{HERE}:event-bus/{name}",
}
# What is allowed to whoever has signed in.
FREE = {"sts:GetCallerIdentity"}


@functools.cache
def policies(role: str) -> tuple[Json, ...]:
    """The statements of a role, read once."""
    return tuple(rights.role(role))


def asked(service: str, operation: str, arguments: dict[str, Json]) -> tuple[str, str]:
    """The action that IAM is asked about, and the resource."""
    name = "".join(word.capitalize() for word in operation.split("_"))
    action = ACTIONS.get(operation, f"{service}:{name}")
    if not rights.formats(action):
        return action, "*"
    if "Bucket" in arguments:
        key = f"/{arguments['Key']}" if "Key" in arguments else ""
        return action, f"arn:aws:s3:::{arguments['Bucket']}{key}"
    for argument, arn in NAMED.items():
        if argument in arguments:
            version = f":{arguments['Qualifier']}" if "Qualifier" in arguments else ""
            return action, f"arn:aws:{arn(arguments[argument])}{version}"
    return action, "*"


class RoleClient(FakeClient):
    """Answers what the role may ask, and keeps what was refused."""

    def __init__(self, service: str, role: str, refused: list[str], answers: Json) -> None:
        super().__init__(**answers)
        self.service, self.role, self.refused = service, role, refused

    def __getattr__(self, operation: str) -> Callable[..., Json]:
        given = super().__getattr__(operation)

        def answer(**arguments: Json) -> Json:
            action, arn = asked(self.service, operation, arguments)
            if action not in FREE and not rights.allowing(policies(self.role), action, arn):
                self.refused.append(f"{action} of {arn}")
                raise fakes.error("AccessDeniedException", f"not authorized to perform: {action} on resource: {arn}")
            return given(**arguments)

        return answer


def payload(**answer: Json) -> Json:
    """What a function answers."""
    return lambda **_: {"Payload": io.BytesIO(json.dumps(answer).encode())}


def stage(role: str, **answers: dict[str, Json]) -> tuple[Stage, list[str]]:
    """Staging as it is to a role, with what a quiet stage answers but for what is given; and what was refused."""
    made, refused = fakes.stage(), list[str]()
    for service, usual in QUIET.items():
        client = RoleClient(service, role, refused, usual | answers.get(service, {}))
        made.clients |= {f"{service} 60": client, f"{service} 900": client}
    made.__dict__["region"] = rights.REGION
    return made, refused


def kept(Key: str, **_: Json) -> Json:  # noqa: N803  # as boto3 has it
    """What the bucket of artifacts has."""
    found = {
        r"stages/.+": {"release": "r", "previous": None, "artifact": "a", "smoke": "passed", "at": "now"},
        r"releases/.+": {"release": "r", "artifact": "a", "stage": "staging", "publications": {"me": "p"}},
        r"artifacts/.+": {"artifact": "a", "commit": "c", "version": "1", "functions": {}, "migrations": [MIGRATION]},
    }
    body = next(value for pattern, value in found.items() if re.fullmatch(pattern, Key))
    return {"Body": io.BytesIO(json.dumps(body).encode())}


NOW = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)
MIGRATION = {"number": "0001", "name": "rewrap", "contract": False}
STATE = {
    "number": {"S": "0001"},
    "name": {"S": "rewrap"},
    "status": {"S": "applied"},
    "applied_at": {"N": "1769860800000"},
}
VERSION = {"Description": "p", "CodeSha256": "", "Environment": {"Variables": {}}}
OUTPUTS = [
    {"OutputKey": "ApiUrl", "OutputValue": "https://api.example.com"},
    {"OutputKey": "Boundary", "OutputValue": "wardgate-pipeline/wardgate-staging-boundary"},
    {"OutputKey": "Bucket", "OutputValue": "wardgate-artifacts-123456789012-eu-central-1"},
]
# A stage with one function, and nothing wrong.
QUIET: dict[str, dict[str, Json]] = {
    "sts": {"get_caller_identity": {"Account": rights.ACCOUNT, "Arn": "arn:aws:sts::123456789012:assumed-role/r/me"}},
    "cloudformation": {
        "describe_stacks": {"Stacks": [{"StackStatus": "CREATE_COMPLETE", "CreationTime": NOW, "Outputs": OUTPUTS}]},
        "list_stack_resources": {
            "StackResourceSummaries": [
                {
                    "LogicalResourceId": "LoginFunction",
                    "ResourceType": "AWS::Lambda::Function",
                    "ResourceStatus": "CREATE_COMPLETE",
                    "PhysicalResourceId": "wardgate-staging-me",
                }
            ]
        },
        "describe_events": {"OperationEvents": []},
        "describe_stack_events": {"StackEvents": []},
        "get_template": {"TemplateBody": {"Resources": {}}},
    },
    "lambda": {
        "list_functions": {"Functions": [{"FunctionName": "wardgate-staging-me"}, {"FunctionName": "another"}]},
        "get_account_settings": {
            "AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}
        },
        "get_alias": {"FunctionVersion": "1"},
        "list_versions_by_function": {"Versions": [VERSION | {"Version": it} for it in ("$LATEST", "1")]},
        "invoke": payload(passed=True, steps=[], migrations=[], finished=[], more=False, keys=[]),
    },
    "s3": {"get_object": kept, "head_object": {}, "put_object": {}},
    "codedeploy": {
        "list_applications": {"applications": []},
        "list_deployments": {"deployments": ["d-1"]},
        "batch_get_deployments": {"deploymentsInfo": [{"applicationName": "another"}]},
    },
    "cloudwatch": {
        "describe_alarms": {"MetricAlarms": [{"AlarmName": "wardgate-staging-warn", "StateValue": "OK"}]},
    },
    "sqs": {
        "list_queues": {"QueueUrls": ["https://queue.example.com/123456789012/wardgate-staging-mail.fifo"]},
        "get_queue_attributes": {
            "Attributes": {"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0"}
        },
    },
    "dynamodb": {
        "describe_table": {"Table": {"ItemCount": 1, "TableSizeBytes": 1, "TableStatus": "ACTIVE"}},
        "describe_continuous_backups": {
            "ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "ENABLED"}}
        },
        "list_backups": {"BackupSummaries": []},
        "query": lambda TableName, **_: {"Items": [] if "audit" in TableName else [STATE]},  # noqa: N803
    },
    "secretsmanager": {
        "list_secrets": {"SecretList": [{"Name": "wardgate/staging/signing"}]},
        "describe_secret": {"VersionIdsToStages": {"v": ["AWSCURRENT"]}, "LastChangedDate": NOW},
    },
    "apigatewayv2": {"get_stage": {}},
    "logs": {"filter_log_events": {"events": []}, "describe_log_groups": {"logGroups": []}},
    "backup": {"list_backup_vaults": {"BackupVaultList": []}},
    "events": {},
    "iam": {},
    "kms": {
        "list_aliases": {"Aliases": [{"AliasName": "alias/wardgate-staging", "TargetKeyId": "0a1b"}]},
        "describe_key": {"KeyMetadata": {"KeyState": "Enabled"}},
    },
}


def answering() -> contextlib.AbstractContextManager[object]:
    """The API, which is asked by nobody in particular."""
    ready = {"status": "healthy", "keys": [{"kid": "k", "alg": "ES256"}]}

    def ask(url: str) -> tuple[int, Json]:
        return 200, ready | ({"status": "ready"} if url.endswith("/ready") else {})

    return mock.patch("wardgate_infra.operate.running.ask", ask)
