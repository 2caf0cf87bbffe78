"""Each function's own role, with the calls that its code was seen to make (infra/grants.json), and with others. The
emulator does not look at dynamodb:LeadingKeys: which partitions a role reaches is held by tests/permissions/."""

import json
from collections.abc import Callable, Iterator
from typing import Self

from botocore.exceptions import ClientError

from emulated import pipelines
from emulated.gateway import Api, equal, holds
from wardgate_infra import ROOT, Json
from wardgate_infra.emulator.deployment import Deployment

# What rotations do for real (emulated/rotation.py): they would change a ring here.
CHANGES = {"PutSecretValue", "UpdateSecretVersionStage"}
REFUSED = ("AccessDeniedException", "AccessDenied")


def check_each_function_may_what_it_was_seen_to_do(_api: Api, emulator: Deployment) -> None:
    """Nothing of it is refused, and of each role something else is: another action, another ring."""
    grants: dict[str, Json] = json.loads((ROOT / "infra/grants.json").read_text(encoding="utf-8"))
    refused, allowed, tried = [], [], 0
    for function, granted in grants.items():
        with Role(emulator, function) as role:
            for what, call in seen(role, granted):
                tried += 1
                if not may(call):
                    refused.append(f"{function}: {what}")
            for what, call in strange(role, granted):
                tried += 1
                if may(call):
                    allowed.append(f"{function}: {what}")
    equal(refused, [])
    equal(allowed, [])
    holds(tried > 200, tried)


class Role:
    """A function's role, which trusts Lambda alone, and this check for a moment."""

    def __init__(self, emulator: Deployment, function: str) -> None:
        self.iam, self.stage = emulator.client("iam"), emulator.stage
        name = f"wardgate-{emulator.stage}-{function}"
        arn = emulator.client("lambda").get_function_configuration(FunctionName=name)["Role"]
        self.name = arn.rpartition("/")[2]
        self.trust = self.iam.get_role(RoleName=self.name)["Role"]["AssumeRolePolicyDocument"]
        trusting = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        self.believe({"Version": "2012-10-17", "Statement": [trusting]})
        assumed = emulator.client("sts").assume_role(RoleArn=arn, RoleSessionName="check")["Credentials"]
        variables = {
            "AWS_ACCESS_KEY_ID": assumed["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": assumed["SecretAccessKey"],
            "AWS_SESSION_TOKEN": assumed["SessionToken"],
        }
        self.dynamodb = pipelines.client(emulator, "dynamodb", variables)
        self.secrets = pipelines.client(emulator, "secretsmanager", variables)

    def believe(self, trust: Json) -> None:
        self.iam.update_assume_role_policy(RoleName=self.name, PolicyDocument=json.dumps(trust))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.believe(self.trust)

    def ask(self, table: str, action: str, partition: str) -> Callable[[], object]:
        """A call that changes nothing: conditions of writes fail."""
        name = f"{table}-{self.stage}"
        key = {"pk": {"S": partition.replace("*", "role-check")}, "sk": {"S": "role-check"}}
        unless = {"ConditionExpression": "attribute_exists(pk)"}
        calls: dict[str, Callable[[], object]] = {
            "ConditionCheckItem": lambda: self.dynamodb.transact_write_items(
                TransactItems=[{"ConditionCheck": {"TableName": name, "Key": key, **unless}}]
            ),
            "DeleteItem": lambda: self.dynamodb.delete_item(TableName=name, Key=key, **unless),
            "DescribeTable": lambda: self.dynamodb.describe_table(TableName=name),
            "GetItem": lambda: self.dynamodb.get_item(TableName=name, Key=key),
            "PutItem": lambda: self.dynamodb.put_item(TableName=name, Item=key, **unless),
            "Query": lambda: self.dynamodb.query(
                TableName=name, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": key["pk"]}
            ),
            "Scan": lambda: self.dynamodb.scan(TableName=name, Limit=1),
            "UpdateItem": lambda: self.dynamodb.update_item(
                TableName=name,
                Key=key,
                UpdateExpression="SET checked = :it",
                ExpressionAttributeValues={":it": {"S": "it"}},
                **unless,
            ),
        }
        return calls[action]

    def ask_ring(self, action: str, ring: str) -> Callable[[], object]:
        name = f"wardgate/{self.stage}/{ring}"
        calls: dict[str, Callable[[], object]] = {
            "DescribeSecret": lambda: self.secrets.describe_secret(SecretId=name),
            "GetSecretValue": lambda: self.secrets.get_secret_value(SecretId=name),
        }
        return calls[action]


def may(call: Callable[[], object]) -> bool:
    """Whether the role has the right to it, whatever becomes of it."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"] not in REFUSED
    return True


def seen(role: Role, granted: Json) -> Iterator[tuple[str, Callable[[], object]]]:
    for table, partitions in granted["tables"].items():
        for partition, actions in partitions.items():
            for action in actions:
                yield f"{action} of {partition} in {table}", role.ask(table, action, partition)
    for ring, actions in granted["secrets"].items():
        for action in set(actions) - CHANGES:
            yield f"{action} of {ring}", role.ask_ring(action, ring)


def strange(role: Role, granted: Json) -> Iterator[tuple[str, Callable[[], object]]]:
    """What the function was never seen to ask for."""
    for table, action in (("wardgate", "Scan"), ("wardgate", "DeleteItem"), ("wardgate-audit", "DeleteItem")):
        if all(action not in actions for actions in granted["tables"].get(table, {}).values()):
            yield f"{action} of {table}", role.ask(table, action, "USER#*")
    for ring in {"signing", "mail_mac", "password_wrap", "factor_wrap"} - granted["secrets"].keys():
        yield f"GetSecretValue of {ring}", role.ask_ring("GetSecretValue", ring)
