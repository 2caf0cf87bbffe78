"""The load tool: whom it signs in, when, and what it says of it."""

import argparse
import contextlib
import io
import unittest
from unittest import mock

from tests.fakes import FakeClient, stage
from wardgate_infra import Failed
from wardgate_infra.operate import load
from wardgate_infra.operate.load import Answer


class Clock:
    """Stands still until somebody sleeps."""

    def __init__(self) -> None:
        self.time = 100.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.time += seconds


class Load(unittest.TestCase):
    def test_people_are_those_of_the_seed(self) -> None:
        """operate/src/seed/person.rs has the same."""
        found = load.person(stage(), "spring", 7)
        self.assertEqual(found, ("success+seed-f685eead-7@simulator.amazonses.com", "F6oWVpFnaMo3ooo4w0Om6NYT"))
        self.assertEqual(load.person(stage("development"), "spring", 7)[0], "seed-f685eead-7@example.com")

    def test_each_is_sent_when_it_is_due(self) -> None:
        clock, asked = Clock(), []

        def ask(email: str, _password: str) -> str:
            asked.append(email)
            return "200"

        people = [(f"{number}@example.com", "x") for number in range(5)]
        answers = load.send(ask, people, 4, clock.now, clock.sleep)
        self.assertEqual(clock.slept, [0.0, 0.25, 0.25, 0.25, 0.25])
        self.assertEqual(sorted(asked), [email for email, _ in people])
        self.assertEqual([it.status for it in answers], ["200"] * 5)

    def test_it_says_what_came_of_it(self) -> None:
        answers = [Answer("200", number / 1000, False) for number in range(1, 101)]
        answers += [Answer("429", 0.001, True)] * 25
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            load.report(answers, 10)
        self.assertIn("10.0 a second signed in: p50 51 ms, p95 96 ms, p99 100 ms, max 100 ms", said.getvalue())
        self.assertIn("429  25   20.0%", said.getvalue())
        self.assertIn("25 were sent late", said.getvalue())
        self.assertIn("docs/performance.md", said.getvalue())
        self.assertEqual(load.percentiles([]), "none")

    def test_production_is_refused_and_who_is_not_there_is_said(self) -> None:
        options = argparse.Namespace(rate=2, seconds=1, users=3, seed="spring")
        with self.assertRaisesRegex(Failed, "Production is never loaded"):
            load.run(stage("production"), options)
        formation = FakeClient(describe_stacks={"Stacks": [{"Outputs": []}]})
        with self.assertRaisesRegex(Failed, "has no address"):
            load.run(stage(cloudformation=formation), options)
        with (
            mock.patch.object(load, "address", return_value="https://api"),
            mock.patch.object(load, "sign_in", return_value=lambda *_: "401"),
            self.assertRaisesRegex(Failed, "make seed STAGE=staging USERS=3 SEED=spring"),
        ):
            load.run(stage(), options)

    def test_it_is_bounded(self) -> None:
        self.assertEqual(load.at_most(200)("200"), 200)
        for wrong in ("0", "201", "-1", "x", "1.5"):
            with self.assertRaisesRegex(argparse.ArgumentTypeError, "from 1 to 200"):
                load.at_most(200)(wrong)

    def test_a_stage_that_does_not_answer_is_an_answer_too(self) -> None:
        self.assertEqual(load.sign_in("http://127.0.0.1:9")("a@example.com", "x"), "ConnectionRefusedError")


if __name__ == "__main__":
    unittest.main()
