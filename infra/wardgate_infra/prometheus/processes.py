"""The processes of the live test: each with its log, on a free port of loopback, ended with the test."""

import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TypeVar

from wardgate_infra import Failed, Json

HOST = "127.0.0.1"
# Between two looks at something that is waited for.
PAUSE = 0.2
# Binaries, and the Debian packages that have them.
TOOLS = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "amtool": "prometheus-alertmanager",
}

Found = TypeVar("Found")


def missing() -> list[str]:
    """The Debian packages that this machine lacks."""
    return sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def until(what: str, seconds: float, look: Callable[[], Found | None]) -> Found:
    """Looks again and again until there is something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(PAUSE)
    raise Failed(f"{what}: not within {seconds:g} s")


def get(port: int, path: str, host: str = HOST) -> tuple[int, bytes]:
    """The status and body of an answer; 0 where there is none."""
    connection = http.client.HTTPConnection(host, port, timeout=5)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    return 0, b""


@contextlib.contextmanager
def running(
    name: str, command: Sequence[str | Path], folder: Path, variables: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block. What it said last is part of a failure."""
    foreign = re.compile(r"AWS_|AUTH_|(http|https|all)_proxy$", re.IGNORECASE)
    environment = {key: it for key, it in os.environ.items() if not foreign.match(key)} | dict(variables or {})
    log = folder / f"{name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        yield process
    except Failed as failed:
        said = log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:]
        # The reason stands last, where whoever reads the end of a long output finds it.
        raise Failed("\n".join([f"{name} said last:", *(f"  {it}" for it in said), str(failed)])) from failed
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Told(ThreadingHTTPServer):
    """Who is told by Alertmanager: every message, with the receiver that it was for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((HOST, 0), Hook)
        self.messages: list[tuple[str, str, str]] = []

    def has(self, receiver: str, alert: str, status: str) -> bool:
        return (receiver, alert, status) in self.messages


class Hook(BaseHTTPRequestHandler):
    """Takes the messages of Alertmanager's webhook."""

    server: Told

    def do_POST(self) -> None:
        said: Json = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        for alert in said["alerts"]:
            self.server.messages.append((said["receiver"], alert["labels"]["alertname"], alert["status"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name there)
        """Nothing: what counts is kept."""


@contextlib.contextmanager
def told() -> Iterator[Told]:
    with Told() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": PAUSE}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
