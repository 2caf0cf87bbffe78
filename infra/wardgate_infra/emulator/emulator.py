"""The emulator of AWS: a process on this machine, which keeps nothing."""

import contextlib
import functools
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from http import HTTPStatus

import boto3
from botocore.config import Config

from wardgate_infra import ROOT, TARGET, Client, Failed
from wardgate_infra.emulator import issuers, lower

TOOLS = ROOT / ".tools"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "emulator", "AWS_SECRET_ACCESS_KEY": "emulator"}


class Emulator:
    """A running emulator."""

    def __init__(self, port: int) -> None:
        # Another emulator there would take our requests, and has its files where ours would be.
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                raise Failed(f"Port {port} is taken: stop what listens there, or set EMULATOR_PORT.")
        self.endpoint = f"http://127.0.0.1:{port}"
        self.folder = TARGET / "emulator" / str(port)
        self.log = self.folder / "emulator.log"
        # What the operator's commands have printed.
        self.operated = self.folder / "operate.log"
        self.process: subprocess.Popen[bytes] | None = None
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "tmp").mkdir(parents=True)

    @functools.cached_property
    def environment(self) -> dict[str, str]:
        """The shell's variables without its AWS accounts and proxies, and without what would configure functions."""
        foreign = re.compile("AWS_|AUTH_|VERIFY_|(http|https|all)_proxy$", re.IGNORECASE)
        # `make verify` finds issuers as the emulator does.
        found = issuers.environment(self.folder)
        return {name: value for name, value in os.environ.items() if not foreign.match(name)} | {
            **CREDENTIALS,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_DEFAULT_REGION": lower.REGION,
            "AWS_ENDPOINT_URL": self.endpoint,
            "VERIFY_PROXY": found["https_proxy"],
            "VERIFY_CA_FILE": found["SSL_CERT_FILE"],
            # For the operator's commands.
            "PYTHONPATH": str(ROOT / "infra"),
            "SAM_CLI_TELEMETRY": "0",
            # It waits five seconds between looks, as AWS would want it to.
            "SAM_CLI_POLL_DELAY": "0.5",
        }

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        variables = (
            self.environment
            | issuers.environment(self.folder)
            | {
                "BIND_HOST": "127.0.0.1",
                "GATEWAY_PORT": self.endpoint.rsplit(":", 1)[1],
                "MINISTACK_REGION": lower.REGION,
                # Roles count, by action and resource. dynamodb:LeadingKeys are not looked at: tests/permissions/ does.
                "AUTH": "true",
                # Each release's processes stay as long, and hundreds of them keep the emulator busy.
                "LAMBDA_WARM_TTL_SECONDS": "60",
                # Listeners that nobody here needs.
                "IOT_MTLS_ENABLED": "0",
                "SFTP_ENABLED": "0",
                # Where it unpacks the functions.
                "TMPDIR": str(self.folder / "tmp"),
            }
        )
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
                    if connection.getresponse().status == HTTPStatus.OK:
                        return
            time.sleep(0.1)
        raise Failed("The emulator did not answer within a minute.")

    def wait(self) -> None:
        """Waits until it stops by itself, which it should not."""
        if self.process is not None:
            self.process.wait()

    def stop(self) -> None:
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

    def client(self, service: str, region: str = lower.REGION) -> Client:
        """An SDK client that knows nothing of this shell's AWS accounts."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=region,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            config=Config(proxies={}, retries={"total_max_attempts": 1}),
        )
