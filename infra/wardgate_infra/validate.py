"""Checks the stacks that `make validate` has installed the tools for, stage by stage. Nothing here talks to AWS."""

import collections
import concurrent.futures
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from wardgate_infra import ROOT, Json, templates

STACKS = (
    "template.yaml",
    *sorted(f"infra/{it.name}" for it in (ROOT / "infra").glob("*.yaml")),
    *sorted(f"infra/functions/{it.name}" for it in (ROOT / "infra/functions").glob("*.yaml")),
)
# What customers start from. They have parameters of their own, and no stages.
EXAMPLES = ("examples/node-lambda/template.yaml", "examples/protected-api/template.yaml")
# The defaults are development's.
STAGES = {
    "development": None,
    "staging": "infra/staging/parameters.yaml",
    "production": "infra/production/parameters.yaml",
}
# Where `make` installs the tools.
SAM = Path(sys.executable).parent
CHECKOV = ROOT / ".tools/checkov/bin"
# What is run, by its name: the folder that it is in, and its arguments.
Tool: TypeAlias = tuple[str, Path, list[str]]
# CloudFormation stops at 500 a stack. The rest is for alarms and for what SAM may add.
MOST_RESOURCES = 400
RELEASE = "0" * 64
# What each deploy says anew.
OF_A_DEPLOY = {"Release", "DeployedAt", "SecretVersion"}
# The tools ask for credentials and a region, and use neither.
ENVIRONMENT = {
    **os.environ,
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "SAM_CLI_TELEMETRY": "0",
}


def read(path: str) -> Json:
    """A template or a file of parameters, by its path in the repository."""
    return templates.read(ROOT / path)


def parameters(template: Json, stage_file: str | None) -> dict[str, str]:
    """The values of a stage as `sam deploy` passes them on."""
    given = {"Release": RELEASE, **(read(stage_file) if stage_file else {})}
    return templates.as_text({name: given.get(name, it.get("Default")) for name, it in template["Parameters"].items()})


def refused(template: Json, values: dict[str, str]) -> Iterator[str]:
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


def translated(template: Json, values: dict[str, str]) -> Json:
    """The template as CloudFormation gets to see it."""
    if "Transform" not in template:
        return template
    for resource in template["Resources"].values():
        if "CodeUri" in resource["Properties"]:
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    translator = Translator({}, Parser())
    template = translator.translate(template, values)
    # Goes nowhere, but it would complain on exit.
    translator.metrics.publish()
    return template


def resources(template: Json, values: dict[str, str]) -> collections.Counter[str]:
    """What CloudFormation gets to see, by type."""
    return collections.Counter(resource["Type"] for resource in translated(template, values)["Resources"].values())


def tools() -> list[Tool]:
    """What is run beside each other, one process each for all files."""
    everything = [*STACKS, *EXAMPLES]
    # It must not ask a server for policies.
    quietly = ["--framework", "cloudformation", "--skip-download", "--compact", "--quiet"]
    return [
        ("cfn-lint", SAM, everything),
        ("checkov", CHECKOV, ["--config-file", ".checkov.yaml", "--file", *everything, *quietly]),
    ]


def run(tool: Tool) -> tuple[bool, str]:
    """Runs a tool. Gives whether it found nothing, and what to print: its output only if it did."""
    name, folder, arguments = tool
    began = time.monotonic()
    result = subprocess.run(
        [folder / name, *arguments], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    fine = result.returncode == 0
    shown = f"  {name:<12} {'ok' if fine else 'FAILED'}  {time.monotonic() - began:4.0f} s"
    return fine, shown if fine else f"{shown}\n{result.stdout}\n{result.stderr}"


def stages(stack: str) -> tuple[bool, list[str]]:
    """What a stack is for each stage: whether it fits, and what to print."""
    template = read(stack)
    fine, lines = True, []
    for stage, stage_file in STAGES.items():
        values = parameters(template, stage_file)
        counts = resources(read(stack), values)
        problems = [*refused(template, values)]
        if counts.total() >= MOST_RESOURCES:
            problems.append(f"{counts.total()} resources, {MOST_RESOURCES} are too many: split the stack")
        lines += [f"    {stack}, {stage}: {problem}" for problem in problems]
        fine &= not problems
    kinds = ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
    return fine, [*lines, f"{stack}: {counts.total()} resources: {kinds}"]


def main() -> None:
    os.environ.update(ENVIRONMENT)
    # The tools are processes of their own, so that threads are enough; what this process does itself goes on meanwhile.
    with concurrent.futures.ThreadPoolExecutor() as pool:
        results = [pool.submit(run, tool) for tool in tools()]
        fine, known = True, set()
        for stack in STACKS:
            known |= read(stack)["Parameters"].keys()
            fits, lines = stages(stack)
            print(*lines, sep="\n", flush=True)
            fine &= fits
        for result in concurrent.futures.as_completed(results):
            passed, shown = result.result()
            print(shown, flush=True)
            fine &= passed
    for stage_file in filter(None, STAGES.values()):
        missing, unknown = known - OF_A_DEPLOY - read(stage_file).keys(), read(stage_file).keys() - known
        for name in sorted(missing | unknown):
            print(f"{stage_file}: {name} {'is missing' if name in missing else 'is no parameter'}")
        fine &= not missing and not unknown
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
