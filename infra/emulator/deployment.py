"""A stage that is deployed to the emulator, by the operator's own command."""

import functools
import platform
import re
import subprocess
import sys

import lower
from binaries import ARTIFACTS
from emulator import ROOT, TOOLS, Failed

SENDER = "Wardgate <no-reply@wardgate.localhost>"
ARCHITECTURES = {"x86_64": "x86_64", "AMD64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


class Deployment:
    """A stage in the emulator, and what the checks ask of both."""

    def __init__(self, emulator, stage):
        self.emulator = emulator
        self.stage = stage
        self.root = ROOT
        self.endpoint = emulator.endpoint
        self.folder = emulator.folder
        self.environment = emulator.environment
        self.client = emulator.client
        self.url = self.api(lower.api_id(stage))

    def beside(self, stage):
        """Another stage in the same emulator."""
        return Deployment(self.emulator, stage)

    def api(self, name):
        """Where an API answers. By a host name of its own, not every resolver would find it, and /health would be the
        emulator's."""
        return f"{self.endpoint}/_aws/execute-api/{name}"

    @functools.cached_property
    def changed(self):
        """The parameters that this machine decides, and the authorizer, so that no function is left out."""
        # Development has no origin of its own, and a sender that mails can be told by.
        given = {} if self.own else {"Issuer": self.url, "Audience": self.url, "MailSender": SENDER}
        return {
            **given,
            "Architecture": ARCHITECTURES[platform.machine()],
            "AuthorizerAudience": (self.own | given)["Audience"],
            "AuthorizerChecksSessions": "true",
        }

    @functools.cached_property
    def own(self):
        """The parameters of the stage's own file; none for development."""
        file = ROOT / f"infra/{self.stage}/parameters.yaml"
        listed = lower.read(file).items() if file.exists() else ()
        return {name: ",".join(map(str, it)) if isinstance(it, list) else str(it) for name, it in listed}

    @property
    def parameters(self):
        """What the stage is deployed with."""
        return self.own | self.changed

    def typed(self, verb, *arguments, environment=None):
        """Types one of the operator's commands; what it prints is in the log of all of them."""
        command = [sys.executable, ROOT / "infra/operate", verb, "--stage", self.stage, *arguments]
        result = subprocess.run(
            command, env=self.environment | (environment or {}), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, cwd=ROOT, timeout=600, check=False,
        )
        with self.emulator.operated.open("a", encoding="utf-8") as log:
            log.write(f"$ {verb} {self.stage} {' '.join(map(str, arguments))}\n{result.stdout}\n")
        return result

    def operate(self, verb, *arguments, environment=None):
        """Types one of the operator's commands, and gives what it prints."""
        result = self.typed(verb, *arguments, environment=environment)
        if result.returncode != 0:
            raise Failed(f"{result.stdout[-4000:]}\n{verb} of {self.stage} failed, as above.")
        return result.stdout

    def refused(self, verb, *arguments):
        """What a command says that has to fail."""
        result = self.typed(verb, *arguments)
        if result.returncode == 0:
            raise Failed(f"{result.stdout[-4000:]}\n{verb} of {self.stage} did not fail, as above.")
        return result.stdout

    def deploy(self, *arguments, **changed):
        """`make deploy` of the binaries of this build; for production, of what staging runs."""
        # Quoted as for a shell, because a value may have spaces.
        parameters = " ".join(f"'{name}={value}'" for name, value in (self.changed | changed).items())
        binaries = () if self.stage == "production" else ("--binaries", ARTIFACTS)
        return self.operate("deploy", "--yes", "--parameters", parameters, *binaries, *arguments)

    def sam_deploy(self, template, *arguments):
        """`sam deploy` of what is no stack of a stage."""
        command = [TOOLS / "sam/bin/sam", "deploy", "--config-file", ROOT / "samconfig.toml"]
        command += ["--config-env", self.stage, "--template-file", template, "--no-confirm-changeset", *arguments]
        result = subprocess.run(
            command, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, cwd=ROOT, timeout=300, check=False,
        )
        if result.returncode != 0:
            raise Failed(f"{result.stdout[-4000:]}\nsam deploy of {template} failed, as above.")

    @property
    def tour(self):
        """The tour of README.md, for this address."""
        text = (ROOT / "README.md").read_text(encoding="utf-8")
        block = re.search(r"^## The tour$.*?^```sh$\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        return block[1].replace("http://localhost:8080", self.url)

    def verify_mail_identity(self):
        """What somebody does once for an account of AWS, and no template can: SES then takes mails from the sender."""
        default = lower.read(ROOT / "template.yaml")["Parameters"]["MailIdentity"]["Default"]
        self.client("sesv2").create_email_identity(EmailIdentity=self.parameters.get("MailIdentity", default))
