"""The proxy by which the emulator and `make verify` find an issuer's name."""

import http.server
import json
import tempfile
import threading
import unittest
from pathlib import Path

from tests import standin
from wardgate_infra.emulator import issuers
from wardgate_infra.operate.outside.site import Site


class Behind(standin.Handler):
    """An API of the emulator: over HTTP, below a path."""

    protocol_version = "HTTP/1.1"


class Proxy(unittest.TestCase):
    def setUp(self) -> None:
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.service = standin.Service()
        handler = type("Bound", (Behind,), {"service": self.service})
        server = self.enterContext(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler))
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.addCleanup(server.shutdown)
        found = issuers.environment(folder)
        host = issuers.HOSTS[0]
        issuers.APIS[host] = f"http://127.0.0.1:{server.server_port}"
        self.addCleanup(issuers.APIS.clear)
        self.site = Site(f"https://{host}", Path(found["SSL_CERT_FILE"]), found["https_proxy"])

    def test_a_request_goes_through_with_its_body_and_every_field(self) -> None:
        sent = {"email": "a", "password": "b", "transport": "cookie"}
        answer = self.site.ask("POST", "/v1/login", sent, origin=standin.ORIGIN)
        self.assertEqual((answer.status, answer.headers["access-control-allow-origin"]), (200, standin.ORIGIN))
        self.assertIn("HttpOnly", json.dumps(answer.cookies))
        options = self.site.ask("OPTIONS", "/v1/login", origin=standin.ORIGIN)
        self.assertEqual((options.status, options.text), (204, ""))

    def test_options_are_answered_by_who_says_so(self) -> None:
        asked: dict[str, str] = {}

        def answer(path: str, sent: dict[str, str]) -> tuple[int, dict[str, str]]:
            asked.update(path=path, origin=sent["origin"])
            return 204, {"access-control-allow-origin": "*"}

        issuers.PREFLIGHTS[issuers.HOSTS[0]] = answer
        self.addCleanup(issuers.PREFLIGHTS.clear)
        options = self.site.ask("OPTIONS", "/v1/login", origin=standin.ORIGIN)
        self.assertEqual((options.status, options.headers["access-control-allow-origin"]), (204, "*"))
        self.assertEqual(asked, {"path": "/v1/login", "origin": standin.ORIGIN})

    def test_a_name_that_leads_nowhere_is_no_answer(self) -> None:
        issuers.APIS.clear()
        with self.assertRaisesRegex(OSError, "502"):
            self.site.ask("GET", "/ready")
