"""`make rollback` while a deploy is under way: CodeDeploy shifts an alias, and CloudFormation updates the stack."""

import json

import boto3
from samcli.yamlhelper import yaml_parse

from emulated.codedeploy import CodeDeploy
from emulated.deployments import revision
from emulated.deploys import BUCKET, FUNCTIONS, live, publications, release
from emulated.gateway import Api, equal, holds, wait_for
from emulated.upgrade import PREVIOUS, TOKENS, old_releases
from wardgate_infra.emulator.deployment import Deployment

# As CloudFormation would call it.
APPLICATION = "wardgate-development-accounts-ServerlessDeploymentApplication-1A2B3C"


def check_rollback_midway(api: Api, emulator: Deployment) -> None:
    """Some functions are new already, one is a canary, and the stack is not at its end. All of them are the release
    from before again, and the stack is what it was."""
    functions, new = emulator.client("lambda"), release(emulator)
    canary = live(emulator, "me")["Version"]
    # And the one that is to be a canary, whose alias has to be where it comes from.
    for name in {*sorted(old_releases(emulator))[::2], "me"}:
        functions.update_alias(FunctionName=f"wardgate-{emulator.stage}-{name}", Name="live", FunctionVersion="1")
    stack = emulator.client("cloudformation").describe_stacks(StackName="wardgate-development")["Stacks"][0]
    # A minute of a canary is a minute: only a stop ends it.
    with CodeDeploy(emulator.client, minute=60) as codedeploy:
        deployment = begin_canary(emulator, codedeploy, canary)
        begin_update(emulator)
        printed = emulator.operate("rollback", "--yes", environment={"AWS_ENDPOINT_URL_CODEDEPLOY": codedeploy.url})
        equal(codedeploy.deployments[deployment].status, "Stopped")
    holds(f"stopped deployment {deployment}" in printed and "cancelled the update" in printed, printed[-2000:])
    equal(set(old_releases(emulator).values()), {PREVIOUS})
    for name in FUNCTIONS:
        alias = functions.get_alias(FunctionName=f"wardgate-{emulator.stage}-{name}", Name="live")
        equal((name, alias.get("RoutingConfig", {}).get("AdditionalVersionWeights") or {}), (name, {}))
    now = emulator.client("cloudformation").describe_stacks(StackName="wardgate-development")["Stacks"][0]
    equal((now["StackStatus"], now["Parameters"]), ("UPDATE_ROLLBACK_COMPLETE", stack["Parameters"]))
    api.me(TOKENS["kept"]["access_token"]).is_ok()

    # Another release than the one that was taken back.
    emulator.deploy(LogLevel="debug")
    holds(release(emulator) not in (new, PREVIOUS), new)
    holds(PREVIOUS not in publications(emulator).values(), "the previous release is live")
    api.me(TOKENS["kept"]["access_token"]).is_ok()


def begin_canary(emulator: Deployment, codedeploy: CodeDeploy, new: str) -> str:
    """A tenth of the requests for `me` go to the new version."""
    client = boto3.client(
        "codedeploy",
        endpoint_url=codedeploy.url,
        region_name="eu-central-1",
        aws_access_key_id="emulator",
        aws_secret_access_key="emulator",
    )
    client.create_application(applicationName=APPLICATION, computePlatform="Lambda")
    client.create_deployment_group(
        applicationName=APPLICATION,
        deploymentGroupName="me",
        serviceRoleArn="arn:aws:iam::000000000000:role/none",
        deploymentConfigName="CodeDeployDefault.LambdaCanary10Percent5Minutes",
    )
    function = f"wardgate-{emulator.stage}-me"
    holds(new != "1", "the previous release is live")
    started: str = client.create_deployment(
        applicationName=APPLICATION, deploymentGroupName="me", revision=revision(function, "1", new)
    )["deploymentId"]
    functions = emulator.client("lambda")
    wait_for(
        lambda: functions.get_alias(FunctionName=function, Name="live").get("RoutingConfig"), "a share of the requests"
    )
    return started


def begin_update(emulator: Deployment) -> None:
    """The stack waits for something that never comes, as it waits for a canary."""
    client = emulator.client("cloudformation")
    template = yaml_parse(client.get_template(StackName="wardgate-development")["TemplateBody"])
    template["Resources"] |= {
        "Never": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
        "Wait": {
            "Type": "AWS::CloudFormation::WaitCondition",
            "Properties": {"Handle": {"Ref": "Never"}, "Timeout": "8"},
        },
    }
    # Too large for a request.
    emulator.client("s3").put_object(Bucket=BUCKET, Key="templates/midway.json", Body=json.dumps(template).encode())
    client.update_stack(
        StackName="wardgate-development",
        TemplateURL=f"{emulator.endpoint}/{BUCKET}/templates/midway.json",
        Parameters=[{"ParameterKey": name, "UsePreviousValue": True} for name in template["Parameters"]],
        Capabilities=["CAPABILITY_IAM"],
    )
    wait_for(
        lambda: (
            client.describe_stacks(StackName="wardgate-development")["Stacks"][0]["StackStatus"] == "UPDATE_IN_PROGRESS"
        ),
        "the update of the stack",
    )
