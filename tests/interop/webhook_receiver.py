"""Takes webhooks over TLS, and says of each what the other library says of its signature.

usage: webhook_receiver.py <certificate> <key> <secret> <file with the status to answer with>
"""

import datetime
import http.server
import pathlib
import ssl
import sys

from standardwebhooks import Webhook

CERTIFICATE, KEY, SECRET, STATUS = sys.argv[1:5]


class Receiver(http.server.BaseHTTPRequestHandler):
    """Says one line a message: status, id, verdict, body."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        status = int(pathlib.Path(STATUS).read_text(encoding="utf-8"))
        # Its own check would refuse the clock of the tests, which stands still in the past.
        at = datetime.datetime.fromtimestamp(int(self.headers["webhook-timestamp"]), datetime.UTC)
        expected = Webhook(SECRET).sign(self.headers["webhook-id"], at, body)
        verdict = "signed" if expected in self.headers["webhook-signature"].split(" ") else "forged"
        print(status, self.headers["webhook-id"], verdict, body, flush=True)
        self.send_response(status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name there)
        """Nothing: what counts is said."""


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERTIFICATE, KEY)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
