"""A good API over TLS on 127.0.0.1, which a test makes wrong in one way."""

import datetime
import functools
import http.server
import ipaddress
import json
import secrets
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from wardgate_infra import Json
from wardgate_infra.operate.outside.checks import HEADERS
from wardgate_infra.operate.outside.walk import ATTRIBUTES, REFRESH

ORIGIN = "https://app.example.com"
ACCOUNT = {
    "email": "success+smoke@simulator.example",
    "password": "a password of one round",
    "number": 1,
    "holder": "x",
}
ROUTES = [
    ("GET", "/ready"),
    ("GET", "/v1/me"),
    ("POST", "/v1/login"),
    ("DELETE", "/v1/sessions/{id}"),
    ("GET", "/ui/{page}"),
]
Headers = list[tuple[str, str]]
Found = tuple[int, Headers, Json]


class Service:
    """What it answers. Each attribute is something that can be wrong."""

    def __init__(self) -> None:
        self.issuer = ""
        self.said_issuer: str | None = None
        self.ready = 200
        self.dependencies = {"dynamodb": "healthy", "keys": "healthy"}
        self.key: Json = {"kty": "RSA", "kid": "k1", "alg": "RS256", "n": "AQ", "e": "AQAB"}
        self.allowed: Callable[[str], bool] = lambda origin: origin == ORIGIN
        self.gone: set[tuple[str, str]] = set()
        self.headers = dict(HEADERS)
        self.attributes: tuple[str, ...] = ATTRIBUTES
        self.sets_cookies = True
        self.login: Found | None = None
        self.sessions: dict[str, str] = {}
        self.access: dict[str, str] = {}
        self.asked: list[tuple[str, str]] = []

    def answer(self, method: str, path: str, sent: Json, body: Json) -> Found:
        self.asked.append((method, path))
        if (method, path) in self.gone:
            return 404, [], {"message": "Not Found"}
        origin = sent.get("origin", "")
        cors = [
            ("access-control-allow-origin", origin),
            ("access-control-allow-credentials", "true"),
        ] * self.allowed(origin)
        if method == "OPTIONS":
            return 204, cors, None
        status, headers, found = self.route(path, sent, body)
        return status, [*self.headers.items(), ("x-request-id", "r"), *cors, *headers], found

    def route(self, path: str, sent: Json, body: Json) -> Found:
        published: dict[str, Found] = {
            "/ready": (self.ready, [], {"status": "ready"}),
            "/health": (200, [], {"status": "healthy", "dependencies": self.described()}),
            "/.well-known/jwks.json": (200, [], {"keys": [self.key]}),
            "/.well-known/openid-configuration": (
                *(200, []),
                {"issuer": self.said_issuer or self.issuer, "jwks_uri": f"{self.issuer}/.well-known/jwks.json"},
            ),
        }
        if path in published:
            return published[path]
        asked = {"/v1/me": self.me, "/v1/login": self.sign_in, "/v1/token/refresh": self.refresh}
        if path == "/v1/logout":
            self.access.clear()
            return 204, [("set-cookie", f"{REFRESH}=; Max-Age=0")] * ("cookie" in sent and self.sets_cookies), None
        return asked[path](sent, body) if path in asked else problem(401, "authentication_required")

    def described(self) -> list[Json]:
        return [{"name": name, "status": it} for name, it in self.dependencies.items()]

    def me(self, sent: Json, _body: Json) -> Found:
        if "authorization" not in sent:
            return problem(401, "authentication_required")
        is_known = sent["authorization"].removeprefix("Bearer ") in self.access
        return (200, [], {"email": ACCOUNT["email"]}) if is_known else problem(401, "invalid_token")

    def sign_in(self, _sent: Json, body: Json) -> Found:
        if not body:
            return problem(415, "unsupported_media_type")
        return self.login or self.tokens(secrets.token_hex(4), by_cookie="transport" in body)

    def refresh(self, sent: Json, body: Json) -> Found:
        if "cookie" in sent and not self.allowed(sent.get("origin", "")):
            return problem(403, "origin_not_allowed")
        old = (body or {}).get("refresh_token") or sent["cookie"].partition("=")[2]
        return self.tokens(self.sessions.pop(old), by_cookie="cookie" in sent)

    def tokens(self, session: str, *, by_cookie: bool) -> Found:
        refresh, access = secrets.token_hex(8), secrets.token_hex(8)
        self.sessions[refresh], self.access[access] = session, session
        pair = {"access_token": access, "session_id": session}
        if not by_cookie:
            return 200, [], pair | {"refresh_token": refresh}
        value = "; ".join([f"{REFRESH}={refresh}", *self.attributes, "Max-Age=60"])
        return 200, [("set-cookie", value)] * self.sets_cookies, pair


def problem(status: int, code: str) -> Found:
    return status, [("content-type", "application/problem+json")], {"status": status, "code": code}


class Handler(http.server.BaseHTTPRequestHandler):
    service: Service

    def handle_any(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        sent = {name.lower(): value for name, value in self.headers.items()}
        status, headers, found = self.service.answer(self.command, self.path, sent, body)
        text = b"" if found is None else json.dumps(found).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_OPTIONS = do_DELETE = handle_any  # noqa: N815  # as http.server calls them

    def log_message(self, *_: object) -> None:
        """Says nothing."""


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A client that hangs up during the handshake is what some tests are about."""


@functools.cache
def certificate(began: datetime.datetime, ends: datetime.datetime) -> Path:
    """One for 127.0.0.1 that is its own authority, with its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "it")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(began).not_valid_after(ends)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with tempfile.NamedTemporaryFile(suffix=".pem", delete=False) as file:
        file.write(encoded + signed.public_bytes(serialization.Encoding.PEM))
    return Path(file.name)


@contextmanager
def serving(pem: Path) -> Iterator[Service]:
    """The service, and where it answers: `issuer`."""
    service = Service()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    handler = type("Bound", (Handler,), {"service": service})
    with Server(("127.0.0.1", 0), handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        service.issuer = f"https://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()
