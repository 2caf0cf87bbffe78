"""`make validate-image`: hadolint's word on the Dockerfile, and its last stage in a container that may do nothing.

The store and the keys are those of a process beside it, `wardgate-server engine`, and so the stage is development.
None of that is in the container.
"""

import concurrent.futures
import contextlib
import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from wardgate_infra import ROOT, Failed
from wardgate_infra.image import container
from wardgate_infra.operate.terminal import say
from wardgate_infra.prometheus.processes import free_port, get, running, until

HADOLINT = ROOT / ".tools/standalone/bin/hadolint"
USER = "65532"
# The binary of the last stage and no other file. A trial with a binary that is linked otherwise is larger.
MOST_BYTES = 16_000_000
STARTS = 20
# Under http.notice_ms, in which everything is served as before.
DRAINS = 2
CLIENTS = 20
OK, NOT_FOUND, UNAVAILABLE = 200, 404, 503
NAME = "wardgate-trial"


@contextlib.contextmanager
def beside(folder: Path, engine: Path) -> Iterator[tuple[dict[str, str], Path]]:
    """A store of its own. Gives how it is reached, and a folder with a file for each ring."""
    variables = {"AUTH__STAGE": "development", "AUTH__EMBEDDED__FOLDER": str(folder / "data")}
    said = folder / "data/functions.env"
    with running("engine", [engine, "engine"], folder, {**variables, "AUTH__HTTP__PORT": str(free_port())}):
        until("The store is there", STARTS, said.exists)
        lines = dict(it.split("=", 1) for it in said.read_text(encoding="utf-8").splitlines())
        secrets = folder / "secrets"
        secrets.mkdir()
        for ring, keys in json.loads((folder / "data/secrets.json").read_text(encoding="utf-8")).items():
            file = secrets / ring
            file.write_text(keys if isinstance(keys, str) else json.dumps(keys), encoding="utf-8")
            file.chmod(0o400)
            os.chown(file, int(USER), int(USER))
        folder.chmod(0o755)
        yield {key: it for key, it in lines.items() if key.startswith("AWS_")}, secrets


def environment(port: int, ops: int) -> dict[str, str]:
    return {
        "AUTH__STAGE": "development",
        "AUTH__HTTP__PORT": str(port),
        "AUTH__HTTP__NOTICE_MS": "5000",
        "AUTH__OPS__PORT": str(ops),
        "AUTH__LOG__FORMAT": "json",
        # It is about the container, and no mail server is there.
        "AUTH__JOBS__ENABLED": "false",
        "AUTH__TOKENS__ISSUER": "https://auth.example.com",
        "AUTH__TOKENS__AUDIENCE": "https://api.example.com",
        "AUTH__SECRETS__FOLDER": "/run/secrets/wardgate",
    }


def expect(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise Failed(f"{what}: {found!r}, not {wanted!r}")


def linted() -> None:
    files = [ROOT / "Dockerfile", *sorted((ROOT / "infra/compose").glob("*.Dockerfile"))]
    container.called([HADOLINT, "--no-color", *files])
    say(f"hadolint: {', '.join(str(it.relative_to(ROOT)) for it in files)}")


def context_is_small() -> None:
    files = container.context()
    if wrong := [it for it in files if re.search(r"(^|/)(\.env|\.git|\.wardgate|target|node_modules)(/|$)", it)]:
        raise Failed(f".dockerignore lets {', '.join(wrong[:5])} into the build")
    say(f"context: {len(files)} files, and cargo finds every package of the workspace in them")


def image_is_what_it_says(libraries: list[Path]) -> None:
    made = container.inspected("image", container.IMAGE)
    config = made["Config"]
    expect("user", config["User"], f"{USER}:{USER}")
    expect("ports", sorted(config["ExposedPorts"]), ["8080/tcp", "9090/tcp"])
    expect("entry point", config["Entrypoint"], ["/wardgate-server"])
    expect("health check", made["Healthcheck"]["Test"], ["CMD", "/wardgate-server", "check"])
    labels = {key.rpartition(".")[2]: value for key, value in config["Labels"].items() if "opencontainers" in key}
    expect(
        "labels", [labels[it] for it in ("version", "revision", "licenses")], ["0.0.0", "trial", "Apache-2.0 OR MIT"]
    )
    if libraries:
        say(f"image: the binary is not static, so {len(libraries)} libraries lie beside it in this trial alone")
    elif made["Size"] > MOST_BYTES:
        raise Failed(f"The image has {made['Size']} bytes, and at most {MOST_BYTES} are allowed.")
    say(f"image: {made['Size'] / 1e6:.1f} MB, user {USER}, {len(made['RootFS']['Layers'])} layer")


def process_may_do_nothing() -> None:
    pid = container.inspected("container", NAME)["State"]["Pid"]
    status = dict(
        line.split(":\t", 1)
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
        if ":\t" in line
    )
    expect("user ids", set(status["Uid"].split()), {USER})
    expect("group ids", set(status["Gid"].split()), {USER})
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        expect(kind, int(status[kind], 16), 0)
    expect("new privileges", status["NoNewPrivs"], "1")
    expect("seccomp", status["Seccomp"], "2")
    [root] = [
        line.split() for line in Path(f"/proc/{pid}/mounts").read_text(encoding="utf-8").splitlines() if " / " in line
    ]
    expect("root", root[3].split(",")[0], "ro")
    say("process: no capability, no new privileges, seccomp, nothing to write to")


def health_check() -> None:
    """What the image's HEALTHCHECK runs."""
    said = subprocess.run([*container.PODMAN, "healthcheck", "run", NAME], capture_output=True, text=True, check=False)
    if said.returncode:
        raise Failed(f"The health check fails: {said.stdout}{said.stderr}")
    say("health check: healthy, by the binary itself")


def stops_without_losing_anybody(port: int, ops: int) -> None:
    """Many ask all the time while it is told to stop: each is answered until the notice ends."""
    pid = container.inspected("container", NAME)["State"]["Pid"]
    stopping = time.monotonic()

    def asks() -> tuple[int, int]:
        asked = lost = 0
        while time.monotonic() < stopping + DRAINS:
            asked += 1
            lost += get(port, "/health")[0] != OK
        return asked, lost

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
        results = [clients.submit(asks) for _ in range(CLIENTS)]
        os.kill(pid, 15)
        until("/ready says that it stops", 2, lambda: get(ops, "/ready")[0] == UNAVAILABLE)
        asked, lost = (sum(column) for column in zip(*(it.result() for it in results), strict=True))
    expect("requests that were lost", lost, 0)
    until("The container stops", 30, lambda: not container.inspected("container", NAME)["State"]["Running"])
    took = time.monotonic() - stopping
    expect("exit code", container.inspected("container", NAME)["State"]["ExitCode"], 0)
    say(f"stop: {asked} requests of {CLIENTS} clients after SIGTERM, none lost; exit 0 after {took:.1f} s as process 1")


def run(server: Path, engine: Path) -> None:
    if lacking := container.missing():
        named = " ".join(lacking)
        raise Failed(f"This check needs Debian's packages: apt-get install --no-install-recommends {named}")
    for binary in (server, engine):
        if not binary.is_file():
            raise Failed(f"There is no {binary}.")
    linted()
    context_is_small()
    image_is_what_it_says(container.built(server))
    port, ops = free_port(), free_port()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wardgate-image-")))
        reached, secrets = stack.enter_context(beside(folder, engine))
        stack.enter_context(container.running(NAME, {**environment(port, ops), **reached}, secrets))
        until("The container is ready", STARTS, lambda: get(ops, "/ready")[0] == OK)
        for path in ("/live", "/metrics"):
            expect(path, get(ops, path)[0], OK)
        # PL-06, and SA-22: neither is anybody's but the operators'.
        for path in ("/dev/outbox", "/metrics", "/live"):
            expect(f"{path} at the API's port", get(port, path)[0], NOT_FOUND)
        say("ports: /live, /ready, /metrics for operators alone; /dev/outbox is nowhere")
        expect("the keys", get(port, "/.well-known/jwks.json")[0], OK)
        process_may_do_nothing()
        health_check()
        stops_without_losing_anybody(port, ops)
