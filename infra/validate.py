"""Checks the stacks that `make validate` has installed the tools for, stage by stage. Nothing here talks to AWS."""

import collections
import concurrent.futures
import os
import re
import subprocess
import sys

from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

STACKS = (
    "template.yaml",
    "infra/artifacts.yaml",
    "infra/backup.yaml",
    "infra/backup-copy.yaml",
    "infra/data.yaml",
    "infra/migrate.yaml",
    "infra/observability.yaml",
    "infra/pipeline.yaml",
)
# What customers start from. They have parameters of their own, and no stages.
EXAMPLES = ("examples/protected-api/template.yaml",)
# The defaults are development's.
STAGES = {
    "development": None,
    "staging": "infra/staging/parameters.yaml",
    "production": "infra/production/parameters.yaml",
}
# CloudFormation stops at 500 a stack. The rest is for alarms and for what SAM may add.
MOST_RESOURCES = 400
RELEASE = "0" * 64
# What each deploy says anew.
OF_A_DEPLOY = {"Release", "DeployedAt"}
# The tools ask for credentials and a region, and use neither.
ENVIRONMENT = {
    **os.environ,
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "SAM_CLI_TELEMETRY": "0",
}


def read(path):
    with open(path, encoding="utf-8") as file:
        return yaml_parse(file.read())


def parameters(template, stage_file):
    """The values of a stage as `sam deploy` passes them on."""
    given = {"Release": RELEASE, **(read(stage_file) if stage_file else {})}
    values = {}
    for name, parameter in template["Parameters"].items():
        value = given.get(name, parameter.get("Default"))
        values[name] = ",".join(value) if isinstance(value, list) else str(value)
    return values


def refused(template, values):
    """What CloudFormation would refuse at the start of a deploy; cfn-lint does not look at given values."""
    for name, parameter in template["Parameters"].items():
        value, allowed = values[name], parameter.get("AllowedValues")
        if allowed and value not in map(str, allowed):
            yield f"{name} is {value!r}, not one of {allowed}"
        if "AllowedPattern" in parameter and not re.fullmatch(parameter["AllowedPattern"], value):
            yield f"{name} is {value!r}, which does not match {parameter['AllowedPattern']}"
        if parameter["Type"] == "Number":
            low, high = parameter.get("MinValue", float("-inf")), parameter.get("MaxValue", float("inf"))
            if not low <= float(value) <= high:
                yield f"{name} is {value}, not from {low} to {high}"


def resources(template, values):
    """What CloudFormation gets to see, by type."""
    if "Transform" in template:
        for resource in template["Resources"].values():
            if "CodeUri" in resource["Properties"]:
                resource["Properties"]["CodeUri"] = "s3://bucket/key"
        translator = Translator({}, Parser())
        template = translator.translate(template, values)
        # Goes nowhere, but it would complain on exit.
        translator.metrics.publish()
    return collections.Counter(resource["Type"] for resource in template["Resources"].values())


def tools():
    """What is run over each file: (file, name, command). Each takes a while, and none depends on another."""
    for stack in STACKS:
        yield stack, "sam validate", ("sam", "validate", "--template-file", stack)
        yield stack, "sam validate --lint", ("sam", "validate", "--lint", "--template-file", stack)
        for stage, stage_file in STAGES.items():
            arguments = [f"{name}={value}" for name, value in parameters(read(stack), stage_file).items()]
            yield stack, f"cfn-lint, {stage}", ("cfn-lint", stack, "--parameters", *arguments)
    for example in EXAMPLES:
        yield example, "sam validate --lint", ("sam", "validate", "--lint", "--template-file", example)
        yield example, "cfn-lint", ("cfn-lint", example)


def run(job):
    """Runs a tool beside this Python. Gives whether it found nothing, and what to print: its output only if it did."""
    file, name, command = job
    command = (os.path.join(os.path.dirname(sys.executable), command[0]), *command[1:])
    result = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    fine = result.returncode == 0
    shown = f"  {f'{file}: {name}':<52} {'ok' if fine else 'FAILED'}"
    return fine, shown if fine else f"{shown}\n{result.stdout}\n{result.stderr}"


def main():
    os.environ.update(ENVIRONMENT)
    fine = True
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for passed, shown in pool.map(run, tools()):
            print(shown, flush=True)
            fine &= passed
    known = set()
    for stack in STACKS:
        known |= read(stack)["Parameters"].keys()
        for stage, stage_file in STAGES.items():
            values = parameters(read(stack), stage_file)
            counts = resources(read(stack), values)
            problems = [*refused(read(stack), values)]
            if counts.total() >= MOST_RESOURCES:
                problems.append(f"{counts.total()} resources, {MOST_RESOURCES} are too many: split the stack")
            for problem in problems:
                print(f"    {stack}, {stage}: {problem}")
            fine &= not problems
        kinds = ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
        print(f"{stack}: {counts.total()} resources: {kinds}")
    for stage_file in filter(None, STAGES.values()):
        missing, unknown = known - OF_A_DEPLOY - read(stage_file).keys(), read(stage_file).keys() - known
        for name in sorted(missing | unknown):
            print(f"{stage_file}: {name} {'is missing' if name in missing else 'is no parameter'}")
        fine &= not missing and not unknown
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
