"""Access and refresh tokens, sessions, and guessing, through API Gateway."""

import base64
import contextlib
import hmac
import json
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from emulated.gateway import OTHER_PASSWORD, PASSWORD, Answer, Api, claims, decoded, encoded, equal, holds, remembered
from wardgate_infra.emulator.deployment import Deployment


def check_access_token_verifies_by_published_keys(api: Api, emulator: Deployment) -> None:
    token = api.signed_in("token@example.com")["access_token"]
    header, payload, signature = token.split(".")
    keys = {key["kid"]: key for key in api.ask("GET", "/.well-known/jwks.json").json["keys"]}
    key = keys[json.loads(decoded(header))["kid"]]
    n, e = (int.from_bytes(decoded(key[member])) for member in "ne")
    public = rsa.RSAPublicNumbers(e, n).public_key()
    public.verify(decoded(signature), f"{header}.{payload}".encode(), padding.PKCS1v15(), SHA256())
    with contextlib.suppress(InvalidSignature):
        public.verify(decoded(signature), f"{header}.x{payload}".encode(), padding.PKCS1v15(), SHA256())
        raise AssertionError("any signature verifies")
    equal(
        (claims(token)["iss"], claims(token)["aud"]), (emulator.parameters["Issuer"], [emulator.parameters["Audience"]])
    )


def check_forged_tokens(api: Api, _emulator: Deployment) -> None:
    pair = api.signed_in("forged@example.com")
    header, payload, signature = pair["access_token"].split(".")
    other = encoded(json.dumps({**claims(pair["access_token"]), "sub": "usr_01m7ye4e23ts5hp6njnz1e9mad"}).encode())
    unsigned = encoded(json.dumps({**json.loads(decoded(header)), "alg": "none"}).encode())
    stranger = rsa.generate_private_key(65537, 2048)
    resigned = encoded(stranger.sign(f"{header}.{other}".encode(), padding.PKCS1v15(), SHA256()))
    forgeries = [
        f"{header}.{other}.{signature}",
        f"{unsigned}.{other}.",
        f"{header}.{other}.{resigned}",
        f"{header}.{payload}.{encoded(decoded(signature)[::-1])}",
        pair["refresh_token"],
        "x",
    ]
    for forgery in forgeries:
        answer = api.me(forgery)
        answer.refuses(401, "invalid_token")
        holds(answer.headers["www-authenticate"].startswith("Bearer"), answer.headers["www-authenticate"])
    kind, body, mac = pair["refresh_token"].split(".")
    for forgery in (f"{kind}.{body}.{encoded(decoded(mac)[::-1])}", pair["access_token"]):
        api.refresh(forgery).refuses(401, "invalid_token")
    equal(api.me(pair["access_token"]).status, 200)


def check_dead_session(api: Api, _emulator: Deployment) -> None:
    pair = api.signed_in("dead@example.com")
    equal(api.me(pair["access_token"]).status, 200)
    left = api.ask("POST", "/v1/logout", bearer=pair["access_token"])
    equal((left.status, left.text), (204, ""))
    for answer in (api.me(pair["access_token"]), api.refresh(pair["refresh_token"])):
        answer.refuses(401, "invalid_token")


def check_refresh_family(api: Api, _emulator: Deployment) -> None:
    """A lost answer is given again; a token from before is a theft."""
    first = api.signed_in("family@example.com")
    second = remembered(api.refresh(first["refresh_token"]).json)
    again = remembered(api.refresh(first["refresh_token"]).json)
    equal(again["refresh_token"], second["refresh_token"])
    # Only an answer that is older than a moment gives way to a new one.
    third = second
    deadline = time.monotonic() + 30
    while third["refresh_token"] == second["refresh_token"]:
        holds(time.monotonic() < deadline, "the token never changes")
        time.sleep(0.5)
        third = remembered(api.refresh(second["refresh_token"]).json)
    api.refresh(first["refresh_token"]).refuses(401, "invalid_token")
    api.refresh(third["refresh_token"]).refuses(401, "invalid_token")
    api.me(third["access_token"]).refuses(401, "invalid_token")


def check_sessions(api: Api, _emulator: Deployment) -> None:
    email = "sessions@example.com"
    mine, second, third = api.signed_in(email), api.login(email), api.login(email)
    bearer = mine["access_token"]
    listed = api.ask("GET", "/v1/sessions", bearer=bearer)
    equal({it["id"] for it in listed.json["items"]}, {it["session_id"] for it in (mine, second, third)})
    page = api.ask("GET", "/v1/sessions?limit=2", bearer=bearer)
    equal(len(page.json["items"]), 2)
    equal(api.ask("DELETE", f"/v1/sessions/{second['session_id']}", bearer=bearer).status, 204)
    equal(api.me(second["access_token"]).status, 401)
    api.ask("DELETE", "/v1/sessions/ses_01m7ye4e4bc5y8fstk2pcpkznc", bearer=bearer).refuses(404, "not_found")
    equal(api.me(third["access_token"]).status, 200)
    equal(api.ask("DELETE", "/v1/sessions", bearer=bearer).status, 204)
    equal((api.me(third["access_token"]).status, api.me(bearer).status), (401, 200))


def check_step_up(api: Api, _emulator: Deployment) -> None:
    """Who shows the password again has another token of the same session, and who shows another one has none."""
    session = api.signed_in("step-up@example.com")
    bearer = session["access_token"]
    answer = api.ask("POST", "/v1/step-up", {"password": PASSWORD}, bearer=bearer)
    equal(answer.status, 200)
    fresh = remembered(answer.json)["access_token"]
    equal((claims(fresh)["sid"], claims(fresh)["auth_time"]), (session["session_id"], answer.json["auth_time"]))
    equal(api.me(fresh).status, 200)
    api.ask("POST", "/v1/step-up", {"password": OTHER_PASSWORD}, bearer=bearer).refuses(401, "invalid_credentials")


def check_second_factor(api: Api, _emulator: Deployment) -> None:
    """Who sets an app up is asked for its code from then on, by each function that has to do with it."""
    email = "second-factor@example.com"
    bearer = api.signed_in(email)["access_token"]
    begun = api.ask("POST", "/v1/mfa/totp", bearer=bearer)
    equal(begun.status, 200)
    secret = remembered(begun.json)["secret"]
    body = {"enrolment_token": begun.json["enrolment_token"], "code": totp(secret)}
    confirmed = api.ask("POST", "/v1/mfa/totp/confirm", body, bearer=bearer)
    equal((confirmed.status, len(confirmed.json.get("recovery_codes", []))), (200, 10))
    codes = confirmed.json["recovery_codes"]
    waiting = api.ask("POST", "/v1/login", {"email": email, "password": PASSWORD}).json
    equal((waiting["status"], waiting["methods"]), ("mfa_required", ["totp", "recovery_code"]))

    lost = api.ask("POST", "/v1/login/mfa/lost", {"mfa_token": waiting["mfa_token"]})
    equal((lost.status, lost.json["status"]), (202, "waiting"))

    def second(code: str) -> Answer:
        shown = {"mfa_token": waiting["mfa_token"], "method": "recovery_code", "code": code}
        return api.ask("POST", "/v1/login/mfa", shown)

    second("0000-0000").refuses(401, "invalid_second_factor")
    signed_in = second(codes[0])
    equal((signed_in.status, signed_in.json.get("recovery_codes_left")), (200, 9))
    equal(claims(remembered(signed_in.json)["access_token"])["acr"], "urn:wardgate:2fa")
    second(codes[1]).refuses(401, "invalid_token")
    mfa = api.ask("GET", "/v1/mfa", bearer=bearer)
    equal((mfa.json["level"], mfa.json["recovery_codes"]["left"], mfa.json["factor_loss"]), (2, 9, None))
    equal(api.ask("PATCH", "/v1/mfa", {"second_factor": False}, bearer=bearer).json["second_factor"], False)
    equal(api.login(email)["status"], "signed_in")
    made = api.ask("POST", "/v1/mfa/recovery-codes", bearer=bearer)
    equal((made.status, len(set(made.json["recovery_codes"]) & set(codes))), (200, 0))
    alone = {"password": PASSWORD}
    api.ask("POST", "/v1/step-up", alone, bearer=bearer).refuses(401, "insufficient_user_authentication")
    both = {**alone, "method": "recovery_code", "code": made.json["recovery_codes"][0]}
    equal(api.ask("POST", "/v1/step-up", both, bearer=bearer).json["acr"], "urn:wardgate:2fa")
    equal(api.ask("DELETE", "/v1/mfa/totp", bearer=bearer).status, 204)
    equal(api.ask("GET", "/v1/mfa", bearer=bearer).json["level"], 1)


def totp(secret: str) -> str:
    """What an app shows now (RFC 6238)."""
    step = int(time.time()) // 30
    tag = hmac.digest(base64.b32decode(secret), step.to_bytes(8, "big"), "sha1")
    number = int.from_bytes(tag[tag[-1] & 15 :][:4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def check_guessing(api: Api, _emulator: Deployment) -> None:
    email = "guessed@example.com"
    api.registered(email)
    for _ in range(12):
        answer = api.ask("POST", "/v1/login", {"email": email, "password": "analytical engines rattle"})
        if answer.status == 429:
            break
        answer.refuses(401, "invalid_credentials")
    answer.refuses(429, "too_many_attempts")
    holds(int(answer.headers["retry-after"]) > 0, answer.headers["retry-after"])
