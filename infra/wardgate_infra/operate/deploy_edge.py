"""The steps of a deploy that are about what stands in front of the API: it comes before all code, which learns from it
what a request shows that came through it."""

from typing import TYPE_CHECKING

from wardgate_infra.operate import aliases, edge, stacks, terminal
from wardgate_infra.operate import release as releases
from wardgate_infra.operate.needs.account import ORIGIN_TEMPLATE, has_edge, is_standby, makes_edge, origin_stack

if TYPE_CHECKING:
    from wardgate_infra.operate.deploy import Deploy


def stack(deploy: "Deploy") -> str:
    stage = deploy.stage
    if not makes_edge(stage) or is_standby(stage):
        return "not made here" if has_edge(stage) else "none"
    version = edge.to_send(stage, aliases.deployed(stage))
    is_new = edge.deploy(stage, version, yes=deploy.options.yes)
    deploy.changed |= is_new
    if edge.say_to(stage):
        # Only now there is a secret.
        deploy.release = releases.name_release(deploy.manifest, stage.parameters)
        terminal.say(f"with what the edge shows, it is release {deploy.release}")
    return "changed" if is_new else "nothing to change"


def origin(deploy: "Deploy") -> str:
    """The name by which the edge finds the API, which has to be there."""
    stage = deploy.stage
    if not makes_edge(stage):
        return "not made here" if has_edge(stage) else "none"
    is_new = stacks.deploy(stage, origin_stack(stage), ORIGIN_TEMPLATE, stage.parameters, yes=deploy.options.yes)
    deploy.changed |= is_new
    return "changed" if is_new else "nothing to change"


def follows(deploy: "Deploy") -> None:
    """Has the edge send what functions take now, where they did not before: a secret was taken out of use at once."""
    stage = deploy.stage
    if not makes_edge(stage) or is_standby(stage):
        return
    version = edge.to_send(stage, aliases.deployed(stage))
    if version != edge.sent(stage):
        terminal.say("  the edge sends its next secret")
        deploy.changed |= edge.deploy(stage, version, yes=deploy.options.yes)
