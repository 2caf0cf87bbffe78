"""Applications that people sign in to: registered as an operator does it, and asked as OpenID Connect has it."""

import base64
import hashlib
import html
import json
import re
import urllib.parse

from emulated import commands, delivery
from emulated.gateway import CANARIES, PASSWORD, Answer, Api, claims, encoded, equal, holds, wait_for
from emulated.pages import Browser
from wardgate_infra import Json
from wardgate_infra.emulator.deployment import Deployment

CALLBACK = "https://shop.example.com/callback"
GOODBYE = "https://shop.example.com/bye"
ANOTHER_PASSWORD = "seven quiet lanterns drift along"
VERIFIER = "of this check alone, and long enough for it"
CLIENTS = f"""
[[client]]
id = "shop"
kind = "web"
name = {{ en = "Shop" }}
redirect_uris = ["{CALLBACK}"]
post_logout_redirect_uris = ["{GOODBYE}"]
backchannel_logout_uri = "https://127.0.0.1:9/backchannel-logout"
scopes = ["openid", "email"]
consent = "none"
"""


def check_sign_in_to_an_application(api: Api, emulator: Deployment) -> None:
    """A person signs in on our page, once for all applications, and each gets a code that it exchanges once."""
    email = "shopper@example.com"
    api.registered(email)
    secret = registered(emulator)
    browser = Browser(api)
    asked = browser.ask("GET", request()).is_ok(303)
    shown = browser.ask("GET", asked.headers["location"]).is_ok()
    holds("Sign in to continue to Shop" in shown.text, shown.text)
    pressed = browser.press(shown, email=email, password=PASSWORD).is_ok(303)
    CANARIES.add(ANOTHER_PASSWORD)
    CANARIES.update(value for name, value in browser.cookies.items() if name.endswith(("session", "device")))
    # From a form the way ends at a page that leads on.
    back = browser.ask("GET", pressed.headers["location"]).is_ok(200)
    again = browser.ask("GET", request()).is_ok(302)
    equal((sent(again, "state"), sent(again, "iss")), ("s", emulator.parameters["Issuer"]))
    equal(sent(browser.ask("GET", request(prompt="create login")), "error"), "invalid_request")
    tokens = exchange(api, sent(back, "code"), secret).is_ok().json
    CANARIES.add(tokens["access_token"])
    holds(claims(tokens["id_token"])["aud"] == "shop", claims(tokens["id_token"]))
    person = api.ask("GET", "/oauth2/userinfo", bearer=tokens["access_token"]).is_ok().json
    equal((person["email"], person["sub"]), (email, claims(tokens["id_token"])["sub"]))
    equal(exchange(api, sent(back, "code"), secret).status, 400)
    equal(exchange(api, "ac_x.y.z", "wrong").status, 401)
    api.me(tokens["access_token"]).refuses(401, "invalid_token")
    check_ends(api, secret, tokens["access_token"])
    check_forms(browser, email)
    check_sign_out(browser)
    check_told_of_the_sign_out(emulator)


def check_forms(browser: Browser, email: str) -> None:
    """Each form on the way to an application, and of a person's own page, does what it is for."""
    for page, typed in (
        ("register", {"email": "newcomer@example.com", "name": "New", "new_password": PASSWORD}),
        ("forgot", {"email": email}),
        ("login-code", {"email": email}),
    ):
        browser.press(browser.ask("GET", f"/ui/{page}").is_ok(), **typed).is_ok()
    asked = browser.ask("GET", request(prompt="consent")).is_ok(303)
    shown = browser.ask("GET", asked.headers["location"]).is_ok()
    allowed = browser.press(shown, decision="allow").is_ok(303)
    holds(sent(browser.ask("GET", allowed.headers["location"]).is_ok(200), "code"), "no code")
    holds("Your account" in browser.ask("GET", "/ui/account").is_ok().text, "no page")
    shown = browser.ask("GET", "/ui/account/password").is_ok()
    browser.press(shown, password=PASSWORD, new_password=ANOTHER_PASSWORD).is_ok()


def check_ends(api: Api, secret: str, access_token: str) -> None:
    """The application asks about what it has, and ends it."""
    holds(asked_about(api, "introspect", access_token, secret).json["active"])
    asked_about(api, "revoke", access_token, secret).is_ok()
    equal(asked_about(api, "introspect", access_token, secret).json, {"active": False})


def check_sign_out(browser: Browser) -> None:
    """The application has its person signed out, who is asked."""
    leave = urllib.parse.urlencode({"client_id": "shop", "post_logout_redirect_uri": GOODBYE, "state": "s"})
    asked = browser.ask("GET", f"/oauth2/logout?{leave}").is_ok(303)
    shown = browser.ask("GET", asked.headers["location"]).is_ok()
    holds("Sign out?" in shown.text, shown.text)
    out = browser.press(shown).is_ok(303)
    equal(led_to(browser.ask("GET", out.headers["location"]).is_ok(200)), f"{GOODBYE}?state=s")
    holds("/ui/login?" in browser.ask("GET", request()).is_ok(303).headers["location"])


def check_told_of_the_sign_out(emulator: Deployment) -> None:
    """The application is to be told, by stream, queue and a function whose role lets it: as far as that function, which
    asks nobody in a private network (OC-47)."""

    def tried() -> list[Json]:
        lines = [json.loads(it) for it in delivery.logged(emulator, "logout-notifier") if it.startswith("{")]
        return [it for it in lines if it.get("client_id") == "shop" and "waits to be told" in it["message"]]

    wait_for(tried, "a try to tell the application of the sign-out")
    equal(tried()[0]["cause"], "the client did not take it: connection failed")
    # It would come again, to no other end.
    delivery.Queue(emulator, f"wardgate-{emulator.stage}-logout").purge()


def asked_about(api: Api, endpoint: str, token: str, secret: str) -> Answer:
    form = {"token": token, "client_id": "shop", "client_secret": secret}
    return api.ask("POST", f"/oauth2/{endpoint}", form=form)


def registered(emulator: Deployment) -> str:
    """Has the client that the file says, and a secret for it."""
    file = emulator.folder / "clients.toml"
    file.write_text(CLIENTS, encoding="utf-8")
    for line in (f"FILE={file}", "SECRET=shop"):
        ran = commands.typed(emulator, f"AWS_REGION=eu-central-1 make client STAGE={emulator.stage} {line}")
        holds(ran.returncode == 0, ran.stdout, ran.stderr)
    secret = next(word for word in ran.stdout.split() if word.startswith("wgcs_"))
    CANARIES.add(secret)
    return secret


def request(**more: str) -> str:
    challenge = encoded(hashlib.sha256(VERIFIER.encode()).digest())
    asked = {
        "client_id": "shop",
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid email",
        "state": "s",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return f"/oauth2/authorize?{urllib.parse.urlencode(asked | more)}"


def sent(answer: Answer, name: str) -> str:
    """A parameter of where it sends the browser, which is the application."""
    location = led_to(answer)
    holds(location.startswith(f"{CALLBACK}?"), location)
    return urllib.parse.parse_qs(urllib.parse.urlsplit(location).query)[name][0]


def led_to(answer: Answer) -> str:
    """Where it sends the browser: by a redirect, or by a page that leads on."""
    if found := re.search(r'<meta http-equiv="refresh" content="0; url=([^"]*)">', answer.text):
        return html.unescape(found[1])
    return answer.headers["location"]


def exchange(api: Api, code: str, secret: str) -> Answer:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    basic = base64.b64encode(f"shop:{secret}".encode()).decode()
    return api.ask("POST", "/oauth2/token", form=form, authorization=f"Basic {basic}")
