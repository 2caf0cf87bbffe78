"""Signs people in with Authlib, as an application on a server and as one that keeps no secret does.

authlib_client.py ISSUER EMAIL PASSWORD, with one {"id": …, "secret": …, "redirect_uri": …, "method": …} a line on
standard input. Prints one line a client and exits 0 only if each got its tokens and its person.
"""

import secrets
import time

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
from browser import TIMEOUT, Application, Browser, equal, run
from joserfc import jwt
from joserfc.jwk import KeySet

UNAUTHORIZED = 401
SLOW = 4
"""Seconds that the application's clock is behind."""
METHODS = {"basic": "client_secret_basic", "post": "client_secret_post", "none": "none"}


def refusal(session: OAuth2Session, endpoint: str, **members: str) -> str:
    """What the token endpoint says no with."""
    try:
        session.fetch_token(endpoint, **members)
    except AuthlibBaseError as error:
        return str(error.error)
    raise AssertionError("it was not refused")


def verified(token: str, jwks_uri: str, parameters: dict[str, object]) -> CodeIDToken:
    """The claims of an ID token, verified as an application's server would."""
    keys = KeySet.import_key_set(requests.get(jwks_uri, timeout=TIMEOUT).json())
    decoded = jwt.decode(token, keys, algorithms=["RS256", "ES256"])
    claims = CodeIDToken(
        decoded.claims,
        decoded.header,
        {
            "iss": {"essential": True, "value": parameters["iss"]},
            "aud": {"essential": True, "value": parameters["client_id"]},
            "auth_time": {"essential": True},
        },
        parameters,
    )
    claims.validate(now=int(time.time()) - SLOW, leeway=10)
    return claims


def signs_in(application: Application, browser: Browser) -> None:
    """A code, tokens, the person, other tokens, and what is refused."""
    found = requests.get(f"{browser.issuer}/.well-known/openid-configuration", timeout=TIMEOUT)
    metadata = OpenIDProviderMetadata(found.json())
    # It asks for https, which the server of a test has not.
    for name in ("validate_response_types_supported", "validate_subject_types_supported", "validate_scopes_supported"):
        getattr(metadata, name)()
    session = OAuth2Session(
        application.id,
        application.secret,
        token_endpoint_auth_method=METHODS[application.method],
        scope="openid email",
        redirect_uri=application.redirect_uri,
        code_challenge_method="S256",
    )
    verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
    url, state = session.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce
    )
    back = browser.sign_in(url, application.redirect_uri)
    endpoint = metadata["token_endpoint"]
    wrong = refusal(
        session, endpoint, authorization_response=back, state=state, code_verifier=secrets.token_urlsafe(48)
    )
    equal(wrong, "invalid_grant")
    token = session.fetch_token(endpoint, authorization_response=back, state=state, code_verifier=verifier)
    equal(token["token_type"], "Bearer")
    parameters = {"iss": browser.issuer, "client_id": application.id, "access_token": token["access_token"]}
    claims = verified(token["id_token"], metadata["jwks_uri"], {**parameters, "nonce": nonce})
    person = session.get(metadata["userinfo_endpoint"], timeout=TIMEOUT).json()
    equal((person["sub"], person["email"]), (claims["sub"], browser.email))

    kept = token["refresh_token"]
    renewed = session.refresh_token(endpoint, refresh_token=kept)
    equal(renewed.get("refresh_token", kept) == kept, application.method != "none")
    parameters["access_token"] = renewed["access_token"]
    again = verified(renewed["id_token"], metadata["jwks_uri"], dict(parameters))
    equal((again["sub"], again["auth_time"]), (claims["sub"], claims["auth_time"]))
    equal(session.get(metadata["userinfo_endpoint"], timeout=TIMEOUT).status_code, requests.codes.ok)
    equal(refusal(session, endpoint, grant_type="refresh_token", refresh_token=f"{kept}A"), "invalid_grant")
    equal(refusal(session, endpoint, grant_type="password", username="x", password="x"), "unsupported_grant_type")
    # Within ten seconds, the client itself may say the same twice; it gets nothing for it.
    equal(refusal(session, endpoint, authorization_response=back, state=state, code_verifier=verifier), "invalid_grant")

    stranger = OAuth2Session(application.id, "wrong", token_endpoint_auth_method="client_secret_basic")
    equal(refusal(stranger, endpoint, grant_type="refresh_token", refresh_token=kept), "invalid_client")
    forged = OAuth2Session(token={"access_token": f"{token['access_token']}A", "token_type": "Bearer"})
    told = forged.get(metadata["userinfo_endpoint"], timeout=TIMEOUT)
    equal((told.status_code, told.headers["www-authenticate"]), (UNAUTHORIZED, 'Bearer error="invalid_token"'))


run(signs_in)
