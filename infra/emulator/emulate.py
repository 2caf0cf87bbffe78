"""Deploys both stacks to an emulator of AWS on this machine: `make emulate`, and with --test `make test-deploy`.

The first is stage development, to try things out. The second is stage staging with the parameters of its own file,
because development alone gives accounts to addresses that nobody has verified. The binaries are the real ones, of
cargo's profile `ci`. Each runs with the rights of its own role.
"""

import contextlib
import functools
import hashlib
import http.client
import json
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "tests/emulated")]

import checks  # noqa: E402
import issuers  # noqa: E402
import lower  # noqa: E402

TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
TOOLS = ROOT / ".tools"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "emulator", "AWS_SECRET_ACCESS_KEY": "emulator"}
ARCHITECTURES = {"x86_64": "x86_64", "AMD64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


class Failed(Exception):
    """What stops everything, for whoever typed the command."""


class Emulator:
    """A running emulator and what is deployed to it."""

    def __init__(self, stage, port):
        # Another emulator there would take our requests, and has its files where ours would be.
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                raise Failed(f"Port {port} is taken: stop what listens there, or set EMULATOR_PORT.")
        self.root = ROOT
        self.stage = stage
        self.endpoint = f"http://127.0.0.1:{port}"
        self.url = self.api(lower.API_ID)
        self.folder = TARGET / "emulator" / str(port)
        self.log = self.folder / "emulator.log"
        self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "tmp").mkdir(parents=True)

    def api(self, name):
        """Where an API answers. By a host name of its own, not every resolver would find it, and /health would be the
        emulator's."""
        return f"{self.endpoint}/_aws/execute-api/{name}"

    @functools.cached_property
    def environment(self):
        """The shell's variables without its AWS accounts and proxies, and without what would configure functions."""
        foreign = re.compile("AWS_|AUTH_|(http|https|all)_proxy$", re.IGNORECASE)
        return {name: value for name, value in os.environ.items() if not foreign.match(name)} | {
            **CREDENTIALS,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_DEFAULT_REGION": lower.REGION,
            "AWS_ENDPOINT_URL": self.endpoint,
            "SAM_CLI_TELEMETRY": "0",
            # It waits five seconds between looks, as AWS would want it to.
            "SAM_CLI_POLL_DELAY": "0.5",
        }

    def start(self):
        """Starts it, and waits until it answers."""
        variables = self.environment | issuers.environment(self.folder) | {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": self.endpoint.rsplit(":", 1)[1],
            "MINISTACK_REGION": lower.REGION,
            # Roles count, by action and resource. dynamodb:LeadingKeys are not looked at: tests/permissions/ does.
            "AUTH": "true",
            # Listeners that nobody here needs.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            # Where it unpacks the functions.
            "TMPDIR": str(self.folder / "tmp"),
        }
        with self.log.open("wb") as log:
            # A session of its own: Ctrl-C reaches this process alone, and whatever the emulator started ends with it.
            self.process = subprocess.Popen(
                [TOOLS / "emulator/bin/ministack"],
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Failed(f"The emulator did not start:\n{self.log.read_text(errors='replace')}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection(self.endpoint.removeprefix("http://"), timeout=5)
                with contextlib.closing(connection):
                    connection.request("GET", "/_ministack/health")
                    if connection.getresponse().status == 200:
                        return
            time.sleep(0.1)
        raise Failed("The emulator did not answer within a minute.")

    def stop(self):
        """Stops it with all functions."""
        if self.process is None:
            return
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        # Functions that wait for their next request do not notice at once.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.folder / "tmp", ignore_errors=True)

    def client(self, service):
        """An SDK client that knows nothing of this shell's AWS accounts."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=lower.REGION,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            config=Config(proxies={}, retries={"total_max_attempts": 1}),
        )

    def sam_deploy(self, template, *arguments):
        """`sam deploy` with the settings of the stage."""
        log = self.folder / "sam.log"
        # The settings by their name, because sam looks for them beside the template.
        command = [TOOLS / "sam/bin/sam", "deploy", "--config-file", ROOT / "samconfig.toml"]
        command += ["--config-env", self.stage, "--template-file", template, *arguments]
        with log.open("ab") as file:
            result = subprocess.run(
                command, env=self.environment, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                cwd=ROOT, timeout=300, check=False,
            )
        if result.returncode != 0:
            raise Failed(f"{log.read_text(errors='replace')[-4000:]}\nsam deploy of {template} failed, as above.")

    def deploy_data(self):
        """The data stack; its template as it is."""
        self.sam_deploy(ROOT / "infra/data.yaml", "--stack-name", f"wardgate-{self.stage}-data")
        # A secret without a value in the template has no version in AWS, and here one that is empty. That the template
        # gives none: tests/template.rs, sec_ot_09_each_ring_is_a_secret_and_no_template_knows_its_value.
        secrets = self.client("secretsmanager")
        for secret in secrets.list_secrets()["SecretList"]:
            [version] = secrets.describe_secret(SecretId=secret["ARN"])["VersionIdsToStages"]
            secrets.update_secret_version_stage(
                SecretId=secret["ARN"], VersionStage="AWSCURRENT", RemoveFromVersionId=version
            )

    @functools.cached_property
    def parameters(self):
        """The stage's own, of its file if it has one, but for what this machine decides; and with the authorizer, so
        that no function is left out."""
        file = ROOT / f"infra/{self.stage}/parameters.yaml"
        given = {"Issuer": self.url, "Audience": self.url}
        if file.exists():
            listed = lower.read(file).items()
            given = {name: ",".join(value) if isinstance(value, list) else str(value) for name, value in listed}
        return given | {
            "Architecture": ARCHITECTURES[platform.machine()],
            "AuthorizerAudience": given["Audience"],
            "AuthorizerChecksSessions": "true",
        }

    def deploy_code(self, **changed):
        """The code stack, lowered, over the binaries of `build`. Gives the release that is running then."""
        given = self.parameters | changed
        release = hashlib.sha256(json.dumps(given, sort_keys=True).encode())
        release.update((ROOT / "template.yaml").read_bytes())
        for binary in sorted(artifacts().glob("*/bootstrap")):
            release.update(binary.read_bytes())
        given["Release"] = release.hexdigest()
        template = self.folder / "template.json"
        lowered = lower.lower(lower.read(ROOT / "template.yaml"), given, artifacts())
        template.write_text(json.dumps(lowered, indent=1), encoding="utf-8")
        # In a file, as a stage's are: on a command line a sender's name would be two values.
        overrides = self.folder / "parameters.yaml"
        overrides.write_text(json.dumps(given), encoding="utf-8")
        self.sam_deploy(template, "--parameter-overrides", f"file://{overrides}")
        return given["Release"]

    @property
    def tour(self):
        """The tour of README.md, for this address."""
        text = (ROOT / "README.md").read_text(encoding="utf-8")
        block = re.search(r"^## The tour$.*?^```sh$\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        return block[1].replace("http://localhost:8080", self.url)

    def verify_mail_identity(self):
        """What somebody does once for an account of AWS, and no template can: SES then takes mails from the sender."""
        default = lower.read(ROOT / "template.yaml")["Parameters"]["MailIdentity"]["Default"]
        identity = self.parameters.get("MailIdentity", default)
        self.client("sesv2").create_email_identity(EmailIdentity=identity)
        return identity

    def put_key_rings(self):
        """What the first rotation does on AWS."""
        rings = json.loads(subprocess.check_output([TARGET / "debug/examples/key_rings"]))
        secrets = self.client("secretsmanager")
        for name, ring in rings.items():
            secrets.put_secret_value(SecretId=f"wardgate/{self.stage}/{name}", SecretString=json.dumps(ring))


def artifacts():
    """Where the functions' binaries are, in a folder each. Not target/lambda: what is there will be deployed."""
    return TARGET / "emulator" / "lambda"


def build():
    """Builds every function and what makes key rings; or takes what BINARIES has, a folder of another build."""
    names = sorted(folder.name for folder in (ROOT / "functions").iterdir() if folder.is_dir())
    if given := os.environ.get("BINARIES"):
        collect(names, Path(given))
        return
    if not (TARGET / "ci").exists():
        print("The first build takes a few minutes.", flush=True)
    packages = [argument for name in names for argument in ("--package", name)]
    cargo = functools.partial(subprocess.run, cwd=ROOT, check=True)
    try:
        cargo(["cargo", "build", "--profile", "ci", "--bins", *packages])
        cargo(["cargo", "build", "--package", "wardgate-server", "--features", "dev", "--example", "key_rings"])
    except subprocess.CalledProcessError as error:
        raise Failed("The build failed, as above.") from error
    collect(names, TARGET / "ci")


def collect(names, built):
    """Puts each binary where a function's code is expected."""
    shutil.rmtree(artifacts(), ignore_errors=True)
    for name in names:
        (artifacts() / name).mkdir(parents=True)
        os.link(built / name, artifacts() / name / "bootstrap")


def port(test):
    """A free port for a test, which runs beside others; otherwise always the same."""
    if not test:
        return int(os.environ.get("EMULATOR_PORT", "4566"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def interrupted(*_):
    raise KeyboardInterrupt


def say(text, began):
    print(f"{time.monotonic() - began:6.1f} s  {text}", flush=True)


def main():
    test = sys.argv[1:] == ["--test"]
    if platform.machine() not in ARCHITECTURES:
        raise Failed(f"There is no architecture of Lambda for {platform.machine()}.")
    # A profile of this shell, which the SDK would look for.
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    began = time.monotonic()
    emulator = Emulator("staging" if test else "development", port(test))
    keep = True
    try:
        build()
        say("built", began)
        emulator.start()
        say("the emulator answers", began)
        emulator.deploy_data()
        emulator.verify_mail_identity()
        say("infra/data.yaml is deployed", began)
        emulator.deploy_code()
        say("template.yaml is deployed", began)
        if test:
            fine = checks.run(emulator)
            say("checked", began)
            if not fine:
                raise Failed(f"The logs stay in {emulator.folder}.")
        else:
            emulator.put_key_rings()
            print(f"\nThe API answers on {emulator.url}. Paste these lines into another terminal:\n")
            print(emulator.tour)
            print(f"Mails that were sent: {emulator.endpoint}/_ministack/ses/messages")
            print(f"AWS's own tools find everything with AWS_ENDPOINT_URL={emulator.endpoint}.")
            print("Ctrl-C ends it; nothing is kept.", flush=True)
            emulator.process.wait()
            raise Failed(f"The emulator has stopped. Its last words are in {emulator.log}.")
        keep = False
    except KeyboardInterrupt:
        keep = False
        raise
    finally:
        # A second Ctrl-C must not leave functions behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        emulator.stop()
        if not keep:
            shutil.rmtree(emulator.folder)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupted)
    # A terminal's, or a job in the background would ignore Ctrl-C.
    signal.signal(signal.SIGINT, interrupted)
    try:
        main()
    except Failed as failure:
        sys.exit(f"wardgate: {failure}")
    except KeyboardInterrupt:
        sys.exit("wardgate: interrupted" if "--test" in sys.argv else 0)
