"""A person's way through the API, by tokens and by cookies, with an account that the smoke test's users lend."""

import re
from http import HTTPStatus

from wardgate_infra import Json
from wardgate_infra.operate.outside.checks import Visit, answers, expect
from wardgate_infra.operate.outside.site import Answer, Unexpected

REFRESH = "__Host-wardgate-refresh"
ATTRIBUTES = ("HttpOnly", "SameSite=Strict", "Secure", "Path=/")


def bearer_mode(visit: Visit) -> str:
    """Sign-in by tokens"""
    site = visit.site
    answer = sign_in(visit)
    if is_switched_off(answer):
        return f"switched off: {answer.said}"
    first = answers(answer, HTTPStatus.OK, "/v1/login")
    who_am_i(visit, text(first, "access_token"))
    old = text(first, "refresh_token")
    second = answers(site.ask("POST", "/v1/token/refresh", {"refresh_token": old}), HTTPStatus.OK, "/v1/token/refresh")
    expect(first.member("session_id"), second.member("session_id"), "the session ")
    if text(second, "refresh_token") == old:
        raise Unexpected("another refresh token", "the same")
    access = text(second, "access_token")
    answers(site.ask("POST", "/v1/logout", bearer=access), HTTPStatus.NO_CONTENT, "/v1/logout")
    answers(site.ask("GET", "/v1/me", bearer=access), HTTPStatus.UNAUTHORIZED, "/v1/me after it")
    return "signed in, refreshed, known, signed out"


def cookie_mode(visit: Visit) -> str:
    """Sign-in by cookies"""
    if not visit.origins:
        return "AllowedOrigins is empty"
    site, origin = visit.site, visit.origins[0]
    answer = sign_in(visit, transport="cookie", origin=origin)
    if is_switched_off(answer):
        return f"switched off: {answer.said}"
    first = answers(answer, HTTPStatus.OK, "/v1/login")
    if first.member("refresh_token"):
        raise Unexpected("a refresh token in the cookie alone", "one in the body")
    old = cookie(first)
    foreign = site.ask("POST", "/v1/token/refresh", {}, cookie=f"{REFRESH}={old}")
    answers(foreign, HTTPStatus.FORBIDDEN, "/v1/token/refresh without its origin")
    second = site.ask("POST", "/v1/token/refresh", {}, origin=origin, cookie=f"{REFRESH}={old}")
    new = cookie(answers(second, HTTPStatus.OK, "/v1/token/refresh"))
    if new == old:
        raise Unexpected("another cookie", "the same")
    access = text(second, "access_token")
    who_am_i(visit, access)
    left = site.ask("POST", "/v1/logout", {}, origin=origin, cookie=f"{REFRESH}={new}")
    answers(left, HTTPStatus.NO_CONTENT, "/v1/logout")
    if "Max-Age=0" not in left.cookies.get(REFRESH, ""):
        raise Unexpected(f"Set-Cookie that ends {REFRESH}", "none")
    answers(site.ask("GET", "/v1/me", bearer=access), HTTPStatus.UNAUTHORIZED, "/v1/me after it")
    return f"signed in, refreshed, known, signed out; {REFRESH} with {', '.join(ATTRIBUTES)}"


def sign_in(visit: Visit, transport: str | None = None, **headers: str) -> Answer:
    if visit.account is None:
        raise Unexpected("an account to sign in with", "none: nobody has lent one, as said above")
    body: Json = {"email": visit.account["email"], "password": visit.account["password"]}
    return visit.site.ask("POST", "/v1/login", body | ({"transport": transport} if transport else {}), **headers)


def is_switched_off(answer: Answer) -> bool:
    """Whether an operator has taken writing away for a while, which is no failure (503 with Retry-After)."""
    return answer.status == HTTPStatus.SERVICE_UNAVAILABLE and answer.said.endswith(" read_only")


def who_am_i(visit: Visit, access: str) -> None:
    answer = answers(visit.site.ask("GET", "/v1/me", bearer=access), HTTPStatus.OK, "/v1/me")
    if answer.member("email") != visit.account["email"]:
        raise Unexpected("the account that has signed in", "another")


def text(answer: Answer, member: str) -> str:
    found = answer.member(member)
    if not isinstance(found, str):
        raise Unexpected(member, "none")
    return found


def cookie(answer: Answer) -> str:
    """The refresh token that an answer sets."""
    if REFRESH not in answer.cookies:
        raise Unexpected(f"Set-Cookie {REFRESH}", ", ".join(answer.cookies) or "none")
    value, *attributes = re.split(r"; *", answer.cookies[REFRESH])
    if missing := [it for it in ATTRIBUTES if it not in attributes]:
        raise Unexpected(f"{REFRESH} with {', '.join(ATTRIBUTES)}", f"one without {', '.join(missing)}")
    return value
