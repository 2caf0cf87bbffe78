"""The last steps of a deploy, when the new code is live: what watches it and keeps it, what the trail says of it, and
whether clients reach it."""

import datetime
from typing import TYPE_CHECKING

from wardgate_infra import Failed
from wardgate_infra.operate import audit, stacks, terminal, verify
from wardgate_infra.operate import release as releases
from wardgate_infra.operate.needs.account import (
    PROBE_REGION,
    copy_region,
    copy_stack,
    makes_copies,
    makes_probe,
    probe_stack,
)

if TYPE_CHECKING:
    from wardgate_infra.operate.deploy import Deploy


def observability(deploy: "Deploy") -> str:
    name = deploy.stage.observability_stack
    marked = stacks.parameter(deploy.stage.stack(name), "DeployedAt")
    # A deploy that has changed nothing so far leaves the dashboard's mark where it is.
    if deploy.changed or not marked:
        marked = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
    return deploy.stack(name, "infra/observability.yaml", DeployedAt=marked)


def probe(deploy: "Deploy") -> str:
    stage = deploy.stage
    if not makes_probe(stage):
        return "not made here"
    there, given, yes = stage.in_region(PROBE_REGION), stage.parameters, deploy.options.yes
    is_new = stacks.deploy(there, probe_stack(stage), "infra/probe.yaml", given, yes=yes)
    deploy.changed |= is_new
    return "changed" if is_new else "nothing to change"


def backup(deploy: "Deploy") -> str:
    stage = deploy.stage
    if makes_copies(stage):
        there, given, yes = stage.in_region(copy_region(stage)), stage.parameters, deploy.options.yes
        deploy.changed |= stacks.deploy(there, copy_stack(stage), "infra/backup-copy.yaml", given, yes=yes)
    return deploy.stack(deploy.stage.backup_stack, "infra/backup.yaml")


def trail(deploy: "Deploy") -> str | None:
    if not deploy.changed:
        return "nothing to record"
    manifest = deploy.manifest
    detail = f"release {deploy.release} of artifact {manifest['artifact']}, commit {manifest['commit']}"
    if deploy.parameters:
        detail += "; " + ", ".join(
            f"{name} {old!r} → {new!r}" for name, (old, new) in sorted(deploy.parameters.items())
        )
    audit.record(deploy.stage, "deployed", detail)
    return None


def as_a_client(deploy: "Deploy") -> str:
    """Asked as a client does. Before the first deploy nobody can have led the issuer's name to the API."""
    if deploy.before:
        with releases.recorded_run(deploy.stage, deploy.release):
            verify.once(deploy.stage)
        return "clients reach it as they should"
    try:
        verify.once(deploy.stage)
    except Failed as failure:
        terminal.say(str(failure))
        return f"not yet, after a first deploy: lead its name to the API, and make verify STAGE={deploy.stage.name}"
    return "clients reach it as they should"
