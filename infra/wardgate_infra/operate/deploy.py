"""`make deploy`: everything of a stage, in the order in which it is safe. Typed again, it goes on where it stopped."""

import argparse
import functools
import shlex
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from wardgate_infra import Client, Failed, Json
from wardgate_infra.operate import (
    aliases,
    deploy_edge,
    deploy_watch,
    edge,
    migrate,
    new_key,
    preflight,
    promotion,
    rotate,
    smoke,
    stacks,
    states,
    switch_over,
    terminal,
)
from wardgate_infra.operate import release as releases
from wardgate_infra.operate.aliases import Function
from wardgate_infra.operate.needs.account import is_standby
from wardgate_infra.operate.publications import publications
from wardgate_infra.operate.stage import Stage


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="ask nothing")
    parser.add_argument("--anyway", action="store_true", help="also where the account lacks what a deploy needs")
    parser.add_argument("--artifact", help="an artifact that is kept, instead of a new one or of what staging runs")
    parser.add_argument("--binaries", type=Path, help="a folder with <function>/bootstrap, instead of a build")
    parser.add_argument("--parameters", default="", help="Name=Value …, for this deploy alone")


def run(stage: Stage, options: argparse.Namespace) -> None:
    if stage.name == "production" and not options.yes and not sys.stdin.isatty():
        raise Failed("production asks before each stack that changes, and nobody is there to ask: say YES=1.")
    stage.parameters.update(changed_parameters(stage, options.parameters))
    switch_over.refuse_other_table(stage)
    states.refuse_under_way(stage, [releases.STACK, *stage.stacks])
    edge.refuse_unready(stage)
    preflight.before_deploy(stage, anyway=options.anyway)
    deploy = Deploy(stage, options)
    began = time.monotonic()
    for number, (name, step, advice) in enumerate(STEPS, 1):
        try:
            terminal.step(number, len(STEPS), name, functools.partial(take, deploy, name, step))
        except (Failed, BotoCoreError, ClientError) as failure:
            raise Failed(
                f"the deploy of {stage.name} stopped at step {number} of {len(STEPS)}, {name}.\n{failure}\n"
                f"{deploy.put_back()}What to do next: {advice} docs/operations/deploy.md has more."
            ) from failure
    if deploy.changed:
        terminal.say(f"Release {deploy.release} is live in {stage.name} after {time.monotonic() - began:.0f} s.")
    else:
        terminal.say(f"Nothing has changed: release {deploy.release} was live in {stage.name} already.")


def take(deploy: "Deploy", name: str, step: Callable[["Deploy"], str | None]) -> str | None:
    """Takes a step, or leaves it to the region that writes."""
    of_the_writer = ("migrations", "first rotation", "smoke test", "as a client")
    return "done where it writes" if name in of_the_writer and is_standby(deploy.stage) else step(deploy)


def changed_parameters(stage: Stage, text: str) -> dict[str, str]:
    """The parameters of PARAMETERS, which have to be some that a deploy may change."""
    changed = dict(it.partition("=")[::2] for it in shlex.split(text))
    if unknown := changed.keys() - (stage.parameters.keys() - {"Stage", "Release"}):
        raise Failed(f"PARAMETERS has {', '.join(sorted(unknown))}, which is no parameter of {stage.name}.")
    return changed


class Deploy:
    """What the steps of one deploy know of each other."""

    def __init__(self, stage: Stage, options: argparse.Namespace) -> None:
        self.stage = stage
        self.options = options
        self.changed = False
        # Of the first step.
        self.manifest: Json = None
        self.release = ""
        self.bucket = ""
        # What answers when the deploy begins: of each function, and as a release if it is one; and what was kept of the
        # deploy before.
        self.before: list[Function] = []
        self.live: str | None = None
        self.last: Json = {}
        # Whether functions of several stacks are being moved: if that stops, they are moved back.
        self.is_moving = False
        # What each function publishes, and what is not as the stage's parameters have it.
        self.publications: dict[str, str] = {}
        self.given: dict[str, str] = {}
        # Which parameters of which stack are others than before: the old value and the new one.
        self.parameters: dict[str, tuple[str, str]] = {}

    def stack(self, name: str, template: str, **changed: str) -> str:
        """Deploys a stack."""
        code = stacks.Code(self.bucket, releases.code(self.manifest), self.publications)
        given = {**self.stage.parameters, "Release": self.release, **self.given, **changed}
        before = stacks.given_before(self.stage.stack(name))
        is_new = stacks.deploy(self.stage, name, template, given, yes=self.options.yes, code=code)
        if is_new and before:
            self.parameters |= stacks.differences(before, stacks.given_before(self.stage.stack(name)))
        self.changed |= is_new
        return "changed" if is_new else "nothing to change"

    def put_back(self) -> str:
        """Moves every alias of every stack back to where it was, and says so. CloudFormation does that for the stack
        that has failed alone, and not to where a rollback has put them."""
        if not self.is_moving:
            return ""
        try:
            moved = aliases.put_back(self.stage, self.before)
            releases.forget_deploy(self.stage, self.last)
        except (Failed, BotoCoreError, ClientError) as failure:
            return f"And the aliases are not all back at what they were: {failure}\n"
        return f"{moved} aliases are back at what they were.\n"


def artifact(deploy: Deploy) -> str:
    stage, options = deploy.stage, deploy.options
    # Stages of one account share it, so that it has none of their tags.
    stacks.deploy(
        stage, releases.STACK, "infra/artifacts.yaml", stage.parameters, yes=options.yes, tags="service=wardgate"
    )
    if stage.name == "production":
        deploy.manifest = promotion.promote(stage, options.artifact, options.yes)
    elif options.artifact:
        deploy.manifest = releases.artifacts(stage).manifest(options.artifact)
        releases.refuse_other(stage, deploy.manifest)
    else:
        deploy.manifest = releases.build(stage, options.binaries)
    deploy.bucket = releases.artifacts(stage).bucket
    edge.say_to(stage)
    deploy.release = releases.name_release(deploy.manifest, stage.parameters)
    return f"release {deploy.release} of artifact {deploy.manifest['artifact']}"


def data(deploy: Deploy) -> str:
    remark = deploy.stack(deploy.stage.data_stack, "infra/data.yaml")
    if deploy.stage.is_emulated:
        empty_secrets(deploy.stage.client("secretsmanager"), deploy.stage.name)
    return remark


def empty_secrets(secrets: Client, stage: str) -> None:
    """A secret without a value in the template has no version in AWS, and in the emulator one that is empty. That the
    template gives none: tests/template/, sec_ot_09_each_ring_is_a_secret_and_no_template_knows_its_value."""
    filters = [{"Key": "name", "Values": [f"wardgate/{stage}/"]}]
    for secret in secrets.list_secrets(Filters=filters, MaxResults=100)["SecretList"]:
        try:
            current = secrets.get_secret_value(SecretId=secret["ARN"])
        except secrets.exceptions.ResourceNotFoundException:
            continue
        if not current.get("SecretString"):
            secrets.update_secret_version_stage(
                SecretId=secret["ARN"], VersionStage="AWSCURRENT", RemoveFromVersionId=current["VersionId"]
            )


def migrate_stack(deploy: Deploy) -> str:
    begin(deploy)
    return deploy.stack(deploy.stage.migrate_stack, "infra/migrate.yaml")


def begin(deploy: Deploy) -> None:
    """Keeps what is live, before anything of the release is."""
    stage, there = deploy.stage, aliases.deployed(deploy.stage)
    templates = stage.release_stacks.values()
    deploy.publications = publications(templates, stage.parameters, releases.code(deploy.manifest))
    if aliases.forget(stage, there, deploy.publications):
        there = aliases.deployed(stage)
    deploy.publications |= aliases.renamed(there, deploy.publications)
    deploy.before = [it for it in there if it.short not in aliases.KEPT]
    release, others = releases.running(stage, deploy.before)
    deploy.live = None if others else release
    deploy.last = releases.last_deploy(stage)
    deploy.is_moving = True
    releases.remember(stage, deploy.release, deploy.manifest, deploy.live, deploy.publications)
    # The API's alarm takes deployments back, and CodeDeploy might refuse one whose alarm is not there yet. In a
    # region that stands by, its hook would play a user who is refused.
    watched = "ApiId" in stage.outputs(stage.code_stack) and not is_standby(stage)
    deploy.given |= canary(deploy.before, watched=watched)


def canary(before: Iterable[Function], *, watched: bool) -> dict[str, str]:
    """Leaves CodeDeploy out where nothing would take a deployment back, and where somebody has moved an alias: it takes
    one from the version that CloudFormation believes to be live, and refuses one that is elsewhere."""
    moved = ", ".join(map(str, (it for it in before if it.is_moved)))
    if moved:
        terminal.say(f"no canary and no hook this time, for aliases are not where CloudFormation left them: {moved}")
    return {"Canary": "false"} if moved or not watched else {}


def migrations(deploy: Deploy) -> None:
    new_key.wait(deploy.stage)
    migrate.apply(deploy.stage)


def areas(deploy: Deploy) -> str:
    """One after another, so that the account's deployments and Lambda's control plane keep up."""
    remarks = []
    for name, template in deploy.stage.area_stacks.items():
        terminal.say(f"  {name}")
        remarks.append(deploy.stack(name, template))
    return f"{sum(it == 'changed' for it in remarks)} of {len(remarks)} changed"


def code(deploy: Deploy) -> str:
    stage = deploy.stage
    remark = deploy.stack(stage.code_stack, "template.yaml")
    # After a rollback CloudFormation takes for granted that the aliases are where it has put them.
    moved = aliases.flip(stage, now := aliases.functions(stage), deploy.publications)
    deploy.changed |= bool(moved)
    compare(deploy, now)
    deploy.is_moving = False
    deploy_edge.follows(deploy)
    before = {it.short: it.versions.keys() for it in deploy.before}
    published = sum(bool(it.versions.keys() - before.get(it.short, set())) for it in now)
    new = f"{published} of {len(now)} functions have a new version" if published else "no function has a new version"
    return ", ".join([remark, new, *([f"{moved} aliases moved forward"] if moved else [])])


def compare(deploy: Deploy, functions: list[Function]) -> None:
    """What runs is what was built."""
    for function in functions:
        version = function.version_of(deploy.publications.get(function.short))
        expected = deploy.manifest["functions"][function.short]
        if version is None or function.versions[version].code != expected:
            raise Failed(f"{function.name} does not run the artifact's code: its version {version} is something else.")


def first_rotation(deploy: Deploy) -> None:
    rotate.first(deploy.stage)


def smoke_test(deploy: Deploy) -> None:
    """Tried as a user would."""
    with releases.recorded_run(deploy.stage, deploy.release):
        smoke.check(deploy.stage)


def old_versions(deploy: Deploy) -> str:
    """What no rollback goes to any more."""
    stage, functions = deploy.stage, aliases.deployed(deploy.stage)
    named = [deploy.release, releases.last_deploy(stage).get("previous")]
    needed = [releases.publications(stage, it, functions) for it in named]
    gone = aliases.prune(stage, functions, needed)
    return f"{gone} deleted" if gone else "none"


AGAIN = "Then type the same command again; what is done is not done twice."
STEPS: list[tuple[str, Callable[[Deploy], str | None], str]] = [
    ("artifact", artifact, f"Nothing of the stage has been touched. {AGAIN}"),
    ("data stack", data, f"CloudFormation has put it back, and the old code runs on. Correct what it names. {AGAIN}"),
    (
        "edge stack",
        deploy_edge.stack,
        f"CloudFormation has put it back, and the old code runs on. Correct what it names. {AGAIN}",
    ),
    ("migrate stack", migrate_stack, f"No data has been touched, the old code runs. Correct what it names. {AGAIN}"),
    ("migrations", migrations, f"The old code runs on with what is migrated. {AGAIN} It goes on at its checkpoint."),
    ("area stacks", areas, f"Every function runs what it ran before. Correct what it names. {AGAIN}"),
    ("API stack", code, f"Every function runs what it ran before. Correct what it names. {AGAIN}"),
    ("origin stack", deploy_edge.origin, f"The new code is live, and the edge may not find it. {AGAIN}"),
    ("first rotation", first_rotation, f"Without keys /ready answers 503. {AGAIN}"),
    (
        "smoke test",
        smoke_test,
        "The new code is live and something does not work: make rollback, then look at the logs.",
    ),
    ("old versions", old_versions, f"The new code is live and works. {AGAIN}"),
    (
        "observability stack",
        deploy_watch.observability,
        f"The new code is live and works; alarms may be missing. {AGAIN}",
    ),
    ("probe stack", deploy_watch.probe, f"The new code is live and works; nobody may ask from outside. {AGAIN}"),
    ("backup stack", deploy_watch.backup, f"The new code is live and works; backups may be missing. {AGAIN}"),
    ("audit trail", deploy_watch.trail, f"Everything is deployed, but the trail does not say so. {AGAIN}"),
    (
        "as a client",
        deploy_watch.as_a_client,
        "The new code is live, and clients do not reach it as they should. If it is the release, make rollback; what "
        f"stands in front of the API is not the release's. {AGAIN}",
    ),
]
