"""The key rings are lost and come back from a copy: `make backup-keys` and `make restore-keys` as they are typed.

A process that has read a ring serves it for minutes after it is gone. So what is asked here is answered by processes
that begin meanwhile, of versions published for it. The others never notice, and no later check depends on when they
look again."""

import contextlib
import json
from collections.abc import Iterator

from emulated import commands, rotation
from emulated.gateway import PASSWORD, Api, equal, holds
from emulated.restore import lines
from wardgate_infra import Client, Json
from wardgate_infra.emulator.deployment import Deployment

EMAIL = "lost-keys@example.com"
# Known to everybody who reads this.
RECIPIENT = "age12rj3s6s5qfe7km5zuvagpmg3l3535f6mh4zj8l4vclaq8uhxd9gqaqz2ud"
IDENTITY = "AGE-SECRET-KEY-" + "1HZC83PWCHPMKFWPRF8P060CT6WNYQNAS5SRTHYYLT4YTTCNKE4EQUZLP6W"
OTHER_IDENTITY = "AGE-SECRET-KEY-" + "1FPDKU5FDKVJ7SS0HZ0C6NW42M9NXDUQ8HK27FAJ2VWWUPZNG6P4QUJKKFE"
RINGS = ("password_wrap", "factor_wrap", "public_keys", "signing", "session_mac", "login_mac", "mail_mac")


def check_lost_keys(api: Api, emulator: Deployment) -> None:
    """Everything in Secrets Manager goes. Nobody signs in; then the same passwords work, and so do access tokens from
    before."""
    pair = api.signed_in(EMAIL)
    for name, text in (("identity.txt", IDENTITY), ("other.txt", OTHER_IDENTITY)):
        (emulator.folder / name).write_text(text, encoding="utf-8")
    file, identity = emulator.folder / "keys.age", emulator.folder / "identity.txt"
    file.unlink(missing_ok=True)
    secrets = set(rotation.secrets_of(emulator))
    copy(emulator, secrets)
    client = emulator.client("secretsmanager")
    before = values(client, emulator)
    for ring in RINGS:
        client.delete_secret(SecretId=secret(emulator, ring), ForceDeleteWithoutRecovery=True)
    with fresh(emulator, "login", "me"):
        lost = api.post("/v1/login", email=EMAIL, password=PASSWORD)
        holds(lost.status >= 500, lost.status, lost.text)
        holds(api.me(pair["access_token"]).status >= 500, "a token is verified without keys")

        asked = f"make restore-keys STAGE={emulator.stage} FILE={file}"
        other = commands.typed(emulator, f"{asked} IDENTITY_FILE={emulator.folder / 'other.txt'} YES=1")
        holds(other.returncode != 0 and "No matching keys found" in other.stderr, other.stdout, other.stderr)
        dry = commands.typed(emulator, f"{asked} IDENTITY_FILE={identity} DRY_RUN=1")
        holds(dry.returncode == 0 and dry.stdout.count("lost: is put back") == len(RINGS), dry.stdout, dry.stderr)
        equal(client.list_secrets(Filters=[{"Key": "name", "Values": [secret(emulator, "")]}])["SecretList"], [])
        put_back(emulator, f"{asked} IDENTITY_FILE={identity} YES=1", secrets)
        equal(values(client, emulator), before)

        api.login(EMAIL)
        equal(api.me(pair["access_token"]).status, 200)
    # What is not lost stays, whatever the file has.
    newer = json.loads(before["mail_mac"]) | {"made_at": 1}
    client.put_secret_value(SecretId=secret(emulator, "mail_mac"), SecretString=json.dumps(newer))
    kept = commands.typed(emulator, f"{asked} IDENTITY_FILE={identity} YES=1")
    holds(kept.returncode == 0 and "No ring of" in kept.stdout, kept.stdout, kept.stderr)
    equal(json.loads(values(client, emulator)["mail_mac"]), newer)
    named = commands.typed(emulator, f"{asked} IDENTITY_FILE={identity} OVERWRITE=mail_mac YES=1")
    holds(named.returncode == 0, named.stdout, named.stderr)
    equal(values(client, emulator), before)
    trail = [line["action"]["S"] for line in lines(emulator)]
    equal([trail.count(it) for it in ("keys_backup_requested", "keys_restore_requested")], [1, 2])


def copy(emulator: Deployment, secrets: set[str]) -> None:
    file = emulator.folder / "keys.age"
    line = f"make backup-keys STAGE={emulator.stage} RECIPIENT={RECIPIENT} FILE={file}"
    ran = commands.typed(emulator, line)
    holds(ran.returncode == 0, ran.stdout, ran.stderr)
    commands.record("backup-keys", line.replace(str(file), "keys.age"), ran.stdout.replace(str(file), "keys.age"))
    holds(file.read_bytes().startswith(b"age-encryption.org/v1"), "it is not encrypted")
    equal(file.stat().st_mode & 0o777, 0o600)
    holds(not any(it in ran.stdout + ran.stderr for it in secrets), "a key is printed")
    again = commands.typed(emulator, line)
    holds(again.returncode != 0 and "exists already" in again.stderr, again.stdout, again.stderr)
    described = emulator.client("secretsmanager").describe_secret(SecretId=secret(emulator, "password_wrap"))
    tags = {it["Key"]: it["Value"] for it in described["Tags"]}
    holds("AWSCURRENT" in described["VersionIdsToStages"][tags["wardgate:copied-version"]], described)


def put_back(emulator: Deployment, line: str, secrets: set[str]) -> None:
    ran = commands.typed(emulator, line)
    holds(ran.returncode == 0, ran.stdout, ran.stderr)
    folder = f"{emulator.folder}/"
    commands.record("restore-keys", line.replace(folder, ""), ran.stdout.replace(folder, ""))
    holds(not any(it in ran.stdout + ran.stderr for it in secrets), "a key is printed")


def secret(emulator: Deployment, ring: str) -> str:
    return f"wardgate/{emulator.stage}/{ring}"


def values(client: Client, emulator: Deployment) -> dict[str, str]:
    return {ring: client.get_secret_value(SecretId=secret(emulator, ring))["SecretString"] for ring in RINGS}


@contextlib.contextmanager
def fresh(emulator: Deployment, *names: str) -> Iterator[None]:
    """Has these functions answer from processes that have read nothing yet, as after a deploy, and then again as
    before."""
    client = emulator.client("lambda")
    before: dict[str, str] = {}
    published: list[Json] = []
    try:
        for name in names:
            function = f"wardgate-{emulator.stage}-{name}"
            before[function] = client.get_alias(FunctionName=function, Name="live")["FunctionVersion"]
            variables = client.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
            # Without a difference there would be no version.
            client.update_function_configuration(
                FunctionName=function, Environment={"Variables": variables | {"FRESH": "1"}}
            )
            version = client.publish_version(FunctionName=function)["Version"]
            published.append({"FunctionName": function, "Qualifier": version})
            client.update_function_configuration(FunctionName=function, Environment={"Variables": variables})
            client.update_alias(FunctionName=function, Name="live", FunctionVersion=version)
        yield
    finally:
        for function, version in before.items():
            client.update_alias(FunctionName=function, Name="live", FunctionVersion=version)
        for it in published:
            client.delete_function(**it)
