"""A browser without JavaScript, for applications that sign people in over HTTP, and the run of such an application."""

import html
import json
import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urljoin

import requests

TIMEOUT = 30
"""Seconds that an answer may take."""
FORBIDDEN = 400
STEPS = 10


@dataclass
class Browser:
    """It keeps cookies, follows redirects, and fills in the form that it is shown."""

    issuer: str
    email: str
    password: str
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, url: str, form: dict[str, str] | None = None) -> requests.Response:
        """Sends a request with the cookies, and keeps those of the answer."""
        headers = {"accept": "text/html"}
        if form is not None:
            headers["origin"] = self.issuer
        if self.cookies:
            # By hand: the issuer of a test has no TLS, and libraries send its cookies nowhere then.
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = requests.request(method, url, data=form, headers=headers, allow_redirects=False, timeout=TIMEOUT)
        self.cookies.update({cookie.name: cookie.value for cookie in answer.cookies})
        return answer

    def sign_in(self, url: str, redirect_uri: str) -> str:
        """Goes on until it is sent to the application; gives the address."""
        answer = self.ask("GET", url)
        for _ in range(STEPS):
            if location := answer.headers.get("location"):
                target: str = urljoin(self.issuer, location)
                if target.startswith(redirect_uri):
                    return target
                answer = self.ask("GET", target)
                continue
            if answer.status_code >= FORBIDDEN:
                raise AssertionError(f"{answer.status_code}: {answer.text}")
            # The way of a form ends at a page that leads on.
            if onward := re.search(r'<meta http-equiv="refresh" content="0; url=([^"]*)">', answer.text):
                return html.unescape(onward[1])
            first = answer.text.split("</form>")[0]
            hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', first)
            form = {name: html.unescape(value) for name, value in hidden}
            form |= {"email": self.email, "password": self.password}
            action = re.findall(r'<form method="post" action="([^"]*)"', first)[0]
            answer = self.ask("POST", urljoin(self.issuer, action), form)
        raise AssertionError("it is sent around in circles")


@dataclass(frozen=True)
class Application:
    """What an application knows of itself."""

    id: str
    secret: str | None
    redirect_uri: str
    method: str


def equal(found: object, expected: object) -> None:
    """Fails unless both are the same."""
    if found != expected:
        raise AssertionError(f"{found!r} and not {expected!r}")


def run(signs_in: Callable[[Application, Browser], None]) -> None:
    """Signs in to each application that standard input describes, one JSON object a line, and says how that went."""
    issuer, email, password = sys.argv[1:]
    browser = Browser(issuer, email, password)
    lines = [line for line in sys.stdin if line.strip()]
    wrong = 0
    for application in [Application(**json.loads(line)) for line in lines]:
        try:
            signs_in(application, browser)
        except Exception:  # noqa: BLE001 - whatever it is, the other applications have their turn
            wrong += 1
            print(f"FAIL {application.id} by {application.method}: {traceback.format_exc()}")
        else:
            print(f"ok {application.id} by {application.method}")
    sys.exit(1 if wrong or not lines else 0)
