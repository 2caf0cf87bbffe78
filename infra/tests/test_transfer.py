"""How a verb has the program wardgate-operate do its work: here a program that is none of ours."""

import sys
import unittest
from unittest import mock

from tests.fakes import stage
from wardgate_infra import Failed
from wardgate_infra.operate import transfer


class Transfer(unittest.TestCase):
    def setUp(self) -> None:
        self.enterContext(mock.patch.object(transfer, "credentials", return_value={}))

    def doing(self, code: str) -> None:
        self.enterContext(mock.patch.object(transfer, "PROGRAM", [sys.executable, "-c", code]))

    def test_what_it_prints_is_read_in_order_and_whole(self) -> None:
        self.doing("import sys; print(sys.argv[1:]); print('last')")
        told = "['backup-keys', '--stage', 'staging', 'file']\nlast\n"
        self.assertEqual(transfer.ran(stage(), "backup-keys", "file"), told)

    def test_one_that_has_said_everything_ends_by_itself(self) -> None:
        # Its output is closed a while before it ends: ended meanwhile, it would have failed.
        self.doing("import os, time; os.write(1, b'all\\n'); os.close(1); time.sleep(0.3); os._exit(0)")
        self.assertEqual(list(transfer.lines(stage(), "rehearse")), ["all\n"])

    def test_one_that_fails_is_a_failure_of_the_verb(self) -> None:
        self.doing("print('half'); raise SystemExit(3)")
        with self.assertRaisesRegex(Failed, "^restore-keys has not come to its end"):
            transfer.ran(stage(), "restore-keys")

    def test_whoever_stops_listening_ends_it(self) -> None:
        # It would never end by itself.
        self.doing("import signal; print('first', flush=True); signal.pause()")
        told = transfer.lines(stage(), "rehearse")
        self.assertEqual(next(told), "first\n")
        told.close()
