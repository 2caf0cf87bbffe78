"""Templates and parameter files, as SAM reads them: YAML with CloudFormation's short forms."""

from collections.abc import Mapping
from pathlib import Path

from samcli.yamlhelper import yaml_parse

from wardgate_infra import Json


def read(path: str | Path) -> Json:
    return parse(Path(path).read_text(encoding="utf-8"))


def parse(text: str) -> Json:
    return yaml_parse(text)


def as_text(values: Mapping[str, Json]) -> dict[str, str]:
    """Parameters as CloudFormation takes them: text, and lists joined with commas."""
    return {name: ",".join(map(str, it)) if isinstance(it, list) else str(it) for name, it in values.items()}
