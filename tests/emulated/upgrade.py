"""From the previous release to this one and back, as a stage has it: each reads what the other writes, because for a
while a request may meet either."""

import concurrent.futures
import contextlib
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

from emulated.deploys import RELEASED, keep, kept, live, publications, trail
from emulated.gateway import OTHER_PASSWORD, PASSWORD, Api, equal, holds, remembered
from wardgate_infra import Json, functions, templates
from wardgate_infra.emulator import binaries, lower
from wardgate_infra.emulator.deployment import Deployment
from wardgate_infra.operate.deploy import empty_secrets

# Where its code is.
CODE = "wardgate-previous-release"
BEFORE = "before@example.com"
# What the previous release has signed in and sent.
TOKENS: dict[str, Json] = {}
# A release is called by 64 hexadecimal digits.
PREVIOUS = hashlib.sha256(b"the previous release").hexdigest()


def previous() -> tuple[Path, Path]:
    """The previous release's source and functions: without its commit none of this is run."""
    found = binaries.build_previous()
    if found is None:
        raise AssertionError("the previous release's commit is gone")
    return found


def check_previous_release(api: Api, emulator: Deployment) -> None:
    """Its own templates and functions, of its own commit, stack by stack as `sam deploy` has it."""
    source, built = previous()
    emulator.verify_mail_identity()
    emulator.sam_deploy(source / "infra/data.yaml", "--stack-name", "wardgate-development-data")
    empty_secrets(emulator.client("secretsmanager"), emulator.stage)
    upload(emulator, built)
    areas = {it.stem: it for it in sorted((source / "infra/functions").glob("*.yaml"))}
    stacks = {"migrate": source / "infra/migrate.yaml", **areas, "": source / "template.yaml"}
    for name, template in stacks.items():
        deploy_previous(emulator, f"wardgate-development-{name}".rstrip("-"), template)
        if name == "migrate":
            # By its own function and command, before anything else asks for a key: neither knows of later rings.
            emulator.operate("rotate", "--first", environment={"PYTHONPATH": str(source / "infra")})
    api.registered(BEFORE)
    TOKENS["kept"], TOKENS["spent"] = api.login(BEFORE), api.login(BEFORE)
    api.post("/v1/password/forgot", email=BEFORE).is_ok(202)
    TOKENS["reset"] = api.mailbox.token(BEFORE, "reset-password")
    # What is on its way while the code changes.
    api.register("between@example.com")


def deploy_previous(emulator: Deployment, stack: str, file: Path) -> None:
    template = templates.read(file)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = f"s3://{CODE}/{Path(resource['Properties']['CodeUri']).name}"
    given = {**emulator.changed, "Release": PREVIOUS, "Stage": emulator.stage}
    given = {name: it for name, it in given.items() if name in template["Parameters"]}
    packaged, overrides = emulator.folder / f"{stack}.json", emulator.folder / f"{stack}-parameters.yaml"
    packaged.write_text(json.dumps(lower.lower(template, given)), encoding="utf-8")
    overrides.write_text(json.dumps(given), encoding="utf-8")
    where = ("--s3-bucket", CODE, "--parameter-overrides", f"file://{overrides}")
    emulator.sam_deploy(packaged, "--stack-name", stack, *where)


def old_releases(emulator: Deployment) -> dict[str, str]:
    """What is live of the functions that the previous release has."""
    source, _ = previous()
    there = {name for name in functions(source) if name in RELEASED}
    return {name: it for name, it in publications(emulator).items() if name in there}


def upload(emulator: Deployment, built: Path) -> None:
    """The code as archives, packed in a hurry: each is used once."""
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=CODE, CreateBucketConfiguration={"LocationConstraint": lower.REGION})

    def put(binary: Path) -> None:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
            file.write(binary, "bootstrap")
        s3.put_object(Bucket=CODE, Key=binary.parent.name, Body=packed.getvalue())

    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(put, built.glob("*/bootstrap")))


def check_upgrade(api: Api, emulator: Deployment) -> None:
    """By the operator's own command. Whoever was signed in stays so, and what was mailed still works."""
    emulator.deploy()
    record_previous(emulator)
    holds(PREVIOUS not in publications(emulator).values(), "the previous release is live")
    equal(api.me(TOKENS["kept"]["access_token"]).json["email"], BEFORE)
    TOKENS["kept"] = remembered(api.refresh(TOKENS["kept"]["refresh_token"]).is_ok().json)
    sessions = api.ask("GET", "/v1/sessions", bearer=TOKENS["kept"]["access_token"]).is_ok().json["items"]
    holds({it["session_id"] for it in (TOKENS["kept"], TOKENS["spent"])} == {it["id"] for it in sessions}, sessions)
    api.login(BEFORE)
    api.login("between@example.com")
    api.post("/v1/password/reset", token=TOKENS["reset"], new_password=OTHER_PASSWORD).is_ok()
    api.me(TOKENS["kept"]["access_token"]).refuses(401, "invalid_token")
    api.refresh(TOKENS["spent"]["refresh_token"]).refuses(401, "invalid_token")
    TOKENS["kept"] = api.login(BEFORE, OTHER_PASSWORD)


def record_previous(emulator: Deployment) -> None:
    """What its own deploy would have kept: which migrations it knows says whether it is a way back."""
    source, _ = previous()
    known = json.loads((source / "infra/migrations.json").read_text(encoding="utf-8"))
    keep(emulator, f"artifacts/{PREVIOUS}.json", {"artifact": PREVIOUS, "migrations": known})
    keep(emulator, f"releases/{PREVIOUS}.json", {"artifact": PREVIOUS})


def check_side_by_side(api: Api, emulator: Deployment) -> None:
    """Half of the functions of either release, and then the other halves: accounts, sessions, tokens and links go
    through both, whichever made them."""
    client, releases_before = emulator.client("lambda"), old_releases(emulator)
    for old in (0, 1):
        for index, name in enumerate(releases_before):
            version = "1" if index % 2 == old else live(emulator, name)["Version"].replace("1", "2")
            client.update_alias(FunctionName=f"wardgate-{emulator.stage}-{name}", Name="live", FunctionVersion=version)
        halves = {
            name: PREVIOUS if index % 2 == old else new for index, (name, new) in enumerate(releases_before.items())
        }
        equal(old_releases(emulator), halves)
        email = f"mixed-{old}@example.com"
        pair = api.signed_in(email)
        for mine in (pair, TOKENS["kept"]):
            api.me(mine["access_token"]).is_ok()
            api.ask("GET", "/v1/sessions", bearer=mine["access_token"]).is_ok()
            api.ask("GET", "/v1/me/activity", bearer=mine["access_token"]).is_ok()
        TOKENS["kept"] = remembered(api.refresh(TOKENS["kept"]["refresh_token"]).is_ok().json)
        pair = remembered(api.refresh(pair["refresh_token"]).is_ok().json)
        api.post("/v1/password/forgot", email=email).is_ok(202)
        token = api.mailbox.token(email, "reset-password")
        api.post("/v1/password/reset", token=token, new_password=OTHER_PASSWORD).is_ok()
        api.refresh(pair["refresh_token"]).refuses(401, "invalid_token")
        pair = api.login(email, OTHER_PASSWORD)
        api.ask("POST", "/v1/logout", bearer=pair["access_token"]).is_ok(204)
        api.me(pair["access_token"]).refuses(401, "invalid_token")


def check_rollback(api: Api, emulator: Deployment) -> None:
    """One command makes one release of it again, also of what is half and half; a second one finds nothing to do. What
    the new release has made works."""
    new = api.post("/v1/login", email="mixed-1@example.com", password=OTHER_PASSWORD).is_ok().json
    with migrated(emulator):
        emulator.operate("rollback", "--yes")
    equal(set(old_releases(emulator).values()), {PREVIOUS})
    holds("already" in emulator.operate("rollback", "--yes"), "the second rollback does something")
    equal(set(old_releases(emulator).values()), {PREVIOUS})
    equal(trail(emulator), ["deployed", "rolled_back"])
    for pair in (remembered(new), TOKENS["kept"]):
        api.me(pair["access_token"]).is_ok()
        remembered(api.refresh(pair["refresh_token"]).is_ok().json)
    api.login("mixed-0@example.com", OTHER_PASSWORD)


@contextlib.contextmanager
def migrated(emulator: Deployment) -> Iterator[None]:
    """With a migration that the older release does not know. It refuses to go back to where data has lost something,
    and goes where it has only gained."""
    dynamodb, table, before = emulator.client("dynamodb"), f"wardgate-{emulator.stage}", publications(emulator)
    number = "29990101000000"
    values = {"pk": "MIGRATION", "sk": number, "number": number, "status": "applied"}
    item = {name: {"S": value} for name, value in values.items()}
    dynamodb.put_item(TableName=table, Item=item)
    artifact = f"artifacts/{kept(emulator, 'stages/development/live.json')['artifact']}.json"
    manifest = kept(emulator, artifact)
    real = manifest["migrations"]
    for known in (real, [*real, {"number": number, "name": "lose", "contract": True}]):
        keep(emulator, artifact, {**manifest, "migrations": known})
        refused = emulator.refused("rollback", "--yes")
        holds("cannot read today's data" in refused and f"migration {number}" in refused, refused[-2000:])
        equal(publications(emulator), before)
    gained = {"number": number, "name": "gain", "contract": False}
    keep(emulator, artifact, {**manifest, "migrations": [*real, gained]})
    yield
    keep(emulator, artifact, manifest)
    dynamodb.delete_item(TableName=table, Key={name: item[name] for name in ("pk", "sk")})


def check_next_deploy(api: Api, emulator: Deployment) -> None:
    """After a rollback the same release can be deployed again."""
    holds("aliases moved forward" in emulator.deploy(), "no alias moved")
    holds(PREVIOUS not in publications(emulator).values(), "the previous release is live")
    equal(trail(emulator), ["deployed", "rolled_back", "deployed"])
    api.signed_in("next@example.com")
    api.post("/v1/login", email=BEFORE, password=PASSWORD).refuses(401, "invalid_credentials")
    api.login(BEFORE, OTHER_PASSWORD)
