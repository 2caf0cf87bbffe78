"""`make verify` against a server on 127.0.0.1, over real TLS: green where all is well, and red for each thing that the
smoke test cannot see."""

import contextlib
import datetime
import io
import unittest
from collections.abc import Iterator
from pathlib import Path

from tests import standin
from tests.fakes import FakeBody, FakeClient, error, stage
from tests.standin import ACCOUNT, ORIGIN, ROUTES, Service
from wardgate_infra import Failed, Json
from wardgate_infra.operate import verify
from wardgate_infra.operate.outside import checks
from wardgate_infra.operate.outside.checks import Result, Visit
from wardgate_infra.operate.outside.site import Site

NOW = datetime.datetime.now(datetime.UTC)
TITLES = [str(it.__doc__) for it in verify.EVERYTHING]


def pem(days: float) -> Path:
    """A certificate that ends in so many days."""
    return standin.certificate(NOW - datetime.timedelta(days=30), NOW + datetime.timedelta(days=days))


class Outside(unittest.TestCase):
    def setUp(self) -> None:
        self.service = self.served(60)

    def served(self, days: float) -> Service:
        self.trusted = pem(days)
        return self.enterContext(standin.serving(self.trusted))

    def visit(self, account: Json = ACCOUNT, origins: tuple[str, ...] = (ORIGIN,)) -> Visit:
        return Visit(Site(self.service.issuer, self.trusted), NOW, origins, ROUTES, account)

    def results(self, visit: Visit | None = None) -> list[Result]:
        return list(checks.run(visit or self.visit(), verify.EVERYTHING))

    def only(self, title: str, *parts: str, visit: Visit | None = None) -> None:
        """That this check fails and no other, and says each of these."""
        failed = [it for it in self.results(visit) if not it.passed]
        self.assertEqual([it.title for it in failed], [title], failed)
        for part in ("expected ", "found ", *parts):
            self.assertIn(part, failed[0].text)


class Checks(Outside):
    def test_a_good_stage_is_green_in_every_line_and_in_order(self) -> None:
        results = self.results()
        self.assertEqual([it for it in results if not it.passed], [])
        self.assertEqual([it.title for it in results], TITLES)
        self.assertEqual(results[8].line(6), "ok      Routes  5 answer")

    def test_not_ready(self) -> None:
        self.service.ready = 503
        self.only("GET /ready", "expected 200 of /ready, found 503")

    def test_a_dependency_that_is_down(self) -> None:
        self.service.dependencies["keys"] = "unhealthy"
        self.only("GET /health", "keys unhealthy")

    def test_a_header_that_somebody_in_front_takes_away(self) -> None:
        del self.service.headers["strict-transport-security"]
        self.only("Security headers", "strict-transport-security: max-age=, found none")

    def test_an_issuer_that_is_another(self) -> None:
        self.service.said_issuer = "https://auth.example.org"
        self.only("Discovery", f"expected the issuer {self.service.issuer}, found https://auth.example.org")

    def test_a_key_with_a_private_member_whose_value_is_not_printed(self) -> None:
        self.service.key["d"] = "private-exponent"
        self.only("Keys", "only public members of key k1, found d")
        self.assertNotIn("private-exponent", str(self.results()))

    def test_a_key_without_an_id(self) -> None:
        del self.service.key["kid"]
        self.only("Keys", "kid and alg")

    def test_cors_that_is_broken(self) -> None:
        self.service.allowed = lambda _: False
        failed = [it.title for it in self.results() if not it.passed]
        self.assertEqual(failed, ["CORS of allowed origins", "Sign-in by cookies"])

    def test_cors_that_lets_everybody_in(self) -> None:
        self.service.allowed = lambda _: True
        failed = [it.title for it in self.results() if not it.passed]
        self.assertEqual(failed[0], "CORS of another origin")

    def test_a_route_that_is_gone(self) -> None:
        self.service.gone.add(("DELETE", "/v1/sessions/x"))
        self.only("Routes", "found 404 of DELETE /v1/sessions/{id}")

    def test_a_page_is_asked_by_a_name_that_there_is(self) -> None:
        self.service.gone.add(("GET", "/ui/sign-in"))
        self.only("Routes", "found 404 of GET /ui/{page}")

    def test_a_cookie_that_is_lost_on_its_way(self) -> None:
        self.service.sets_cookies = False
        self.only("Sign-in by cookies", "Set-Cookie __Host-wardgate-refresh, found none")

    def test_a_cookie_without_an_attribute(self) -> None:
        self.service.attributes = ("HttpOnly", "SameSite=Strict", "Path=/")
        self.only("Sign-in by cookies", "one without Secure")

    def test_a_stage_that_takes_no_writes_for_a_while_has_not_failed(self) -> None:
        self.service.login = standin.problem(503, "read_only")
        self.assertIn("switched off: 503 read_only", str(self.results()))
        self.assertEqual([it for it in self.results() if not it.passed], [])
        self.service.login = standin.problem(503, "unavailable")
        failed = [it.text for it in self.results() if not it.passed]
        self.assertEqual(failed, ["expected 200 of /v1/login, found 503 unavailable"] * 2)

    def test_nothing_that_was_sent_or_answered_is_printed(self) -> None:
        said = str(self.results())
        for secret in (ACCOUNT["password"], ACCOUNT["email"], *self.service.sessions, *self.service.access):
            self.assertNotIn(str(secret), said)
        self.assertNotIn(str(ACCOUNT["password"]), repr(self.visit()))

    def test_routes_are_asked_without_body_and_token(self) -> None:
        asked = {(method, path) for method, path in verify.routes() if not path.startswith("/.well-known")}
        self.assertGreater(len(asked), 30)
        self.assertIn(("POST", "/v1/login"), asked)


class Certificates(Outside):
    def test_one_that_ends_soon(self) -> None:
        self.service = self.served(checks.LEAST_DAYS - 1)
        self.only("TLS and its certificate", "expected a certificate for 14 days or more, found 12")

    def test_one_that_has_ended_and_nothing_else_is_asked(self) -> None:
        self.service = self.served(-1)
        [result] = self.results()
        self.assertIn("found the certificate is not valid: certificate has expired", result.text)
        self.assertEqual(self.service.asked, [])

    def test_one_that_nobody_trusts_and_one_of_another_name(self) -> None:
        self.trusted = pem(61)
        [result] = self.results()
        self.assertIn("the certificate is not valid: ", result.text)
        self.trusted = pem(60)
        other = Site(self.service.issuer.replace("127.0.0.1", "localhost"), self.trusted)
        [result] = checks.run(Visit(other, NOW), verify.EVERYTHING)
        self.assertIn("the certificate is not valid: ", result.text)

    def test_a_name_that_leads_nowhere(self) -> None:
        [result] = checks.run(Visit(Site("https://auth.invalid"), NOW), verify.EVERYTHING)
        self.assertFalse(result.passed)
        self.assertIn("expected an answer, found the name leads nowhere", result.text)


class Verb(Outside):
    def watched(self, minutes: float, break_in: int = 0) -> tuple[str, str, list[float]]:
        """What a watch prints, how it fails, and how long it waited between rounds. The stage breaks in that round."""
        time, waits, rounds = [0.0], [], [0]

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            time[0] += seconds

        @contextlib.contextmanager
        def visit() -> Iterator[Visit]:
            rounds[0] += 1
            self.service.ready = 503 if rounds[0] == break_in else 200
            yield self.visit()

        failure = ""
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            try:
                verify.watch(visit, minutes, clock=lambda: time[0], sleep=sleep)
            except Failed as failed:
                failure = str(failed)
        return printed.getvalue(), failure, waits

    def test_one_round_is_a_line_a_check(self) -> None:
        printed, failure, waits = self.watched(0)
        self.assertEqual((failure, waits), ("", []))
        self.assertEqual(printed.count("ok      "), len(verify.EVERYTHING))

    def test_a_watch_asks_once_a_minute_and_every_route_once_alone(self) -> None:
        printed, failure, waits = self.watched(3)
        self.assertEqual((failure, waits), ("", [60, 60, 60]))
        self.assertIn("asked 4 times in 3 minutes", printed)
        self.assertEqual(self.service.asked.count(("DELETE", "/v1/sessions/x")), 1)
        self.assertEqual(self.service.asked.count(("GET", "/health")), 4)
        # Less of a round is refused than would set off the alarm on refusals.
        self.assertEqual(printed.count("ok      "), len(verify.EVERYTHING))

    def test_what_fails_in_the_middle_is_told_at_the_end_with_its_time(self) -> None:
        printed, failure, waits = self.watched(2, break_in=2)
        self.assertEqual(len(waits), 2)
        self.assertIn("FAILED  GET /ready", printed)
        self.assertRegex(
            failure, r"^1 check failed, as seen by clients:\n  \d\d:\d\d:\d\d UTC  GET /ready: expected 200"
        )

    def test_an_account_is_lent_and_given_back_even_where_a_check_fails(self) -> None:
        asked: list[bytes] = []

        def invoke(Payload: bytes, **_: Json) -> Json:  # noqa: N803  # as boto3 has it
            asked.append(Payload)
            return {"Payload": FakeBody(b'{"passed": true, "lent": {"number": 3, "holder": "h"}}')}

        target = stage(**{"lambda": FakeClient()})
        target.clients["lambda 900"] = FakeClient(invoke=invoke)
        with self.assertRaises(ZeroDivisionError), verify.lent(target) as account:
            self.assertEqual(account["number"], 3)
            raise ZeroDivisionError
        self.assertEqual(asked, [b'{"lend": true}', b'{"give_back": {"number": 3, "holder": "h"}}'])

    def test_without_an_account_everything_else_is_asked(self) -> None:
        target = stage()
        target.clients["lambda 900"] = FakeClient(invoke=error("AccessDeniedException"))
        with contextlib.redirect_stdout(io.StringIO()) as printed, verify.lent(target) as account:
            failed = [it.title for it in self.results(self.visit(account)) if not it.passed]
        self.assertEqual(failed, ["Sign-in by tokens", "Sign-in by cookies"])
        self.assertIn("no account to sign in with: ", printed.getvalue())
