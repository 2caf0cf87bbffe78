"""`make validate-compose`: what compose.yaml says, done by processes of this machine: containers would need
images that are built elsewhere.

Each server has an address of loopback in place of its name. The development server's store stands in for the store's
image, and haproxy and Prometheus are Debian's.
"""

import contextlib
import json
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

from wardgate_infra import ROOT, Failed, Json
from wardgate_infra.compose import layout
from wardgate_infra.open_loop import Load
from wardgate_infra.operate.terminal import say
from wardgate_infra.prometheus.live import Prometheus
from wardgate_infra.prometheus.processes import HOST, free_port, get, running, until
from wardgate_infra.prometheus.traffic import DEMO, People

FILE = ROOT / "compose.yaml"
FOLDER = ROOT / "infra/compose"
# Binaries, and the Debian packages that have them.
TOOLS = {"haproxy": "haproxy", "prometheus": "prometheus"}
STARTS = 30
OK = 200
# Seconds until the balancer has seen what has become of a replica, and then some.
NOTICED = 3
SERVERS = {"server-1": "127.0.0.2", "server-2": "127.0.0.3"}


def services() -> Json:
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))["services"]


def order(of: Json) -> list[str]:
    """The services, each after all that it depends on."""
    sorted_: list[str] = []
    while len(sorted_) < len(of):
        ready = [it for it in of if it not in sorted_ and set(of[it].get("depends_on", ())) <= set(sorted_)]
        if not ready:
            raise Failed(f"{', '.join(set(of) - set(sorted_))} depend on each other")
        sorted_ += ready
    return sorted_


def variables(service: Json, address: str, store: str, secrets: Path, balancer: int) -> dict[str, str]:
    """A server's environment, and the image's, with this machine's addresses."""
    said = {key: str(it) for key, it in service["environment"].items()}
    issuer = f"http://localhost:{balancer}"
    return {
        **said,
        "AUTH__HTTP__BIND": json.dumps([address]),
        # Elsewhere than loopback a server has a port for operators. Here it has to be told apart by an address.
        "AUTH__OPS__BIND": json.dumps([address]),
        "AUTH__HTTP__TRUSTED_PROXIES": '["127.0.0.0/8"]',
        "AUTH__TOKENS__ISSUER": issuer,
        "AUTH__TOKENS__AUDIENCE": issuer,
        "AUTH__SECRETS__FOLDER": str(secrets),
        "AWS_ENDPOINT_URL_DYNAMODB": store,
    }


def placed(file: Path, balancer: int) -> str:
    """A configuration with addresses in place of names."""
    text = file.read_text(encoding="utf-8").replace("bind :8080", f"bind {HOST}:{balancer}")
    for name, address in SERVERS.items():
        text = text.replace(f"{name}:", f"{address}:")
    # A development server on loopback has what operators ask beside the API.
    return re.sub(r":9090|port 9090", lambda it: it[0].replace("9090", "8080"), text)


@contextlib.contextmanager
def stored(folder: Path, server: Path) -> Iterator[tuple[str, Path]]:
    """The store, by its address, and the folder of the rings."""
    made = layout.laid_out(folder, server)
    (folder / "data").mkdir()
    for file in (made / "store").iterdir():
        shutil.copy2(file, folder / "data")
    said = {"AUTH__STAGE": "development", "AUTH__EMBEDDED__FOLDER": str(folder / "data")}
    with running("store", [server, "engine"], folder, {**said, "AUTH__HTTP__PORT": str(free_port())}):
        until("The store is there", STARTS, (folder / "data/functions.env").exists)
        lines = (folder / "data/functions.env").read_text(encoding="utf-8").splitlines()
        yield dict(it.split("=", 1) for it in lines)["AWS_ENDPOINT_URL_DYNAMODB"], made / "secrets"


def run(server: Path) -> None:
    if lacking := sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None}):
        raise Failed(f"This check needs Debian's packages: apt-get install --no-install-recommends {' '.join(lacking)}")
    said = services()
    say(f"order: {', '.join(order(said))}")
    with tempfile.TemporaryDirectory(prefix="wardgate-compose-") as name, contextlib.ExitStack() as stack:
        folder, balancer, port = Path(name), free_port(), free_port()
        store, secrets = stack.enter_context(stored(folder, server))
        processes = {}
        for service, address in SERVERS.items():
            environment = variables(said[service], address, store, secrets, balancer)
            processes[service] = stack.enter_context(running(service, [server], folder, environment))
        (folder / "haproxy.cfg").write_text(placed(FOLDER / "haproxy.cfg", balancer), encoding="utf-8")
        stack.enter_context(running("balancer", ["haproxy", "-f", "haproxy.cfg"], folder))
        watched = placed(FOLDER / "prometheus.yaml", balancer).replace("15s", "1s")
        (folder / "prometheus.yaml").write_text(watched, encoding="utf-8")
        watching = ["prometheus", "--config.file=prometheus.yaml", "--storage.tsdb.path=measured"]
        stack.enter_context(running("prometheus", [*watching, f"--web.listen-address={HOST}:{port}"], folder))
        until("The balancer serves", STARTS, lambda: get(balancer, "/ready")[0] == OK)
        people = People(balancer)
        people.round()
        until(
            "Prometheus sees both",
            STARTS,
            lambda: len(Prometheus(port).values('up{job="wardgate"} == 1')) == len(SERVERS),
        )
        say("two servers over one store, behind haproxy, watched by Prometheus")

        load = Load(balancer, DEMO)

        def again(service: str) -> None:
            environment = variables(said[service], SERVERS[service], store, secrets, balancer)
            processes[service] = stack.enter_context(running(service, [server], folder, environment))
            until(f"{service} serves", STARTS, lambda: get(8080, "/ready", SERVERS[service])[0] == OK)
            # The balancer looks each second.
            time.sleep(NOTICED)
            load.step(f"{service} is started again")

        with load.going_on():
            processes["server-2"].kill()
            processes["server-2"].wait()
            time.sleep(NOTICED)
            load.step("server-2 is killed")
            again("server-2")
            processes["server-1"].terminate()
            if code := processes["server-1"].wait(40):
                raise Failed(f"server-1 ended with {code}")
            load.step("server-1 is drained and stopped")
            again("server-1")
