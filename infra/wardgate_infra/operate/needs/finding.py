"""What a check has found, and what to say where it could not ask."""

import enum
from dataclasses import dataclass

from botocore.exceptions import ClientError

from wardgate_infra.operate.stage import Stage, is_refused


class Level(enum.StrEnum):
    """As it is printed."""

    OK = "ok"
    # A deploy goes through, and something does not work or is worth knowing.
    WARNING = "warning"
    # A deploy would fail.
    MISSING = "missing"
    NOT_ASKED = "not asked"


@dataclass(frozen=True)
class Finding:
    """What is printed of a check: what there is, and if that is not all right, what to do, where, and how long it
    takes."""

    level: Level
    text: str
    advice: str = ""


# What refuses each question, by the operation that asks it. docs/operations/preflight.md lists them.
ACTIONS = {
    "DescribeAccountLimits": "cloudformation:DescribeAccountLimits",
    "DescribeAlarms": "cloudwatch:DescribeAlarms",
    "DescribeCertificate": "acm:DescribeCertificate",
    "DescribeEventBus": "events:DescribeEventBus",
    "DescribeKey": "kms:DescribeKey",
    "DescribeLogGroups": "logs:DescribeLogGroups",
    "DescribeRegionSettings": "backup:DescribeRegionSettings",
    "DescribeSecret": "secretsmanager:DescribeSecret",
    "DescribeStacks": "cloudformation:DescribeStacks",
    "DescribeTable": "dynamodb:DescribeTable",
    "GetAWSDefaultServiceQuota": "servicequotas:GetAWSDefaultServiceQuota",
    "GetAccount": "ses:GetAccount",
    "GetAccountSettings": "lambda:GetAccountSettings",
    "GetAccountSummary": "iam:GetAccountSummary",
    # What IAM calls the methods of API Gateway's own API.
    "GetApiMappings": "apigateway:GET",
    "GetDomainName": "apigateway:GET",
    "GetEmailIdentity": "ses:GetEmailIdentity",
    "GetFunctionConcurrency": "lambda:GetFunctionConcurrency",
    "GetPolicy": "iam:GetPolicy",
    "GetQueueUrl": "sqs:GetQueueUrl",
    "GetServiceQuota": "servicequotas:GetServiceQuota",
    "GetStage": "apigateway:GET",
    "GetTemplate": "cloudformation:GetTemplate",
    "HeadBucket": "s3:ListBucket",
    "ListAliases": "kms:ListAliases",
    "ListBackupVaults": "backup:ListBackupVaults",
    "ListCertificates": "acm:ListCertificates",
    "ListFunctions": "lambda:ListFunctions",
    "ListHostedZones": "route53:ListHostedZones",
    "ListSubscriptionsByTopic": "sns:ListSubscriptionsByTopic",
    "ListOpenIDConnectProviders": "iam:ListOpenIDConnectProviders",
    "ListStackResources": "cloudformation:ListStackResources",
    "ListStacks": "cloudformation:ListStacks",
    "ListTables": "dynamodb:ListTables",
}


def code(error: ClientError) -> str:
    """What AWS calls an error."""
    return str(error.response["Error"]["Code"])


def why_not_asked(error: Exception) -> str:
    """Why AWS did not answer a question, with the right that it takes."""
    if not isinstance(error, ClientError):
        return str(error)
    operation = error.operation_name
    # Whether there is a bucket is answered by a number alone.
    if is_refused(error) or code(error) == "403":
        return f"the right {ACTIONS.get(operation, operation)} is missing"
    message = error.response["Error"].get("Message") or code(error)
    return f"{operation} is not answered: {message}"


def refused(stage: Stage) -> Level:
    """What AWS refuses to make, and the emulator makes all the same."""
    return Level.WARNING if stage.is_emulated else Level.MISSING
