"""The real server, watched by a real Prometheus and Alertmanager with the configuration of infra/prometheus.

Three things differ from it: addresses, receivers, and that every length of time is twenty times shorter. Errors are
real: the table is taken away from the server, so that no call to it is answered.
"""

import contextlib
import json
import math
import sqlite3
import tempfile
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import yaml

from wardgate_infra import ROOT, Failed, Json
from wardgate_infra.operate.terminal import say
from wardgate_infra.prometheus import rules
from wardgate_infra.prometheus.processes import HOST, Told, free_port, get, running, told, until
from wardgate_infra.prometheus.traffic import VARIABLES, People

FOLDER = ROOT / "infra/prometheus"
DASHBOARD = ROOT / "infra/grafana/wardgate.json"
STAGE = "development"
SCALE = 20
# What Grafana makes of it, for a scrape each second.
INTERVAL = "20s"
ALERT = "wardgate-down-page"
# On a machine that has other things to do as well.
STARTS, FIRES, RESOLVES, SHOWS = 30, 60, 60, 40


class Prometheus:
    """A running one, by its API."""

    def __init__(self, port: int) -> None:
        self.port = port

    def asked(self, path: str, **parameters: str) -> Json:
        status, body = get(self.port, f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        answer = json.loads(body) if body else {}
        if answer.get("status") == "error":
            raise Failed(f"Prometheus refuses {parameters or path}: {answer['error']}")
        return answer.get("data") if status else None

    def values(self, query: str) -> list[float]:
        """What a query has now, without what is no number."""
        answer = self.asked("query", query=query)
        found = [float(it["value"][1]) for it in answer["result"]] if answer else []
        return [it for it in found if not math.isnan(it)]

    def firing(self) -> set[str]:
        answer = self.asked("alerts")
        return {it["labels"]["alertname"] for it in answer["alerts"] if it["state"] == "firing"}

    def broken(self) -> list[str]:
        """Rules that could not be evaluated."""
        groups = self.asked("rules")["groups"]
        return [f"{it['name']}: {it['lastError']}" for group in groups for it in group["rules"] if it.get("lastError")]


def queries() -> list[tuple[str, str]]:
    """Each query of the dashboard, with its panel."""
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return [
        (panel["title"], target["expr"].replace("$__rate_interval", INTERVAL).replace("$stage", STAGE))
        for panel in panels
        for target in panel.get("targets", [])
    ]


def configured(folder: Path, api: int, alertmanager: int, hook: int) -> None:
    """Writes the configuration of infra/prometheus, as this machine needs it: JSON, which YAML is, too."""
    said = yaml.safe_load((FOLDER / "prometheus.yaml").read_text(encoding="utf-8"))
    said["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    said["rule_files"] = ["rules.yaml"]
    said["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [f"{HOST}:{alertmanager}"]}]}]
    [job] = said["scrape_configs"]
    job["static_configs"] = [{"targets": [f"{HOST}:{api}"], "labels": {"stage": STAGE}}]
    (folder / "prometheus.yaml").write_text(json.dumps(said), encoding="utf-8")
    (folder / "rules.yaml").write_text(json.dumps(rules.document(STAGE, SCALE)), encoding="utf-8")

    said = yaml.safe_load((FOLDER / "alertmanager.yaml").read_text(encoding="utf-8"))
    said["route"]["group_interval"] = "1s"
    hooks = [{"url": f"http://{HOST}:{hook}/", "send_resolved": True}]
    said["receivers"] = [{"name": it["name"], "webhook_configs": hooks} for it in said["receivers"]]
    (folder / "alertmanager.yaml").write_text(json.dumps(said), encoding="utf-8")


@contextlib.contextmanager
def served(folder: Path, binary: Path) -> Iterator[int]:
    """The server in stage development, with a store of its own."""
    port = free_port()
    variables = {
        "AUTH__STAGE": STAGE,
        "AUTH__EMBEDDED__FOLDER": str(folder / "data"),
        "AUTH__HTTP__PORT": str(port),
        "AUTH__HTTP__BIND": json.dumps([HOST]),
        **VARIABLES,
    }
    with running("server", [binary], folder, variables) as process:

        def answers() -> bool:
            if process.poll() is not None:
                raise Failed("The server ended.")
            return get(port, "/ready")[0] == 200  # noqa: PLR2004 (that is what it says)

        until("The server is ready", STARTS, answers)
        yield port


@contextlib.contextmanager
def watched(folder: Path, api: int, hook: int) -> Iterator[Prometheus]:
    """Prometheus and Alertmanager, once the first scrape has come."""
    alertmanager, port = free_port(), free_port()
    configured(folder, api, alertmanager, hook)
    alerting = [
        "prometheus-alertmanager",
        "--config.file=alertmanager.yaml",
        "--storage.path=alerts",
        f"--web.listen-address={HOST}:{alertmanager}",
        # Alone: it looks for no others.
        "--cluster.listen-address=",
    ]
    watching = [
        "prometheus",
        "--config.file=prometheus.yaml",
        "--storage.tsdb.path=measured",
        f"--web.listen-address={HOST}:{port}",
        "--log.level=warn",
    ]
    with running("alertmanager", alerting, folder), running("prometheus", watching, folder):
        prometheus = Prometheus(port)
        until("Prometheus is ready", STARTS, lambda: get(port, "/-/ready")[0] == 200)  # noqa: PLR2004 (likewise)
        until("The server is scraped", STARTS, lambda: prometheus.values('up{job="wardgate"} == 1'))
        yield prometheus


@contextlib.contextmanager
def gone(store: Path) -> Iterator[None]:
    """The store's table has another name, so that no call to it is answered. A lock would stop the whole process."""
    table, away = f'"wardgate-{STAGE}"', '"away"'
    with contextlib.closing(sqlite3.connect(store, timeout=STARTS, isolation_level=None)) as changed:
        changed.execute(f"ALTER TABLE {table} RENAME TO {away}")
        try:
            yield
        finally:
            changed.execute(f"ALTER TABLE {away} RENAME TO {table}")


@contextlib.contextmanager
def unreadable(ring: Path) -> Iterator[None]:
    """The file of the keys is damaged, so that the server goes on with what it has read."""
    kept = ring.read_bytes()
    ring.write_bytes(b"damaged")
    try:
        yield
    finally:
        ring.write_bytes(kept)


def nothing_rings_while_all_is_well(prometheus: Prometheus) -> None:
    """For as long as the page of the test would need, with enough requests for it to judge."""
    judged = "count_over_time((wardgate:requests:increase3s >= 20)[12s:1s]) >= 11"
    until("People are served", SHOWS, lambda: prometheus.values('wardgate_sign_ins_total{outcome="signed_in"}'))
    until("There are enough requests for an alert", SHOWS, lambda: prometheus.values(judged))
    if early := {it for it in prometheus.firing() if it.endswith("-page")}:
        raise Failed(f"{', '.join(sorted(early))} fired before anything was wrong.")


def an_alert_fires_and_resolves(folder: Path, people: People, prometheus: Prometheus, hook: Told) -> None:
    """Under errors the page comes, and without them the word that it is over."""
    began = time.monotonic()
    with gone(folder / "data/store.sqlite"), people.crowd():
        until(f"{ALERT} fires", FIRES, lambda: ALERT in prometheus.firing())
        fired = time.monotonic()
        until(f"{ALERT} reaches the receiver page", FIRES, lambda: hook.has("page", ALERT, "firing"))
    ended = time.monotonic()
    until(f"{ALERT} is over", RESOLVES, lambda: hook.has("page", ALERT, "resolved"))
    over = time.monotonic()
    say(f"{ALERT}: fired after {fired - began:.0f} s without a table, was over {over - ended:.0f} s after it was back")
    if wrong := [it for it in hook.messages if it[0] != it[1].rpartition("-")[2]]:
        raise Failed(f"Alertmanager told the wrong receiver: {wrong}")


def the_dashboard_is_answered(prometheus: Prometheus) -> None:
    """Each of its queries has data."""
    asked = queries()
    empty = dict.fromkeys(asked)

    def all_answered() -> bool:
        for panel, query in list(empty):
            if prometheus.values(query):
                del empty[panel, query]
        return not empty

    try:
        until("The dashboard", SHOWS, all_answered)
    except Failed:
        lines = [f"  {panel}: {query}" for panel, query in empty]
        raise Failed("\n".join(["Queries of the dashboard without an answer:", *lines])) from None
    if STAGE not in prometheus.asked("label/stage/values", **{"match[]": "wardgate_requests_total"}):
        raise Failed("The dashboard's list of stages is empty.")
    say(f"dashboard: {len(asked)} queries, each with data")


def run(binary: Path) -> None:
    """All of it, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="wardgate-prometheus-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        hook = stack.enter_context(told())
        api = stack.enter_context(served(folder, binary))
        prometheus = stack.enter_context(watched(folder, api, hook.server_port))
        people = People(api)
        with people.busy():
            nothing_rings_while_all_is_well(prometheus)
            with unreadable(folder / "data/secrets.json"):
                an_alert_fires_and_resolves(folder, people, prometheus, hook)
                the_dashboard_is_answered(prometheus)
        if broken := prometheus.broken():
            raise Failed("\n".join(["Rules that Prometheus cannot evaluate:", *broken]))
