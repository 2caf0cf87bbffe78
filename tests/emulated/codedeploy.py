"""A stand-in for AWS CodeDeploy's service, which the emulator does not have: what it does with Lambda functions, over
the emulator's own aliases and alarms; deployments.py is the other half.

    with CodeDeploy(emulator.client) as codedeploy:
        client = boto3.client("codedeploy", endpoint_url=codedeploy.url, …)
        client.create_application(applicationName="app", computePlatform="Lambda")
        client.create_deployment_group(applicationName="app", deploymentGroupName="me", serviceRoleArn="…",
            deploymentConfigName="CodeDeployDefault.LambdaCanary10Percent5Minutes",
            alarmConfiguration={"enabled": True, "alarms": [{"name": "…"}]})
        client.create_deployment(applicationName="app", deploymentGroupName="me", revision=revision(
            "wardgate-staging-me", "1", "2", hook="wardgate-staging-smoke"))

`client` gives an SDK client of the emulator for a service. Whatever else is to find the service, the operator's
commands as well as functions, looks at AWS_ENDPOINT_URL_CODEDEPLOY: the emulator hands on the variable that it was
started with, so this starts before it. The port is known as soon as there is a CodeDeploy.

A deployment calls its hook, waits for the status that the hook puts, shifts the alias at once or by a weight, and takes
it back if the hook fails, an alarm of its group is in ALARM, or somebody stops it. AWS creates a deployment where
CloudFormation changes an alias; here that is for the test to do. A minute of a canary lasts `minute` seconds, an hour
for a hook `patience`. The state of an alarm is the emulator's: SetAlarmState sets it.

As on AWS, what GetDeployment says of the revision is its hash alone, and a target knows its versions only once traffic
shifts: a hook reads them by GetApplicationRevision.
"""

import http.server
import json
import re
import threading
import time
from collections.abc import Callable
from typing import Self

from emulated.deployments import Deployment, revision
from wardgate_infra import Client, Json

CONFIGS = re.compile(r"CodeDeployDefault\.Lambda(?:(AllAtOnce)|Canary(\d+)Percent(\d+)Minutes?)")
MOST_AT_A_TIME = 25
ENDED = ("Succeeded", "Failed", "Stopped")


class Refused(Exception):
    """An error of the service, by its name there."""


class CodeDeploy:
    """The service."""

    def __init__(self, client: Callable[[str], Client], minute: float = 1, patience: int = 60) -> None:
        self.client, self.minute, self.patience = client, minute, patience
        self.groups: dict[tuple[str, str], Json] = {}
        self.applications: set[str] = set()
        self.deployments: dict[str, Deployment] = {}
        self.threads: list[threading.Thread] = []
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                service.respond(self)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for deployment in self.deployments.values():
            deployment.stopped.set()
            deployment.hook_reported.set()
        for thread in self.threads:
            thread.join(self.patience)
        self.server.shutdown()
        self.server.server_close()

    def respond(self, request: http.server.BaseHTTPRequestHandler) -> None:
        """Answers one call: JSON 1.1 with the operation in a header."""
        body = json.loads(request.rfile.read(int(request.headers["content-length"])) or "{}")
        _, _, operation = request.headers["x-amz-target"].partition("CodeDeploy_20141006.")
        name = "on_" + re.sub("(?<!^)(?=[A-Z])", "_", operation).lower()
        try:
            if not hasattr(self, name):
                raise Refused("UnknownOperationException")
            status, answer = 200, getattr(self, name)(body)
        except Refused as refused:
            status, answer = 400, {"__type": str(refused), "message": str(refused)}
        text = json.dumps(answer).encode()
        request.send_response(status)
        request.send_header("content-type", "application/x-amz-json-1.1")
        request.send_header("content-length", str(len(text)))
        request.end_headers()
        request.wfile.write(text)

    def deployment(self, body: Json) -> Deployment:
        if body["deploymentId"] not in self.deployments:
            raise Refused("DeploymentDoesNotExistException")
        return self.deployments[body["deploymentId"]]

    def on_create_application(self, body: Json) -> Json:
        self.applications.add(body["applicationName"])
        return {"applicationId": body["applicationName"]}

    def on_list_applications(self, _body: Json) -> Json:
        return {"applications": sorted(self.applications)}

    def on_create_deployment_group(self, body: Json) -> Json:
        if body["applicationName"] not in self.applications:
            raise Refused("ApplicationDoesNotExistException")
        if not CONFIGS.fullmatch(body["deploymentConfigName"]):
            raise Refused("DeploymentConfigDoesNotExistException")
        self.groups[body["applicationName"], body["deploymentGroupName"]] = body
        return {"deploymentGroupId": body["deploymentGroupName"]}

    def on_list_deployment_groups(self, body: Json) -> Json:
        names = sorted(group for application, group in self.groups if application == body["applicationName"])
        return {"applicationName": body["applicationName"], "deploymentGroups": names}

    def on_get_deployment_group(self, body: Json) -> Json:
        return {"deploymentGroupInfo": self.group(body)}

    def group(self, body: Json) -> Json:
        key = body["applicationName"], body["deploymentGroupName"]
        if key not in self.groups:
            raise Refused("DeploymentGroupDoesNotExistException")
        return self.groups[key]

    def on_create_deployment(self, body: Json) -> Json:
        group = self.group(body)
        busy = [it for it in self.deployments.values() if it.group is group and it.status not in ENDED]
        if busy:
            raise Refused("DeploymentLimitExceededException")
        return {"deploymentId": self.start(Deployment(group, body["revision"])).id}

    def start(self, deployment: Deployment) -> Deployment:
        self.deployments[deployment.id] = deployment
        thread = threading.Thread(target=self.run, args=(deployment,), daemon=True)
        self.threads.append(thread)
        thread.start()
        return deployment

    def on_get_deployment(self, body: Json) -> Json:
        return {"deploymentInfo": self.deployment(body).describe()}

    def on_batch_get_deployments(self, body: Json) -> Json:
        if len(body["deploymentIds"]) > MOST_AT_A_TIME:
            raise Refused("BatchLimitExceededException")
        found = [self.deployments[name] for name in body["deploymentIds"] if name in self.deployments]
        return {"deploymentsInfo": [deployment.describe() for deployment in found]}

    def on_list_deployments(self, body: Json) -> Json:
        """Newest first, as there."""
        wanted = [(name, body[name]) for name in ("applicationName", "deploymentGroupName") if name in body]
        statuses = body.get("includeOnlyStatuses") or [*ENDED, "Created", "Queued", "InProgress", "Baking", "Ready"]
        found = [it.describe() for it in self.deployments.values()]
        found = [it for it in found if it["status"] in statuses and all(it[name] == value for name, value in wanted)]
        found.sort(key=lambda it: it["createTime"], reverse=True)
        return {"deployments": [it["deploymentId"] for it in found]}

    def on_list_deployment_targets(self, body: Json) -> Json:
        return {"targetIds": [self.deployment(body).target_id]}

    def on_get_deployment_target(self, body: Json) -> Json:
        return {"deploymentTarget": self.deployment(body).describe_target()}

    def on_get_application_revision(self, body: Json) -> Json:
        for deployment in self.deployments.values():
            same = deployment.shown_revision["appSpecContent"]["sha256"] == body["revision"]["appSpecContent"]["sha256"]
            if same and deployment.group["applicationName"] == body["applicationName"]:
                return {"applicationName": body["applicationName"], "revision": deployment.revision}
        raise Refused("RevisionDoesNotExistException")

    def on_put_lifecycle_event_hook_execution_status(self, body: Json) -> Json:
        deployment = self.deployment(body)
        if body["lifecycleEventHookExecutionId"] != deployment.hook_execution:
            raise Refused("InvalidLifecycleEventHookExecutionIdException")
        if body["status"] not in ("Succeeded", "Failed"):
            raise Refused("InvalidLifecycleEventHookExecutionStatusException")
        if deployment.hook_reported.is_set():
            raise Refused("LifecycleEventAlreadyCompletedException")
        deployment.hook_status = body["status"]
        deployment.hook_reported.set()
        return {"lifecycleEventHookExecutionId": deployment.hook_execution}

    def on_stop_deployment(self, body: Json) -> Json:
        deployment = self.deployment(body)
        if deployment.status in ENDED:
            raise Refused("DeploymentAlreadyCompletedException")
        deployment.rolls_back = body.get("autoRollbackEnabled", True)
        deployment.stopped.set()
        deployment.hook_reported.set()
        return {"status": "Pending", "statusMessage": "The deployment is being stopped."}

    def run(self, deployment: Deployment) -> None:
        """A deployment from its start to its end, with the one that takes it back."""
        deployment.status = "InProgress"
        try:
            self.compare(deployment)
            if deployment.status == "InProgress":
                self.call_hook(deployment)
            if deployment.status == "InProgress":
                self.shift(deployment)
        except Exception as cause:  # noqa: BLE001  # whatever it is, it is how the deployment ends
            deployment.end("Failed", "INTERNAL_ERROR", repr(cause))
        if deployment.status != "Succeeded" and deployment.rolls_back and deployment.creator != "codeDeployRollback":
            self.roll_back(deployment)

    def compare(self, deployment: Deployment) -> None:
        """Takes no alias that is not at the version that it is to be taken from."""
        it = deployment.lambda_function
        live = self.client("lambda").get_alias(FunctionName=it["Name"], Name=it["Alias"])["FunctionVersion"]
        if live != it["CurrentVersion"] and deployment.creator != "codeDeployRollback":
            deployment.end("Failed", "INVALID_LAMBDA_CONFIGURATION", f"The alias is at {live}.")

    def call_hook(self, deployment: Deployment) -> None:
        if deployment.hook is None:
            deployment.hook_status = "Skipped"
            return
        event = {"DeploymentId": deployment.id, "LifecycleEventHookExecutionId": deployment.hook_execution}
        self.client("lambda").invoke(
            FunctionName=deployment.hook, InvocationType="Event", Payload=json.dumps(event).encode()
        )
        in_time = deployment.hook_reported.wait(self.patience)
        if deployment.stopped.is_set():
            deployment.end("Stopped", "MANUAL_STOP", "The deployment was stopped.")
        elif not in_time:
            deployment.hook_status = "Failed"
            deployment.end("Failed", "TIMEOUT", "The hook reported nothing.")
        elif deployment.hook_status != "Succeeded":
            deployment.end("Failed", "HOOK_EXECUTION_FAILURE", "The BeforeAllowTraffic hook failed.")

    def shift(self, deployment: Deployment) -> None:
        """The alias keeps its version and gets a second one with a weight; then it has the second alone."""
        [(at_once, percent, minutes)] = CONFIGS.findall(deployment.group["deploymentConfigName"])
        if not at_once and deployment.creator != "codeDeployRollback":
            deployment.weight = float(percent)
            self.point(deployment, deployment.lambda_function["CurrentVersion"], int(percent) / 100)
            deadline = time.monotonic() + int(minutes) * self.minute
            while time.monotonic() < deadline:
                if deployment.stopped.wait(0.1):
                    return deployment.end("Stopped", "MANUAL_STOP", "The deployment was stopped.")
                if alarms := self.active_alarms(deployment):
                    return deployment.end("Stopped", "ALARM_ACTIVE", f"In alarm: {', '.join(alarms)}")
        deployment.weight = 100.0
        self.point(deployment, deployment.lambda_function["TargetVersion"])
        return deployment.end("Succeeded")

    def point(self, deployment: Deployment, version: str, weight: float | None = None) -> None:
        weights = {deployment.lambda_function["TargetVersion"]: weight} if weight else {}
        self.client("lambda").update_alias(
            FunctionName=deployment.lambda_function["Name"],
            Name=deployment.lambda_function["Alias"],
            FunctionVersion=version,
            RoutingConfig={"AdditionalVersionWeights": weights},
        )

    def active_alarms(self, deployment: Deployment) -> list[str]:
        configuration = deployment.group.get("alarmConfiguration", {})
        names = [alarm["name"] for alarm in configuration.get("alarms", []) if configuration.get("enabled")]
        if not names:
            return []
        found = self.client("cloudwatch").describe_alarms(AlarmNames=names, StateValue="ALARM")
        return [alarm["AlarmName"] for alarm in found["MetricAlarms"]]

    def roll_back(self, deployment: Deployment) -> None:
        """By a deployment of its own, the other way round and without a hook."""
        it = deployment.lambda_function
        back = revision(it["Name"], it["TargetVersion"], it["CurrentVersion"], it["Alias"])
        rollback = Deployment(deployment.group, back, "codeDeployRollback")
        rollback.triggered_by, deployment.rollback = deployment.id, rollback.id
        self.start(rollback)
