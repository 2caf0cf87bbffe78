"""What a client needs of a stage, one check each. A check gives what it found in a few words, or raises what it
expected instead; its documentation is its title."""

import datetime
import http.client
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeAlias

from wardgate_infra import Json
from wardgate_infra.operate.outside.site import Answer, Site, Unexpected, why

# ACM renews two months before the end: one that is left with less was not renewed.
LEAST_DAYS = 14
# Members of a JWK that only the private half has, or that are a secret themselves.
PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
# Nobody can be there: https://www.rfc-editor.org/rfc/rfc2606
FOREIGN = "https://foreign.invalid"
# What every answer of ours has (SE-07), and what it has to begin with.
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'",
    "referrer-policy": "same-origin",
    "strict-transport-security": "max-age=",
    "x-content-type-options": "nosniff",
}
# What a route says behind which nothing works. 503 is what is said for a while, and for /ready to tell.
NOBODY = (HTTPStatus.NOT_FOUND, HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT)
PARAMETER = re.compile(r"\{([^}]*)\}")
# What a route's parameter is asked with, where only some values lead anywhere.
VALUES = {"page": "sign-in", "proxy+": "health", "section": "delete"}


@dataclass(frozen=True)
class Visit:
    """What one round of checks knows."""

    site: Site
    now: datetime.datetime
    origins: Sequence[str] = ()
    # Every route of the API, as (method, path).
    routes: Sequence[tuple[str, str]] = ()
    # The account that signs in, or None where nobody has lent one.
    account: Json = field(default=None, repr=False)


Check: TypeAlias = Callable[[Visit], str]


def expect(expected: object, found: object, where: str = "") -> None:
    if expected != found:
        raise Unexpected(f"{where}{expected}", found)


def answers(answer: Answer, status: int, where: str) -> Answer:
    """That an answer has a status, and the answer."""
    if answer.status != status:
        raise Unexpected(f"{status} of {where}", answer.said)
    return answer


def certificate(visit: Visit) -> str:
    """TLS and its certificate"""
    if not visit.site.is_encrypted:
        # No template takes it outside development.
        return "none: the issuer is http, as in development alone"
    found = visit.site.certificate()
    days = (found.ends - visit.now).days
    if days < LEAST_DAYS:
        raise Unexpected(f"a certificate for {LEAST_DAYS} days or more", f"{days}, until {found.ends:%Y-%m-%d}")
    return f"{found.protocol}, certificate until {found.ends:%Y-%m-%d}"


def ready(visit: Visit) -> str:
    """GET /ready"""
    return answers(visit.site.ask("GET", "/ready"), HTTPStatus.OK, "/ready").said


def health(visit: Visit) -> str:
    """GET /health"""
    answer = answers(visit.site.ask("GET", "/health"), HTTPStatus.OK, "/health")
    states = {it["name"]: it["status"] for it in answer.member("dependencies") or []}
    ill = {name: state for name, state in states.items() if state != "healthy"}
    if ill or not states:
        raise Unexpected("every dependency healthy", ", ".join(f"{name} {it}" for name, it in ill.items()) or "none")
    expect("healthy", answer.member("status"))
    return ", ".join(f"{name} healthy" for name in states)


def headers(visit: Visit) -> str:
    """Security headers"""
    answer = visit.site.ask("GET", "/v1/me")
    expect("401 authentication_required", answer.said)
    for name, value in HEADERS.items():
        found = answer.headers.get(name)
        if not (found or "").startswith(value):
            raise Unexpected(f"{name}: {value}", found or "none")
    if not answer.headers.get("x-request-id"):
        raise Unexpected("x-request-id", "none")
    return f"{len(HEADERS)} of {len(HEADERS)}"


def discovery(visit: Visit) -> str:
    """Discovery"""
    found = described(visit)
    expect(visit.site.issuer, found.get("issuer"), "the issuer ")
    return visit.site.issuer


def described(visit: Visit) -> dict[str, Json]:
    path = "/.well-known/openid-configuration"
    found = answers(visit.site.ask("GET", path), HTTPStatus.OK, path).json
    if not isinstance(found, dict):
        raise Unexpected("an object", type(found).__name__)
    return found


def keys(visit: Visit) -> str:
    """Keys"""
    uri = str(described(visit).get("jwks_uri"))
    # Verifiers fetch what it says, wherever that is.
    if not uri.startswith(f"{visit.site.issuer}/"):
        raise Unexpected(f"jwks_uri below {visit.site.issuer}", uri)
    path = uri.removeprefix(visit.site.issuer)
    published = answers(visit.site.ask("GET", path), HTTPStatus.OK, path).member("keys") or []
    if not published:
        raise Unexpected("a key", "none")
    for key in published:
        if not (key.get("kid") and key.get("alg")):
            raise Unexpected("kid and alg of each key", f"one with {', '.join(sorted(key))}")
        # The name alone: it would be the key.
        if private := sorted(PRIVATE & key.keys()):
            raise Unexpected(f"only public members of key {key['kid']}", ", ".join(private))
    return ", ".join(f"{key['kid']} {key['alg']}" for key in published)


def preflight(visit: Visit, origin: str) -> Answer:
    if not visit.site.is_encrypted:
        # Development in the emulator, whose gateway leads no OPTIONS to a function: an answer names the same origin.
        return visit.site.ask("GET", "/ready", origin=origin)
    asks = {"access_control_request_method": "POST", "access_control_request_headers": "content-type"}
    return visit.site.ask("OPTIONS", "/v1/login", origin=origin, **asks)


def cors_allowed(visit: Visit) -> str:
    """CORS of allowed origins"""
    for origin in visit.origins:
        answer = preflight(visit, origin)
        if answer.status not in (HTTPStatus.OK, HTTPStatus.NO_CONTENT):
            raise Unexpected(f"200 or 204 for {origin}", answer.said)
        expect(origin, answer.headers.get("access-control-allow-origin"), "allow-origin ")
        # Cookie mode is for these.
        expect("true", answer.headers.get("access-control-allow-credentials"), f"allow-credentials of {origin} ")
    return ", ".join(visit.origins) or "AllowedOrigins is empty"


def cors_foreign(visit: Visit) -> str:
    """CORS of another origin"""
    found = preflight(visit, FOREIGN).headers.get("access-control-allow-origin")
    if found is not None:
        raise Unexpected(f"no allow-origin for {FOREIGN}", found)
    return "refused"


def routes(visit: Visit) -> str:
    """Routes"""
    # Without body and token each refuses what it is sent, and changes nothing.
    missing = []
    for method, path in visit.routes:
        answer = visit.site.ask(method, PARAMETER.sub(lambda it: VALUES.get(it[1], "x"), path))
        if answer.status in NOBODY:
            missing.append(f"{answer.said} of {method} {path}")
    if missing:
        raise Unexpected("an answer of each", ", ".join(missing))
    return f"{len(visit.routes)} answer"


@dataclass(frozen=True)
class Result:
    """How a check went, as a line."""

    title: str
    text: str
    passed: bool

    def line(self, width: int) -> str:
        return f"{'ok' if self.passed else 'FAILED':<6}  {self.title:<{width}}  {self.text}"


def run(visit: Visit, checks: Sequence[Check]) -> Iterator[Result]:
    """Each check in its order. Where the first finds nobody there, the others would only wait."""
    for number, check in enumerate(checks):
        title = (check.__doc__ or "").splitlines()[0]
        try:
            yield Result(title, check(visit), passed=True)
        except Unexpected as unexpected:
            yield Result(title, str(unexpected), passed=False)
        except (OSError, http.client.HTTPException) as error:
            yield Result(title, f"expected an answer, found {why(error)}", passed=False)
            if number == 0:
                return
