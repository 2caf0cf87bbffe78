"""The address that clients know, and what it answers. Each request is a connection of its own, as a first visit is."""

import contextlib
import dataclasses
import datetime
import http.client
import json
import socket
import ssl
import urllib.parse
from pathlib import Path

from wardgate_infra import Json

TIMEOUT = 15


class Unexpected(Exception):
    """An answer that is not what a client needs."""

    def __init__(self, expected: object, found: object) -> None:
        super().__init__(f"expected {expected}, found {found}")


@dataclasses.dataclass(frozen=True)
class Answer:
    """A response, read whole."""

    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def json(self) -> Json:
        try:
            return json.loads(self.text)
        except ValueError:
            # Never the text itself: it may have tokens.
            raise Unexpected("JSON", f"{len(self.text)} characters that are none") from None

    def member(self, name: str) -> Json:
        """A member of the object that it is, or None."""
        found = self.json
        return found.get(name) if isinstance(found, dict) else None

    @property
    def cookies(self) -> dict[str, str]:
        """What it sets, by name: the value and its attributes."""
        fields = self.headers.get_all("set-cookie") or []
        return {name: rest for name, _, rest in (field.partition("=") for field in fields)}

    @property
    def said(self) -> str:
        """The status, with the code of a problem document."""
        kind = self.headers.get("content-type") or ""
        code = self.member("code") if kind.startswith("application/problem+json") else None
        return f"{self.status} {code}" if code else str(self.status)


@dataclasses.dataclass(frozen=True)
class Certificate:
    """What a server shows of itself, once it was found to be valid for its name."""

    protocol: str
    ends: datetime.datetime


class Site:
    """An issuer's address. `authority` is a file with certificates to trust instead of the system's, and `proxy` is
    what connections go through: both are for where the name does not lead to the stage, as on the emulator."""

    def __init__(self, issuer: str, authority: Path | None = None, proxy: str | None = None) -> None:
        self.issuer = issuer.rstrip("/")
        self.url = urllib.parse.urlsplit(self.issuer)
        self.proxy = urllib.parse.urlsplit(proxy) if proxy else None
        self.context = ssl.create_default_context(cafile=str(authority) if authority else None)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2

    @property
    def is_encrypted(self) -> bool:
        return self.url.scheme == "https"

    def connection(self) -> http.client.HTTPConnection:
        host, port = self.url.hostname or "", self.url.port
        if not self.is_encrypted:
            return http.client.HTTPConnection(host, port, timeout=TIMEOUT)
        if self.proxy is None:
            return http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=self.context)
        through = http.client.HTTPSConnection(
            self.proxy.hostname or "", self.proxy.port, timeout=TIMEOUT, context=self.context
        )
        through.set_tunnel(host, port or 443)
        return through

    def ask(self, method: str, path: str, body: Json = None, bearer: str | None = None, **headers: str) -> Answer:
        """What it answers. Names of header fields are written with underscores."""
        sent = {"user-agent": "wardgate-verify"} | {name.replace("_", "-"): it for name, it in headers.items()}
        text = None
        if body is not None:
            sent["content-type"], text = "application/json", json.dumps(body).encode()
        if bearer is not None:
            sent["authorization"] = f"Bearer {bearer}"
        with contextlib.closing(self.connection()) as connection:
            connection.request(method, self.url.path + path, text, sent)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read().decode(errors="replace"))

    def certificate(self) -> Certificate:
        """The certificate, which the handshake has held to its name, its time and who is trusted."""
        with contextlib.closing(self.connection()) as connection:
            connection.connect()
            found = connection.sock
            if not isinstance(found, ssl.SSLSocket):
                raise Unexpected("TLS", "a connection without it")
            shown = found.getpeercert() or {}
            ends = ssl.cert_time_to_seconds(str(shown["notAfter"]))
            return Certificate(found.version() or "", datetime.datetime.fromtimestamp(ends, datetime.UTC))


def why(error: Exception) -> str:
    """Why there was no answer, for people."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not valid: {error.verify_message}"
    if isinstance(error, socket.gaierror):
        return f"the name leads nowhere: {error.strerror}"
    return f"no answer: {error or type(error).__name__}"
