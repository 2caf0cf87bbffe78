"""What makes a version of a function another one: only then it is published anew."""

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path

from wardgate_infra import ROOT, Json, templates
from wardgate_infra.operate.stacks import given_to

# What is no part of a version: how it gets its traffic, and what leads to it.
BESIDE_A_VERSION = (
    "AutoPublishCodeSha256",
    "CodeUri",
    "DeploymentPreference",
    "Events",
    "ReservedConcurrentExecutions",
)


def publications(templates_of: Iterable[str], given: dict[str, str], archives: dict[str, str]) -> dict[str, str]:
    """The SHA-256 of what makes a version of each function: its code, its properties, and the parameters that these
    mention. Where it stays, there is no new version."""
    found = {}
    for template in templates_of:
        content = templates.read(ROOT / template)
        values, conditions = given_to(content, given), content.get("Conditions", {})
        of_all = without(content["Globals"]["Function"])
        for resource in content["Resources"].values():
            if resource["Type"] == "AWS::Serverless::Function":
                function, own = Path(resource["Properties"]["CodeUri"]).name, without(resource["Properties"])
                # Environments are joined; any other property of its own stands in for that of all.
                others = {name: it for name, it in of_all.items() if name not in own or name == "Environment"}
                mentioned = mentions([others, own], conditions) & values.keys() - {"Release"}
                made_of = [archives[function], others, own, {name: values[name] for name in sorted(mentioned)}]
                text = json.dumps(made_of, sort_keys=True, default=str)
                found[function] = hashlib.sha256(text.encode()).hexdigest()
    return found


def without(properties: Json) -> Json:
    return {name: it for name, it in properties.items() if name not in BESIDE_A_VERSION}


def mentions(value: Json, conditions: Json) -> set[str]:
    """Every name that a part of a template refers to, also by way of a condition."""
    if isinstance(value, list):
        return {name for it in value for name in mentions(it, conditions)}
    if isinstance(value, str):
        return set(re.findall(r"\$\{([A-Za-z0-9]+)\}", value))
    if not isinstance(value, dict):
        return set()
    found = {name for it in value.values() for name in mentions(it, conditions)}
    if isinstance(value.get("Ref"), str):
        found.add(value["Ref"])
    for condition in (value.get("Condition"), value.get("Fn::If", [None])[0]):
        if isinstance(condition, str):
            found |= mentions(conditions.get(condition), conditions)
    return found
