"""The deployed API as a client has it, and what every check says of answers."""

import base64
import contextlib
import http.client
import json
import re
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypeVar

from wardgate_infra import Json

if TYPE_CHECKING:
    from emulated.mails import Mailbox

Found = TypeVar("Found")

PASSWORD = "analytical engines hum"
OTHER_PASSWORD = "marble foxes whisper to lanterns"
# What must never be in a log or a table (PL-02, OT-01): every password and token that a check has seen.
CANARIES = {PASSWORD, OTHER_PASSWORD}
# What must never be in a log or an event: all addresses of the checks have it.
ADDRESSES = "@example.com"


def equal(found: object, expected: object) -> None:
    if found != expected:
        raise AssertionError(f"{found!r}, not {expected!r}")


def holds(condition: object, *what: object) -> None:
    if not condition:
        raise AssertionError(*what)


def wait_for(find: Callable[[], Found | None], what: str, seconds: float = 15) -> Found:
    """What `find` gives as soon as it gives anything: for what is done behind an answer."""
    deadline = time.monotonic() + seconds
    while not (found := find()):
        holds(time.monotonic() < deadline, f"{what} did not come within {seconds} s")
        time.sleep(0.1)
    return found


def matched(pattern: str, text: str) -> re.Match[str]:
    """Where a text has a pattern, which it must."""
    found = re.search(pattern, text)
    if found is None:
        raise AssertionError(f"nothing is {pattern!r}", text)
    return found


@dataclass
class Answer:
    """A response, read whole."""

    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def json(self) -> Json:
        return json.loads(self.text)

    @property
    def cookies(self) -> dict[str, str]:
        """What it sets, by name, with the attributes."""
        fields = self.headers.get_all("set-cookie") or []
        return {field.split("=", 1)[0]: field.split("=", 1)[1] for field in fields}

    def is_ok(self, status: int = 200) -> Self:
        """It has that status, and is itself."""
        holds(self.status == status, self.status, self.text)
        return self

    def refuses(self, status: int, code: str) -> None:
        """It is a problem document, with its code."""
        equal((self.status, self.headers["content-type"]), (status, "application/problem+json"))
        equal((self.json["code"], self.json["status"]), (code, status))
        equal(self.json["request_id"], self.headers["x-request-id"])


class HttpApi:
    """An HTTP API of the emulator."""

    def __init__(self, url: str) -> None:
        self.url = urllib.parse.urlsplit(url)

    def ask(
        self,
        method: str,
        path: str,
        body: Json = None,
        bearer: str | None = None,
        form: dict[str, str] | None = None,
        **headers: str,
    ) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        text: bytes | str | None = None
        if body is not None:
            sent["content-type"], text = "application/json", json.dumps(body, ensure_ascii=False).encode()
        if form is not None:
            sent["content-type"], text = "application/x-www-form-urlencoded", urllib.parse.urlencode(form)
        if bearer is not None:
            sent["authorization"] = f"Bearer {bearer}"
        connection = http.client.HTTPConnection(self.url.netloc, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, self.url.path + path, text, sent)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read().decode(errors="replace"))


class Api(HttpApi):
    """Wardgate's own, with the mailbox that its mails go to."""

    def __init__(self, url: str, mailbox: "Mailbox") -> None:
        super().__init__(url)
        self.mailbox = mailbox

    def post(self, path: str, bearer: str | None = None, **body: Json) -> Answer:
        return self.ask("POST", path, body, bearer)

    def register(self, email: str, name: str = "Ada") -> str:
        """Asks for an account, and gives the flow token. There is an account once the address is verified."""
        answer = self.post("/v1/register", email=email, password=PASSWORD, name=name).is_ok(202)
        CANARIES.add(answer.json["flow_token"])
        return str(answer.json["flow_token"])

    def code_flow(self, email: str) -> str:
        """Asks for a code to sign in with, and gives the flow token."""
        answer = self.post("/v1/login/email-code", email=email).is_ok(202)
        CANARIES.add(answer.json["flow_token"])
        return str(answer.json["flow_token"])

    def registered(self, email: str, name: str = "Ada") -> None:
        """An account, verified with the link of the mail."""
        flow_token = self.register(email, name)
        token = self.mailbox.token(email, "verify-email")
        answer = self.post("/v1/email/verify", token=token, flow_token=flow_token)
        equal((answer.status, answer.json), (200, {"status": "verified"}))

    def login(self, email: str, password: str = PASSWORD) -> Json:
        return remembered(self.post("/v1/login", email=email, password=password).is_ok().json)

    def refresh(self, token: str) -> Answer:
        return self.post("/v1/token/refresh", refresh_token=token)

    def me(self, token: str) -> Answer:
        return self.ask("GET", "/v1/me", bearer=token)

    def signed_in(self, email: str) -> Json:
        self.registered(email)
        return self.login(email)


def remembered(pair: Json) -> Json:
    CANARIES.update(pair[token] for token in ("access_token", "refresh_token", "device_token") if token in pair)
    return pair


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def claims(token: str) -> Json:
    return json.loads(decoded(token.split(".")[1]))
