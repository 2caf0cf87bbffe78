"""`make pipeline`: what an administrator does once for a stage, so that GitHub Actions can deploy it."""

import argparse
import re

from wardgate_infra import Failed
from wardgate_infra.operate import stacks, terminal
from wardgate_infra.operate.deploy import changed_parameters
from wardgate_infra.operate.needs import placeholders
from wardgate_infra.operate.stage import Stage

# What an administrator deploys, by what each stack's name has after the stage's.
TEMPLATES = {"cloudformation-role": "infra/cloudformation-role.yaml", "pipeline": "infra/pipeline.yaml"}
# The variables of each environment, by what its name has after the stage's.
VARIABLES = {
    "": {"DEPLOY_ROLE": "DeployRoleArn", "CLOUDFORMATION_ROLE": "CloudFormationRoleArn"},
    "-read": {"READ_ROLE": "ReadRoleArn"},
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="ask nothing")
    parser.add_argument("--parameters", default="", help="Name=Value …, for this time alone")


def run(stage: Stage, options: argparse.Namespace) -> None:
    stage.parameters.update(changed_parameters(stage, options.parameters))
    repository = placeholders.repository_of(stage)
    # Where GitHub is asked, that somebody could become the stage's deploy role.
    if placeholders.is_nobodys(repository) and not stage.is_emulated:
        raise Failed(
            f"Repository is {repository}, as the repository comes: whoever has that name on GitHub could deploy to "
            f"{stage.name}. Write your own into infra/{stage.name}/parameters.yaml (docs/operations/pipelines.md)."
        )
    outputs: dict[str, str] = {}
    for name, template in TEMPLATES.items():
        stack = f"wardgate-{stage.name}-{name}"
        stacks.deploy(stage, stack, template, stage.parameters, yes=options.yes)
        outputs |= stage.outputs(stack)
    # Without the ids, which only its tokens have.
    repository = re.sub("@[0-9]+", "", repository)
    for end, variables in VARIABLES.items():
        terminal.say(f"The environment {stage.name}{end} of {repository} on GitHub needs these variables:")
        rows = [(variable, outputs[output]) for variable, output in variables.items()]
        terminal.table([*rows, ("AWS_REGION", stage.region)])
