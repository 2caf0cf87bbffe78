"""What IAM makes of the policies in templates, as far as a test can know it: which actions there are, on what they act,
and whether statements allow one. The list of actions is cfn-lint's, which has it from AWS's Service Authorization
Reference."""

import functools
import re
from collections.abc import Iterable, Iterator

from cfnlint.data import AdditionalSpecs
from cfnlint.helpers import load_resource

from wardgate_infra import Json, validate
from wardgate_infra.operate import pipeline
from wardgate_infra.operate.needs.intrinsics import Values

STAGE = "staging"
REGION = "eu-central-1"
ACCOUNT = "123456789012"
PSEUDO = {"AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": ACCOUNT}
# Which no stage's file has before its edge is there.
EDGE = {"EdgeStoreArn": f"arn:aws:cloudfront::{ACCOUNT}:key-value-store/an-id"}


@functools.cache
def catalogue() -> Json:
    """Every service's actions and resources, in small letters."""
    return load_resource(AdditionalSpecs, "Policies.json")


@functools.cache
def actions_like(pattern: str) -> list[str]:
    """The actions that a pattern stands for, as the catalogue writes them; none if it knows none."""
    service, _, name = pattern.lower().partition(":")
    known = catalogue().get(service, {}).get("Actions", {})
    return [f"{service}:{it}" for it in known if matches(name, it)]


@functools.cache
def formats(action: str) -> list[re.Pattern[str]]:
    """The ARNs that an action may be allowed for; none if it knows no resource and only `*` allows it."""
    service, _, name = action.lower().partition(":")
    described = catalogue().get(service, {"Actions": {}})
    kinds = described["Actions"].get(name, {}).get("Resources", [])
    found = [described["Resources"][it.lower()] for it in ([kinds] if isinstance(kinds, str) else kinds)]
    return [
        re.compile(re.sub(r"\$\{\w+\}", "[^:]*", format_)) for described in found for format_ in described["ARNFormats"]
    ]


@functools.cache
def expression(pattern: str) -> re.Pattern[str]:
    """IAM's wildcards as a regular expression."""
    return re.compile("".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern))


def matches(pattern: str, text: str) -> bool:
    return expression(pattern).fullmatch(text) is not None


def listed(value: Json) -> list[Json]:
    """One, or several."""
    return value if isinstance(value, list) else [value]


def statements(value: Json) -> Iterator[Json]:
    """Every statement in a part of a template, whichever condition it stands under."""
    if isinstance(value, list):
        for it in value:
            yield from statements(it)
    elif isinstance(value, dict):
        if "Effect" in value:
            yield value
        else:
            yield from statements(list(value.values()))


def allowing(given: Iterable[Json], action: str, arn: str = "*") -> list[Json]:
    """The statements that allow an action on a resource, whatever conditions they have."""
    return [
        it
        for it in given
        if any(matches(one.lower(), action.lower()) for one in listed(it["Action"]))
        and any(one is None or matches(one, arn) for one in listed(it["Resource"]))
    ]


@functools.cache
def values_of(path: str) -> tuple[Json, Values]:
    """A template by its path in the repository, for reading alone, and what comes of its functions in staging."""
    template = validate.read(path)
    return template, Values(template, validate.parameters(template, validate.STAGES[STAGE]) | PSEUDO | EDGE)


def attached(path: str, *policies: str) -> list[Json]:
    """The statements of policies of a template, by their logical ids, as they are in staging."""
    template, values = values_of(path)
    found = [statements(template["Resources"][it]["Properties"]["PolicyDocument"]) for it in policies]
    return [values.resolve(statement) for several in found for statement in several]


def role(name: str) -> list[Json]:
    """The statements of a role of `make pipeline` in staging."""
    path = next(it for it in pipeline.TEMPLATES.values() if name in values_of(it)[0]["Resources"])
    policies = values_of(path)[0]["Resources"][name]["Properties"]["ManagedPolicyArns"]
    return attached(path, *(it["Ref"] for it in policies))
