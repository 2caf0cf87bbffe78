"""A stage as the operator's commands see it: its parameters, the names of what it is made of, and its AWS clients.

Nothing here asks where AWS is. The SDK takes that from the shell, as AWS's own tools do: a profile, a role, or
AWS_ENDPOINT_URL for the emulator of `make emulate`.
"""

import json
import os
import threading
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Self

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from wardgate_infra import ROOT, Client, Failed, Json, templates

STAGES = ("development", "staging", "production")


def is_refused(error: ClientError) -> bool:
    """Whether AWS says that who asks may not."""
    # Each service has its own code for it.
    return "AccessDenied" in error.response["Error"]["Code"]


def areas() -> list[Path]:
    """The template of each area."""
    return sorted((ROOT / "infra/functions").glob("*.yaml"))


class Stage:
    """One stage."""

    def __init__(self, name: str) -> None:
        if name not in STAGES:
            raise Failed(f"STAGE is one of {', '.join(STAGES)}, not {name!r}.")
        self.name = name
        # The stacks, in the order of a deploy.
        self.data_stack = f"wardgate-{name}-data"
        self.migrate_stack = f"wardgate-{name}-migrate"
        self.area_stacks = {f"wardgate-{name}-{it.stem}": f"infra/functions/{it.name}" for it in areas()}
        self.code_stack = f"wardgate-{name}"
        self.observability_stack = f"wardgate-{name}-observability"
        self.backup_stack = f"wardgate-{name}-backup"
        self.clients: dict[str, Client] = {}
        self.one_at_a_time = threading.Lock()

    @property
    def release_stacks(self) -> dict[str, str]:
        """The stacks whose functions are a release, with their templates, in the order of a deploy: what hooks ask and
        what migrates, the areas, and the API, which leads to them."""
        return {self.migrate_stack: "infra/migrate.yaml", **self.area_stacks, self.code_stack: "template.yaml"}

    @property
    def stacks(self) -> list[str]:
        """Every stack of its own, in the order of a deploy."""
        return [self.data_stack, *self.release_stacks, self.observability_stack, self.backup_stack]

    @cached_property
    def region(self) -> str:
        """Where samconfig.toml puts the stage."""
        settings = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
        return str(settings[self.name]["global"]["parameters"]["region"])

    def in_region(self, region: str) -> Self:
        """The same stage, as far as it reaches into another region."""
        other = type(self)(self.name)
        other.__dict__ |= {"region": region, "parameters": self.parameters}
        return other

    @property
    def is_emulated(self) -> bool:
        """Whether AWS is the emulator: templates are lowered for it, and nothing else is different."""
        return bool(os.environ.get("AWS_ENDPOINT_URL"))

    @property
    def parameter_file(self) -> Path:
        """What the stage is made of. Development has the defaults of the templates."""
        return ROOT / f"infra/{self.name}/parameters.yaml"

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The stage's parameters as text, lists joined with commas, over the defaults of the templates."""
        defined = [templates.read(ROOT / template)["Parameters"] for template in self.release_stacks.values()]
        values = {name: it["Default"] for one in defined for name, it in one.items() if "Default" in it}
        values["Stage"] = self.name
        if self.parameter_file.exists():
            values |= templates.read(self.parameter_file)
        return templates.as_text(values)

    def client(self, service: str, read_timeout: int = 60) -> Client:
        """An SDK client for the stage's region."""
        # One of a kind: making one takes a while, and threads must not do it at the same time.
        with self.one_at_a_time:
            key = f"{service} {read_timeout}"
            if key not in self.clients:
                # `standard` tries throttled and failed calls again.
                config = Config(retries={"mode": "standard"}, read_timeout=read_timeout)
                self.clients[key] = boto3.client(service, region_name=self.region, config=config)
            return self.clients[key]

    def function_name(self, function: str) -> str:
        """A function's name in AWS."""
        return f"wardgate-{self.name}-{function}"

    def short_name(self, function: str) -> str:
        """The name of a function in AWS as people type it."""
        return function.removeprefix(self.function_name(""))

    def invoke(self, function: str, event: Json, qualifier: str = "live") -> Json:
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

    def stack(self, name: str) -> Json:
        """A stack as CloudFormation describes it, or None if there is none."""
        try:
            return self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            # CloudFormation has no code of its own for this.
            if "does not exist" in error.response["Error"]["Message"]:
                return None
            raise

    def is_in_progress(self, name: str) -> bool:
        """Whether CloudFormation is changing a stack."""
        status = str((self.stack(name) or {}).get("StackStatus"))
        # In that state it waits for somebody to run a change set, for ever if nobody does.
        return status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"

    def outputs(self, name: str) -> dict[str, str]:
        """A stack's outputs by name; none if there is no stack."""
        stack = self.stack(name) or {}
        return {it["OutputKey"]: it["OutputValue"] for it in stack.get("Outputs", [])}
