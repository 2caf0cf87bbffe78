"""Verifies access tokens with PyJWT, from the JWKS URL alone.

verify.py JWKS_URL ISSUER AUDIENCE, with one {"name": …, "token": …, "accept": true|false} a line on standard input.
Prints one line a token and exits 0 only if each was accepted or refused as expected.
"""

import json
import sys

import jwt

ALGORITHMS = ["RS256", "ES256"]
# RFC 9068, section 2.2.
REQUIRED = ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"]


def refusal(token: str, keys: jwt.PyJWKClient, issuer: str, audience: str) -> str | None:
    """Returns why the token is refused, or None."""
    try:
        key = keys.get_signing_key_from_jwt(token)
        verified = jwt.decode_complete(
            token,
            key,
            algorithms=ALGORITHMS,
            issuer=issuer,
            audience=audience,
            options={"require": REQUIRED},
        )
    except jwt.PyJWKClientConnectionError:
        # Not being able to ask is no refusal.
        raise
    except jwt.PyJWTError as error:
        return f"{type(error).__name__}: {error}"
    # PyJWT leaves `typ` to its caller (RFC 9068, section 4).
    if verified["header"].get("typ") != "at+jwt":
        return "typ is not at+jwt"
    return None


def main() -> None:
    url, issuer, audience = sys.argv[1:]
    keys = jwt.PyJWKClient(url)
    cases = [json.loads(line) for line in sys.stdin if line.strip()]
    wrong = 0
    for case in cases:
        reason = refusal(case["token"], keys, issuer, audience)
        result = f"{case['name']}: " + (f"refused, {reason}" if reason else "accepted")
        if (reason is None) == case["accept"]:
            print(f"ok {result}")
        else:
            wrong += 1
            print(f"FAIL {result}")
    if not cases:
        sys.exit("FAIL no tokens on standard input")
    sys.exit(1 if wrong else 0)


main()
