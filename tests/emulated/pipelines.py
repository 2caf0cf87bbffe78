"""What GitHub Actions do, with the very roles of `make pipeline`: the emulator looks at who is trusted, and at each
call of the deploy but for moving aliases. What CloudFormation does as its own role it does not look at, nor at the
boundary of the roles that it makes."""

import base64
import functools
import json
import os
from collections.abc import Callable

import boto3
from botocore.exceptions import ClientError

from emulated import commands
from emulated.gateway import Api, equal, holds
from wardgate_infra import Client, Failed
from wardgate_infra.emulator import lower
from wardgate_infra.emulator.deployment import Deployment

PROVIDER = "arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com"
ROLE = "arn:aws:iam::000000000000:role/wardgate-pipeline/wardgate-{}-{}"
# What `make deploy` does to the emulator alone, which makes secrets that AWS would not: empty ones. And what the role
# has already, where the emulator knows GetFunctionConcurrency by another name and no kms:ResourceAliases.
EMULATED = [
    "kms:DescribeKey",
    "lambda:PutFunctionConcurrency",
    "secretsmanager:GetSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
]


def check_deploy_as_github(_api: Api, emulator: Deployment) -> None:
    """Only the repository's own environment becomes the deploy role, and that can deploy a release and roll it back."""
    printed = emulator.operate("pipeline", "--yes", "--parameters", f"GitHubProvider={PROVIDER}")
    commands.record("pipeline", f"make pipeline STAGE={emulator.stage} YES=1", printed)
    role = ROLE.format(emulator.stage, "deploy")
    holds(role in printed, printed)
    for stranger in ("repo:example/wardgate:ref:refs/heads/develop", "repo:other/wardgate:environment:staging"):
        refused(functools.partial(signed_in, emulator, role, stranger))
    as_github = signed_in(emulator, role, f"repo:example/wardgate:environment:{emulator.stage}")
    emulator.client("iam").put_role_policy(
        RoleName=role.rpartition("/")[2],
        PolicyName="emulator",
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": EMULATED, "Resource": "*"}]}
        ),
    )
    variables = as_github | {"CLOUDFORMATION_ROLE": ROLE.format(emulator.stage, "cloudformation")}
    parameters = " ".join(f"'{name}={value}'" for name, value in (emulator.changed | {"LogLevel": "debug"}).items())
    manifest = json.loads(live(emulator))["artifact"]
    printed = emulator.operate(
        "deploy", "--yes", "--parameters", parameters, "--artifact", manifest, environment=variables
    )
    holds(f"is live in {emulator.stage}" in printed, printed)
    # And back to where the other checks expect it.
    printed = emulator.operate("rollback", "--yes", environment=variables)
    commands.record("rollback", f"make rollback STAGE={emulator.stage} YES=1", printed)


def check_read_as_github(_api: Api, emulator: Deployment) -> None:
    """Whoever may look sees what the verbs of a reader show, and neither users nor keys."""
    role = ROLE.format(emulator.stage, "read")
    variables = signed_in(emulator, role, f"repo:example/wardgate:environment:{emulator.stage}-read")
    table, rings = client(emulator, "dynamodb", variables), client(emulator, "secretsmanager", variables)
    refused(lambda: table.scan(TableName=f"wardgate-{emulator.stage}"))
    refused(lambda: rings.get_secret_value(SecretId=f"wardgate/{emulator.stage}/signing"))
    refused(lambda: rings.rotate_secret(SecretId=f"wardgate/{emulator.stage}/signing"))
    for verb in (["status"], ["version"], ["logs"], ["watch-alarms", "--minutes", "0"]):
        emulator.operate(*verb, environment=variables)
    functions = client(emulator, "lambda", variables)
    holds(functions.get_alias(FunctionName=f"wardgate-{emulator.stage}-me", Name="live"))
    refused(lambda: functions.invoke(FunctionName=f"wardgate-{emulator.stage}-me", Qualifier="live"))


def check_watch_alarms(_api: Api, emulator: Deployment) -> None:
    """It is quiet while none rings, and names the one that does."""
    cloudwatch, name = emulator.client("cloudwatch"), f"wardgate-{emulator.stage}-watched"
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="wardgate",
        MetricName="watched",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    try:
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="for a test")
        printed = emulator.operate("watch-alarms", "--minutes", "0")
        holds("none rang" in printed, printed)
        commands.record("watch-alarms", f"make watch-alarms STAGE={emulator.stage} MINUTES=10", printed)
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="too much for a test")
        said = refused(lambda: emulator.operate("watch-alarms", "--minutes", "0"), Failed)
        holds(name in said and "too much for a test" in said and "make rollback" in said, said)
    finally:
        cloudwatch.delete_alarms(AlarmNames=[name])


def check_candidate(_api: Api, emulator: Deployment) -> None:
    """What staging runs, for its own commit alone, and only while the bytes are those of the manifest."""
    state = json.loads(live(emulator))
    s3, bucket = emulator.client("s3"), bucket_of(emulator)
    manifest = json.load(s3.get_object(Bucket=bucket, Key=f"artifacts/{state['artifact']}.json")["Body"])
    commit = state.get("commit", manifest["commit"])
    said = refused(lambda: emulator.operate("candidate", "--commit", "0" * 40), Failed)
    holds(commit in said and "0" * 40 in said, said)
    printed = emulator.operate("candidate", "--commit", commit)
    commands.record("candidate", f"make candidate STAGE={emulator.stage} COMMIT={commit}", printed)
    folder = emulator.root / os.environ.get("CARGO_TARGET_DIR", "target") / "candidate"
    equal((folder / "artifact").read_text(encoding="utf-8"), state["artifact"])
    equal(sorted(it.parent.name for it in folder.glob("*/bootstrap")), sorted(manifest["functions"]))
    function, digest = next(iter(manifest["functions"].items()))
    key = f"functions/{function}/{digest}.zip"
    right = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=right[:-1])
        said = refused(lambda: emulator.operate("candidate", "--commit", commit), Failed)
        holds("deploy nothing" in said, said)
    finally:
        s3.put_object(Bucket=bucket, Key=key, Body=right)


def bucket_of(emulator: Deployment) -> str:
    stacks = emulator.client("cloudformation").describe_stacks(StackName="wardgate-artifacts")["Stacks"]
    return str(stacks[0]["Outputs"][0]["OutputValue"])


def live(emulator: Deployment) -> str:
    """What the bucket says that staging runs."""
    found = emulator.client("s3").get_object(Bucket=bucket_of(emulator), Key="stages/staging/live.json")
    return str(found["Body"].read().decode())


def signed_in(emulator: Deployment, role: str, subject: str) -> dict[str, str]:
    """A role's credentials for a job of GitHub's, as variables of a shell. The emulator believes any signature."""
    claims = {"iss": "https://token.actions.githubusercontent.com", "aud": "sts.amazonaws.com", "sub": subject}
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "RS256", "typ": "JWT"}, claims | {"exp": 9999999999})
    ]
    given = emulator.client("sts").assume_role_with_web_identity(
        RoleArn=role, RoleSessionName="github", WebIdentityToken=".".join([*parts, "signature"])
    )["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
        "AWS_SESSION_TOKEN": given["SessionToken"],
    }


def client(emulator: Deployment, service: str, variables: dict[str, str]) -> Client:
    """An SDK client with these credentials."""
    credentials = {name.lower(): value for name, value in variables.items()}
    return boto3.client(service, endpoint_url=emulator.endpoint, region_name=lower.REGION, **credentials)


def refused(do: Callable[[], object], error: type[Exception] = ClientError) -> str:
    """It is, and with which words."""
    try:
        done = do()
    except error as failure:
        return str(failure)
    raise AssertionError(f"not refused: {done}")
