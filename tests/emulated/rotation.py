"""New keys, while somebody signs in and refreshes. Keys sign a day after they are made, and no test waits for that: the
switch itself is shown in tests/rotation, with a clock that it moves."""

import json
from collections.abc import Iterator

from emulated.gateway import Api, decoded, equal, holds, remembered
from wardgate_infra import Json
from wardgate_infra.emulator.deployment import Deployment
from wardgate_infra.operate.rotate import RINGS


def operate(emulator: Deployment, *arguments: str) -> tuple[int, str]:
    """What an operator types."""
    ran = emulator.typed("rotate", *arguments)
    return ran.returncode, ran.stdout


def kids(api: Api) -> set[str]:
    return {key["kid"] for key in api.ask("GET", "/.well-known/jwks.json").json["keys"]}


def kid_of(token: str) -> str:
    return str(json.loads(decoded(token.split(".", 1)[0]))["kid"])


def listed(emulator: Deployment, ring: str) -> list[Json]:
    event = {"FunctionName": f"wardgate-{emulator.stage}-rotate-keys", "Payload": json.dumps({"list": ring})}
    return list(json.load(emulator.client("lambda").invoke(**event, Qualifier="live")["Payload"])["keys"])


def secrets_of(emulator: Deployment) -> Iterator[str]:
    """Everything that is secret in the rings."""
    client = emulator.client("secretsmanager")
    for ring in RINGS:
        value = client.get_secret_value(SecretId=f"wardgate/{emulator.stage}/{ring}")["SecretString"]
        for key in json.loads(value)["keys"]:
            yield key.get("pkcs8") or key["secret"]


def check_rotation(api: Api, emulator: Deployment) -> None:
    """Every ring, by the operator's command, by the real function under its own role. What was signed in before goes
    on, and each change has its line in the trail."""
    pair = api.signed_in("rotation@example.com")
    before = kids(api)
    for arguments in (("--ring", "signing"), (), ("--ring", "password_wrap"), ("--ring", "factor_wrap")):
        code, text = operate(emulator, *arguments)
        holds(code == 0, text)
        holds("signs from" in text, text)
        holds(not any(secret in text for secret in secrets_of(emulator)), "a key is printed")
        equal(api.me(pair["access_token"]).status, 200)
        answer = api.refresh(pair["refresh_token"])
        equal(answer.status, 200)
        pair = remembered(answer.json)
        holds(kid_of(pair["access_token"]) in before, "a new key signs before everybody knows it")
        api.login("rotation@example.com")
    waiting = {key["kid"] for key in listed(emulator, "signing")} - before
    equal(len(waiting), 2)
    equal([len(listed(emulator, ring)) for ring in RINGS if ring != "signing"], [2] * 5)
    public = emulator.client("secretsmanager").get_secret_value(SecretId=f"wardgate/{emulator.stage}/public_keys")
    published = {key["jwk"]["kid"] for key in json.loads(public["SecretString"])["keys"]}
    equal(published, before | waiting)
    code, text = operate(emulator, "--ring", "signing", "--retire", "no-such-key", "--yes")
    equal((code, "has no key no-such-key" in text), (1, True))
    code, text = operate(emulator, "--ring", "password_wrap", "--retire", "1", "--yes")
    equal((code, "never retired" in text), (1, True))
    code, text = operate(emulator, "--ring", "signing", "--retire", next(iter(waiting)))
    equal((code, "Nobody is there to ask" in text), (1, True))
    retired = min(waiting)
    code, text = operate(emulator, "--ring", "signing", "--retire", retired, "--yes")
    equal((code, retired in {key["kid"] for key in listed(emulator, "signing")}), (0, False))
    trail = emulator.client("dynamodb").scan(TableName=f"wardgate-audit-{emulator.stage}", ConsistentRead=True)["Items"]
    lines = [line["detail"]["S"] for line in trail if line["action"]["S"] in ("keys_rotated", "key_retired")]
    for ring in RINGS:
        holds(any(line.startswith(f"{ring}: ") for line in lines), f"no line about {ring} in {lines}")
    holds(any(f"{retired} retired" in line for line in lines), f"no line about {retired}")
    asked = {line["action"]["S"] for line in trail}
    holds({"rotation_requested", "retirement_requested"} <= asked, asked)
