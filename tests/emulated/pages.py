"""The pages that mails link to, as a browser without JavaScript has them."""

from html.parser import HTMLParser

from emulated import commands
from emulated.gateway import OTHER_PASSWORD, PASSWORD, Answer, Api, equal, holds, remembered
from emulated.tokens import totp
from wardgate_infra import Json
from wardgate_infra.emulator.deployment import Deployment

FLOW = "__Host-wardgate-flow"


class Forms(HTMLParser):
    """The forms of a page: what is hidden in each, by where it goes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.hidden: dict[str, dict[str, str]] = {}
        self.fields: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "form":
            action = given["action"] or ""
            equal((action in self.hidden, given["method"]), (False, "post"))
            self.hidden[action] = self.fields = {}
        elif tag == "input" and given.get("type") == "hidden":
            self.fields[given["name"] or ""] = given["value"] or ""

    @property
    def first(self) -> str:
        """Where the first one goes."""
        return next(iter(self.hidden))


class Browser:
    """Keeps cookies, and says where a form comes from."""

    def __init__(self, api: Api) -> None:
        self.api, self.origin = api, api.mailbox.origin
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, **more: Json) -> Answer:
        if self.cookies:
            more["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.api.ask(method, path, **more)
        for name, value in answer.cookies.items():
            self.cookies[name] = value.split(";", 1)[0]
        return answer

    def open(self, email: str, page: str) -> Answer:
        """Opens the link of the next mail. Showing a page is no use of it."""
        shown = self.ask("GET", f"/ui/{page}?token={self.api.mailbox.token(email, page)}").is_ok()
        equal(shown.headers["content-type"], "text/html; charset=utf-8")
        holds("content-security-policy" in shown.headers, shown.headers.items())
        return shown

    def press(self, shown: Answer, action: str | None = None, **typed: str) -> Answer:
        """Presses its button, or that of the form that goes elsewhere."""
        forms = Forms(shown.text)
        action = action or forms.first
        return self.ask("POST", action, form=forms.hidden[action] | typed, origin=self.origin)


def check_pages(api: Api, _emulator: Deployment) -> None:  # noqa: PLR0915  # one life, page by page
    """Each page, with the mailed link: showing it does nothing (OT-05), its button does, once, and says so twice
    (OT-02)."""
    email, moved = "pages@example.com", "pages-moved@example.com"
    browser = Browser(api)
    body = {"email": email, "password": PASSWORD}
    registered = browser.ask("POST", "/v1/register", body=body, origin=browser.origin).is_ok(202)
    equal(browser.cookies[FLOW], registered.json["flow_token"])
    shown = browser.open(email, "verify-email")
    api.post("/v1/login", email=email, password=PASSWORD).refuses(401, "invalid_credentials")
    browser.press(shown).is_ok()
    browser.press(shown).is_ok()
    pair = api.login(email)

    api.post("/v1/email/change", bearer=pair["access_token"], new_email=moved, password=PASSWORD).is_ok(202)
    shown = browser.open(moved, "confirm-email-change")
    api.login(email)
    browser.press(shown).is_ok()
    browser.press(shown).is_ok()
    api.login(moved)

    shown = browser.open(email, "undo-email-change")
    api.login(moved)
    browser.press(shown).is_ok()
    browser.press(shown).is_ok()

    api.post("/v1/password/forgot", email=email).is_ok(202)
    shown = browser.open(email, "reset-password")
    refused = browser.press(shown, new_password="tiny")
    equal(refused.status, 400)
    browser.press(refused, new_password=OTHER_PASSWORD).is_ok()
    equal(browser.press(shown, new_password=PASSWORD).status, 400)
    pair = api.login(email, OTHER_PASSWORD)

    api.code_flow(email)
    shown = browser.open(email, "sign-in")
    equal(Browser(api).press(shown).status, 403)
    # It did not ask for the mail.
    asked = browser.press(shown).is_ok()
    holds(email in asked.text and "__Host-wardgate-refresh" not in asked.cookies, asked.text)
    shown = asked
    code = api.mailbox.code_beside(email, Forms(asked.text).hidden["/ui/sign-in"]["token"])
    equal(browser.press(shown, code="00000000").status, 400)
    signed_in = browser.press(shown, code=code).is_ok()
    holds("__Host-wardgate-refresh" in signed_in.cookies, signed_in.cookies)
    again = browser.press(shown).is_ok()
    equal(again.cookies["__Host-wardgate-refresh"], signed_in.cookies["__Host-wardgate-refresh"])
    browser.ask("POST", "/v1/token/refresh", body={}, origin=browser.origin).is_ok()

    api.ask("DELETE", "/v1/me", bearer=pair["access_token"]).is_ok(202)
    shown = browser.open(email, "keep-account")
    equal(api.post("/v1/login", email=email, password=OTHER_PASSWORD).status, 401)
    browser.press(shown).is_ok()
    api.login(email, OTHER_PASSWORD)

    browser.ask("GET", "/ui/nothing?token=x").refuses(404, "not_found")
    for path in ["/ui", "/ui/nothing", "/ui/a/b"]:
        lost = browser.ask("GET", path, accept="text/html")
        equal((lost.status, lost.headers["content-type"]), (404, "text/html; charset=utf-8"))
    equal(browser.ask("GET", "/favicon.ico").is_ok().headers["content-type"], "image/x-icon")
    equal(browser.ask("GET", "/ui/sign-in?token=").status, 400)


def check_pages_of_second_factors(api: Api, emulator: Deployment) -> None:
    """Lost, kept, lost and taken away; and the mail of a first factor undoes it."""
    email = "lost-factors@example.com"
    bearer = api.signed_in(email)["access_token"]

    def set_up(bearer: str) -> list[str]:
        begun = api.ask("POST", "/v1/mfa/totp", bearer=bearer).is_ok()
        code = totp(remembered(begun.json)["secret"])
        body = {"enrolment_token": begun.json["enrolment_token"], "code": code}
        return list(api.ask("POST", "/v1/mfa/totp/confirm", body, bearer=bearer).is_ok().json["recovery_codes"])

    codes = set_up(bearer)
    browser = Browser(api)
    asked = browser.press(browser.ask("GET", "/ui/login").is_ok(), email=email, password=PASSWORD).is_ok()
    browser.press(asked, lost="yes").is_ok()
    browser.press(browser.open(email, "keep-factors")).is_ok()
    browser.press(asked, recovery_code=codes[0]).is_ok()
    browser.ask("GET", "/ui/account/second-factor").is_ok()

    waiting = api.ask("POST", "/v1/login", {"email": email, "password": PASSWORD}).json
    lost = {"mfa_token": waiting["mfa_token"]}
    equal(api.ask("POST", "/v1/login/mfa/lost", lost).json["status"], "waiting")
    # Nobody waits for three days here: an operator knows who it is.
    line = f"make allow-recovery STAGE={emulator.stage} EMAIL={email}"
    allowed = commands.typed(emulator, f"AWS_REGION=eu-central-1 {line}")
    holds(allowed.returncode == 0 and "nothing is taken away yet" in allowed.stderr, allowed.stdout, allowed.stderr)
    equal(api.ask("POST", "/v1/login/mfa/lost", lost).json["status"], "mail_sent")
    browser.press(browser.open(email, "remove-factors")).is_ok()

    set_up(api.login(email)["access_token"])
    browser.press(browser.open(email, "undo-factor")).is_ok()
    equal(api.login(email)["status"], "signed_in")
