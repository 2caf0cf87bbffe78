"""A pod as a kubelet has it: a process with the manifest's variables and mounted keys, its probes, and its end."""

import dataclasses
import http.client
import itertools
import json
import signal
import subprocess
import threading
import time
from pathlib import Path

from wardgate_infra import Json

OK = 200
LOOKS = 0.1
NUMBERS = itertools.count(1)


@dataclasses.dataclass(frozen=True)
class Machine:
    """What the cluster has beside the manifest: the images, the store, and the folder that the Secret is mounted as."""

    server: Path
    folder: Path
    keys: Path
    variables: dict[str, str]


def variables(documents: list[Json], container: Json) -> dict[str, str]:
    """What the container finds in its environment."""
    maps = {it["metadata"]["name"]: it["data"] for it in documents if it["kind"] == "ConfigMap"}
    named = [maps[it["configMapRef"]["name"]] for it in container.get("envFrom", [])]
    said = {key: value for data in named for key, value in data.items()}
    return said | {it["name"]: it["value"] for it in container.get("env", [])}


class Probe:
    """A probe by its own numbers."""

    def __init__(self, said: Json, ports: dict[str, int]) -> None:
        self.path, self.port = said["httpGet"]["path"], ports[said["httpGet"]["port"]]
        self.period, self.patience = said.get("periodSeconds", 10), said.get("timeoutSeconds", 1)
        self.threshold = said.get("failureThreshold", 3)
        self.failed = 0
        self.due = 0.0

    def look(self, address: str) -> bool | None:
        """Whether it is well; nothing where it is not time to look, or has not failed often enough."""
        if time.monotonic() < self.due:
            return None
        self.due = time.monotonic() + self.period
        connection = http.client.HTTPConnection(address, self.port, timeout=self.patience)
        try:
            connection.request("GET", self.path)
            well = connection.getresponse().status == OK
        except (OSError, http.client.HTTPException):
            well = False
        finally:
            connection.close()
        self.failed = 0 if well else self.failed + 1
        return True if well else False if self.failed >= self.threshold else None


class Pod:
    """One pod. A thread of its own does what its kubelet does."""

    def __init__(self, machine: Machine, documents: list[Json], template: Json, node: str) -> None:
        spec = template["spec"]
        container = spec["containers"][0]
        ports = {it["name"]: it["containerPort"] for it in container["ports"]}
        self.number = next(NUMBERS)
        self.name, self.address, self.node, self.template = (
            f"pod-{self.number}",
            f"127.0.1.{self.number}",
            node,
            template,
        )
        self.probes = {kind: Probe(container[f"{kind}Probe"], ports) for kind in ("startup", "readiness", "liveness")}
        self.grace = spec["terminationGracePeriodSeconds"]
        self.ready_since: float | None = None
        self.is_leaving = threading.Event()
        self.ended: int | None = None
        self.restarts = 0
        mounted = {it["mountPath"]: str(machine.keys) for it in container["volumeMounts"] if it["name"] == "keys"}
        said = {key: mounted.get(value, value) for key, value in variables(documents, container).items()}
        own = json.dumps([self.address])
        # The image binds to whatever address its pod has: here that is one of loopback.
        self.variables = {**said, **machine.variables, "AUTH__HTTP__BIND": own, "AUTH__OPS__BIND": own}
        self.machine = machine
        self.thread = threading.Thread(target=self.live, daemon=True)
        self.thread.start()

    @property
    def is_ready(self) -> bool:
        return self.ready_since is not None and not self.is_leaving.is_set()

    def is_available(self, after: float) -> bool:
        since = self.ready_since
        return self.is_ready and since is not None and time.monotonic() - since >= after

    def live(self) -> None:
        while not self.is_leaving.is_set():
            with (self.machine.folder / f"{self.name}.log").open("ab") as log:
                process = subprocess.Popen(
                    [self.machine.server], env=self.variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
            try:
                self.watch(process)
            finally:
                self.ready_since = None
                self.ended = self.end(process)
            self.restarts += 1

    def watch(self, process: subprocess.Popen[bytes]) -> None:
        """Until it is to leave, has ended, or has failed a probe that ends it."""
        started = False
        while process.poll() is None and not self.is_leaving.wait(LOOKS):
            if not started:
                found = self.probes["startup"].look(self.address)
                if found is False:
                    return
                started = found is True
                continue
            ready = self.probes["readiness"].look(self.address)
            if ready is not None:
                self.ready_since = (self.ready_since or time.monotonic()) if ready else None
            if self.probes["liveness"].look(self.address) is False:
                return

    def end(self, process: subprocess.Popen[bytes]) -> int:
        """SIGTERM, the grace, SIGKILL."""
        process.terminate()
        try:
            return process.wait(self.grace)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            return process.wait()

    def delete(self) -> None:
        self.is_leaving.set()
