"""The restore drill: people change things after a backup, `make restore` goes back to it, and what they find then is
what PL-07 says. The operator's commands run as they are typed, over a copy of the files that they change.

The emulator's RestoreTableToPointInTime copies the table as it is now, whatever time it is given; its backups are as of
their time. So the table goes back to a backup here, and a time is only given to see that it is refused or taken.
"""

import contextlib
import datetime
import shutil
import subprocess
import sys
import time
from pathlib import Path

from emulated import commands
from emulated.gateway import OTHER_PASSWORD, PASSWORD, Api, equal, holds, matched, remembered, wait_for
from wardgate_infra import Client, Json
from wardgate_infra.emulator.deployment import Deployment

UNCHANGED, CHANGED, ENDED, RESET, LEAVING, NEW = (
    f"restored-{name}@example.com" for name in ("unchanged", "changed", "ended", "reset", "leaving", "new")
)
# Lines that are younger than this at the point may be of requests that were under way then.
IN_FLIGHT = 60
STARTED: dict[str, float] = {}


class Operator:
    """Who types the commands, in a copy of the repository, so that the parameters of this one stay as they are."""

    def __init__(self, emulator: Deployment, folder: str = "operator") -> None:
        self.stage = emulator.stage
        self.root = emulator.folder / folder
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(emulator.root / "infra", self.root / "infra")
        for file in ("template.yaml", "samconfig.toml"):
            shutil.copy(emulator.root / file, self.root / file)
        (self.root / "target").mkdir()
        (self.root / "target/emulator").symlink_to(emulator.folder.parent)
        self.parameters = self.root / f"infra/{self.stage}/parameters.yaml"
        # The package goes by where it is itself.
        self.environment = emulator.environment | {"PYTHONPATH": str(self.root / "infra")}

    def command(self, *words: str | Path) -> list[str | Path]:
        return [sys.executable, "-m", "wardgate_infra.operate", words[0], "--stage", self.stage, *words[1:]]

    def begins(self, *words: str) -> subprocess.Popen[str]:
        """A command that is under way."""
        return subprocess.Popen(
            self.command(*words),
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )

    def types(self, *words: str | Path, works: bool = True) -> str:
        """What a command says."""
        return self.runs(*self.command(*words), works=works)

    def runs(self, *command: str | Path, works: bool = True) -> str:
        """What a program says."""
        ran = subprocess.run(
            command,
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        holds((ran.returncode == 0) == works, ran.stdout, ran.stderr)
        return ran.stdout + ran.stderr


def check_people_before_restore(api: Api, _emulator: Deployment) -> None:
    """Made long enough before the drill that nothing of it is still under way."""
    for email in (UNCHANGED, CHANGED, ENDED, RESET, LEAVING):
        api.registered(email)
    STARTED["at"] = time.monotonic()


def check_restore(api: Api, emulator: Deployment) -> None:
    operator = Operator(emulator)
    wait_for(lambda: time.monotonic() - STARTED["at"] > IN_FLIGHT, "people from before", IN_FLIGHT + 30)
    before = {email: api.login(email) for email in (UNCHANGED, CHANGED, ENDED, RESET, LEAVING)}
    api.post("/v1/password/forgot", email=RESET).is_ok(202)
    token = api.mailbox.token(RESET, "reset-password")

    backed_up = operator.types("backup")
    backup = matched(rf"arn:aws:dynamodb:\S+:table/wardgate-{emulator.stage}/backup/\S+", backed_up)[0]
    change_everything(api, before, token)
    refused(operator, backup)
    give_up(operator, emulator)
    restored = operator.types("restore", "--backup", backup, "--yes")
    commands.record("restore", f"make restore STAGE={emulator.stage} BACKUP={backup} YES=1", restored)
    # Other checks have changed passwords, too.
    holds("Need a password reset: " in restored and "are gone: 1" in restored, restored)
    find_what_pl_07_says(api, before, token)
    find_the_table_as_it_has_to_be(operator, emulator)

    operator.types("restore", "--switch-to", "wardgate", "--yes")
    find_everything_back(api, operator, emulator)
    # What was live before this deploy uses the other table, which is closed.
    refused_by = emulator.refused("rollback", "--yes")
    holds("SWITCH_TO=wardgate-restored-" in refused_by, refused_by)


def check_backup_plan(_api: Api, emulator: Deployment) -> None:
    """Vaults and plan are what CloudFormation makes of the stacks; what they select is held by tests/backups.rs."""
    backup = emulator.client("backup")
    [plan] = [it for it in backup.list_backup_plans()["BackupPlansList"] if emulator.stage in it["BackupPlanName"]]
    rules = backup.get_backup_plan(BackupPlanId=plan["BackupPlanId"])["BackupPlan"]["Rules"]
    days = int(emulator.parameters["DailyRetentionDays"])
    equal({it["RuleName"]: it["Lifecycle"]["DeleteAfterDays"] for it in rules}, {"daily": days})
    for vault in (f"wardgate-{emulator.stage}", copy_vault(emulator)):
        described = backup.describe_backup_vault(BackupVaultName=vault)
        holds(described["EncryptionKeyArn"], described)


def check_restore_test(_api: Api, emulator: Deployment) -> None:
    """The stack is one that CloudFormation takes; the emulator knows no plan of tests, which is said. What comes of
    one: infra/tests/test_restore_test.py."""
    line = f"make restore-test STAGE={emulator.stage}"
    made = commands.typed(emulator, f"{line} PLAN=1 YES=1")
    holds(made.returncode == 0, made.stdout, made.stderr)
    name = f"wardgate-{emulator.stage}-restore-testing"
    [stack] = emulator.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    equal(stack["StackStatus"], "CREATE_COMPLETE")
    ran = commands.typed(emulator, line)
    holds(ran.returncode != 0 and "has no plan of restore tests" in ran.stderr, ran.stdout, ran.stderr)
    # Without what make says of it.
    said = "\n".join(it for it in ran.stderr.splitlines() if it.startswith("wardgate: "))
    commands.record("restore-test", line, ran.stdout + said)


def check_failover(_api: Api, emulator: Deployment) -> None:
    """This stage has one region. What a failover does with two: tests/emulated/regions.py."""
    line = f"make failover STAGE={emulator.stage} TO=eu-west-1"
    ran = commands.typed(emulator, f"{line} YES=1")
    holds(ran.returncode != 0 and "has no second region" in ran.stderr, ran.stdout, ran.stderr)
    said = "\n".join(it for it in ran.stderr.splitlines() if it.startswith("wardgate: "))
    commands.record("failover", line, ran.stdout + said)


def copy_vault(emulator: Deployment) -> str:
    """The second region's vault. All stacks of the emulator are in one region, so it is called as another stage's here,
    which is not deployed yet."""
    template = emulator.root / "infra/backup-copy.yaml"
    name = "wardgate-elsewhere-backup-copy"
    lowered = emulator.folder / "backup-copy.yaml"
    lowered.write_text(template.read_text(encoding="utf-8").replace("wardgate-${Stage}", "wardgate-elsewhere"))
    emulator.sam_deploy(lowered, "--stack-name", name)
    return "wardgate-elsewhere"


def give_up(operator: Operator, emulator: Deployment) -> None:
    """By time, killed as soon as the table is being made, and given up: the live table is open again."""
    dynamodb = emulator.client("dynamodb")
    live = f"wardgate-{emulator.stage}"
    # The emulator does not take it from a table's replica.
    dynamodb.update_continuous_backups(
        TableName=live, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    said = operator.types("restore", "--to", "2020-01-01T00:00:00Z", "--yes", works=False)
    holds("can be restored from" in said, said)
    now = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
    with operator.begins("restore", "--to", now, "--yes") as process:
        said = process.stdout.readline() if process.stdout else ""
        process.kill()
    name = matched(r"TABLE=(\S+)", said)[1]
    equal(dynamodb.describe_table(TableName=f"{name}-{emulator.stage}")["Table"]["TableStatus"], "ACTIVE")
    operator.types("restore", "--switch-to", "wardgate", "--yes")
    is_open(dynamodb, live)


def is_open(dynamodb: Client, name: str) -> None:
    arn = dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
    with contextlib.suppress(dynamodb.exceptions.PolicyNotFoundException):
        holds("ClosedByRestore" not in dynamodb.get_resource_policy(ResourceArn=arn)["Policy"], "it is still closed")


def change_everything(api: Api, before: dict[str, Json], token: str) -> None:
    """What a restore must not bring back, or has to forget."""
    body = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
    api.post("/v1/password/change", bearer=before[CHANGED]["access_token"], **body).is_ok()
    equal(api.ask("POST", "/v1/logout", bearer=before[ENDED]["access_token"]).status, 204)
    api.post("/v1/password/reset", token=token, new_password=OTHER_PASSWORD).is_ok()
    equal(api.ask("DELETE", "/v1/me", bearer=before[LEAVING]["access_token"]).status, 202)
    api.registered(NEW)


def refused(operator: Operator, backup: str) -> None:
    """Nothing is touched before somebody has agreed, and no time is taken that there is no table of."""
    said = operator.types("restore", "--backup", backup, works=False)
    holds("say YES=1" in said, said)
    said = operator.types("restore", "--to", "yesterday", "--yes", works=False)
    holds("is no time" in said, said)


def find_what_pl_07_says(api: Api, before: dict[str, Json], token: str) -> None:
    for pair in before.values():
        api.refresh(pair["refresh_token"]).refuses(401, "invalid_token")
        api.me(pair["access_token"]).refuses(401, "invalid_token")
    remembered(api.login(UNCHANGED))
    remembered(api.login(ENDED))
    for email in (CHANGED, RESET):
        for password in (PASSWORD, OTHER_PASSWORD):
            api.post("/v1/login", email=email, password=password).refuses(401, "invalid_credentials")
    for email in (LEAVING, NEW):
        api.post("/v1/login", email=email, password=PASSWORD).refuses(401, "invalid_credentials")
    api.post("/v1/password/reset", token=token, new_password=PASSWORD).refuses(400, "invalid_link")
    # The mail leaves by the restored table's own stream.
    api.post("/v1/password/forgot", email=CHANGED).is_ok(202)
    fresh = api.mailbox.token(CHANGED, "reset-password")
    api.post("/v1/password/reset", token=fresh, new_password=OTHER_PASSWORD).is_ok()
    equal(api.refresh(api.login(CHANGED, OTHER_PASSWORD)["refresh_token"]).status, 200)


def find_the_table_as_it_has_to_be(operator: Operator, emulator: Deployment) -> None:
    text = operator.parameters.read_text(encoding="utf-8")
    name = matched(r"(?m)^TableName: (wardgate-restored-\d{8}t\d{6}z)$", text)[1]
    stream = matched(r'(?m)^TableStreamArn: "(.+)"$', text)[1]
    holds("# For every stack" in text, "the comments are gone")
    dynamodb = emulator.client("dynamodb")
    table = dynamodb.describe_table(TableName=f"{name}-{emulator.stage}")["Table"]
    equal((table["LatestStreamArn"], table["DeletionProtectionEnabled"]), (stream, True))
    ttl = dynamodb.describe_time_to_live(TableName=table["TableName"])["TimeToLiveDescription"]
    equal((ttl["TimeToLiveStatus"], ttl["AttributeName"]), ("ENABLED", "ttl"))
    recovery = dynamodb.describe_continuous_backups(TableName=table["TableName"])["ContinuousBackupsDescription"]
    equal(recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"], "ENABLED")
    tags = {it["Key"]: it["Value"] for it in dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]}
    equal(tags["wardgate:backup"], emulator.stage)
    sources = emulator.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    tables = [it["EventSourceArn"] for it in sources if ":table/" in it["EventSourceArn"]]
    equal([it for it in tables if ":table/wardgate-audit-" not in it], [stream])
    [trail] = [line for line in lines(emulator) if line["action"]["S"] == "restored"]
    holds(table["TableName"] in trail["detail"]["S"], trail)
    before = table["TableArn"].replace(table["TableName"], f"wardgate-{emulator.stage}")
    closed = dynamodb.get_resource_policy(ResourceArn=before)
    holds("ClosedByRestore" in closed["Policy"], closed)


def lines(emulator: Deployment) -> list[Json]:
    """The audit trail's lines about the stage."""
    pages = emulator.client("dynamodb").get_paginator("scan").paginate(TableName=f"wardgate-audit-{emulator.stage}")
    return [line for page in pages for line in page["Items"] if line["pk"]["S"].startswith("STAGE#")]


def find_everything_back(api: Api, operator: Operator, emulator: Deployment) -> None:
    """The table before is as it was left."""
    holds('TableStreamArn: ""' in operator.parameters.read_text(encoding="utf-8"), operator.parameters)
    remembered(api.login(RESET, OTHER_PASSWORD))
    remembered(api.login(NEW))
    api.post("/v1/login", email=CHANGED, password=PASSWORD).refuses(401, "invalid_credentials")
    is_open(emulator.client("dynamodb"), f"wardgate-{emulator.stage}")
