"""`make pipeline`: what an administrator does once for a stage, so that GitHub Actions can deploy it."""

import stacks
import terminal
from deploy import changed_parameters

VARIABLES = {"DEPLOY_ROLE": "DeployRoleArn", "CLOUDFORMATION_ROLE": "CloudFormationRoleArn"}


def arguments(parser):
    parser.add_argument("--yes", action="store_true", help="ask nothing")
    parser.add_argument("--parameters", default="", help="Name=Value …, for this time alone")


def run(stage, options):
    stage.parameters.update(changed_parameters(stage, options.parameters))
    name = f"wardgate-{stage.name}-pipeline"
    stacks.deploy(stage, name, "infra/pipeline.yaml", stage.parameters, options.yes)
    outputs = stage.outputs(name)
    terminal.say(f"The environment {stage.name} of {stage.parameters['Repository']} on GitHub needs these variables:")
    rows = [(variable, outputs[output]) for variable, output in VARIABLES.items()]
    terminal.table([*rows, ("AWS_REGION", stage.region)])
