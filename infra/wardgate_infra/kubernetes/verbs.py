"""`make deploy|rollback|status|version|logs ON=kubernetes`: each prints the lines of kubectl that it runs.

kubectl is the operator's own, with the operator's own context. With DRY_RUN=1 the lines are printed alone.
"""

import argparse
import re
import shlex
import shutil
import subprocess
import sys

import yaml

from wardgate_infra import ROOT, Failed
from wardgate_infra.kubernetes import __main__ as validation
from wardgate_infra.kubernetes import rules
from wardgate_infra.operate.terminal import confirm, say

DEPLOYMENT = "deployment/wardgate"
# As long as the Deployment's own progressDeadlineSeconds.
PATIENCE = "--timeout=300s"
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


def manifests(stage: str, image: str) -> str:
    """A stage's manifests with the image that is to run. They are judged before anything of them is applied."""
    if not DIGEST.fullmatch(image):
        raise Failed(
            "IMAGE is missing or not by digest: make deploy ON=kubernetes STAGE=… IMAGE=<name>@sha256:<digest>"
        )
    documents = list(yaml.safe_load_all(validation.rendered(stage)))
    rules.server(documents)["image"] = image
    if wrong := rules.broken(documents):
        raise Failed("\n".join([f"{stage} is not applied:", *(f"  {it}" for it in wrong)]))
    text: str = yaml.safe_dump_all(documents, sort_keys=False)
    return text


def deploy(cluster: Cluster, options: argparse.Namespace) -> None:
    applied = manifests(cluster.stage, options.image or "")
    cluster.run("apply", "--server-side", "--filename=-", given=applied)
    try:
        cluster.run("rollout", "status", DEPLOYMENT, PATIENCE)
    except Failed as failed:
        back = f"make rollback ON=kubernetes STAGE={cluster.stage}"
        raise Failed(f"{failed}\nThe release before goes on serving. To go back to it: {back}") from failed


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


VERBS = {"deploy": deploy, "rollback": rollback, "status": status, "version": version, "logs": logs}
CHANGE = {"deploy", "rollback"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="wardgate-kubernetes")
    parser.add_argument("verb", choices=VERBS)
    parser.add_argument("--stage", choices=validation.STAGES, required=True)
    parser.add_argument("--image")
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
