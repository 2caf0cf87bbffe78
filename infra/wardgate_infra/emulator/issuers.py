"""Issuers' domain names, as the emulator finds them: by a proxy for HTTPS, which answers for each with its API.

API Gateway reads an issuer's discovery document and keys. In AWS the issuer is a domain name with a certificate in
front of our API. Here it is this: the emulator is started with `environment`, and a check says in `APIS` which host
is whose.
"""

import contextlib
import datetime
import functools
import http.client
import http.server
import ssl
import threading
import urllib.parse
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

# Host -> the address of the API behind it.
APIS: dict[str, str] = {}
# Host -> what an edge in front of that API would send with each request, over whatever the client wrote there.
EDGES: dict[str, Callable[[], dict[str, str]]] = {}
# Host -> what its API answers to OPTIONS: the emulator's gateway leads no OPTIONS to a function.
PREFLIGHTS: dict[str, Callable[[str, dict[str, str]], tuple[int, dict[str, str]]]] = {}
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
# What is between two hosts, and not between a client and the API.
OF_A_CONNECTION = ("connection", "content-length", "host", "keep-alive", "transfer-encoding", "date", "server")
HOSTS = ("auth.staging.example.com", "auth.example.com")


class Domain(http.server.BaseHTTPRequestHandler):
    """A connection to the proxy, and then through it."""

    protocol_version = "HTTP/1.1"
    host: str | None = None

    def do_CONNECT(self) -> None:
        self.host = self.path.rpartition(":")[0]
        if self.host not in APIS:
            self.send_error(502)
            return
        self.send_response(200)
        self.end_headers()
        # What was asked of the proxy is done; what comes next is asked of the host.
        self.close_connection = False
        self.connection = TLS.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)

    def pass_on(self) -> None:
        if self.host is None:
            self.send_error(400)
            return
        api = urllib.parse.urlsplit(APIS[self.host])
        sent = {name: value for name, value in self.headers.items() if name.lower() not in OF_A_CONNECTION}
        sent |= EDGES.get(self.host, dict)()
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.command == "OPTIONS" and self.host in PREFLIGHTS:
            status, fields = PREFLIGHTS[self.host](self.path, sent)
            self.send_response(status)
            for name, value in fields.items():
                self.send_header(name, value)
            self.end_headers()
            return
        with contextlib.closing(http.client.HTTPConnection(api.netloc, timeout=60)) as connection:
            connection.request(self.command, api.path + self.path, body or None, sent)
            answer = connection.getresponse()
            body = answer.read()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in OF_A_CONNECTION:
                self.send_header(name, value)
        if answer.status != HTTPStatus.NO_CONTENT:
            self.send_header("content-length", str(len(body)))
        # Whoever asked may have stopped waiting.
        with contextlib.suppress(OSError):
            self.end_headers()
            self.wfile.write(body)

    do_DELETE = do_GET = do_OPTIONS = do_PATCH = do_POST = pass_on  # noqa: N815  # as http.server calls them

    def finish(self) -> None:
        super().finish()
        # What the server closes has given its place to this.
        if isinstance(self.connection, ssl.SSLSocket):
            self.connection.close()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def certificate(folder: Path) -> Path:
    """A certificate of its own for all the names, and where it is; with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuers")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(hours=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=60))
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS])
    signed = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    path = folder / "issuers.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@functools.cache
def environment(folder: Path) -> dict[str, str]:
    """Starts the proxy, and gives the variables by which a process finds it."""
    path = certificate(folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Domain)
    TLS.load_cert_chain(path)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return {"https_proxy": f"http://127.0.0.1:{server.server_port}", "SSL_CERT_FILE": str(path)}
