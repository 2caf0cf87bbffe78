"""A stage that is deployed to the emulator, by the operator's own command."""

import functools
import json
import platform
import subprocess
import sys
import urllib.parse
from pathlib import Path
from typing import Self

from wardgate_infra import ROOT, Failed, templates
from wardgate_infra.emulator import issuers, lower
from wardgate_infra.emulator.binaries import ARTIFACTS
from wardgate_infra.emulator.emulator import TOOLS, Emulator

SENDER = "Wardgate <no-reply@wardgate.localhost>"
ARCHITECTURES = {"x86_64": "x86_64", "AMD64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


class Deployment:
    """A stage in the emulator, and what the checks ask of both."""

    def __init__(self, emulator: Emulator, stage: str) -> None:
        self.emulator = emulator
        self.stage = stage
        self.root = ROOT
        self.endpoint = emulator.endpoint
        self.folder = emulator.folder
        self.environment = emulator.environment
        self.client = emulator.client
        self.url = self.api(lower.api_id(stage))

    def beside(self, stage: str) -> Self:
        """Another stage in the same emulator."""
        return type(self)(self.emulator, stage)

    def api(self, name: str) -> str:
        """Where an API answers. By a host name of its own, not every resolver would find it, and /health would be the
        emulator's."""
        return f"{self.endpoint}/_aws/execute-api/{name}"

    def preflight(self, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
        """What the function answers to OPTIONS. The emulator's gateway refuses it before it looks for a route, so this
        does what API Gateway does."""
        event = json.loads((ROOT / "events/preflight/ok.json").read_text(encoding="utf-8"))
        event |= {"rawPath": path, "headers": headers, "pathParameters": {"proxy": path.removeprefix("/")}}
        name = f"wardgate-{self.stage}-preflight"
        called = self.client("lambda").invoke(FunctionName=name, Qualifier="live", Payload=json.dumps(event).encode())
        answer = json.load(called["Payload"])
        return answer["statusCode"], answer["headers"]

    @functools.cached_property
    def changed(self) -> dict[str, str]:
        """The parameters that this machine decides, the authorizer and the edge, so that no function is left out."""
        # Development has no origin of its own, and a sender that mails can be told by.
        given = {} if self.own else {"Issuer": self.url, "Audience": self.url, "MailSender": SENDER}
        return {
            **given,
            "Architecture": ARCHITECTURES[platform.machine()],
            "AuthorizerAudience": (self.own | given)["Audience"],
            "AuthorizerChecksSessions": "true",
            "EdgeStoreArn": self.edge_store,
        }

    @functools.cached_property
    def edge_store(self) -> str:
        """The ARN of a key-value store of the stage's own, which its edge would have made."""
        cloudfront, name = self.client("cloudfront"), f"wardgate-{self.stage}"
        listed = cloudfront.list_key_value_stores()["KeyValueStoreList"].get("Items", [])
        known = {store["Name"]: store["ARN"] for store in listed}
        return str(known.get(name) or cloudfront.create_key_value_store(Name=name)["KeyValueStore"]["ARN"])

    @functools.cached_property
    def own(self) -> dict[str, str]:
        """The parameters of the stage's own file; none for development."""
        file = ROOT / f"infra/{self.stage}/parameters.yaml"
        return templates.as_text(templates.read(file)) if file.exists() else {}

    @property
    def parameters(self) -> dict[str, str]:
        """What the stage is deployed with."""
        return self.own | self.changed

    def typed(
        self, verb: str, *arguments: str | Path, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Types one of the operator's commands; what it prints is in the log of all of them."""
        command = [sys.executable, "-m", "wardgate_infra.operate", verb, "--stage", self.stage, *arguments]
        result = subprocess.run(
            command,
            env=self.environment | (environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            timeout=600,
            check=False,
        )
        with self.emulator.operated.open("a", encoding="utf-8") as log:
            log.write(f"$ {verb} {self.stage} {' '.join(map(str, arguments))}\n{result.stdout}\n")
        return result

    def operate(self, verb: str, *arguments: str | Path, environment: dict[str, str] | None = None) -> str:
        """Types one of the operator's commands, and gives what it prints."""
        result = self.typed(verb, *arguments, environment=environment)
        if result.returncode != 0:
            raise Failed(f"{result.stdout[-4000:]}\n{verb} of {self.stage} failed, as above.")
        return result.stdout

    def refused(self, verb: str, *arguments: str | Path) -> str:
        """What a command says that has to fail."""
        result = self.typed(verb, *arguments)
        if result.returncode == 0:
            raise Failed(f"{result.stdout[-4000:]}\n{verb} of {self.stage} did not fail, as above.")
        return result.stdout

    def deploy(self, *arguments: str | Path, **changed: str) -> str:
        """`make deploy` of the binaries of this build; for production, of what staging runs."""
        # In AWS somebody leads the issuer's name to the API; only the stages' own names are known here.
        host = urllib.parse.urlsplit(self.parameters["Issuer"]).netloc
        issuers.APIS[host], issuers.PREFLIGHTS[host] = self.url, self.preflight
        binaries = () if self.stage == "production" else ("--binaries", ARTIFACTS)
        return self.operate("deploy", "--yes", "--parameters", self.given(**changed), *binaries, *arguments)

    def given(self, **changed: str) -> str:
        """The parameters that a deploy is given. Quoted as for a shell, because a value may have spaces."""
        return " ".join(f"'{name}={value}'" for name, value in (self.changed | changed).items())

    def sam_deploy(self, template: Path, *arguments: str | Path) -> None:
        """`sam deploy` of what is no stack of a stage."""
        command: list[str | Path] = [TOOLS / "sam/bin/sam", "deploy", "--config-file", ROOT / "samconfig.toml"]
        command += ["--config-env", self.stage, "--template-file", template, "--no-confirm-changeset", *arguments]
        result = subprocess.run(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            timeout=300,
            check=False,
        )
        if result.returncode != 0:
            raise Failed(f"{result.stdout[-4000:]}\nsam deploy of {template} failed, as above.")

    def verify_mail_identity(self) -> None:
        """What somebody does once for an account of AWS, and no template can: SES then takes mails from the sender."""
        default = templates.read(ROOT / "template.yaml")["Parameters"]["MailIdentity"]["Default"]
        self.client("sesv2").create_email_identity(EmailIdentity=self.parameters.get("MailIdentity", default))
