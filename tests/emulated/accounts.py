"""The life of an account, by the JSON API and by the mails that it sends."""

import re

from emulated.gateway import CANARIES, OTHER_PASSWORD, PASSWORD, Answer, Api, equal, holds, remembered
from wardgate_infra.emulator.deployment import Deployment

REFRESH = "__Host-wardgate-refresh"


def check_registration(api: Api, _emulator: Deployment) -> None:
    """A mail leaves by stream, queue and SES, and only what is in it makes the account (EN-04, OT-10)."""
    email = "grace@example.com"
    flow_token = api.register(email)
    api.post("/v1/login", email=email, password=PASSWORD).refuses(401, "invalid_credentials")
    first = api.mailbox.token(email, "verify-email")
    api.post("/v1/email/verify/resend", email=email).is_ok(202)
    # The same registration, and so the same code.
    code = api.mailbox.code(email)
    api.post("/v1/email/verify", email=email, code=code, flow_token=flow_token).is_ok()
    api.post("/v1/email/verify", token=first, flow_token=flow_token).refuses(400, "invalid_link")
    equal(api.me(api.login(email)["access_token"]).json["email_verified"], True)
    # Its owner is told, and nobody else.
    api.register(email)
    api.mailbox.mail(email, "already has an account")

    email = "other-flow@example.com"
    api.register(email)
    asked = api.post("/v1/email/verify", token=api.mailbox.token(email, "verify-email")).is_ok()
    equal(asked.json["status"], "password_required")
    CANARIES.add(asked.json["reset_token"])
    api.post("/v1/login", email=email, password=PASSWORD).refuses(401, "invalid_credentials")
    api.post("/v1/password/reset", token=asked.json["reset_token"], new_password=OTHER_PASSWORD).is_ok()
    api.login(email, OTHER_PASSWORD)


def check_forgotten_password(api: Api, _emulator: Deployment) -> None:
    email = "forgot@example.com"
    pair = api.signed_in(email)
    asked = [api.post("/v1/password/forgot", email=it) for it in (email, "nobody@example.com")]
    equal({(answer.status, answer.text) for answer in asked}, {(202, '{"status":"accepted"}')})
    token = api.mailbox.token(email, "reset-password")
    api.post("/v1/password/reset", token=token, new_password=OTHER_PASSWORD).is_ok()
    api.post("/v1/password/reset", token=token, new_password=PASSWORD).refuses(400, "invalid_link")
    api.me(pair["access_token"]).refuses(401, "invalid_token")
    api.post("/v1/login", email=email, password=PASSWORD).refuses(401, "invalid_credentials")
    api.login(email, OTHER_PASSWORD)
    api.mailbox.mail(email, "password of your account .* was changed")
    equal(api.mailbox.sent("nobody@example.com"), [])


def check_email_code(api: Api, _emulator: Deployment) -> None:
    """By code and by link. No account here is old enough to be told of a new device: tests/known_devices.rs."""
    email = "code@example.com"
    api.registered(email)
    flow_token = api.code_flow(email)
    code = api.mailbox.code(email)
    wrong = code[:-1] + ("1" if code[-1] == "0" else "0")
    path = "/v1/login/email-code/verify"
    equal(api.post(path, email=email, code=wrong, flow_token=flow_token).status, 401)
    pair = remembered(api.post(path, email=email, code=code, flow_token=flow_token).is_ok().json)
    equal(api.me(pair["access_token"]).json["email"], email)
    equal(api.post(path, email=email, code=code, flow_token=flow_token).status, 401)
    other_flow, flow_token = flow_token, api.code_flow(email)
    token = api.mailbox.token(email, "sign-in")
    api.post(path, token=token, flow_token=other_flow).refuses(403, "code_required")
    remembered(api.post(path, token=token, flow_token=flow_token).is_ok().json)
    equal(api.post(path, token=token, flow_token=flow_token).status, 401)


def check_password_change(api: Api, _emulator: Deployment) -> None:
    email = "change@example.com"
    mine, other = api.signed_in(email), api.login(email)
    body = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
    api.post("/v1/password/change", bearer=mine["access_token"], **body).is_ok()
    equal((api.me(mine["access_token"]).status, api.me(other["access_token"]).status), (200, 401))
    api.post("/v1/login", email=email, password=PASSWORD).refuses(401, "invalid_credentials")
    api.login(email, OTHER_PASSWORD)
    api.mailbox.mail(email, "password of your account .* was changed")


def check_address_change(api: Api, _emulator: Deployment) -> None:
    """The new address confirms, and the old one can take it back (OT-12)."""
    old, new = "old-address@example.com", "new-address@example.com"
    pair = api.signed_in(old)
    api.post("/v1/email/change", bearer=pair["access_token"], new_email=new, password=PASSWORD).is_ok(202)
    token = api.mailbox.token(new, "confirm-email-change")
    equal(api.me(pair["access_token"]).json["email"], old)
    api.post("/v1/email/change/confirm", token=token).is_ok()
    api.me(pair["access_token"]).refuses(401, "invalid_token")
    api.post("/v1/login", email=old, password=PASSWORD).refuses(401, "invalid_credentials")
    moved = api.login(new)
    api.post("/v1/email/change/undo", token=api.mailbox.token(old, "undo-email-change")).is_ok()
    api.me(moved["access_token"]).refuses(401, "invalid_token")
    for email in (old, new):
        api.post("/v1/login", email=email, password=PASSWORD).refuses(401, "invalid_credentials")
    api.post("/v1/password/forgot", email=old).is_ok(202)
    token = api.mailbox.token(old, "reset-password")
    api.post("/v1/password/reset", token=token, new_password=OTHER_PASSWORD).is_ok()
    equal(api.me(api.login(old, OTHER_PASSWORD)["access_token"]).json["email"], old)


def check_own_data(api: Api, _emulator: Deployment) -> None:
    email = "data@example.com"
    pair = api.signed_in(email)
    bearer = pair["access_token"]
    equal(api.ask("PATCH", "/v1/me", {"name": "Grace"}, bearer).is_ok().json["name"], "Grace")
    actions = [it["action"] for it in api.ask("GET", "/v1/me/activity", bearer=bearer).is_ok().json["items"]]
    holds("email_verified" in actions, actions)
    export = api.ask("GET", "/v1/me/export", bearer=bearer).is_ok()
    equal(export.headers["content-disposition"], 'attachment; filename="account.json"')
    holds(email in export.text and "Grace" in export.text, export.text)
    equal([canary for canary in CANARIES if canary in export.text], [])
    gone = api.ask("DELETE", "/v1/me", bearer=bearer).is_ok(202)
    equal(gone.json["status"], "deletion_scheduled")
    api.me(bearer).refuses(401, "invalid_token")
    equal(api.post("/v1/login", email=email, password=PASSWORD).status, 401)
    api.post("/v1/me/keep", token=api.mailbox.token(email, "keep-account")).is_ok()
    equal(api.me(api.login(email)["access_token"]).json["name"], "Grace")


def check_cookie_mode(api: Api, emulator: Deployment) -> None:
    """Through the gateway the refresh token is in a cookie and nowhere else, for listed origins alone (SE-06)."""
    email = "cookie@example.com"
    api.registered(email)
    body = {"email": email, "password": PASSWORD, "transport": "cookie"}
    api.ask("POST", "/v1/login", body, origin="https://elsewhere.example.org").refuses(403, "origin_not_allowed")
    [origin] = emulator.parameters["AllowedOrigins"].split(",")
    signed_in = api.ask("POST", "/v1/login", body, origin=origin).is_ok()
    holds(not signed_in.json.get("refresh_token"), signed_in.json)
    first = cookie(signed_in)
    refreshed = api.ask("POST", "/v1/token/refresh", {}, origin=origin, cookie=f"{REFRESH}={first}").is_ok()
    second = cookie(refreshed)
    holds(second != first, "the cookie stays the same")
    api.ask("POST", "/v1/token/refresh", {}, cookie=f"{REFRESH}={second}").refuses(403, "origin_not_allowed")
    left = api.ask("POST", "/v1/logout", {}, origin=origin, cookie=f"{REFRESH}={second}")
    equal(left.status, 204)
    holds("Max-Age=0" in left.cookies[REFRESH], left.cookies)
    equal(api.me(refreshed.json["access_token"]).status, 401)


def cookie(answer: Answer) -> str:
    """The refresh token that an answer sets."""
    value, attributes = answer.cookies[REFRESH].split("; ", 1)
    for attribute in ("HttpOnly", "SameSite=Strict", "Secure", "Path=/"):
        holds(attribute in attributes, attributes)
    holds(re.fullmatch(r"rt_\S+", value), "not a refresh token")
    CANARIES.update((value, answer.json["access_token"]))
    return value
