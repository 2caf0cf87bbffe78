"""What `make set` writes, and what it asks and refuses first."""

import argparse
import json
import unittest
from unittest import mock

from botocore.exceptions import ClientError

from tests.fakes import FakeClient, stage
from wardgate_infra import Failed, Json
from wardgate_infra.operate import config, settings
from wardgate_infra.operate import set as verb

DEPLOYED = {
    "limits.login_source.limit": ("100", "config/default.toml"),
    "switches.read_only": ("false", "config/default.toml"),
}
KEY = "limits.login_source.limit"


def options(**given: Json) -> argparse.Namespace:
    return argparse.Namespace(**({"key": KEY, "value": None, "unset": False, "yes": False} | given))


def item(version: int, values: dict[str, Json]) -> Json:
    return {"Item": {"version": {"N": str(version)}, "settings": {"S": json.dumps(values)}}}


class Set(unittest.TestCase):
    def ran(self, there: Json, **given: Json) -> FakeClient:
        """What was asked of the table, of which this is the answer."""
        dynamodb = FakeClient(get_item=there)
        target = stage(dynamodb=dynamodb, sts=FakeClient(get_caller_identity={"Arn": "arn:aws:iam::1:user/ada"}))

        def held(_variables: dict[str, str], live: dict[str, Json]) -> config.Settings:
            return DEPLOYED | {key: (json.dumps(value), "make set") for key, value in live.items()}

        with (
            mock.patch.object(verb, "environments", return_value=[{}]),
            mock.patch.object(config, "settings_of", side_effect=held),
            mock.patch("sys.stdin.isatty", return_value=False),
            mock.patch.object(verb, "say"),
        ):
            verb.run(target, options(**given))
        return dynamodb

    def written(self, dynamodb: FakeClient) -> tuple[Json, Json]:
        [asked] = dynamodb.asked("transact_write_items")
        first, second = (it["Put"] for it in asked["TransactItems"])
        return first, second

    def test_the_first_setting_is_written_with_its_line(self) -> None:
        put, line = self.written(self.ran({}, value="200"))
        self.assertEqual(json.loads(put["Item"]["settings"]["S"]), {KEY: 200})
        self.assertEqual((put["Item"]["version"]["N"], put["TableName"]), ("1", "wardgate-staging"))
        self.assertEqual(put["ConditionExpression"], "attribute_not_exists(pk)")
        self.assertEqual(line["TableName"], "wardgate-audit-staging")
        self.assertEqual(line["Item"]["detail"]["S"], f"{KEY}: 100 (config/default.toml) -> 200 (make set)")
        self.assertEqual(line["Item"]["request_id"]["S"], "arn:aws:iam::1:user/ada")

    def test_another_setting_leaves_the_others_and_follows_the_version_it_read(self) -> None:
        put, _ = self.written(self.ran(item(4, {"log.level": "debug"}), value="200"))
        self.assertEqual(json.loads(put["Item"]["settings"]["S"]), {"log.level": "debug", KEY: 200})
        self.assertEqual(put["Item"]["version"]["N"], "5")
        self.assertEqual(put["ExpressionAttributeValues"], {":before": {"N": "4"}})

    def test_what_is_taken_back_is_as_it_was_deployed(self) -> None:
        put, line = self.written(self.ran(item(1, {KEY: 200}), unset=True))
        self.assertEqual(json.loads(put["Item"]["settings"]["S"]), {})
        self.assertIn("200 (make set) -> 100 (config/default.toml)", line["Item"]["detail"]["S"])

    def test_what_is_so_already_is_not_written(self) -> None:
        self.assertEqual(self.ran(item(1, {KEY: 200}), value="200").asked("transact_write_items"), [])

    def test_text_is_text_and_json_is_json(self) -> None:
        for text, value in (
            ("debug", "debug"),
            ("true", True),
            ('"12"', "12"),
            ("info,wardgate=debug", "info,wardgate=debug"),
        ):
            self.assertEqual(verb.changed({}, KEY, text), {KEY: value})

    def test_whoever_refuses_people_is_asked(self) -> None:
        for key, value in (
            ("switches.read_only", "true"),
            ("switches.sign_up", "false"),
            ("switches.email_codes", "false"),
        ):
            with self.assertRaisesRegex(Failed, "Nobody is there to ask"):
                self.ran({}, key=key, value=value)
            self.assertTrue(self.ran({}, key=key, value=value, yes=True).asked("transact_write_items"))
        self.assertTrue(self.ran(item(1, {"switches.read_only": True}), key="switches.read_only", value="false").calls)

    def test_neither_value_nor_unset_or_both_is_no_order(self) -> None:
        for given in ({}, {"value": "1", "unset": True}):
            with self.assertRaisesRegex(Failed, "VALUE"):
                self.ran({}, **given)

    def test_what_the_functions_refuse_is_not_written(self) -> None:
        dynamodb = FakeClient(get_item={})
        with (
            mock.patch.object(verb, "environments", return_value=[{}, {"AUTH__STAGE": "staging"}]),
            mock.patch.object(config, "settings_of", side_effect=[DEPLOYED, DEPLOYED, DEPLOYED, Failed("wrong value")]),
            self.assertRaisesRegex(Failed, "wrong value"),
        ):
            verb.run(stage(dynamodb=dynamodb), options(value="x"))
        self.assertEqual(dynamodb.asked("transact_write_items"), [])

    def test_two_at_a_time_do_not_undo_each_other(self) -> None:
        refused = ClientError({"Error": {"Code": "TransactionCanceledException", "Message": ""}}, "TransactWriteItems")
        dynamodb = FakeClient(transact_write_items=refused)
        target = stage(dynamodb=dynamodb, sts=FakeClient(get_caller_identity={"Arn": "arn"}))
        with self.assertRaisesRegex(Failed, "Somebody else"):
            settings.write(target, settings.Settings(1, {}), {KEY: 1}, "")
