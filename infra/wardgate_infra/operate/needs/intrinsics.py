"""What a template's functions come to for given parameters, as far as names, numbers and conditions go. What only AWS
knows is None."""

import re
from collections.abc import Mapping

from wardgate_infra import Json

VARIABLE = re.compile(r"\$\{([^!}]+)\}")


class Values:
    """What a template is given."""

    def __init__(self, content: Json, given: Mapping[str, str]) -> None:
        self.conditions = content.get("Conditions", {})
        # References to resources are in none of it, and neither is AWS::NoValue.
        self.given = given

    def holds(self, condition: str) -> bool:
        """Whether a condition of the template holds."""
        return bool(self.resolve(self.conditions[condition]))

    def resolve(self, value: Json) -> Json:
        """A part of the template."""
        if isinstance(value, list):
            return [self.resolve(it) for it in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(name, argument)] = value.items()
            if name in ("Ref", "Condition") or name.startswith("Fn::"):
                method = getattr(self, "of_" + name.removeprefix("Fn::").lower(), None)
                return method(argument) if method else None
        return {name: self.resolve(it) for name, it in value.items()}

    def of_ref(self, name: str) -> Json:
        return self.given.get(name)

    def of_condition(self, name: str) -> Json:
        return self.holds(name)

    def of_if(self, argument: Json) -> Json:
        condition, yes, no = argument
        return self.resolve(yes if self.holds(condition) else no)

    def of_equals(self, argument: Json) -> Json:
        left, right = (str(self.resolve(it)) for it in argument)
        return left == right

    def of_not(self, argument: Json) -> Json:
        return not self.resolve(argument[0])

    def of_and(self, argument: Json) -> Json:
        return all(self.resolve(it) for it in argument)

    def of_or(self, argument: Json) -> Json:
        return any(self.resolve(it) for it in argument)

    def of_select(self, argument: Json) -> Json:
        index, values = argument
        found = self.resolve(values)
        return found and found[int(index)]

    def of_split(self, argument: Json) -> Json:
        separator, value = argument
        text = self.resolve(value)
        return text and text.split(separator)

    def of_join(self, argument: Json) -> Json:
        separator, values = argument
        parts = self.resolve(values)
        # A parameter that is a list comes as text.
        parts = parts.split(",") if isinstance(parts, str) else parts
        return None if parts is None or None in parts else separator.join(map(str, parts))

    def of_sub(self, argument: Json) -> Json:
        text, own = argument if isinstance(argument, list) else (argument, {})
        known = {**self.given, **self.resolve(own)}
        if any(known.get(it) is None for it in VARIABLE.findall(text)):
            return None
        return VARIABLE.sub(lambda found: str(known[found[1]]), text)
