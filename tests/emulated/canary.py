"""How a new version gets its traffic: a stand-in for CodeDeploy calls the stage's own hook, shifts the alias, and takes
it back. That functions are deployed so, by these hooks and alarms: tests/deployments.rs.

Every run registers, and so orders a mail: checks that count what is in the mail queue come before these."""

from typing import Self

import boto3
from botocore.config import Config

from emulated.codedeploy import ENDED, CodeDeploy
from emulated.deployments import revision
from emulated.gateway import Api, equal, holds, wait_for
from wardgate_infra import ROOT, Json
from wardgate_infra.emulator import lower
from wardgate_infra.emulator.deployment import Deployment

CANARY = "CodeDeployDefault.LambdaCanary10Percent10Minutes"
AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"
AT_A_TIME = 2


class Deployments:
    """The stage's deployments, by the groups that AWS would have of the template. In the end each alias has the version
    that it had."""

    def __init__(self, emulator: Deployment, minute: float = 1) -> None:
        self.emulator, self.functions = emulator, emulator.client("lambda")
        self.codedeploy = CodeDeploy(emulator.client, minute, patience=300)
        self.service = boto3.client(
            "codedeploy",
            endpoint_url=self.codedeploy.url,
            region_name=lower.REGION,
            aws_access_key_id="emulator",
            aws_secret_access_key="emulator",
            config=Config(proxies={}),
        )
        self.before: dict[str, str] = {}
        # As CloudFormation names what SAM makes of a stack.
        self.application = f"wardgate-{emulator.stage}-accounts-ServerlessDeploymentApplication-1A2B3C"

    def __enter__(self) -> Self:
        self.codedeploy.__enter__()
        self.service.create_application(applicationName=self.application, computePlatform="Lambda")
        # The hook of a deployment is what is not published yet.
        self.configure("smoke", AWS_ENDPOINT_URL_CODEDEPLOY=self.codedeploy.url)
        return self

    def __exit__(self, *_: object) -> None:
        self.codedeploy.__exit__()
        for function, version in self.before.items():
            self.point(function, version)

    def name(self, function: str) -> str:
        return f"wardgate-{self.emulator.stage}-{function}"

    def every(self) -> set[str]:
        """The stage's functions, of whichever stack."""
        pages = self.functions.get_paginator("list_functions").paginate()
        found = [it["FunctionName"] for page in pages for it in page["Functions"]]
        return {it.removeprefix(self.name("")) for it in found if it.startswith(self.name(""))}

    def live(self, function: str) -> tuple[str, dict[str, float]]:
        """The alias: the version that it has, and those that it has in part."""
        alias = self.functions.get_alias(FunctionName=self.name(function), Name="live")
        weights = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        return alias["FunctionVersion"], weights

    def point(self, function: str, version: str) -> None:
        """Moves the alias by hand."""
        self.functions.update_alias(
            FunctionName=self.name(function),
            Name="live",
            FunctionVersion=version,
            RoutingConfig={"AdditionalVersionWeights": {}},
        )

    def configure(self, function: str, **changed: str) -> dict[str, str]:
        """Sets variables of what is not published, and gives those that it had."""
        configured = self.functions.get_function_configuration(FunctionName=self.name(function))
        variables = configured["Environment"]["Variables"]
        self.functions.update_function_configuration(
            FunctionName=self.name(function), Environment={"Variables": variables | changed}
        )
        return dict(variables)

    def publish(self, function: str, **changed: str) -> str:
        """A new version, configured otherwise."""
        self.before.setdefault(function, self.live(function)[0])
        variables = self.configure(function, **changed)
        version = self.functions.publish_version(FunctionName=self.name(function))["Version"]
        self.functions.update_function_configuration(
            FunctionName=self.name(function), Environment={"Variables": variables}
        )
        return str(version)

    def begin(self, function: str, version: str, config: str = AT_ONCE, current: str | None = None) -> str:
        """A deployment of a version, with the stage's hook and the API's alarm, from the version that is live
        unless another one is believed to be."""
        group = {"applicationName": self.application, "deploymentGroupName": function}
        self.service.create_deployment_group(
            **group,
            serviceRoleArn="arn:aws:iam::000000000000:role/x",
            deploymentConfigName=config,
            alarmConfiguration={"enabled": True, "alarms": [{"name": self.name("api-rollback")}]},
        )
        current = current or self.live(function)[0]
        deployed = revision(self.name(function), current, version, hook=self.name("smoke"))
        return str(self.service.create_deployment(**group, revision=deployed)["deploymentId"])

    def ended(self, deployment: str) -> tuple[str, str | None]:
        """How a deployment ended: its status, and why it failed if it did."""

        def find() -> Json:
            info = self.service.get_deployment(deploymentId=deployment)["deploymentInfo"]
            return info if info["status"] in ENDED else None

        info = wait_for(find, f"the end of {deployment}", 300)
        return info["status"], info.get("errorInformation", {}).get("code")


def typed(emulator: Deployment) -> tuple[int, str]:
    """`make smoke`: its status, and what it prints."""
    ran = emulator.typed("smoke")
    return ran.returncode, ran.stdout


def check_smoke(_api: Api, emulator: Deployment) -> None:
    """What an operator types tells the steps, or names what is wrong; and nothing is left of the user."""
    status, printed = typed(emulator)
    equal(status, 0)
    for step in ("register", "verify", "sign-in", "refresh", "me", "code-flow", "second-factor", "sign-out"):
        holds(step in printed, printed)
    with Deployments(emulator) as deployments:
        deployments.point("me", deployments.publish("me", AUTH__STORE__TABLE="nowhere"))
        status, printed = typed(emulator)
    holds(status == 1 and "failed at step me, at me:live: answered 500" in printed, status, printed)
    equal(typed(emulator)[0], 0)
    pages = emulator.client("dynamodb").get_paginator("scan").paginate(TableName=f"wardgate-{emulator.stage}")
    left = [item["pk"]["S"] for page in pages for item in page["Items"]]
    equal([pk for pk in left if pk.startswith(("USER#usr_000000", "SMOKE#"))], [])


def check_hook(_api: Api, emulator: Deployment) -> None:
    """A version that works gets the alias; one that does not never sees a request, whether it starts or not."""
    with Deployments(emulator) as deployments:
        for function, broken in (
            ("login", {"AUTH__STORE__TABLE": "nowhere"}),
            ("jwks", {"AUTH__LOG__LEVEL": "loud loud"}),
        ):
            good = deployments.publish(function, AUTH__TOKENS__ACCESS_SECONDS="299")
            equal(deployments.ended(deployments.begin(function, good)), ("Succeeded", None))
            equal(deployments.live(function), (good, {}))
            # Somebody has moved the alias back in the meantime.
            deployments.point(function, deployments.before[function])
            refused = deployments.ended(deployments.begin(function, good, current=good))
            equal(refused, ("Failed", "INVALID_LAMBDA_CONFIGURATION"))
            # Where it is taken back to, too.
            deployments.point(function, good)
            version = deployments.publish(function, **broken)
            equal(deployments.ended(deployments.begin(function, version)), ("Failed", "HOOK_EXECUTION_FAILURE"))
            equal(deployments.live(function), (good, {}))


def check_canary(_api: Api, emulator: Deployment) -> None:
    """An alarm during the canary takes it back, and so does somebody who stops it."""
    alarms, alarm = emulator.client("cloudwatch"), f"wardgate-{emulator.stage}-api-rollback"
    # A canary of ten minutes is one of ten: long enough to be seen, and not waited for where it is to pass.
    with Deployments(emulator, minute=60) as deployments:
        before, _ = deployments.live("me")
        version = deployments.publish("me", AUTH__TOKENS__ACCESS_SECONDS="299")

        def shifting() -> str:
            deployment = deployments.begin("me", version, CANARY)
            wait_for(lambda: deployments.live("me") == (before, {version: 0.1}), "the canary", 60)
            return deployment

        deployment = shifting()
        try:
            alarms.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="a test")
            equal(deployments.ended(deployment), ("Stopped", "ALARM_ACTIVE"))
        finally:
            alarms.set_alarm_state(AlarmName=alarm, StateValue="OK", StateReason="a test")
        wait_for(lambda: deployments.live("me") == (before, {}), "the version before")
        deployment = shifting()
        deployments.service.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)
        equal(deployments.ended(deployment), ("Stopped", "MANUAL_STOP"))
        wait_for(lambda: deployments.live("me") == (before, {}), "the version before")
    with Deployments(emulator, minute=0) as deployments:
        version = deployments.publish("me", AUTH__TOKENS__ACCESS_SECONDS="298")
        equal(deployments.ended(deployments.begin("me", version, CANARY)), ("Succeeded", None))
        equal(deployments.live("me"), (version, {}))


def what_did_not_start(emulator: Deployment) -> str:
    """What the emulator says of functions that it could not start, and how the hooks ended."""
    lines = emulator.emulator.log.read_text(errors="replace").splitlines()
    said = [line[:400] for line in lines if "execution error" in line][-20:]
    hooks = emulator.typed("logs", "--function", "smoke").stdout.splitlines()
    return "\n".join([*said, *(line[:300] for line in hooks if "passed" not in line and "REPORT" not in line)][-60:])


def check_deployments_of_everything(_api: Api, emulator: Deployment) -> None:
    """What a deploy does: one of every function, some of a stack at once, each with a hook. The hooks do not fail each
    other."""
    areas = sorted(file.stem for file in (ROOT / "infra/functions").glob("*.yaml"))
    stacks = [f"wardgate-{emulator.stage}{suffix}" for suffix in ("-migrate", *(f"-{area}" for area in areas), "")]
    resources = emulator.client("cloudformation").get_paginator("list_stack_resources")
    together = 0
    with Deployments(emulator) as deployments:
        for stack in stacks:
            pages = resources.paginate(StackName=stack)
            found = [it["PhysicalResourceId"] for page in pages for it in page["StackResourceSummaries"]]
            names = {it.removeprefix(deployments.name("")) for it in found if it.startswith(deployments.name(""))}
            # Stacks have more than functions, and those of the migrate stack but one are not deployed this way.
            names &= deployments.every() - {"migrate", "restore-sweep", "smoke"}
            versions = {name: deployments.publish(name, AUTH__TOKENS__ACCESS_SECONDS="297") for name in sorted(names)}
            # As many as two cores answer in time, with the emulator beside: each hook asks functions fourteen times.
            ended: dict[str, tuple[str, str | None]] = {}
            for first in range(0, len(versions), AT_A_TIME):
                some = sorted(versions)[first : first + AT_A_TIME]
                begun = {name: deployments.begin(name, versions[name]) for name in some}
                ended |= {name: deployments.ended(deployment) for name, deployment in begun.items()}
            failed = {name: end for name, end in ended.items() if end != ("Succeeded", None)}
            holds(not failed, failed, failed and what_did_not_start(emulator))
            equal({name: deployments.live(name) for name in versions}, {it: (versions[it], {}) for it in versions})
            together += len(versions)
    holds(together > 30, together)
