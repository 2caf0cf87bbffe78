"""What `make deploy` does to a stage, seen in AWS and by its clients."""

import json

from emulated import commands
from emulated.gateway import Api, equal, holds
from wardgate_infra import Json, functions
from wardgate_infra.emulator.binaries import ARTIFACTS
from wardgate_infra.emulator.deployment import Deployment
from wardgate_infra.operate import archives
from wardgate_infra.operate.aliases import KEPT

FUNCTIONS = functions()
RELEASED = [name for name in FUNCTIONS if name not in KEPT]
# Of the emulator's one account.
BUCKET = "wardgate-artifacts-000000000000-eu-central-1"


def live(emulator: Deployment, function: str) -> Json:
    """The version that answers requests."""
    return emulator.client("lambda").get_function_configuration(
        FunctionName=f"wardgate-{emulator.stage}-{function}", Qualifier="live"
    )


def publications(emulator: Deployment) -> dict[str, str]:
    """What each function has published that answers now."""
    return {function: live(emulator, function)["Description"] for function in FUNCTIONS}


def release(emulator: Deployment) -> str:
    """The release that was deployed last, which is what every function answers with."""
    name = str(kept(emulator, f"stages/{emulator.stage}/deploy.json")["release"])
    equal(publications(emulator), kept(emulator, f"releases/{name}.json")["publications"])
    return name


def versions(emulator: Deployment) -> dict[str, str]:
    """The version that answers, of each function that a release moves."""
    return {function: live(emulator, function)["Version"] for function in RELEASED}


def kept(emulator: Deployment, key: str) -> Json:
    """What `make deploy` keeps, as JSON."""
    return json.load(emulator.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"])


def keep(emulator: Deployment, key: str, value: Json) -> None:
    emulator.client("s3").put_object(Bucket=BUCKET, Key=key, Body=json.dumps(value).encode())


def lines(emulator: Deployment) -> list[Json]:
    """What the audit trail has about the stage, oldest first."""
    pages = emulator.client("dynamodb").get_paginator("scan").paginate(TableName=f"wardgate-audit-{emulator.stage}")
    items = [item for page in pages for item in page["Items"] if item["pk"]["S"].startswith("STAGE#")]
    return sorted(items, key=lambda item: str(item["sk"]["S"]))


def trail(emulator: Deployment) -> list[str]:
    """Which deploys and rollbacks the audit trail has, oldest first."""
    actions = [item["action"]["S"] for item in lines(emulator)]
    return [action for action in actions if action in ("deployed", "rolled_back")]


def check_first_deploy(_api: Api, emulator: Deployment) -> None:
    """Of an empty account. Every function answers with the same release, and the trail says so (PL-03)."""
    emulator.verify_mail_identity()
    stops_with_a_reason(emulator)
    printed = emulator.deploy()
    holds(f"Release {release(emulator)} is live in staging" in printed, printed[-500:])
    holds("as a client: clients reach it as they should" in printed, printed[-4000:])
    equal(trail(emulator).count("deployed"), 1)
    equal(kept(emulator, "stages/staging/live.json")["smoke"], "passed")


def stops_with_a_reason(emulator: Deployment) -> None:
    """What is asked before says why a deploy cannot go through. Where it begins anyway, the step that fails says which
    it is, what CloudFormation says of it, and what to do next. Done, it goes on: also where a stack's first deploy was
    what failed."""
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    printed = emulator.refused("deploy", "--yes", "--binaries", ARTIFACTS)
    for part in ("has not begun", "Bucket (AWS::S3::Bucket)"):
        holds(part in printed, f"no {part!r}", printed[-2000:])
    printed = emulator.refused("deploy", "--yes", "--anyway", "--binaries", ARTIFACTS)
    for part in ("stopped at step 1 of ", "Bucket (AWS::S3::Bucket): ", "already", "What to do next: "):
        holds(part in printed, f"no {part!r}", printed[-2000:])
    s3.delete_bucket(Bucket=BUCKET)


def check_same_release(_api: Api, emulator: Deployment) -> None:
    """A second time, nothing changes, and it says so. An archive that is packed again is the same."""
    code = (ARTIFACTS / "login/bootstrap").read_bytes()
    archives.kept(code, archives.SOON).unlink()
    before, lines = (release(emulator), versions(emulator)), trail(emulator)
    printed = emulator.deploy(LogLevel="trace")
    commands.record("deploy", f"make deploy STAGE={emulator.stage} YES=1", printed)
    holds("Nothing has changed" in printed and "is kept already" in printed, printed[-2000:])
    equal(((release(emulator), versions(emulator)), trail(emulator)), (before, lines))


def check_second_release(api: Api, emulator: Deployment) -> None:
    """A changed parameter is a release: each alias moves, and what was signed in stays signed in. All later checks run
    with every line that can be logged."""
    pair, before = api.signed_in("release@example.com"), versions(emulator)
    emulator.deploy(LogLevel="trace")
    equal([name for name, version in versions(emulator).items() if version == before[name]], [])
    for name in FUNCTIONS:
        now = live(emulator, name)
        equal((name, now["Environment"]["Variables"]["AUTH__LOG__LEVEL"]), (name, "trace"))
    equal(api.me(pair["access_token"]).status, 200)
    equal(api.refresh(pair["refresh_token"]).status, 200)


def check_only_what_changes_is_published(_api: Api, emulator: Deployment) -> None:
    """A function gets a new version where its own code or settings are others, and no other one does."""
    before = versions(emulator)
    # Of no function, and then of one.
    for changed, expected in (({"RotationDays": "31"}, []), ({"AuthorizerResponse": "iam"}, ["authorizer"])):
        printed = emulator.deploy(LogLevel="trace", **changed)
        now = versions(emulator)
        equal([name for name in RELEASED if now[name] != before[name]], expected)
        said = f"{len(expected)} of {len(RELEASED)} functions have" if expected else "no function has"
        holds(f"{said} a new version" in printed, printed[-3000:])
        # The emulator has no schedules of rotation: of another one's days there nothing changes that would be recorded.
        for name, value in changed.items() if expected else []:
            detail = lines(emulator)[-1]["detail"]["S"]
            holds(f"; {name} " in detail and f" → '{value}'" in detail, detail)
        holds(release(emulator) in printed, printed[-500:])
        before = now
    emulator.deploy(LogLevel="trace")


def check_area_that_fails(api: Api, emulator: Deployment) -> None:
    """A function of the last area whose archive is lost stops the deploy where other areas have new versions live.
    Every alias is where it was then, and the next deploy goes on from there."""
    pair, before, name = api.signed_in("area@example.com"), versions(emulator), release(emulator)
    artifact = kept(emulator, f"releases/{name}.json")["artifact"]
    manifest = kept(emulator, f"artifacts/{artifact}.json")
    lost = {**manifest["functions"], "token-refresh": "f" * 64}
    keep(emulator, f"artifacts/{'a' * 64}.json", {**manifest, "artifact": "a" * 64, "functions": lost})
    given = " ".join(f"'{name}={value}'" for name, value in (emulator.changed | {"LogLevel": "debug"}).items())
    printed = emulator.refused("deploy", "--yes", "--artifact", "a" * 64, "--parameters", given)
    for part in (", area stacks.", "wardgate-staging-sign-in", "aliases are back at what they were"):
        holds(part in printed, f"no {part!r}", printed[-3000:])
    equal(versions(emulator), before)
    api.me(pair["access_token"]).is_ok()
    shown = emulator.typed("version")
    equal((shown.returncode, name in shown.stdout), (0, True))


def check_promotion(_api: Api, emulator: Deployment) -> None:
    """Production gets the very code that staging runs, under its own parameters, and staging keeps its own."""
    staging = emulator.beside("staging")
    theirs, before = release(staging), versions(staging)
    emulator.verify_mail_identity()
    refuses_what_is_unproven(emulator)
    emulator.deploy()
    equal((release(staging), versions(staging)), (theirs, before))
    ours = release(emulator)
    holds(ours != theirs, "two stages are one release")
    equal(kept(emulator, f"releases/{ours}.json")["artifact"], kept(emulator, f"releases/{theirs}.json")["artifact"])
    for name in FUNCTIONS:
        equal((name, live(emulator, name)["CodeSha256"]), (name, live(staging, name)["CodeSha256"]))
        equal((name, live(emulator, name)["Environment"]["Variables"]["AUTH__STAGE"]), (name, "production"))


def refuses_what_is_unproven(emulator: Deployment) -> None:
    """What staging has not run well is not for production, and neither is code under other templates than its own."""
    run = kept(emulator, "stages/staging/live.json")
    try:
        keep(emulator, "stages/staging/live.json", {**run, "smoke": "failed"})
        refused = emulator.refused("deploy", "--yes")
        holds("its smoke test on staging failed" in refused, refused[-2000:])
    finally:
        keep(emulator, "stages/staging/live.json", run)
    refused = emulator.refused("deploy", "--yes", "--artifact", "0" * 64)
    holds("There is no artifact 0000" in refused, refused[-2000:])
    manifest = kept(emulator, f"artifacts/{run['artifact']}.json")
    other = {**manifest, "artifact": "1" * 64, "templates": {**manifest["templates"], "template.yaml": "2" * 64}}
    keep(emulator, f"artifacts/{'1' * 64}.json", other)
    refused = emulator.refused("deploy", "--yes", "--artifact", "1" * 64)
    for part in ("staging has not run it", "template.yaml of this checkout is not", "git checkout "):
        holds(part in refused, f"no {part!r}", refused[-2000:])
    refused = emulator.refused("deploy")
    holds("say YES=1" in refused, refused[-2000:])
