"""What CloudFormation does in the name of a stack's role: for each type of resource AWS publishes which actions its
handlers ask for. The descriptions are those that cfn-lint brings along."""

import functools
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

from cfnlint.data.schemas import providers
from cfnlint.data.schemas import resources as descriptions

from wardgate_infra import Json, validate
from wardgate_infra.operate.needs.intrinsics import Values
from wardgate_infra.rights import ACCOUNT, PSEUDO, REGION, STAGE, actions_like, formats

# What an administrator deploys: none has the role.
ADMINISTRATORS = (
    "infra/cloudformation-role.yaml",
    "infra/pipeline.yaml",
    "infra/backup-copy.yaml",
    "infra/edge.yaml",
    "infra/origin.yaml",
    "infra/probe.yaml",
    "infra/restore-testing.yaml",
)
HERE = f"{REGION}:{ACCOUNT}"
# What CloudFormation makes up where a template gives no name.
MADE_UP = "1A2B3C4D5E6F"
# What the handlers of a type act on. In braces: what the template names, what CloudFormation makes of stack and logical
# id, and the stack.
ARNS = {
    "AWS::ApiGatewayV2::Api": (f"apigateway:{REGION}::/apis", f"apigateway:{REGION}::/apis/{MADE_UP}"),
    "AWS::ApiGatewayV2::Stage": (
        f"apigateway:{REGION}::/apis/{MADE_UP}/stages",
        f"apigateway:{REGION}::/apis/{MADE_UP}/stages/$default",
    ),
    "AWS::Backup::BackupPlan": (f"backup:{HERE}:backup-plan:{MADE_UP}",),
    "AWS::Backup::BackupSelection": (f"backup:{HERE}:backup-plan:{MADE_UP}",),
    "AWS::Backup::BackupVault": (f"backup:{HERE}:backup-vault:{{BackupVaultName}}",),
    "AWS::CloudWatch::Alarm": (f"cloudwatch:{HERE}:alarm:{{AlarmName}}",),
    "AWS::CloudWatch::CompositeAlarm": (f"cloudwatch:{HERE}:alarm:{{AlarmName}}",),
    "AWS::CloudWatch::Dashboard": (f"cloudwatch::{ACCOUNT}:dashboard/{{DashboardName}}",),
    "AWS::CodeDeploy::Application": (f"codedeploy:{HERE}:application:{{made}}",),
    "AWS::CodeDeploy::DeploymentGroup": (
        f"codedeploy:{HERE}:application:{{stack}}-ServerlessDeploymentApplication-{MADE_UP}",
        f"codedeploy:{HERE}:deploymentgroup:{{stack}}-ServerlessDeploymentApplication-{MADE_UP}/{{made}}",
        f"codedeploy:{HERE}:deploymentconfig:CodeDeployDefault.LambdaAllAtOnce",
    ),
    "AWS::DynamoDB::GlobalTable": (f"dynamodb:{HERE}:table/{{TableName}}",),
    "AWS::Events::EventBus": (f"events:{HERE}:event-bus/{{Name}}",),
    "AWS::Events::Rule": (f"events:{HERE}:rule/{{made}}",),
    "AWS::IAM::ManagedPolicy": (f"iam::{ACCOUNT}:policy/{{made}}",),
    "AWS::IAM::Role": (f"iam::{ACCOUNT}:role/{{made}}",),
    "AWS::KMS::Alias": (f"kms:{HERE}:{{AliasName}}", f"kms:{HERE}:key/{MADE_UP}"),
    "AWS::KMS::Key": (f"kms:{HERE}:key/{MADE_UP}",),
    "AWS::Lambda::Alias": (f"lambda:{HERE}:function:wardgate-{STAGE}-login",),
    "AWS::Lambda::EventSourceMapping": (f"lambda:{HERE}:event-source-mapping:{MADE_UP}",),
    "AWS::Lambda::Function": (f"lambda:{HERE}:function:{{FunctionName}}",),
    "AWS::Lambda::Permission": (f"lambda:{HERE}:function:wardgate-{STAGE}-login:live",),
    "AWS::Lambda::Version": (f"lambda:{HERE}:function:wardgate-{STAGE}-login:1",),
    "AWS::Logs::LogGroup": (f"logs:{HERE}:log-group:{{LogGroupName}}",),
    "AWS::S3::Bucket": ("s3:::{BucketName}",),
    "AWS::Scheduler::Schedule": (f"scheduler:{HERE}:schedule/default/{{Name}}",),
    "AWS::S3::BucketPolicy": (f"s3:::wardgate-artifacts-{ACCOUNT}-{REGION}",),
    "AWS::SNS::Subscription": (f"sns:{HERE}:wardgate-{STAGE}-page", f"sns:{HERE}:wardgate-{STAGE}-page:{MADE_UP}"),
    "AWS::SNS::Topic": (f"sns:{HERE}:{{TopicName}}",),
    "AWS::SNS::TopicPolicy": (f"sns:{HERE}:wardgate-{STAGE}-page",),
    "AWS::SQS::QueuePolicy": (f"sqs:{HERE}:wardgate-{STAGE}-secret-reads",),
    "AWS::SQS::Queue": (f"sqs:{HERE}:{{QueueName}}",),
    "AWS::SecretsManager::RotationSchedule": (f"secretsmanager:{HERE}:secret:wardgate/{STAGE}/signing-AbCdEf",),
    "AWS::SecretsManager::Secret": (f"secretsmanager:{HERE}:secret:{{Name}}-AbCdEf",),
}
# The role of a service's own that a type has made where the account has none.
SERVICE_ROLES = {"AWS::Backup::BackupSelection": "backup.amazonaws.com/AWSServiceRoleForBackup"}


@dataclass(frozen=True)
class Resource:
    """A resource that CloudFormation makes with the role."""

    where: str
    kind: str
    # What its handlers act on.
    arns: tuple[str, ...]
    # Whether CloudFormation leaves it where it is, whatever becomes of the stack.
    is_kept: bool


def stack_of(path: str) -> str:
    """What a deploy calls the stack of a template."""
    name = path.rpartition("/")[2].removesuffix(".yaml")
    return {"template": f"wardgate-{STAGE}", "artifacts": "wardgate-artifacts"}.get(name, f"wardgate-{STAGE}-{name}")


def made() -> Iterator[Resource]:
    """Everything that the stage's stacks consist of, as SAM leaves it to CloudFormation, also what its parameters leave
    out."""
    for path in validate.STACKS:
        if path not in ADMINISTRATORS:
            template = validate.read(path)
            given = validate.parameters(template, validate.STAGES[STAGE])
            translated = validate.translated(template, given)
            values = Values(translated, given | PSEUDO)
            for name, it in translated["Resources"].items():
                kept = it.get("DeletionPolicy"), it.get("UpdateReplacePolicy")
                yield Resource(
                    f"{path}: {name}",
                    it["Type"],
                    tuple(arns(stack_of(path), name, it, values)),
                    is_kept=kept == ("Retain", "Retain"),
                )


def arns(stack: str, name: str, resource: Json, values: Values) -> Iterator[str]:
    """What the handlers of a resource act on. A new type fails here, until ARNS has it."""
    known = {"stack": stack, "made": f"{stack}-{name}-{MADE_UP}"}
    for property_, value in resource.get("Properties", {}).items():
        if property_.endswith("Name"):
            known[property_] = values.resolve(value)
    for form in ARNS[resource["Type"]]:
        yield "arn:aws:" + form.format_map(known)


def targets(resource: Resource, action: str) -> list[str]:
    """What an action has to be allowed for: each of the resource's own ARNs that it takes, or `*` where it knows none.
    Empty for what other services are asked: which of their resources, a description does not say."""
    if action == "iam:createservicelinkedrole":
        return [f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{SERVICE_ROLES.get(resource.kind)}"]
    own = [it for it in resource.arns if it.split(":")[2] == action.partition(":")[0]]
    if not actions_like(action):
        return own
    taken = formats(action)
    return [it for it in own if any(one.fullmatch(it) for one in taken)] if taken else ["*"]


@functools.cache
def asked(kind: str, *, deletes: bool) -> frozenset[str]:
    """The actions that CloudFormation asks for to make, change and look at resources of a type, with the tags of the
    stack; with those that delete one, if it does. In the names of the catalogue, where that has them. A deploy lists no
    resources: that is for tools that look for what no stack has."""
    index = json.loads(resources.files(providers).joinpath(f"{REGION}.json").read_text(encoding="utf-8"))
    file = resources.files(descriptions).joinpath(f"{index[kind]}.json")
    described = json.loads(file.read_text(encoding="utf-8"))
    handlers = ["create", "read", "update", *(["delete"] if deletes else [])]
    found = [described["handlers"].get(it, {}).get("permissions", []) for it in handlers]
    found.append((described.get("tagging") or {}).get("permissions", []))
    return frozenset(
        itertools.chain.from_iterable(actions_like(it) or [it.lower()] for it in itertools.chain.from_iterable(found))
    )
