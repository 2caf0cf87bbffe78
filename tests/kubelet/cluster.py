"""The deployment's controller, the service and its proxy, and the eviction of a node's pods."""

import contextlib
import copy
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator

from kubelet.pods import Machine, Pod
from wardgate_infra import Failed, Json
from wardgate_infra.kubernetes import rules
from wardgate_infra.prometheus.processes import HOST, free_port, running

NODES = ("node-a", "node-b")
TURN = 0.1
# Between a pod's readiness and what the proxy of each node does with it, in seconds.
NOTICED = 2
SLOTS = 60


class Cluster:
    """One deployment with its service, over processes."""

    def __init__(self, machine: Machine, documents: list[Json]) -> None:
        self.machine, self.documents = machine, documents
        deployment = rules.only(documents, "Deployment")["spec"]
        self.revisions: list[Json] = [deployment["template"]]
        self.rolling, self.settles = deployment["strategy"]["rollingUpdate"], deployment.get("minReadySeconds", 0)
        # Nobody measures processors here: the autoscaler's least.
        self.replicas: int = rules.only(documents, "HorizontalPodAutoscaler")["spec"]["minReplicas"]
        self.disrupted: int = rules.only(documents, "PodDisruptionBudget")["spec"]["maxUnavailable"]
        self.pods: list[Pod] = []
        self.gone: list[Pod] = []
        self.cordoned: set[str] = set()
        self.port, self.socket = free_port(), machine.folder / "haproxy.sock"
        self.over = threading.Event()

    # The controller.

    def current(self) -> Json:
        return self.revisions[-1]

    def roll_out(self, **changed: str) -> None:
        """A release: the same template with other variables."""
        template = copy.deepcopy(self.revisions[-1])
        env: list[Json] = template["spec"]["containers"][0]["env"]
        env[:] = [it for it in env if it["name"] not in changed]
        env += [{"name": name, "value": value} for name, value in changed.items()]
        self.revisions.append(template)

    def undo(self) -> None:
        """The revision before becomes the newest."""
        self.revisions.append(self.revisions[-2])

    def is_rolled_out(self) -> bool:
        new = [it for it in self.there() if it.template is self.current()]
        return len(new) == len(self.there()) == self.replicas and all(it.is_available(self.settles) for it in new)

    def there(self) -> list[Pod]:
        return [it for it in self.pods if not it.is_leaving.is_set()]

    def available(self) -> list[Pod]:
        return [it for it in self.there() if it.is_available(self.settles)]

    def control(self) -> None:
        """One look: a pod more where there may be one, one less where there may."""
        there, available = self.there(), self.available()
        new = [it for it in there if it.template is self.current()]
        old = [it for it in there if it.template is not self.current()]
        if len(new) < self.replicas and len(there) < self.replicas + self.rolling["maxSurge"]:
            self.start()
        elif len(new) > self.replicas:
            new[-1].delete()
        # Old ones that nobody is served by go first.
        spare = len(available) - (self.replicas - self.rolling["maxUnavailable"])
        for it in sorted(old, key=lambda pod: pod in available):
            if it not in available:
                it.delete()
            elif spare > 0:
                it.delete()
                spare -= 1

    def start(self) -> None:
        free = [it for it in NODES if it not in self.cordoned]
        node = min(free, key=lambda it: sum(pod.node == it for pod in self.there()))
        self.pods.append(Pod(self.machine, self.documents, self.current(), node))

    def drain(self, node: str) -> None:
        """Evicts pod after pod, as far as the disruption budget lets go."""
        self.cordoned.add(node)
        while left := [it for it in self.there() if it.node == node]:
            healthy = sum(it.is_ready for it in self.there())
            if healthy - 1 >= self.replicas - self.disrupted:
                left[0].delete()
            self.over.wait(TURN)

    # The service.

    def told(self, words: str) -> str:
        with socket.socket(socket.AF_UNIX) as stream:
            stream.connect(str(self.socket))
            stream.sendall(f"{words}\n".encode())
            return stream.makefile().read()

    def serve(self) -> None:
        """The proxy knows of each change as much later as a cluster's does."""
        known: dict[int, bool] = {}
        noticed: dict[int, float] = {}
        while not self.over.wait(TURN):
            self.control()
            for pod in self.pods:
                if pod.is_ready == known.get(pod.number, False):
                    noticed.pop(pod.number, None)
                elif time.monotonic() - noticed.setdefault(pod.number, time.monotonic()) >= NOTICED:
                    known[pod.number] = pod.is_ready
                    noticed.pop(pod.number)
                    state = "ready" if known[pod.number] else "maint"
                    if said := self.told(f"set server pods/pod-{pod.number} state {state}").strip():
                        raise Failed(f"haproxy: {said}")
            gone = [it for it in self.pods if not it.thread.is_alive() and not known.get(it.number, False)]
            self.gone += gone
            self.pods = [it for it in self.pods if it not in gone]

    def configuration(self) -> str:
        slots = "\n".join(f"    server pod-{it} 127.0.1.{it}:8080 disabled" for it in range(1, SLOTS))
        return f"""
global
    stats socket {self.socket} level admin
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    # A proxy of connections, and not of requests, tries nothing again.
    retries 0
    option forwardfor
frontend people
    bind {HOST}:{self.port}
    default_backend pods
backend pods
    balance roundrobin
{slots}
"""

    @contextlib.contextmanager
    def up(self) -> Iterator[None]:
        if shutil.which("haproxy") is None:
            raise Failed("This check needs Debian's packages: apt-get install --no-install-recommends haproxy")
        file = self.machine.folder / "haproxy.cfg"
        file.write_text(self.configuration(), encoding="utf-8")
        with running("haproxy", ["haproxy", "-f", file], self.machine.folder):
            controller = threading.Thread(target=self.serve, daemon=True)
            try:
                self.wait("haproxy", 10, self.socket.exists)
                controller.start()
                yield
            finally:
                self.over.set()
                for pod in self.pods:
                    pod.delete()
                for pod in self.pods:
                    pod.thread.join()

    def wait(self, what: str, seconds: float, look: Callable[[], object]) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if look():
                return
            time.sleep(TURN)
        raise Failed(f"{what}: not within {seconds:g} s")
