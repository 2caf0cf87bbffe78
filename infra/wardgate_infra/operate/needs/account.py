"""The account that a stage is deployed to: what the stage's stacks are to make in it, and what they have made."""

import os
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from wardgate_infra import ROOT, Json, templates
from wardgate_infra.operate import release as releases
from wardgate_infra.operate.needs.intrinsics import Values
from wardgate_infra.operate.stacks import given_to
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.states import ONLY_SHOWN

# A stack with nothing in it: of a first deploy that was taken back, which the next one deletes, or that was only shown.
EMPTY = ("ROLLBACK_COMPLETE", ONLY_SHOWN)
# A resource that a stack lists and does not have: it is gone, was left behind, or never came to be.
NOT_THERE = ("DELETE_COMPLETE", "DELETE_SKIPPED", "CREATE_FAILED")


@dataclass(frozen=True)
class Resource:
    """A resource as a template has it, with what the template is given."""

    logical_id: str
    kind: str
    properties: Json
    values: Values

    def value(self, name: str) -> Json:
        """A property. None if there is none, or only AWS knows it."""
        return self.values.resolve(self.properties.get(name))


@dataclass(frozen=True)
class Stack:
    """A stack of the stage, and where it is."""

    where: Stage
    name: str
    resources: list[Resource]

    def of(self, kind: str) -> list[Resource]:
        """The resources of a kind."""
        return [it for it in self.resources if it.kind == kind]


def makes_copies(stage: Stage) -> bool:
    """Whether a deploy makes the vault for copies. A pipeline's roles end at their region: it is made by the
    administrator who deploys first. And all stacks of the emulator are in one region, where the second vault would be
    the first one."""
    return bool(copy_region(stage)) and not stage.is_emulated and "CLOUDFORMATION_ROLE" not in os.environ


def copy_region(stage: Stage) -> str:
    """Where copies of backups go, if they go anywhere. Only a stage with parameters of its own says it."""
    return stage.parameters.get("CopyRegion", "")


def copy_stack(stage: Stage) -> str:
    """The stack of the vault for copies, in the region of that."""
    return f"{stage.backup_stack}-copy"


# Where Route 53 tells CloudWatch of its health checks, and nowhere else.
PROBE_REGION = "us-east-1"


def makes_probe(stage: Stage) -> bool:
    """Whether a deploy makes what asks from outside: as with the vault for copies, no pipeline does, and the emulator
    has nobody outside."""
    return probes(stage) and not stage.is_emulated and "CLOUDFORMATION_ROLE" not in os.environ


def probes(stage: Stage) -> bool:
    """Whether a stage is to be asked from outside. Only one with parameters of its own says it."""
    return stage.parameters.get("OutsideProbe") == "on"


def probe_stack(stage: Stage) -> str:
    """The stack of what asks from outside."""
    return f"wardgate-{stage.name}-probe"


# Where CloudFront takes certificates, functions' stores and limits from.
EDGE_REGION = "us-east-1"
EDGE_TEMPLATE, ORIGIN_TEMPLATE = "infra/edge.yaml", "infra/origin.yaml"


def has_edge(stage: Stage) -> bool:
    """Whether a stage has an edge that `make deploy` makes. One of somebody's own says EdgeDigests itself."""
    return stage.parameters.get("Edge", "off") != "off"


def makes_edge(stage: Stage) -> bool:
    """Whether a deploy makes it: as with the vault for copies, no pipeline does."""
    return has_edge(stage) and "CLOUDFORMATION_ROLE" not in os.environ


def is_standby(stage: Stage) -> bool:
    """Whether another region of the stage writes: the edge, of which there is one, is that region's to lead."""
    return stage.parameters.get("Writer", "true") == "false"


def edge_stack(stage: Stage) -> str:
    """The stack of what stands in front of the API."""
    return f"wardgate-{stage.name}-edge"


def origin_stack(stage: Stage) -> str:
    """The stack of the name by which the edge finds the API."""
    return f"wardgate-{stage.name}-origin"


def edge_stacks(stage: Stage) -> list[tuple[Stage, str, str]]:
    """Both, each with where it is and its template."""
    there = stage.in_region(EDGE_REGION)
    return [(there, edge_stack(stage), EDGE_TEMPLATE), (stage, origin_stack(stage), ORIGIN_TEMPLATE)]


class Account:
    """An account, looked at for one stage. What AWS is asked for is asked once."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.known: dict[str, set[str] | None] = {}

    @cached_property
    def caller(self) -> str:
        """Whoever asks, as an ARN."""
        return str(self.stage.client("sts").get_caller_identity()["Arn"])

    @property
    def id(self) -> str:
        return self.caller.split(":")[4]

    @property
    def partition(self) -> str:
        return self.caller.split(":")[1]

    @cached_property
    def stacks(self) -> list[Stack]:
        """The stacks that a deploy makes, in its order."""
        stage = self.stage
        found = [
            (stage, releases.STACK, "infra/artifacts.yaml"),
            (stage, stage.data_stack, "infra/data.yaml"),
            *(edge_stacks(stage) if makes_edge(stage) else []),
            *((stage, name, template) for name, template in stage.release_stacks.items()),
            (stage, stage.observability_stack, "infra/observability.yaml"),
        ]
        if makes_probe(stage):
            found.append((stage.in_region(PROBE_REGION), probe_stack(stage), "infra/probe.yaml"))
        if makes_copies(stage):
            found.append((stage.in_region(copy_region(stage)), copy_stack(stage), "infra/backup-copy.yaml"))
        found.append((stage, stage.backup_stack, "infra/backup.yaml"))
        return [self.read(*it) for it in found]

    def read(self, where: Stage, name: str, template: str) -> Stack:
        """What a template makes for the stage's parameters."""
        content = templates.read(ROOT / template)
        own = {"AWS::AccountId": self.id, "AWS::Partition": self.partition, "AWS::Region": where.region}
        values = Values(content, given_to(content, self.stage.parameters) | own)
        resources = [
            Resource(logical_id, it["Type"], it.get("Properties", {}), values)
            for logical_id, it in content["Resources"].items()
            if "Condition" not in it or values.holds(it["Condition"])
        ]
        return Stack(where, name, resources)

    def there(self, stack: Stack) -> set[str]:
        """The logical ids of what a stack has already."""
        return self.look(stack) or set()

    def has(self, stack: Stack) -> bool:
        """Whether there is a stack already."""
        return self.look(stack) is not None

    def look(self, stack: Stack) -> set[str] | None:
        if stack.name not in self.known:
            self.known[stack.name] = listed(stack) if is_there(stack.where, stack.name) else None
        return self.known[stack.name]

    def new(self) -> Counter[str]:
        """How many resources of each kind a deploy has to make."""
        made = [(it, self.there(stack)) for stack in self.stacks for it in stack.resources]
        return Counter(it.kind for it, there in made if it.logical_id not in there)

    @cached_property
    def has_stage(self) -> bool:
        """Whether the stage has been deployed before: the API is what comes last of what answers."""
        return is_there(self.stage, self.stage.code_stack)


def is_there(where: Stage, name: str) -> bool:
    """Whether there is a stack with something in it."""
    stack = where.stack(name)
    return stack is not None and stack["StackStatus"] not in EMPTY


def listed(stack: Stack) -> set[str]:
    """The logical ids of what a stack has."""
    pages = stack.where.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack.name)
    found = [it for page in pages for it in page["StackResourceSummaries"]]
    return {it["LogicalResourceId"] for it in found if it["ResourceStatus"] not in NOT_THERE}
