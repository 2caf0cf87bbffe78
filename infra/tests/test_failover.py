"""What `make failover` says and does, in which order, and that it can be stopped anywhere and begun again."""

import argparse
import contextlib
import datetime
import io
import unittest
from unittest import mock

from tests.canned import CALLER
from tests.fakes import FakeClient, stage
from wardgate_infra import Failed, Json
from wardgate_infra.operate import audit, edge_orders, failover, rotate, smoke, stacks, switch_over
from wardgate_infra.operate.restore_keys import RINGS
from wardgate_infra.operate.stage import Stage

HOME, STANDBY = "eu-central-1", "eu-west-1"
BEGAN = 1_772_368_200.0


class Stopped(Exception):
    """The machine that the command ran on is gone."""


class Region:
    """The region that takes over. It can stop answering before any change that is asked of it."""

    def __init__(self, region: str, heartbeat: float | None = BEGAN - 40) -> None:
        self.region = region
        self.changes: list[str] = []
        # How many more changes it takes; None is any number.
        self.left: int | None = None
        self.writer: Json = None
        self.heartbeat = heartbeat
        self.rings = {ring: {f"{ring}-old": BEGAN - 1000} for ring in failover.RINGS}
        self.primary = dict.fromkeys(failover.RINGS, HOME)
        self.changed = dict.fromkeys(failover.RINGS, BEGAN - 1000)
        self.deployed: dict[str, str] = {"Writer": "false"}
        self.retired: list[str] = []
        self.stage = stage(
            dynamodb=FakeClient(
                get_item=self.get_item,
                transact_write_items=self.put,
                describe_table=lambda TableName: {"Table": {"LatestStreamArn": f"stream of {TableName}"}},  # noqa: N803
            ),
            secretsmanager=FakeClient(describe_secret=self.describe, stop_replication_to_replica=self.promote),
            sts=FakeClient(get_caller_identity={"Arn": CALLER}),
            cloudformation=FakeClient(describe_stacks={"Stacks": [{}]}),
        )
        self.stage.__dict__["region"] = region
        self.stage.parameters.update(StandbyRegion=STANDBY, Issuer="https://auth.example.com")

    def in_region(self, region: str) -> Stage:
        if region == self.region:
            return self.stage
        other = stage()
        other.__dict__["region"] = region
        return other

    def change(self, what: str) -> None:
        if self.left is not None:
            if self.left == 0:
                raise Stopped
            self.left -= 1
        self.changes.append(what)

    def get_item(self, Key: Json, **_: Json) -> Json:  # noqa: N803  # as boto3 has it
        if Key == failover.WRITER:
            return {"Item": self.writer} if self.writer else {}
        # It beats itself, too, if it was told nothing.
        newest = BEGAN if Key["sk"]["S"] == self.region else self.heartbeat
        if newest is None:
            return {}
        at = datetime.datetime.fromtimestamp(newest, datetime.UTC)
        return {"Item": {"at": {"S": at.strftime("%Y-%m-%dT%H:%M:%SZ")}}}

    def put(self, TransactItems: Json) -> Json:  # noqa: N803
        self.change("writer")
        put = TransactItems[0]["Put"]
        # Of two who do this at once, DynamoDB takes one.
        expected: Json = "attribute_not_exists(pk)", None
        if self.writer:
            expected = "epoch = :before", {":before": self.writer["epoch"]}
        if (put["ConditionExpression"], put.get("ExpressionAttributeValues")) != expected:
            raise AssertionError(put)
        self.writer = put["Item"]
        return {}

    def describe(self, SecretId: str) -> Json:  # noqa: N803
        ring = SecretId.rsplit("/", 1)[1]
        changed = datetime.datetime.fromtimestamp(self.changed[ring], datetime.UTC)
        return {"PrimaryRegion": self.primary[ring], "LastChangedDate": changed}

    def promote(self, SecretId: str) -> Json:  # noqa: N803
        ring = SecretId.rsplit("/", 1)[1]
        self.change(f"promote {ring}")
        self.primary[ring] = self.region
        return {}

    def copy(self, _stage: Stage, _target: Stage, ring: str) -> None:
        self.change(f"copy {ring}")
        self.changed[ring], self.primary[ring] = BEGAN + 10, STANDBY

    def invoke(self, _function: str, event: Json) -> Json:
        if "list" in event:
            keys = self.rings[event["list"]]
            return {"keys": [{"kid": kid, "sign_from": int(at * 1000)} for kid, at in keys.items()]}
        ring, kid = event["retire"]["ring"], event["retire"]["kid"]
        self.change(f"retire {ring}")
        self.retired.append(kid)
        del self.rings[ring][kid]
        self.rings[ring][f"{ring}-new"] = BEGAN + 5
        return {"keys": []}

    def deploy(self, _stage: Stage, changed: dict[str, str]) -> None:
        self.change("deploy")
        self.deployed |= changed


class Failover(unittest.TestCase):
    def setUp(self) -> None:
        self.slept: list[float] = []

    def ran(self, region: Region, clock: float = BEGAN, **options: Json) -> str:
        given = argparse.Namespace(**({"to": region.region, "keep_sessions": False, "yes": True} | options))
        home = stage()
        home.__dict__["region"] = HOME
        home.parameters.update(region.stage.parameters)
        with (
            mock.patch.object(Stage, "in_region", side_effect=region.in_region),
            mock.patch.object(Stage, "invoke", side_effect=region.invoke),
            mock.patch.object(Stage, "outputs", return_value={"ApiUrl": "https://api"}),
            mock.patch.object(switch_over, "running", side_effect=lambda _: dict(region.deployed)),
            mock.patch.object(switch_over, "deploy_with", side_effect=region.deploy),
            mock.patch.object(failover, "replicate", side_effect=region.copy),
            mock.patch.object(smoke, "check"),
            contextlib.redirect_stdout(io.StringIO()) as printed,
        ):
            failover.run(home, given, clock=lambda: clock, sleep=self.slept.append)
        return printed.getvalue()

    def test_what_may_be_lost_is_said_first_and_nobody_is_let_in_before_old_tokens_are_dead(self) -> None:
        region = Region(STANDBY)
        printed = self.ran(region)
        self.assertTrue(printed.startswith("The newest heartbeat here is of 2026-03-01 12:29:20 UTC."), printed)
        self.assertIn("in the last 40 s may be missing", printed)
        self.assertIn("Everybody has to sign in again.", printed)
        self.assertIn("lead https://auth.example.com to https://api, and nowhere else", printed)
        kinds = [it.split()[0] for it in region.changes]
        self.assertEqual(kinds, ["writer", *["promote"] * len(RINGS), *["retire"] * 3, "deploy"])
        self.assertEqual((region.writer["region"]["S"], region.writer["epoch"]["N"]), (STANDBY, "1"))
        self.assertEqual(region.writer["windows"], {"L": []})
        self.assertEqual(region.deployed["TableStreamArn"], "stream of wardgate-staging")
        self.assertEqual(region.deployed["AuditTableStreamArn"], "stream of wardgate-audit-staging")
        self.assertEqual(self.slept, [])

    def test_kept_sessions_are_those_from_before_the_window_and_their_keys_stay(self) -> None:
        region = Region(STANDBY)
        printed = self.ran(region, keep_sessions=True)
        self.assertIn("began less than 5 minutes before that heartbeat", printed)
        window = {"until": {"N": str(int((BEGAN - 340) * 1000))}, "since": {"N": str(int(BEGAN * 1000))}}
        self.assertEqual(region.writer["windows"], {"L": [{"M": window}]})
        self.assertEqual(set(region.rings["session_mac"]), {"session_mac-old"})
        self.assertEqual(set(region.rings["mail_mac"]), {"mail_mac-new"})

    def test_keys_are_retired_oldest_first_and_what_was_mailed_before_sessions(self) -> None:
        """Until the last one there is a key that seals, so that no other has to be made; and what works once is dead
        before what only signs in."""
        region = Region(STANDBY)
        for ring in region.rings:
            ages = {"newest": BEGAN - 10, "oldest": BEGAN - 900, "old": BEGAN - 500}
            region.rings[ring] = {f"{ring} {name}": at for name, at in ages.items()}
            # Made since: the other region never had it.
            region.rings[ring][f"{ring} of now"] = BEGAN + 1
        self.ran(region, clock=BEGAN)
        rings = ("login_mac", "mail_mac", "session_mac")
        expected = [f"{ring} {name}" for ring in rings for name in ("oldest", "old", "newest")]
        self.assertEqual(region.retired, expected)
        for ring in rings:
            self.assertIn(f"{ring} of now", region.rings[ring])
        self.assertEqual(len(region.rings["signing"]), 4)

    def test_it_can_be_stopped_before_any_change_and_begun_again(self) -> None:
        for keeps in (False, True):
            whole = Region(STANDBY)
            self.ran(whole, keep_sessions=keeps)
            for left in range(len(whole.changes)):
                region = Region(STANDBY)
                region.left = left
                with self.assertRaises(Stopped):
                    self.ran(region, keep_sessions=keeps)
                region.left = None
                self.ran(region, clock=BEGAN + 60, keep_sessions=keeps)
                self.assertEqual(sorted(region.changes), sorted(whole.changes), left)
                self.assertEqual(region.rings, whole.rings)
                self.assertEqual(region.writer, whole.writer if left else region.writer)
            # And once more, when it is all done.
            before = list(whole.changes)
            self.ran(whole, clock=BEGAN + 600, keep_sessions=keeps)
            self.assertEqual(whole.changes, before)

    def test_the_edge_asks_the_region_that_a_synthetic_user_got_through(self) -> None:
        region = Region(STANDBY)
        region.stage.parameters["Edge"] = "on"
        given = {"OriginDomain": "origin.eu-central-1.example.com", "WafMode": "block"}

        def deployed(where: Stage, name: str, template: str, values: Json, *, yes: bool) -> bool:
            self.assertTrue(yes)
            region.change(f"edge {where.region} {name} {template}")
            before = dict(given)
            given.update(values)
            return given != before

        there = {"ParameterKey": "OriginDomain", "ParameterValue": "origin.eu-west-1.example.com"}
        stack = {"Parameters": [there]}
        with (
            mock.patch.object(stacks, "given_before", side_effect=lambda _: dict(given)),
            mock.patch.object(stacks, "deploy", side_effect=deployed),
            mock.patch.object(Stage, "stack", side_effect=lambda name: stack if name.endswith("-origin") else None),
        ):
            first, again = self.ran(region), self.ran(region, clock=BEGAN + 60)
        self.assertEqual(region.changes[-2], "edge us-east-1 wardgate-staging-edge infra/edge.yaml")
        self.assertEqual(given, {"OriginDomain": "origin.eu-west-1.example.com", "WafMode": "block"})
        self.assertIn("the edge asks origin.eu-west-1.example.com", first)
        self.assertIn("the edge asked origin.eu-west-1.example.com already", again)
        self.assertNotIn("and nowhere else", first)

    def test_the_edges_list_refuses_what_was_given_out_before_unless_sessions_go_on(self) -> None:
        told: list[str] = []
        with (
            mock.patch.object(edge_orders, "has_edge", return_value=True),
            mock.patch.object(edge_orders, "refuse_before_now", side_effect=lambda it: told.append(it.region)),
        ):
            self.ran(Region(STANDBY), keep_sessions=True)
            self.assertEqual(told, [])
            self.ran(Region(STANDBY))
        self.assertEqual(told, [STANDBY])

    def test_an_edge_that_could_not_ask_this_region_is_left_as_it_is(self) -> None:
        region = Region(STANDBY)
        region.stage.parameters["Edge"] = "on"
        with (
            mock.patch.object(Stage, "stack", return_value={"Parameters": []}),
            self.assertRaisesRegex(Failed, "no stack wardgate-staging-origin in eu-west-1"),
        ):
            self.ran(region)

    def test_without_yes_and_a_person_nothing_is_changed(self) -> None:
        region = Region(STANDBY)
        with mock.patch("sys.stdin.isatty", return_value=False), self.assertRaisesRegex(Failed, "say YES=1"):
            self.ran(region, yes=False)
        self.assertEqual(region.changes, [])

    def test_a_stage_of_one_region_and_a_third_region_are_refused(self) -> None:
        region = Region(STANDBY)
        region.stage.parameters["StandbyRegion"] = ""
        with self.assertRaisesRegex(Failed, "StandbyRegion is empty"):
            self.ran(region)
        region.stage.parameters["StandbyRegion"] = STANDBY
        with self.assertRaisesRegex(Failed, "TO= is one of the two"):
            self.ran(region, to="us-east-1")

    def back(self, heartbeat: float) -> Region:
        region = Region(HOME, heartbeat)
        window = {"M": {"until": {"N": "0"}, "since": {"N": "1"}}}
        region.writer = {
            "region": {"S": STANDBY},
            "epoch": {"N": "1"},
            "since": {"N": "1"},
            "windows": {"L": [window]},
        }
        return region

    def test_the_first_region_takes_its_place_back_with_the_rings_of_now_and_keeps_sessions(self) -> None:
        region = self.back(BEGAN - 2)
        self.assertIn("Sessions go on", self.ran(region))
        self.assertEqual(region.writer["epoch"]["N"], "2")
        # What the first change has ended does not come back with the second.
        first, second = region.writer["windows"]["L"]
        self.assertEqual((first["M"]["since"]["N"], second["M"]["since"]["N"]), ("1", str(int(BEGAN * 1000))))
        self.assertEqual(
            [it for it in region.changes if it.startswith("copy")], [f"copy {it}" for it in failover.RINGS]
        )
        self.assertEqual(set(region.primary.values()), {HOME})
        self.assertEqual(set(region.rings["session_mac"]), {"session_mac-old"})
        # Two minutes after the copies, when no process has rings of before.
        self.assertEqual(self.slept, [130])
        before = list(region.changes)
        self.ran(region, clock=BEGAN + 600)
        self.assertEqual((region.changes, self.slept), (before, [130]))

    def test_it_does_not_take_its_place_back_before_it_has_caught_up(self) -> None:
        region, times = self.back(BEGAN - 60), iter([BEGAN + it * 61 for it in range(100)])
        with (
            mock.patch("time.sleep"),
            mock.patch.object(Stage, "in_region", return_value=region.stage),
            self.assertRaisesRegex(Failed, "has not caught up"),
        ):
            given = argparse.Namespace(to=HOME, keep_sessions=False, yes=True)
            failover.run(region.stage, given, clock=lambda: next(times))
        self.assertEqual(region.changes, [])

    def test_a_region_that_nobody_took_the_place_of_takes_none_back(self) -> None:
        with self.assertRaisesRegex(Failed, "nothing to take back"):
            self.ran(Region(HOME))

    def test_without_a_heartbeat_everything_may_be_missing(self) -> None:
        self.assertIn("may be missing altogether", self.ran(Region(STANDBY, heartbeat=None)))

    def test_the_rings_are_those_that_rotate_knows_and_their_public_halves(self) -> None:
        self.assertEqual(set(failover.RINGS), {*rotate.RINGS, "public_keys"})
        self.assertLess(audit.milliseconds(datetime.datetime.fromtimestamp(1, datetime.UTC)), 1001)
