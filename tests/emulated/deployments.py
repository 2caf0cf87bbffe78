"""One deployment of the stand-in for CodeDeploy (codedeploy.py): what it is to do, how far it is, and how AWS would
tell."""

import hashlib
import json
import secrets
import threading
import time

from wardgate_infra import Json


def revision(function: str, current: str, target: str, alias: str = "live", hook: str | None = None) -> Json:
    """What CloudFormation makes of an alias whose version changes."""
    properties = {"Name": function, "Alias": alias, "CurrentVersion": current, "TargetVersion": target}
    content = {"version": "0.0", "Resources": [{function: {"Type": "AWS::Lambda::Function", "Properties": properties}}]}
    if hook:
        content["Hooks"] = [{"BeforeAllowTraffic": hook}]
    return {"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(content)}}


class Deployment:
    """A deployment of a group, from one version of a function to another."""

    def __init__(self, group: Json, revision: Json, creator: str = "user") -> None:
        self.id = "d-" + "".join(secrets.choice("ABCDEFGHJKMNPQRSTVWXYZ0123456789") for _ in range(9))
        self.group, self.revision, self.creator = group, revision, creator
        [resource] = json.loads(revision["appSpecContent"]["content"])["Resources"]
        [self.lambda_function] = [it["Properties"] for it in resource.values()]
        hooks = json.loads(revision["appSpecContent"]["content"]).get("Hooks", [])
        self.hook = next((it["BeforeAllowTraffic"] for it in hooks if "BeforeAllowTraffic" in it), None)
        self.status = "Created"
        self.error: dict[str, str] | None = None
        # The deployment that takes this one back, and the one that this takes back.
        self.rollback: str | None = None
        self.triggered_by: str | None = None
        self.created, self.weight = time.time(), 0.0
        self.completed: float | None = None
        self.hook_execution, self.hook_status = secrets.token_hex(16), "Pending"
        self.hook_reported, self.stopped, self.rolls_back = threading.Event(), threading.Event(), True

    def end(self, status: str, code: str | None = None, message: str = "") -> None:
        self.error = {"code": code, "message": message} if code else None
        self.status, self.completed = status, time.time()

    @property
    def shown_revision(self) -> Json:
        content = self.revision["appSpecContent"]["content"]
        sha = hashlib.sha256(content.encode()).hexdigest()
        return {"revisionType": "AppSpecContent", "appSpecContent": {"sha256": sha}}

    def describe(self) -> Json:
        """As GetDeployment answers."""
        info: dict[str, Json] = {
            "deploymentId": self.id,
            "applicationName": self.group["applicationName"],
            "deploymentGroupName": self.group["deploymentGroupName"],
            "deploymentConfigName": self.group["deploymentConfigName"],
            "revision": self.shown_revision,
            "status": self.status,
            "creator": self.creator,
            "computePlatform": "Lambda",
            "createTime": self.created,
        }
        if self.completed:
            info["completeTime"] = self.completed
        if self.error:
            info["errorInformation"] = self.error
        if self.rollback:
            info["rollbackInfo"] = {"rollbackDeploymentId": self.rollback}
        if self.triggered_by:
            info["rollbackInfo"] = {"rollbackTriggeringDeploymentId": self.triggered_by}
        return info

    @property
    def target_id(self) -> str:
        return f"{self.lambda_function['Name']}:{self.lambda_function['Alias']}"

    def describe_target(self) -> Json:
        """As GetDeploymentTarget answers."""
        target: dict[str, Json] = {
            "deploymentId": self.id,
            "targetId": self.target_id,
            "status": "InProgress",
            "lifecycleEvents": [
                {"lifecycleEventName": "BeforeAllowTraffic", "status": self.hook_status},
            ],
        }
        if self.hook_status in ("Succeeded", "Skipped"):
            names = ("Name", "Alias", "CurrentVersion", "TargetVersion")
            known = zip(("functionName", "functionAlias", "currentVersion", "targetVersion"), names, strict=True)
            info = {name: self.lambda_function[key] for name, key in known}
            target["lambdaFunctionInfo"] = info | {"targetVersionWeight": self.weight}
        return {"deploymentTargetType": "LambdaTarget", "lambdaTarget": target}
