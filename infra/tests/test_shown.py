"""What commands print: the merged configuration, lines of logs, migrations, keys, tables."""

import contextlib
import datetime
import io
import json
import subprocess
import unittest
from typing import ClassVar
from unittest import mock

from tests.fakes import stage
from wardgate_infra import Failed, Json
from wardgate_infra.operate import config, logs, migration_report, rotate, terminal
from wardgate_infra.operate import restored_table as restored


def printed(settings: dict[tuple[str, ...], config.Settings], part: str | None = None) -> list[list[str]]:
    """The rows of each table that `make config` prints."""
    with contextlib.redirect_stdout(io.StringIO()) as output:
        config.show(settings, part)
    return [line.split() for line in output.getvalue().splitlines()]


class Configuration(unittest.TestCase):
    def test_what_all_have_in_common_is_one_row(self) -> None:
        same = {"log.level": ("info", "default.toml")}
        self.assertEqual(printed({("me",): same, ("login",): same})[1:], [["log.level", "info", "default.toml"]])

    def test_what_most_have_comes_first_and_others_are_named(self) -> None:
        usual, other = {"a": ("1", "file")}, {"a": ("2", "VARIABLE")}
        rows = printed({("me", "login"): usual, ("mailer",): other})
        self.assertEqual(rows[-2:], [["a", "1", "file", "all", "others"], ["a", "2", "VARIABLE", "mailer"]])

    def test_a_key_that_only_some_have_is_not_set_elsewhere(self) -> None:
        rows = printed({("me", "login"): {}, ("mailer",): {"a": ("2", "VARIABLE")}})
        self.assertEqual(rows[-2], ["a", "not", "set", "–", "all", "others"])

    def test_only_keys_with_the_part_are_shown(self) -> None:
        rows = printed({("me",): {"log.level": ("info", "f"), "http.port": ("80", "f")}}, "http")
        self.assertEqual(rows[1:], [["http.port", "80", "f"]])

    def test_a_value_may_have_anything(self) -> None:
        line = 'mail.sender = "A = B  # C"  # AUTH__MAIL__SENDER\n'
        done = subprocess.CompletedProcess([], 0, line, "")
        with mock.patch("subprocess.run", return_value=done):
            self.assertEqual(config.settings_of({}), {"mail.sender": ('"A = B  # C"', "AUTH__MAIL__SENDER")})

    def test_what_cannot_start_says_why(self) -> None:
        done = subprocess.CompletedProcess([], 1, "", "wardgate: tokens.issuer is missing\n")
        with mock.patch("subprocess.run", return_value=done), self.assertRaisesRegex(Failed, "^tokens.issuer is"):
            config.settings_of({})


class Logs(unittest.TestCase):
    def readable(self, message: str) -> str | None:
        return logs.readable({"message": message, "timestamp": 1_000, "function": "me"})

    def test_a_line_has_its_message_and_then_the_rest(self) -> None:
        line = json.dumps({"timestamp": "x", "level": "info", "message": "request", "status": 200, "empty": ""})
        self.assertEqual(self.readable(line), "00:00:01.000  me            INFO   request  status=200")

    def test_metrics_and_lambdas_own_lines_are_left_out(self) -> None:
        self.assertIsNone(self.readable('{"_aws": {}}'))
        self.assertIsNone(self.readable("START RequestId: 1"))

    def test_what_is_no_json_is_told_as_it_is(self) -> None:
        self.assertEqual(self.readable("a\tpanic\n"), "00:00:01.000  me            a  panic")
        self.assertEqual(self.readable("12"), "00:00:01.000  me            12")

    def test_a_filter_quotes_its_texts(self) -> None:
        options = mock.Mock(grep='say "hi"', request="id")
        self.assertEqual(logs.pattern(options), '"say \\"hi\\"" "id"')

    def test_a_time_back_is_a_number_and_a_unit(self) -> None:
        self.assertEqual(logs.milliseconds_ago("1m") - logs.milliseconds_ago("2m") > 59_000, True)
        with self.assertRaisesRegex(Failed, "SINCE is a number"):
            logs.milliseconds_ago("soon")


class Migrations(unittest.TestCase):
    STEP: ClassVar[Json] = {
        "number": "0001",
        "name": "rewrap",
        "direction": "up",
        "revision": "2",
        "seen": 1200,
        "changed": 7,
    }

    def test_a_migration_at_its_end_counts_what_it_did(self) -> None:
        step = self.STEP | {"tallies": {"sealed": 5}}
        self.assertEqual(
            migration_report.finished(step, True),
            "0001 rewrap up (for 2): 1,200 items seen, would change 7\n           5 sealed",
        )

    def test_one_on_its_way_says_how_long_it_takes(self) -> None:
        step = self.STEP | {"total": 1000, "seconds_left": 90, "rate": 20}
        text = "0001 rewrap up (for 2): 1,200 of about 1,200 items seen, changed 7, 20 a second, about 0:01:30 left"
        self.assertEqual(migration_report.progress(step, False), text)
        self.assertNotIn("of about", migration_report.progress(step | {"total": None, "seconds_left": None}, False))

    def test_a_refusal_says_what_to_do(self) -> None:
        advice = migration_report.advice(stage(), {"code": "locked", "detail": "somebody has it"})
        self.assertEqual(advice.splitlines()[0], "Somebody has it.")
        self.assertIn("make migrate STAGE=staging", advice)
        self.assertIn("F=migrate", migration_report.advice(stage(), {"code": "new", "detail": "what"}))


class Keys(unittest.TestCase):
    def test_the_key_in_use_is_the_newest_of_each_algorithm_that_signs_now(self) -> None:
        def key(kid: str, alg: str, sign_from: int, until: int = rotate.NO_END) -> Json:
            return {"kid": kid, "alg": alg, "sign_from": sign_from, "sign_until": until}

        keys = [
            key("old", "RS256", 0),
            key("new", "RS256", 1),
            key("other", "ES256", 0),
            key("over", "ES256", 0, 1),
            key("later", "RS256", rotate.NO_END - 1),
        ]
        self.assertEqual({it["kid"] for it in rotate.in_use(keys)}, {"new", "other"})


class Tables(unittest.TestCase):
    def test_columns_are_as_wide_as_their_widest_cell(self) -> None:
        with contextlib.redirect_stdout(io.StringIO()) as output:
            terminal.table([("a", 1), ("long", "")], ("x", "y"))
        self.assertEqual(output.getvalue(), "x     y\na     1\nlong\n")

    def test_where_nobody_is_there_to_ask_only_a_given_yes_goes_on(self) -> None:
        terminal.confirm("Go on?", True)
        with mock.patch("sys.stdin", io.StringIO("y\n")), self.assertRaisesRegex(Failed, "say YES=1"):
            terminal.confirm("Go on?", False)

    def test_a_restored_tables_name_says_when(self) -> None:
        now = datetime.datetime(2026, 1, 31, 12, 0, 5, tzinfo=datetime.UTC)
        name = restored.name_at(stage(), now)
        self.assertEqual((name, restored.made_at(name)), ("wardgate-restored-20260131t120005z", now))
        again = stage()
        again.parameters["TableName"] = name
        self.assertEqual(restored.name_at(again, now), name)
        with self.assertRaisesRegex(Failed, "is not a name that a restore gives"):
            restored.made_at("wardgate")
