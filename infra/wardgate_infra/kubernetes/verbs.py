"""`make deploy ON=kubernetes` and seven more: each prints the lines of kubectl that it runs.

kubectl is the operator's own, with the operator's own context. With DRY_RUN=1 the lines are printed alone.
"""

import argparse
import copy
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable

import yaml

from wardgate_infra import ROOT, Failed, Json
from wardgate_infra.kubernetes import __main__ as validation
from wardgate_infra.kubernetes import rules
from wardgate_infra.operate.terminal import confirm, say

DEPLOYMENT = "deployment/wardgate"
# As long as the Deployment's own progressDeadlineSeconds.
PATIENCE = "--timeout=300s"
# An image may have to be fetched.
PATIENT_START = "--pod-running-timeout=5m"
MIGRATION, BACKUP, RESTORE = "wardgate-migration", "wardgate-backup", "wardgate-restore"
# Where the job of a restore finds the other half of the key that backups are encrypted to.
IDENTITY = "/run/secrets/restore"
FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
SELECTOR = "--selector=app.kubernetes.io/name=wardgate"
DIGEST = re.compile(r"[^@\s]+@sha256:[0-9a-f]{64}")


class Cluster:
    """What kubectl's current context leads to, in the namespace of a stage."""

    def __init__(self, stage: str, dry_run: bool) -> None:
        self.stage = stage
        self.dry_run = dry_run
        if not dry_run and not shutil.which("kubectl"):
            raise Failed("kubectl is not installed.")

    def run(self, *words: str, given: str | None = None) -> None:
        command = ["kubectl", f"--namespace=wardgate-{self.stage}", *words]
        say(shlex.join(command))
        if self.dry_run:
            return
        done = subprocess.run(command, cwd=ROOT, input=given, text=True, check=False)
        if done.returncode:
            raise Failed(f"kubectl failed with {done.returncode}, as above.")


def documents(stage: str, image: str | None) -> list[Json]:
    """A stage's manifests with the image that is to run. They are judged before anything of them is applied."""
    if not DIGEST.fullmatch(image or ""):
        raise Failed(
            "IMAGE is missing or not by digest: make … ON=kubernetes STAGE=… IMAGE=<name>@sha256:<digest>; make "
            "version ON=kubernetes STAGE=… says which one runs"
        )
    found: list[Json] = list(yaml.safe_load_all(validation.rendered(stage)))
    for _, _, container in rules.workloads(found):
        container["image"] = image
    if wrong := rules.broken(found):
        raise Failed("\n".join([f"{stage} is not applied:", *(f"  {it}" for it in wrong)]))
    return found


def apply(cluster: Cluster, given: list[Json]) -> None:
    text: str = yaml.safe_dump_all(given, sort_keys=False)
    cluster.run("apply", "--server-side", "--filename=-", given=text)


def run_once(cluster: Cluster, job: str, begin: Callable[[], None]) -> None:
    """Has a job made, shows what it says, and fails if it does. The one of before goes: jobs do not change."""
    name = f"job/{job}"
    cluster.run("delete", name, "--ignore-not-found", "--cascade=foreground")
    begin()
    cluster.run("logs", name, "--follow", PATIENT_START)
    # It has ended by then; only the API may not know yet.
    cluster.run("wait", name, "--for=condition=complete", "--timeout=30s")


def migrate(cluster: Cluster, options: argparse.Namespace) -> None:
    before_servers(cluster, documents(cluster.stage, options.image))


def before_servers(cluster: Cluster, found: list[Json]) -> None:
    """Everything but the servers, and the data as they will want it."""
    job = rules.only(found, "Job", MIGRATION)
    around = [it for it in found if it["kind"] not in ("Deployment", "Job")]
    try:
        run_once(cluster, MIGRATION, lambda: apply(cluster, [*around, job]))
    except Failed as failed:
        raise Failed(f"{failed}\nThe data is not migrated, and the release before goes on serving.") from failed


def deploy(cluster: Cluster, options: argparse.Namespace) -> None:
    found = documents(cluster.stage, options.image)
    before_servers(cluster, found)
    apply(cluster, [it for it in found if it["kind"] == "Deployment"])
    try:
        cluster.run("rollout", "status", DEPLOYMENT, PATIENCE)
    except Failed as failed:
        back = f"make rollback ON=kubernetes STAGE={cluster.stage}"
        raise Failed(f"{failed}\nThe release before goes on serving. To go back to it: {back}") from failed


def backup(cluster: Cluster, _options: argparse.Namespace) -> None:
    """As each night, now."""
    job = f"{BACKUP}-now"
    run_once(cluster, job, lambda: cluster.run("create", "job", job, f"--from=cronjob/{BACKUP}"))


def restore(cluster: Cluster, options: argparse.Namespace) -> None:
    """Accounts out of a file of the backup's volume into the table; those that exist stay as they are."""
    if not FILE.fullmatch(options.file or ""):
        raise Failed("FILE is missing or no name in the backup's volume: make restore ON=kubernetes … FILE=<name>")
    found = documents(cluster.stage, options.image)
    nightly = rules.only(found, "CronJob", BACKUP)
    if not nightly:
        raise Failed(f"{cluster.stage} has no backups: its kustomization lacks the component backup")
    template = copy.deepcopy(nightly["spec"]["jobTemplate"]["spec"]["template"])
    labels, spec = template["metadata"]["labels"] | {"app.kubernetes.io/component": "restore"}, template["spec"]
    [container] = spec["containers"]
    container["args"] = ["import", f"/backup/{options.file}", "--identity-file", f"{IDENTITY}/identity"]
    container["volumeMounts"].append({"name": "identity", "mountPath": IDENTITY, "readOnly": True})
    spec["volumes"].append({"name": "identity", "secret": {"secretName": RESTORE, "defaultMode": 0o440}})
    template = {"metadata": {"labels": labels}, "spec": spec}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": RESTORE, "namespace": nightly["metadata"]["namespace"], "labels": labels},
        "spec": {"backoffLimit": 0, "ttlSecondsAfterFinished": 604800, "template": template},
    }
    run_once(cluster, RESTORE, lambda: apply(cluster, [job]))
    cluster.run("delete", f"secret/{RESTORE}")


def rollback(cluster: Cluster, _options: argparse.Namespace) -> None:
    cluster.run("rollout", "undo", DEPLOYMENT)
    cluster.run("rollout", "status", DEPLOYMENT, PATIENCE)


def status(cluster: Cluster, _options: argparse.Namespace) -> None:
    cluster.run("get", "deployment,horizontalpodautoscaler,poddisruptionbudget,pod", SELECTOR)
    cluster.run("rollout", "status", DEPLOYMENT, "--watch=false")


def version(cluster: Cluster, _options: argparse.Namespace) -> None:
    cluster.run("get", DEPLOYMENT, r"--output=jsonpath={.spec.template.spec.containers[0].image}{'\n'}")
    cluster.run("rollout", "history", DEPLOYMENT)


def logs(cluster: Cluster, options: argparse.Namespace) -> None:
    how = [f"--since={options.since}"] if options.since else []
    # kubectl follows five pods at most unless it is told otherwise.
    how += ["--follow", "--max-log-requests=20"] if options.follow else []
    cluster.run("logs", SELECTOR, "--prefix", "--tail=-1", *how)


VERBS = {
    "deploy": deploy,
    "rollback": rollback,
    "migrate": migrate,
    "backup": backup,
    "restore": restore,
    "status": status,
    "version": version,
    "logs": logs,
}
CHANGE = {"deploy", "rollback", "migrate", "restore"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="wardgate-kubernetes")
    parser.add_argument("verb", choices=VERBS)
    parser.add_argument("--stage", choices=validation.STAGES, required=True)
    parser.add_argument("--image")
    parser.add_argument("--file")
    parser.add_argument("--since")
    parser.add_argument("--follow", action="store_true")
    parser.add_argument("--yes", action="store_true")
    parser.add_argument("--dry-run", action="store_true")
    options = parser.parse_args()
    try:
        cluster = Cluster(options.stage, options.dry_run)
        if options.verb in CHANGE:
            confirm(f"{options.verb} {options.stage} on Kubernetes?", options.yes or options.dry_run)
        VERBS[options.verb](cluster, options)
    except Failed as failed:
        sys.exit(f"wardgate: {failed}")


if __name__ == "__main__":
    main()
