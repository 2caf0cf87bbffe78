"""A second region, in the same emulator, which copies tables and secrets from one to another as AWS does, but at once:
what is lost on the way is tests/two_regions.rs'. `make failover` there and back is typed over copies of the files that
an operator would change.

What the emulator lacks, and the check does: its CloudFormation gives tables no replicas, its Secrets Manager makes no
copy a secret of its own, its schedules write no heartbeat, and nobody leads people from one region to the other.
"""

import contextlib
import datetime
import functools
import sys
import threading
import time
import urllib.parse

from emulated.gateway import OTHER_PASSWORD, PASSWORD, Api, equal, holds, matched, wait_for
from emulated.mails import Mailbox
from emulated.restore import Operator
from wardgate_infra import Json
from wardgate_infra.emulator import issuers, lower
from wardgate_infra.emulator.binaries import ARTIFACTS
from wardgate_infra.emulator.deployment import Deployment
from wardgate_infra.operate import failover

STANDBY = "eu-west-1"
STAYS, LEAVES = "stays@example.com", "changes@example.com"
# As somebody types who makes a stack by hand: docs/operations/second-region.md.
DATA_STACK = """
from wardgate_infra.operate import stacks
from wardgate_infra.operate.stage import Stage
import sys
stage = Stage(sys.argv[1])
stacks.deploy(stage, stage.data_stack, "infra/data.yaml", stage.parameters, yes=True)
"""


class Region:
    """A stage in one of its regions, and who operates it there."""

    def __init__(self, emulator: Deployment, region: str) -> None:
        self.region, self.emulator = region, emulator
        self.client = functools.partial(emulator.emulator.client, region=region)
        self.url = emulator.api(lower.api_id(emulator.stage, region))
        self.operator = Operator(emulator, f"operator-{region}")
        # What a deploy looks for, and nobody changes.
        for name in ("functions", "shared", "docs", "edge", "Cargo.toml", ".git"):
            (self.operator.root / name).symlink_to(emulator.root / name)
        settings = self.operator.root / "samconfig.toml"
        settings.write_text(settings.read_text(encoding="utf-8").replace(lower.REGION, region), encoding="utf-8")
        text = self.operator.parameters.read_text(encoding="utf-8")
        changed = text.replace('StandbyRegion: ""', f"StandbyRegion: {STANDBY}")
        holds(changed != text, "the stage's file has no StandbyRegion")
        self.operator.parameters.write_text(changed, encoding="utf-8")
        issuer = emulator.parameters["Issuer"]
        self.api = Api(self.url, Mailbox(emulator.endpoint, emulator.parameters.get("MailSender", ""), issuer))

    def deploys(self, **changed: str) -> str:
        parameters = self.emulator.given(**changed)
        return self.operator.types("deploy", "--yes", "--anyway", "--parameters", parameters, "--binaries", ARTIFACTS)

    def stream(self, table: str) -> str:
        found = self.client("dynamodb").describe_table(TableName=f"{table}-{self.emulator.stage}")
        return str(found["Table"]["LatestStreamArn"])

    def leads(self) -> None:
        """People are led here, and nowhere else."""
        issuers.APIS[urllib.parse.urlsplit(self.emulator.parameters["Issuer"]).netloc] = self.url

    def beats(self) -> None:
        """What a region's schedule writes each minute."""
        at = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
        item = {"pk": {"S": "HEARTBEAT"}, "sk": {"S": self.region}, "at": {"S": at}}
        self.client("dynamodb").put_item(TableName=f"wardgate-{self.emulator.stage}", Item=item)

    def writer(self) -> Json:
        key = {"pk": {"S": "SETTINGS"}, "sk": {"S": "WRITER"}}
        return self.client("dynamodb").get_item(TableName=f"wardgate-{self.emulator.stage}", Key=key).get("Item")


def check_failover_and_back(api: Api, emulator: Deployment) -> None:
    """ED-17, ED-18: the second region takes over, and the first one takes it back."""
    home, standby = Region(emulator, lower.REGION), Region(emulator, STANDBY)
    for region in (home, standby):
        region.client("sesv2").create_email_identity(EmailIdentity=emulator.parameters["MailIdentity"])
    home.leads()
    standby.operator.runs(sys.executable, "-c", DATA_STACK, emulator.stage)
    home.deploys()
    replicated(home)
    standby.deploys(
        Writer="false",
        TableStreamArn=standby.stream("wardgate"),
        AuditTableStreamArn=standby.stream("wardgate-audit"),
    )
    pairs = {email: api.signed_in(email) for email in (STAYS, LEAVES)}
    refused(standby)
    dead = {"flow_token": api.code_flow(STAYS), "code": api.mailbox.code(STAYS)}
    home.beats()
    said = fails_over(home, standby, home)
    holds("The newest heartbeat here is of" in said and f"{STANDBY} writes." in said, said)
    standby.leads()
    # What the first region has heard of by itself, and its functions within a minute.
    equal(home.writer(), standby.writer())
    wait_for(lambda: is_refused(home), "a refusal", 60)
    refused(home)
    taken_over(standby, pairs, dead)
    back(home, standby)


def replicated(home: Region) -> None:
    """Gives the tables their replicas, which the emulator's CloudFormation passes over. It does give secrets theirs."""
    for table in ("wardgate", "wardgate-audit"):
        update = [{"Create": {"RegionName": STANDBY}}]
        home.client("dynamodb").update_table(TableName=f"{table}-{home.emulator.stage}", ReplicaUpdates=update)


def fails_over(home: Region, to: Region, before: Region) -> str:
    """Types the command, which stops where the emulator's Secrets Manager makes no copy a secret of its own; does that
    instead; and types it again, which goes on."""
    words = ("failover", "--to", to.region, "--yes")
    said = home.operator.types(*words, works=False)
    holds("StopReplicationToReplica" in said, said)
    for ring in failover.RINGS:
        name = f"wardgate/{to.emulator.stage}/{ring}"
        value = before.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
        # A primary takes its copies along, and both regions have a ring afterwards.
        for region in (before, to):
            secrets = region.client("secretsmanager")
            with contextlib.suppress(secrets.exceptions.ResourceNotFoundException):
                secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
        for region in (before, to):
            region.client("secretsmanager").create_secret(Name=name, SecretString=value)
    return home.operator.types(*words)


def is_refused(region: Region) -> bool:
    """Asked seldom: a sign-in counts for whoever tries."""
    time.sleep(5)
    return bool(region.api.post("/v1/login", email=STAYS, password=PASSWORD).status == 503)


def refused(region: Region) -> None:
    """A region that does not write says so, and serves what nobody writes for."""
    region.api.post("/v1/login", email=STAYS, password=PASSWORD).refuses(503, "standby")
    for path in ("/.well-known/jwks.json", "/health", "/ready"):
        equal(region.api.ask("GET", path).status, 200)


def taken_over(region: Region, pairs: dict[str, Json], dead: dict[str, str]) -> None:
    """Everybody signs in again, with the password of before; and what was mailed before does nothing."""
    api = region.api
    for pair in pairs.values():
        api.refresh(pair["refresh_token"]).refuses(401, "invalid_token")
    api.post("/v1/login/email-code/verify", email=STAYS, **dead).refuses(401, "invalid_code")
    token = api.login(LEAVES)["access_token"]
    body = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
    api.post("/v1/password/change", bearer=token, **body).is_ok()
    # Its own stream leads to a mail.
    api.registered("elsewhere@example.com")


def back(home: Region, standby: Region) -> None:
    """The first region takes its place back. Sessions go on, but for those of the last minutes, and so this one."""
    pair = standby.api.login(STAYS)
    stop = threading.Event()

    def beating() -> None:
        while not stop.wait(1):
            standby.beats()

    beats = threading.Thread(target=beating, daemon=True)
    beats.start()
    try:
        said = fails_over(home, home, standby)
    finally:
        stop.set()
        beats.join()
    matched(r"Sessions go on", said)
    home.leads()
    equal(home.writer()["epoch"], {"N": "2"})
    refused(standby)
    home.api.refresh(pair["refresh_token"]).refuses(401, "invalid_token")
    home.api.login(LEAVES, OTHER_PASSWORD)
    home.api.post("/v1/login", email=LEAVES, password=PASSWORD).refuses(401, "invalid_credentials")
    home.api.registered("again@example.com")
