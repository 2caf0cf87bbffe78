"""`make failover`: the second region of a stage takes over, or the first one takes it back.

Each step looks whether it is done, so that a run that was stopped anywhere is simply begun again. The order matters:
the table says who writes before anything else is touched, and what the other region may have given out is dead before
anybody is let in (docs/operations/second-region.md).
"""

import argparse
import dataclasses
import datetime
import time
from collections.abc import Callable

from wardgate_infra import Failed, Json
from wardgate_infra.operate import audit, edge_orders, rotate, smoke, stacks, switch_over
from wardgate_infra.operate.failover_notice import MARGIN, follows, loss
from wardgate_infra.operate.needs.account import EDGE_REGION, EDGE_TEMPLATE, edge_stack, origin_stack
from wardgate_infra.operate.settings import table_of
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.terminal import confirm, say, step

WRITER = {"pk": {"S": "SETTINGS"}, "sk": {"S": "WRITER"}}
# What has arrived before the first region takes its place back, and how long is waited for that: a heartbeat a minute.
CAUGHT_UP = datetime.timedelta(seconds=5)
PATIENCE = 180
# What was mailed or begun in the other region.
RETIRED = ("login_mac", "mail_mac")
RINGS = (*rotate.RINGS, "public_keys")
# Functions that have run all the while hear within 55 seconds who writes, and then read rings that are older than that
# anew: shared/src/current.rs, shared/src/secrets/mod.rs.
SETTLED = datetime.timedelta(seconds=120)


@dataclasses.dataclass(frozen=True)
class Writer:
    """The item that says which region writes; times in milliseconds since 1970."""

    region: str
    epoch: int
    since: int
    # As they stand in the item: what changes that kept sessions have ended all the same.
    windows: list[Json]


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", required=True, help="the region that takes over")
    parser.add_argument("--keep-sessions", action="store_true", help="ends no sessions but those of the window")
    parser.add_argument("--yes", action="store_true", help="does not ask")


def run(
    stage: Stage,
    options: argparse.Namespace,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    target = named(stage, options.to)
    is_back = options.to == stage.region
    other = stage.parameters["StandbyRegion"] if is_back else stage.region
    keeps = options.keep_sessions or is_back
    before = writer(target)
    again = before is not None and before.region == options.to
    if is_back and before is None:
        raise Failed(f"{options.to} writes, and no other region ever did: nothing to take back.")
    if is_back and not again:
        wait_until_caught_up(target, other, clock)
    newest = heartbeat(target, other)
    say(loss(newest, now(clock)))
    say(follows(keeps))
    confirm(f"Shall {options.to} write for {stage.name} from now on?", options.yes)

    steps: list[tuple[str, Callable[[], str]]] = [
        ("the table says who writes", lambda: take_over(target, before, newest, keeps, now(clock))),
        ("key rings of its own", lambda: promote(stage, target, is_back)),
        ("what was given out before is dead", lambda: retire(target, keeps)),
        ("the functions write", lambda: deploy(target)),
        ("none of them has rings of before", lambda: settle(target, is_back, clock, sleep)),
        ("a synthetic user gets through", lambda: smoked(target)),
        ("people are led here", lambda: lead(target)),
        ("the edge refuses what was given out before", lambda: told(target, keeps)),
    ]
    for number, (name, do) in enumerate(steps, 1):
        step(number, len(steps), name, do)
    say(f"{options.to} writes.")


def named(stage: Stage, region: str) -> Stage:
    """The stage in the region that is to take over."""
    standby = stage.parameters.get("StandbyRegion", "")
    if not standby:
        raise Failed(
            f"{stage.name} has no second region: StandbyRegion is empty. See docs/operations/second-region.md."
        )
    if region not in (stage.region, standby):
        raise Failed(f"{stage.name} is in {stage.region} and {standby}, not in {region}: TO= is one of the two.")
    return stage.in_region(region)


def writer(target: Stage) -> Writer | None:
    item = read(target, WRITER)
    if not item:
        return None
    return Writer(item["region"]["S"], int(item["epoch"]["N"]), int(item["since"]["N"]), item["windows"]["L"])


def taken_over(target: Stage) -> Writer:
    """The item as this region has written it."""
    found = writer(target)
    if found is None or found.region != target.region:
        raise Failed(f"{target.region} does not write: begin again.")
    return found


def heartbeat(target: Stage, other: str) -> datetime.datetime | None:
    """When the other region wrote last, as far as this one has heard. Each has an item of its own: this one may go on
    beating that lost its place."""
    item = read(target, {"pk": {"S": "HEARTBEAT"}, "sk": {"S": other}})
    return datetime.datetime.fromisoformat(item["at"]["S"]) if item else None


def read(target: Stage, key: Json) -> Json:
    dynamodb = target.client("dynamodb")
    return dynamodb.get_item(TableName=table_of(target), Key=key, ConsistentRead=True).get("Item")


def now(clock: Callable[[], float]) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(clock(), datetime.UTC)


def wait_until_caught_up(target: Stage, other: str, clock: Callable[[], float]) -> None:
    """Waits for a heartbeat that has just been written: what was written before it is here, too, or about to be."""
    began = clock()
    while (newest := heartbeat(target, other)) is None or now(clock) - newest > CAUGHT_UP:
        if clock() - began > PATIENCE:
            raise Failed(
                f"{target.region} has not caught up: its newest heartbeat is of {newest or 'never'}. Nothing was "
                "changed. Look at ReplicationLatency of the table in CloudWatch, and try again."
            )
        time.sleep(1)


def take_over(
    target: Stage, before: Writer | None, newest: datetime.datetime | None, keeps: bool, at: datetime.datetime
) -> str:
    """Says in the table that this region writes. The other one hears of it as soon as it is there again, and stops."""
    if before and before.region == target.region:
        return f"it does since epoch {before.epoch}"
    epoch = (before.epoch if before else 0) + 1
    since = {"N": str(audit.milliseconds(at))}
    windows = list(before.windows) if before else []
    if keeps:
        until = newest - MARGIN if newest else datetime.datetime.fromtimestamp(0, datetime.UTC)
        windows.append({"M": {"until": {"N": str(audit.milliseconds(until))}, "since": since}})
    item = {
        **WRITER,
        "region": {"S": target.region},
        "epoch": {"N": str(epoch)},
        "since": since,
        "windows": {"L": windows},
    }
    condition: Json = {"ConditionExpression": "attribute_not_exists(pk)"}
    if before:
        condition = {
            "ConditionExpression": "epoch = :before",
            "ExpressionAttributeValues": {":before": {"N": str(before.epoch)}},
        }
    line = audit.line(target, "failover", f"{target.region} writes, epoch {epoch}")
    put = {"TableName": table_of(target), "Item": item, **condition}
    target.client("dynamodb").transact_write_items(TransactItems=[{"Put": put}, {"Put": line}])
    return f"epoch {epoch}"


def promote(stage: Stage, target: Stage, is_back: bool) -> str:
    """Makes the copies of the key rings secrets of their own, which can be rotated. A region that takes its place back
    gets the rings of now first."""
    secrets, promoted = target.client("secretsmanager"), 0
    since = taken_over(target).since
    for ring in RINGS:
        name = rotate.secret(target, ring)
        described = secrets.describe_secret(SecretId=name)
        primary = described.get("PrimaryRegion", target.region)
        # One that was made or changed since has been copied by a run before this one.
        if is_back and primary == target.region and audit.milliseconds(described["LastChangedDate"]) < since:
            replicate(stage, target, ring)
            primary = stage.parameters["StandbyRegion"]
        if primary != target.region:
            secrets.stop_replication_to_replica(SecretId=name)
            promoted += 1
    return f"{promoted} of {len(RINGS)} were copies"


def replicate(stage: Stage, target: Stage, ring: str) -> None:
    """Copies a ring from the other region over the one that is here, and waits for it."""
    other = stage.in_region(stage.parameters["StandbyRegion"]).client("secretsmanager")
    name = rotate.secret(target, ring)
    replica = {"Region": target.region, "KmsKeyId": f"alias/wardgate-{target.name}"}
    other.replicate_secret_to_regions(SecretId=name, AddReplicaRegions=[replica], ForceOverwriteReplicaSecret=True)
    for _ in range(PATIENCE):
        states = {it["Region"]: it for it in other.describe_secret(SecretId=name).get("ReplicationStatus", [])}
        status = states.get(target.region, {})
        if status.get("Status") == "InSync":
            return
        if status.get("Status") == "Failed":
            raise Failed(f"{ring} could not be copied to {target.region}: {status.get('StatusMessage')}")
        time.sleep(1)
    raise Failed(f"{ring} is still being copied to {target.region}. Begin again: what is done is not done twice.")


def retire(target: Stage, keeps: bool) -> str:
    """Takes every key out of use that the other region may have sealed something with, and no newer one."""
    since, retired = taken_over(target).since, 0
    for ring in RETIRED if keeps else (*RETIRED, "session_mac"):
        old = [key for key in rotate.listed(target, ring)["keys"] if key["sign_from"] < since]
        # The newest last: until then there is one that signs, and no other has to be made.
        for key in sorted(old, key=lambda it: int(it["sign_from"])):
            target.invoke(rotate.FUNCTION, {"retire": {"ring": ring, "kid": key["kid"]}})
            retired += 1
        left = {key["kid"] for key in rotate.listed(target, ring)["keys"]} & {key["kid"] for key in old}
        if left:
            raise Failed(f"{', '.join(sorted(left))} of {ring} is still there: begin again.")
    return f"{retired} keys retired"


def deploy(target: Stage) -> str:
    """Deploys what runs there already, as the region that writes."""
    tables = target.client("dynamodb")
    streams = {
        parameter: tables.describe_table(TableName=f"{target.parameters[name]}-{target.name}")["Table"][
            "LatestStreamArn"
        ]
        for parameter, name in (("TableStreamArn", "TableName"), ("AuditTableStreamArn", "AuditTableName"))
    }
    wanted = {**streams, "Writer": "true"}
    there = switch_over.running(target)
    if {name: there.get(name) for name in wanted} == wanted:
        return "they did already"
    switch_over.deploy_with(target, wanted)
    return "deployed"


def settle(target: Stage, is_back: bool, clock: Callable[[], float], sleep: Callable[[float], None]) -> str:
    """Waits where functions have run all the while: what one seals with a key of before nobody opens."""
    if not is_back:
        return "their processes are new"
    secrets = target.client("secretsmanager")
    newest = max(secrets.describe_secret(SecretId=rotate.secret(target, ring))["LastChangedDate"] for ring in RINGS)
    left = (newest + SETTLED - now(clock)).total_seconds()
    if left <= 0:
        return "they are older than that"
    sleep(left)
    return f"after {left:.0f} s"


def smoked(target: Stage) -> str:
    smoke.check(target)
    return "it does"


def told(target: Stage, keeps: bool) -> str:
    """Has the edge's list refuse every token of before: nobody else tells it that their sessions have ended."""
    if keeps:
        return "not where sessions go on"
    if not edge_orders.has_edge(target):
        return "there is no list"
    edge_orders.refuse_before_now(target)
    return "told"


def lead(target: Stage) -> str:
    """Has the edge ask this region, which then nobody else is asked for. Without an edge, names are not ours."""
    address = target.outputs(target.code_stack).get("ApiUrl", "nowhere")
    if target.parameters.get("Edge") != "on":
        return f"not by this: lead {target.parameters['Issuer']} to {address}, and nowhere else"
    # The name by which the edge finds this region's API, whose certificate that shows.
    domain = stacks.parameter(target.stack(origin_stack(target)), "OriginDomain")
    if not domain:
        raise Failed(
            f"There is no stack {origin_stack(target)} in {target.region}, by which the edge would find its API: "
            "deploy that region with an OriginDomain of its own, and begin again."
        )
    edge, name = target.in_region(EDGE_REGION), edge_stack(target)
    before = stacks.given_before(edge.stack(name))
    if not before:
        raise Failed(f"Edge is on, and there is no stack {name} in {EDGE_REGION}: make deploy makes it.")
    changed = stacks.deploy(edge, name, EDGE_TEMPLATE, before | {"OriginDomain": domain}, yes=True)
    return f"the edge asks {domain}" if changed else f"the edge asked {domain} already"
