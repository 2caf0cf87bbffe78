"""Templates and parameter files, as SAM reads them: YAML with CloudFormation's short forms."""

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

import yaml
from samcli.yamlhelper import yaml_parse

from wardgate_infra import Json

# From samcli's first template on, every mapping that this process reads is one of these, whoever reads it.
yaml.SafeDumper.add_representer(OrderedDict, yaml.SafeDumper.represent_dict)


def read(path: str | Path) -> Json:
    return parse(Path(path).read_text(encoding="utf-8"))


def parse(text: str) -> Json:
    return yaml_parse(text)


def as_text(values: Mapping[str, Json]) -> dict[str, str]:
    """Parameters as CloudFormation takes them: text, and lists joined with commas."""
    return {name: ",".join(map(str, it)) if isinstance(it, list) else str(it) for name, it in values.items()}
