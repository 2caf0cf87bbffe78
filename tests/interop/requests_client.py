"""Signs people in with requests-oauth2client, as an application on a server and as one that keeps no secret does.

requests_client.py ISSUER EMAIL PASSWORD, with one {"id": …, "secret": …, "redirect_uri": …, "method": …} a line on
standard input. Prints one line a client and exits 0 only if each got its tokens and its person.
"""

from collections.abc import Callable

import requests
from browser import Application, Browser, equal, run
from requests_oauth2client import (
    AuthorizationResponseError,
    BearerToken,
    ClientSecretBasic,
    ClientSecretPost,
    EndpointError,
    OAuth2Client,
    PublicApp,
)

UNAUTHORIZED = 401
FOREIGN_VERIFIER = "A" * 43


def client(application: Application, issuer: str, auth: object) -> OAuth2Client:
    """What discovery says, with the application's own. `testing` allows an issuer without TLS."""
    return OAuth2Client.from_discovery_endpoint(
        issuer=issuer, auth=auth, redirect_uri=application.redirect_uri, testing=True
    )


def refusal(ask: Callable[[], object]) -> tuple[str, int]:
    """What the token endpoint says no with."""
    try:
        ask()
    except EndpointError as error:
        return error.error, error.response.status_code
    raise AssertionError("it was not refused")


def signs_in(application: Application, browser: Browser) -> None:
    """A code, tokens, the person, other tokens, and what is refused."""
    auth = {
        "basic": lambda: ClientSecretBasic(application.id, application.secret),
        "post": lambda: ClientSecretPost(application.id, application.secret),
        "none": lambda: PublicApp(application.id),
    }[application.method]()
    own = client(application, browser.issuer, auth)
    equal(own.authorization_response_iss_parameter_supported, True)

    # An error comes back with state and issuer, too.
    silent = own.authorization_request(scope="phone", prompt="none")
    try:
        silent.validate_callback(browser.sign_in(silent.uri, application.redirect_uri))
    except AuthorizationResponseError as error:
        equal(error.error, "invalid_scope")
    else:
        raise AssertionError("it was not refused")

    asked = own.authorization_request(scope="openid email", max_age=3600)
    back = asked.validate_callback(browser.sign_in(asked.uri, application.redirect_uri))
    members = {"code_verifier": FOREIGN_VERIFIER, "redirect_uri": application.redirect_uri}
    foreign = refusal(lambda: own.authorization_code(back.code, validate=False, **members))
    equal(foreign, ("invalid_grant", requests.codes.bad_request))
    # It verifies the ID token: signature, issuer, audience, nonce, auth_time, at_hash.
    token = own.authorization_code(back, validate=True)
    claims = token.id_token
    person = own.userinfo(token)
    equal((person["sub"], person["email"]), (claims.sub, browser.email))

    renewed = own.refresh_token(token)
    equal((renewed.refresh_token or token.refresh_token) == token.refresh_token, application.method != "none")
    keys = own.authorization_server_jwks
    renewed.id_token.validate(
        keys.get_jwk_by_kid(renewed.id_token.kid), alg="RS256", issuer=browser.issuer, audience=application.id
    )
    equal((renewed.id_token.sub, renewed.id_token.auth_time), (claims.sub, claims.auth_time))
    equal(own.userinfo(renewed)["email"], browser.email)
    bad_request = requests.codes.bad_request
    equal(refusal(lambda: own.refresh_token(f"{token.refresh_token}A")), ("invalid_grant", bad_request))
    equal(refusal(lambda: own.resource_owner_password("x", "x")), ("unsupported_grant_type", bad_request))
    equal(refusal(lambda: own.client_credentials(scope="openid")), ("unsupported_grant_type", bad_request))
    # Within ten seconds, the client itself may say the same twice; it gets nothing for it.
    equal(refusal(lambda: own.authorization_code(back)), ("invalid_grant", bad_request))

    stranger = client(application, browser.issuer, ClientSecretBasic(application.id, "wrong"))
    equal(refusal(lambda: stranger.refresh_token(token.refresh_token)), ("invalid_client", UNAUTHORIZED))
    try:
        own.userinfo(BearerToken(f"{token.access_token}A"))
    except requests.HTTPError as error:
        equal(error.response.status_code, UNAUTHORIZED)
        equal(error.response.headers["www-authenticate"], 'Bearer error="invalid_token"')
    else:
        raise AssertionError("it was not refused")


run(signs_in)
