"""The deployed API as a client has it, and what every check says of answers."""

import base64
import contextlib
import http.client
import json
import time
import urllib.parse
from dataclasses import dataclass

PASSWORD = "analytical engines hum"
OTHER_PASSWORD = "marble foxes whisper to lanterns"
# What must never be in a log or a table (PL-02, OT-01): every password and token that a check has seen.
CANARIES = {PASSWORD, OTHER_PASSWORD}
# What must never be in a log or an event: all addresses of the checks have it.
ADDRESSES = "@example.com"


def equal(found, expected):
    if found != expected:
        raise AssertionError(f"{found!r}, not {expected!r}")


def holds(condition, *what):
    if not condition:
        raise AssertionError(*what)


def wait_for(find, what, seconds=15):
    """What `find` gives as soon as it gives anything: for what is done behind an answer."""
    deadline = time.monotonic() + seconds
    while not (found := find()):
        holds(time.monotonic() < deadline, f"{what} did not come within {seconds} s")
        time.sleep(0.1)
    return found


@dataclass
class Answer:
    """A response, read whole."""

    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def cookies(self):
        """What it sets, by name, with the attributes."""
        fields = self.headers.get_all("set-cookie") or []
        return {field.split("=", 1)[0]: field.split("=", 1)[1] for field in fields}

    def is_ok(self, status=200):
        """It has that status, and is itself."""
        holds(self.status == status, self.status, self.text)
        return self

    def refuses(self, status, code):
        """It is a problem document, with its code."""
        equal((self.status, self.headers["content-type"]), (status, "application/problem+json"))
        equal((self.json["code"], self.json["status"]), (code, status))
        equal(self.json["request_id"], self.headers["x-request-id"])


class Api:
    """An HTTP API of the emulator; Wardgate's own with the mailbox that its mails go to."""

    def __init__(self, url, mailbox=None):
        self.url = urllib.parse.urlsplit(url)
        self.mailbox = mailbox

    def ask(self, method, path, body=None, bearer=None, form=None, **headers):
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        text = None
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

    def post(self, path, bearer=None, **body):
        return self.ask("POST", path, body, bearer)

    def register(self, email, name="Ada"):
        """Asks for an account, and gives the flow token. There is an account once the address is verified."""
        answer = self.post("/v1/register", email=email, password=PASSWORD, name=name).is_ok(202)
        CANARIES.add(answer.json["flow_token"])
        return answer.json["flow_token"]

    def code_flow(self, email):
        """Asks for a code to sign in with, and gives the flow token."""
        answer = self.post("/v1/login/email-code", email=email).is_ok(202)
        CANARIES.add(answer.json["flow_token"])
        return answer.json["flow_token"]

    def registered(self, email, name="Ada"):
        """An account, verified with the link of the mail."""
        flow_token = self.register(email, name)
        token = self.mailbox.token(email, "verify-email")
        answer = self.post("/v1/email/verify", token=token, flow_token=flow_token)
        equal((answer.status, answer.json), (200, {"status": "verified"}))

    def login(self, email, password=PASSWORD):
        return remembered(self.post("/v1/login", email=email, password=password).is_ok().json)

    def refresh(self, token):
        return self.post("/v1/token/refresh", refresh_token=token)

    def me(self, token):
        return self.ask("GET", "/v1/me", bearer=token)

    def signed_in(self, email):
        self.registered(email)
        return self.login(email)


def remembered(pair):
    CANARIES.update(pair[token] for token in ("access_token", "refresh_token", "device_token") if token in pair)
    return pair


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def encoded(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def claims(token):
    return json.loads(decoded(token.split(".")[1]))
