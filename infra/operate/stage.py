"""A stage as the operator's commands see it: its parameters, the names of what it is made of, and its AWS clients.

Nothing here asks where AWS is. The SDK takes that from the shell, as AWS's own tools do: a profile, a role, or
AWS_ENDPOINT_URL for the emulator of `make emulate`.
"""

import functools
import json
import os
import tomllib
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from samcli.yamlhelper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
STAGES = ("development", "staging", "production")


class Failed(Exception):
    """What stops a command: what went wrong and what to do next, for whoever typed it."""


class Stage:
    """One stage."""

    def __init__(self, name):
        if name not in STAGES:
            raise Failed(f"STAGE is one of {', '.join(STAGES)}, not {name!r}.")
        self.name = name
        # The stacks, in the order of a deploy.
        self.data_stack = f"wardgate-{name}-data"
        self.migrate_stack = f"wardgate-{name}-migrate"
        self.code_stack = f"wardgate-{name}"
        self.observability_stack = f"wardgate-{name}-observability"
        self.backup_stack = f"wardgate-{name}-backup"

    @functools.cached_property
    def region(self):
        """Where samconfig.toml puts the stage."""
        settings = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
        return settings[self.name]["global"]["parameters"]["region"]

    def in_region(self, region):
        """The same stage, as far as it reaches into another region."""
        other = Stage(self.name)
        other.__dict__ |= {"region": region, "parameters": self.parameters}
        return other

    @property
    def is_emulated(self):
        """Whether AWS is the emulator: templates are lowered for it, and nothing else is different."""
        return bool(os.environ.get("AWS_ENDPOINT_URL"))

    @property
    def parameter_file(self):
        """What the stage is made of. Development has the defaults of the templates."""
        return ROOT / f"infra/{self.name}/parameters.yaml"

    @functools.cached_property
    def parameters(self):
        """The stage's parameters as text, lists joined with commas, over the defaults of template.yaml."""
        template = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
        values = {name: it["Default"] for name, it in template["Parameters"].items() if "Default" in it}
        values["Stage"] = self.name
        if self.parameter_file.exists():
            values |= yaml_parse(self.parameter_file.read_text(encoding="utf-8"))
        return {name: ",".join(map(str, it)) if isinstance(it, list) else str(it) for name, it in values.items()}

    # One of a kind: making one takes a while, and threads must not do it at the same time.
    @functools.cache
    def client(self, service, region=None, **config):
        """An SDK client for the stage's region, or another."""
        # `standard` tries throttled and failed calls again.
        config = Config(retries={"mode": "standard"}, **config)
        return boto3.client(service, region_name=region or self.region, config=config)

    def function_name(self, function):
        """A function's name in AWS."""
        return f"wardgate-{self.name}-{function}"

    def invoke(self, function, event, qualifier="live"):
        """What a function answers to an event. One that fails stops the command with its error."""
        # As long as a function may take: this is not a call to try again because it is slow.
        client = self.client("lambda", read_timeout=900)
        answer = client.invoke(
            FunctionName=self.function_name(function), Qualifier=qualifier, Payload=json.dumps(event).encode()
        )
        text = answer["Payload"].read().decode()
        if "FunctionError" in answer:
            raise Failed(f"{function} failed: {text}\nIts log says more: make logs STAGE={self.name} F={function}")
        return json.loads(text) if text else None

    def stack(self, name):
        """A stack as CloudFormation describes it, or None if there is none."""
        try:
            return self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            # CloudFormation has no code of its own for this.
            if "does not exist" in error.response["Error"]["Message"]:
                return None
            raise

    def outputs(self, name):
        """A stack's outputs by name; none if there is no stack."""
        stack = self.stack(name) or {}
        return {it["OutputKey"]: it["OutputValue"] for it in stack.get("Outputs", [])}
