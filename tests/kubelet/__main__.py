"""`make validate-rollout`: the rendered manifest of production, obeyed by processes, under load."""

import argparse
import base64
import contextlib
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

from kubelet.cluster import Cluster
from kubelet.pods import Machine, variables
from wardgate_infra import Failed, Json
from wardgate_infra.kubernetes import rules
from wardgate_infra.kubernetes.__main__ import rendered
from wardgate_infra.open_loop import Load
from wardgate_infra.operate.terminal import say
from wardgate_infra.prometheus.processes import free_port, running, until

STAGE = "production"
PERSON = {"email": "ada@example.com", "password": "violet teapots orbit slowly"}
# A start, that it settles, and the stop of the one before, for each pod in turn.
ROLLS = 120
# For how long a release is watched that never becomes ready.
WATCHED = 12


def account() -> str:
    """A row of an import: a verified account, with a hash as Django has it."""
    salt, rounds = "orbit", 1000
    digest = hashlib.pbkdf2_hmac("sha256", PERSON["password"].encode(), salt.encode(), rounds)
    hashed = f"pbkdf2_sha256${rounds}${salt}${base64.b64encode(digest).decode()}"
    return json.dumps({"email": PERSON["email"], "email_verified": True, "password_hash": hashed}) + "\n"


def once(machine: Machine, operate: Path, documents: list[Json], *words: str) -> None:
    """A Job's container: it ends, and well."""
    job = rules.only(documents, "Job", "wardgate-migration")["spec"]["template"]["spec"]["containers"][0]
    said = variables(documents, job) | machine.variables | {"AUTH__SECRETS__FOLDER": str(machine.keys)}
    done = subprocess.run([operate, *words], env=said, cwd=machine.folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"wardgate-operate {' '.join(words)}: {done.stdout}{done.stderr}")


@contextlib.contextmanager
def prepared(server: Path, operate: Path, documents: list[Json], folder: Path) -> Iterator[Machine]:
    """A store, its tables, the keys, and a person."""
    data = folder / "data"
    own = {"AUTH__STAGE": "development", "AUTH__EMBEDDED__FOLDER": str(data), "AUTH__HTTP__PORT": str(free_port())}
    with running("store", [server, "engine"], folder, own):
        until("The store is there", 30, (data / "functions.env").exists)
        lines = (data / "functions.env").read_text(encoding="utf-8").splitlines()
        store = dict(it.split("=", 1) for it in lines)["AWS_ENDPOINT_URL_DYNAMODB"]
        # What a pod identity gives, and where the region's table is.
        given = {"AWS_ENDPOINT_URL_DYNAMODB": store, "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": store}
        given |= {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
        # The balancer is on loopback, and mails go nowhere.
        given |= {"AUTH__HTTP__TRUSTED_PROXIES": json.dumps(["127.0.0.0/8"]), "AUTH__JOBS__ENABLED": "false"}
        machine = Machine(server, folder, folder / "keys", given)
        once(machine, operate, documents, "tables")
        once(machine, operate, documents, "keys", "new")
        once(machine, operate, documents, "migrate")
        (folder / "people.jsonl").write_text(account(), encoding="utf-8")
        once(machine, operate, documents, "import", "people.jsonl", "--stage", STAGE)
        yield machine


def tried(cluster: Cluster, load: Load) -> None:
    cluster.roll_out(AUTH__LOG__LEVEL="warn")
    cluster.wait("the rollout", ROLLS, cluster.is_rolled_out)
    load.step("a release is rolled out")
    served = set(cluster.available())
    # It waits for keys that never come.
    cluster.roll_out(AUTH__SECRETS__FOLDER="/nowhere")
    time.sleep(WATCHED)
    if not served <= set(cluster.available()) or cluster.is_rolled_out():
        raise Failed("a release that never becomes ready has ended one that serves")
    load.step("a release never becomes ready, and the one before serves on")
    cluster.undo()
    cluster.wait("the way back", ROLLS, cluster.is_rolled_out)
    load.step("it is undone")
    cluster.drain("node-a")
    cluster.wait("all pods elsewhere", ROLLS, cluster.is_rolled_out)
    load.step("a node is drained")
    cluster.wait("every stop", ROLLS, lambda: all(it in cluster.there() for it in cluster.pods))
    # Those of the release that never became ready had nothing to end well.
    served_well = [it for it in cluster.gone if it.template in cluster.revisions[:2]]
    if wrong := [f"{it.name} with {it.ended}" for it in served_well if it.ended]:
        raise Failed(f"pods ended badly: {', '.join(wrong)}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="kubelet", description=__doc__)
    parser.add_argument("--server", type=Path, required=True, help="a binary with the feature dev")
    parser.add_argument("--operate", type=Path, required=True, help="wardgate-operate")
    options = parser.parse_args()
    try:
        documents: list[Json] = list(yaml.safe_load_all(rendered(STAGE)))
        with (
            tempfile.TemporaryDirectory(prefix="wardgate-kubelet-") as name,
            prepared(options.server.resolve(), options.operate.resolve(), documents, Path(name)) as machine,
        ):
            cluster = Cluster(machine, documents)
            with cluster.up():
                cluster.wait("the first pods", ROLLS, cluster.is_rolled_out)
                time.sleep(2 * 2)
                say(f"{cluster.replicas} pods of {STAGE} behind haproxy")
                load = Load(cluster.port, PERSON)
                with load.going_on():
                    tried(cluster, load)
    except Failed as failed:
        sys.exit(str(failed))


if __name__ == "__main__":
    main()
