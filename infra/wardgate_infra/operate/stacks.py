"""How a stack is deployed: by `sam deploy`, with the settings of samconfig.toml."""

import datetime
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import ClientError

from wardgate_infra import ROOT, TARGET, Failed, Json, templates
from wardgate_infra.operate import states
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.states import BESIDE_THE_POINT, SETTLED

SAM = Path(sys.executable).with_name("sam")


@dataclass(frozen=True)
class Code:
    """Where the functions' code is: the bucket, and the key of each function's archive. What a function publishes, by
    its name, or nothing where there is nothing to publish."""

    bucket: str
    archives: dict[str, str]
    publications: dict[str, str]


def deploy(
    stage: Stage,
    name: str,
    template: str,
    given: dict[str, str],
    *,
    yes: bool,
    code: Code | None = None,
    tags: str | None = None,
) -> bool:
    """Deploys a template as a stack, and gives whether anything changed."""
    states.settle(stage, name)
    folder = TARGET / "deploy" / name
    folder.mkdir(parents=True, exist_ok=True)
    content = templates.read(ROOT / template)
    values = given_to(content, given)
    if code:
        name_code(content, code)
    if stage.is_emulated:
        content = lower(content, values, stage.region)
        values = {name: it for name, it in values.items() if name in content["Parameters"]}
    if is_current(stage, name, content, values, released=code is not None):
        return False
    packaged, overrides = folder / "template.json", folder / "parameters.yaml"
    packaged.write_text(written(content), encoding="utf-8")
    # In a file, because on a command line a sender's name would be two values.
    overrides.write_text(json.dumps(values, indent=1), encoding="utf-8")

    before, began = stamp(stage.stack(name)), datetime.datetime.now(datetime.UTC)
    command: list[str | Path] = [SAM, "deploy", "--config-file", ROOT / "samconfig.toml", "--config-env", stage.name]
    command += ["--region", stage.region, "--stack-name", name, "--template-file", packaged]
    command += ["--parameter-overrides", f"file://{overrides}"]
    command += ["--s3-bucket", code.bucket] if code else []
    command += ["--tags", tags] if tags else []
    # What changes resources, where whoever deploys may not do so himself: a pipeline.
    role = os.environ.get("CLOUDFORMATION_ROLE")
    command += ["--role-arn", role] if role else []
    command += ["--no-confirm-changeset"] if yes else []
    if subprocess.run(command, cwd=ROOT, env=os.environ | {"SAM_CLI_TELEMETRY": "0"}, check=False).returncode:
        raise Failed(f"sam deploy of {name} failed.\n{failures(stage, name, began)}".rstrip() + unfinished(stage, name))
    if declined(stage, name, began):
        raise Failed(f"The changes of {name} were declined and are not made; the steps before are.")
    return bool(stamp(stage.stack(name)) != before)


def is_current(stage: Stage, name: str, content: Json, values: dict[str, str], *, released: bool) -> bool:
    """Whether a stack has this template and these values already. sam finds that out, too, in ten times the time. A
    release is no change by itself: what it publishes is in the template."""
    stack = stage.stack(name)
    if stack is None or stack["StackStatus"] not in SETTLED:
        return False
    there = {it["ParameterKey"]: it["ParameterValue"] for it in stack.get("Parameters", [])}
    ignored = {"Release"} if released else set()
    if there.keys() != values.keys() or any(there[key] != it for key, it in values.items() if key not in ignored):
        return False
    body = stage.client("cloudformation").get_template(StackName=name)["TemplateBody"]
    return bool(plain(templates.parse(body) if isinstance(body, str) else body) == plain(content))


def written(content: Json) -> str:
    """A template as it is handed on. sam writes it anew, as YAML without comments. Of that, CloudFormation takes 51,200
    bytes where no bucket is given, that is without `code`: infra/tests/test_stacks.py holds it."""
    return json.dumps(content, separators=(",", ":"))


def plain(content: Json) -> Json:
    """A template without what sam writes into each resource."""
    content = json.loads(json.dumps(content, default=str))
    for resource in content["Resources"].values():
        resource.get("Metadata", {}).pop("SamResourceId", None)
        if resource.get("Metadata") == {}:
            del resource["Metadata"]
    return content


def given_to(content: Json, given: dict[str, str]) -> dict[str, str]:
    """Every parameter of a template: one that is left out would keep the value of the deploy before."""
    return {name: given.get(name, str(it.get("Default"))) for name, it in content["Parameters"].items()}


def name_code(content: Json, code: Code) -> None:
    """Says in a template where each function's archive is."""
    for resource in content["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            function = Path(resource["Properties"]["CodeUri"]).name
            resource["Properties"]["CodeUri"] = f"s3://{code.bucket}/{code.archives[function]}"
            # Of SAM's own accord it is another one with each release.
            resource["Properties"]["AutoPublishCodeSha256"] = code.publications[function]


def lower(content: Json, values: dict[str, str], region: str) -> Json:
    """The template for the emulator."""
    # Nothing of it belongs to a deploy to AWS.
    from wardgate_infra.emulator import lower  # noqa: PLC0415

    return lower.lower(content, values, region)


def stamp(stack: Json) -> Json:
    """What is different after an update."""
    return stack and (stack["StackId"], stack["StackStatus"], stack.get("LastUpdatedTime"))


def declined(stage: Stage, name: str, began: datetime.datetime) -> bool:
    """Whether somebody said no to the change set: it is there, and has not run. sam calls that a success."""
    pages = stage.client("cloudformation").get_paginator("list_change_sets").paginate(StackName=name)
    sets = [it for page in pages for it in page["Summaries"]]
    return any(it["ExecutionStatus"] == "AVAILABLE" and it["CreationTime"] >= began for it in sets)


def unfinished(stage: Stage, name: str) -> str:
    """What has to be known beside the reasons where CloudFormation has not put everything back."""
    state = states.state(stage, name)
    if state is None or state in (*states.SETTLED, *states.PUT_BACK):
        return ""
    return f"\n{name} is {state}. The same command again brings it back to where a deploy goes on, or says what does."


def failures(stage: Stage, name: str, began: datetime.datetime) -> str:
    """The first reasons that CloudFormation gives for what failed; none if it never began."""
    if stage.stack(name) is None:
        return ""
    found = []
    # What it refuses before it begins has reasons of its own, to which a stack's events only point.
    checks = told(stage, "describe_events", "OperationEvents", StackName=name, Filters={"FailedEvents": True})
    for event in checks + told(stage, "describe_stack_events", "StackEvents", StackName=name):
        reason = event.get("ValidationStatusReason") or event.get("ResourceStatusReason", "")
        failed = event.get("EventType") == "VALIDATION_ERROR" or event.get("ResourceStatus", "").endswith("_FAILED")
        if failed and event["Timestamp"] >= began and not any(it in reason for it in BESIDE_THE_POINT):
            found.append((event["Timestamp"], f"  {event['LogicalResourceId']} ({event['ResourceType']}): {reason}"))
    return "\n".join(dict.fromkeys(text for _, text in sorted(found)[:5]))


def told(stage: Stage, operation: str, member: str, **arguments: Json) -> list[Json]:
    """What CloudFormation has to tell; nothing if it does not. A failed deploy is not to end with another failure."""
    try:
        pages = stage.client("cloudformation").get_paginator(operation).paginate(**arguments)
        return [it for page in pages for it in page[member]]
    except ClientError:
        return []


# What every deploy says anew.
OF_EACH_DEPLOY = {"Release", "DeployedAt"}


def given_before(stack: Json) -> dict[str, str]:
    """What a stack has been given. CloudFormation itself hides the values of parameters with NoEcho."""
    return {it["ParameterKey"]: it["ParameterValue"] for it in (stack or {}).get("Parameters", [])}


def differences(before: dict[str, str], now: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Which parameters are others than before, with both values; `none` where there was or is no such parameter."""
    names = (before.keys() | now.keys()) - OF_EACH_DEPLOY
    pairs = {name: (before.get(name, "none"), now.get(name, "none")) for name in names}
    return {name: it for name, it in pairs.items() if it[0] != it[1]}


def parameter(stack: Json, name: str) -> str | None:
    """What a stack has been given, or None if there is none."""
    given = (stack or {}).get("Parameters", [])
    return next((it["ParameterValue"] for it in given if it["ParameterKey"] == name), None)
