"""How a stack is deployed: by `sam deploy`, with the settings of samconfig.toml."""

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path

import terminal
from samcli.yamlhelper import yaml_parse
from stage import ROOT, Failed

SAM = Path(sys.executable).with_name("sam")
# What CloudFormation stops because something else failed.
BESIDE_THE_POINT = ("cancelled", "Rollback requested")


def deploy(stage, name, template, given, yes, bucket=None, code=None, tags=None):
    """Deploys a template as a stack, and gives whether anything changed. `code` is where each function's archive is."""
    folder = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "deploy" / name
    folder.mkdir(parents=True, exist_ok=True)
    content = yaml_parse((ROOT / template).read_text(encoding="utf-8"))
    # All of them: one that is left out would keep the value of the deploy before.
    values = {
        parameter: given.get(parameter, str(it.get("Default"))) for parameter, it in content["Parameters"].items()
    }
    for resource in content["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            function = Path(resource["Properties"]["CodeUri"]).name
            resource["Properties"]["CodeUri"] = f"s3://{bucket}/{code[function]}"
    if stage.is_emulated:
        content = lower(content, values)
    packaged, overrides = folder / "template.json", folder / "parameters.yaml"
    packaged.write_text(json.dumps(content, indent=1), encoding="utf-8")
    # In a file, because on a command line a sender's name would be two values.
    overrides.write_text(json.dumps(values, indent=1), encoding="utf-8")

    clear(stage, name)
    before, began = stamp(stage.stack(name)), datetime.datetime.now(datetime.UTC)
    command = [SAM, "deploy", "--config-file", ROOT / "samconfig.toml", "--config-env", stage.name]
    command += ["--region", stage.region, "--stack-name", name, "--template-file", packaged, "--parameter-overrides", f"file://{overrides}"]
    command += ["--s3-bucket", bucket] if bucket else []
    command += ["--tags", tags] if tags else []
    # What changes resources, where whoever deploys may not do so himself: a pipeline.
    role = os.environ.get("CLOUDFORMATION_ROLE")
    command += ["--role-arn", role] if role else []
    command += ["--no-confirm-changeset"] if yes else []
    if subprocess.run(command, cwd=ROOT, env=os.environ | {"SAM_CLI_TELEMETRY": "0"}, check=False).returncode:
        raise Failed(f"sam deploy of {name} failed.\n{failures(stage, name, began)}".rstrip())
    if declined(stage, name, began):
        raise Failed(f"The changes of {name} were declined and are not made; the steps before are.")
    return stamp(stage.stack(name)) != before


def clear(stage, name):
    """Deletes a stack whose first deploy failed and was taken back: it has nothing in it, and cannot be updated."""
    if (stage.stack(name) or {}).get("StackStatus") == "ROLLBACK_COMPLETE":
        terminal.say(f"deleting what a failed first deploy has left of {name}")
        client = stage.client("cloudformation")
        client.delete_stack(StackName=name)
        client.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 2})


def lower(content, values):
    """The template for the emulator."""
    sys.path.insert(0, str(ROOT / "infra/emulator"))
    import lower  # noqa: PLC0415  # nothing of it belongs to a deploy to AWS

    return lower.lower(content, values)


def stamp(stack):
    """What is different after an update."""
    return stack and (stack["StackId"], stack["StackStatus"], stack.get("LastUpdatedTime"))


def declined(stage, name, began):
    """Whether somebody said no to the change set: it is there, and has not run. sam calls that a success."""
    pages = stage.client("cloudformation").get_paginator("list_change_sets").paginate(StackName=name)
    sets = [it for page in pages for it in page["Summaries"]]
    return any(it["ExecutionStatus"] == "AVAILABLE" and it["CreationTime"] >= began for it in sets)


def failures(stage, name, began):
    """The first reasons that CloudFormation gives for what failed; none if it never began."""
    if stage.stack(name) is None:
        return ""
    client, found = stage.client("cloudformation"), []
    # What it refuses before it begins has reasons of its own, to which a stack's events only point.
    checks = client.get_paginator("describe_events").paginate(StackName=name, Filters={"FailedEvents": True})
    stories = client.get_paginator("describe_stack_events").paginate(StackName=name)
    for event in [it for page in checks for it in page["OperationEvents"]] + [
        it for page in stories for it in page["StackEvents"]
    ]:
        reason = event.get("ValidationStatusReason") or event.get("ResourceStatusReason", "")
        failed = event.get("EventType") == "VALIDATION_ERROR" or event.get("ResourceStatus", "").endswith("_FAILED")
        if failed and event["Timestamp"] >= began and not any(it in reason for it in BESIDE_THE_POINT):
            found.append((event["Timestamp"], f"  {event['LogicalResourceId']} ({event['ResourceType']}): {reason}"))
    return "\n".join(dict.fromkeys(text for _, text in sorted(found)[:5]))


def parameter(stack, name):
    """What a stack has been given, or None if there is none."""
    given = (stack or {}).get("Parameters", [])
    return next((it["ParameterValue"] for it in given if it["ParameterKey"] == name), None)
