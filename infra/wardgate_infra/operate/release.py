"""What a stage runs: artifacts, which are built once and kept by what is in them, and the releases made of them.

An artifact is every function's code, the templates, and a manifest with the SHA-256 of each. A release is an artifact
with a stage's parameters. Both are in the bucket of infra/artifacts.yaml:

    functions/<function>/<sha256>.zip   the code
    artifacts/<artifact>.json           a manifest
    releases/<release>.json             what a release is made of, and what each function publishes in it
    stages/<stage>/deploy.json          which release was deployed last, and which was live when that began
    stages/<stage>/<artifact>.json      that a stage has run an artifact, and what its smoke test said
    stages/<stage>/live.json            the same of the artifact that it runs now
"""

import collections
import concurrent.futures
import contextlib
import datetime
import hashlib
import itertools
import json
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

from botocore.exceptions import ClientError

from wardgate_infra import ROOT, TARGET, Failed, Json, functions
from wardgate_infra.operate import archives, terminal
from wardgate_infra.operate.aliases import Function
from wardgate_infra.operate.stage import Stage, areas

STACK = "wardgate-artifacts"
# What a checkout must have as it was when the functions were built. Parameters are the stage's own.
TEMPLATES = (
    *("template.yaml", "infra/data.yaml", "infra/migrate.yaml", "infra/observability.yaml", "infra/backup.yaml"),
    *("infra/edge.yaml", "infra/origin.yaml"),
)
MIGRATIONS = "infra/migrations.json"
RELEASES_SHOWN = 20


class Artifacts:
    """The bucket of artifacts and releases."""

    def __init__(self, stage: Stage, bucket: str) -> None:
        self.s3 = stage.client("s3")
        self.bucket = bucket

    def has(self, key: str) -> bool:
        try:
            self.s3.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
                return False
            raise
        return True

    def read(self, key: str) -> Json:
        """What is kept as JSON, or None."""
        try:
            return json.load(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"])
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise

    def write(self, key: str, value: Json) -> None:
        body = json.dumps(value, indent=1, sort_keys=True).encode()
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType="application/json")

    def manifest(self, artifact: str) -> Json:
        """What an artifact is made of."""
        manifest = self.read(f"artifacts/{artifact}.json")
        if manifest is None:
            raise Failed(f"There is no artifact {artifact} in {self.bucket}. Deploy it to staging first.")
        return manifest

    def release(self, release: str) -> Json:
        """What is known of a release; of one that was not deployed by `make deploy`, nothing."""
        return self.read(f"releases/{release}.json") or {}


def kept(stage: Stage) -> Artifacts | None:
    """The bucket of the stage's own account, if there is one."""
    bucket = stage.outputs(STACK).get("Bucket")
    return Artifacts(stage, bucket) if bucket else None


def artifacts(stage: Stage) -> Artifacts:
    """The bucket of the stage's own account, which a deploy makes first of all."""
    if bucket := kept(stage):
        return bucket
    raise Failed(f"There is no stack {STACK} in this account and region: make deploy STAGE={stage.name} makes it.")


def build(stage: Stage, binaries: Path | None) -> Json:
    """Builds the functions as they are deployed, or takes them from a folder, and keeps what is not kept yet. Gives the
    manifest."""
    if binaries is None:
        architecture = stage.parameters["Architecture"]
        if subprocess.run(["make", "build", f"ARCH={architecture}"], cwd=ROOT, check=False).returncode:
            raise Failed("The build failed, as above.")
        binaries = TARGET / "lambda"
    files = {file.parent.name: file for file in sorted(binaries.glob("*/bootstrap"))}
    if wrong := files.keys() ^ set(functions()):
        raise Failed(f"{binaries} has not each function's bootstrap: {', '.join(sorted(wrong))}.")
    bucket = artifacts(stage)
    level = archives.SOON if stage.is_emulated else archives.BALANCED

    def keep(function: str) -> tuple[str, str, bool]:
        code = archives.archive(files[function].read_bytes(), level)
        digest = hashlib.sha256(code).hexdigest()
        key = f"functions/{function}/{digest}.zip"
        if new := not bucket.has(key):
            bucket.s3.put_object(Bucket=bucket.bucket, Key=key, Body=code)
        return function, digest, new

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        stored = list(pool.map(keep, files))
    manifest = describe(stage, {function: digest for function, digest, _ in stored})
    key = f"artifacts/{manifest['artifact']}.json"
    if bucket.has(key):
        terminal.say(f"artifact {manifest['artifact']} is kept already")
        # What it was kept as, but for where it was built last.
        return {**bucket.read(key), "commit": manifest["commit"]}
    bucket.write(key, manifest)
    uploaded = sum(new for *_, new in stored)
    terminal.say(f"artifact {manifest['artifact']}, {uploaded} of {len(stored)} functions uploaded")
    return manifest


def describe(stage: Stage, digests: dict[str, str]) -> Json:
    """An artifact's manifest. Its name depends on what is in it alone, so that the same code built at another commit is
    the same artifact."""
    migrations = ROOT / MIGRATIONS
    version = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))["workspace"]["package"]["version"]
    content = {
        "version": version,
        "architecture": stage.parameters["Architecture"],
        "functions": digests,
        "templates": templates(),
        "migrations": json.loads(migrations.read_text(encoding="utf-8")) if migrations.exists() else [],
    }
    return {"artifact": digest_of(content), "commit": commit(), **content}


def digest_of(value: Json) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def templates() -> dict[str, str]:
    """The SHA-256 of each template of this checkout."""
    there = [name for name in (*TEMPLATES, *(f"infra/functions/{it.name}" for it in areas())) if (ROOT / name).exists()]
    return {name: hashlib.sha256((ROOT / name).read_bytes()).hexdigest() for name in there}


def commit() -> str:
    """Where this checkout is, for people; `+` if it has changes. An archive of the source has none."""
    command = ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=+"]
    try:
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unknown"
    return result.stdout.strip() or "unknown"


def refuse_other(stage: Stage, manifest: Json) -> None:
    """Code belongs to the templates that it was built with, and so does its architecture."""
    other = sorted(name for name, _ in manifest["templates"].items() ^ templates().items())
    if other:
        raise Failed(
            f"{', '.join(dict.fromkeys(other))} of this checkout is not what artifact {manifest['artifact']} "
            f"was built with: git checkout {manifest['commit'].rstrip('+')}"
        )
    if manifest["architecture"] != stage.parameters["Architecture"]:
        raise Failed(
            f"The artifact is for {manifest['architecture']}, and Architecture is "
            f"{stage.parameters['Architecture']}: change infra/{stage.name}/parameters.yaml."
        )


def code(manifest: Json) -> dict[str, str]:
    """Where each function's archive is in the bucket."""
    return {function: f"functions/{function}/{digest}.zip" for function, digest in manifest["functions"].items()}


def name_release(manifest: Json, parameters: dict[str, str]) -> str:
    """What a release is called: another for other parameters."""
    return digest_of({"artifact": manifest["artifact"], "parameters": parameters})


def last_deploy(stage: Stage) -> Json:
    """What was deployed last to a stage, and which release was live when that began; nothing if nothing was."""
    return artifacts(stage).read(f"stages/{stage.name}/deploy.json") or {}


def publications(stage: Stage, release: str | None, all_functions: list[Function]) -> dict[str, str]:
    """What each function publishes in a release. In one that `sam deploy` has made, each publishes its name."""
    return publications_of(kept(stage), release, all_functions)


def publications_of(bucket: Artifacts | None, release: str | None, all_functions: list[Function]) -> dict[str, str]:
    known = bucket.release(release).get("publications") if bucket and release else None
    if known or not release:
        return known or {}
    by_its_name = {it.short: release for it in all_functions if not is_newer(it, release)}
    # A name that nobody has published is for whoever asked to see as such.
    return by_its_name or {it.short: release for it in all_functions}


def is_newer(function: Function, release: str) -> bool:
    """Whether a function came after a release: it has its first version still, and none of that name."""
    return "1" in function.versions and function.version_of(release) is None


def running(stage: Stage, all_functions: list[Function]) -> tuple[str | None, list[Function]]:
    """The release that functions run, or most of them, and those that run something else. None if nothing is known."""
    bucket = kept(stage)

    def read(file: str) -> Json:
        return (bucket and bucket.read(f"stages/{stage.name}/{file}.json")) or {}

    deployed = read("deploy")
    named = [read("live").get("release"), deployed.get("release"), deployed.get("previous")]
    # Where `sam deploy` has published by one name.
    counted = collections.Counter(it.publication for it in all_functions)
    named += [it for it, count in counted.most_common() if count > 1]
    best: tuple[str | None, list[Function]] = (None, all_functions)
    for release in filter(None, dict.fromkeys(named)):
        wanted = publications_of(bucket, release, all_functions)
        others = [it for it in all_functions if wanted.get(it.short) != it.publication]
        if len(others) < len(best[1]):
            best = release, others
        if not others:
            break
    return best


def recorded(stage: Stage) -> list[str]:
    """The stage's last releases, newest first."""
    bucket = artifacts(stage)
    pages = bucket.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket.bucket, Prefix="releases/")
    found = sorted((it for page in pages for it in page.get("Contents", [])), key=lambda it: it["LastModified"])
    names = [it["Key"].removeprefix("releases/").removesuffix(".json") for it in reversed(found)]
    own = (it for it in names if bucket.release(it).get("stage") == stage.name)
    return list(itertools.islice(own, RELEASES_SHOWN))


def remember(stage: Stage, release: str, manifest: Json, live: str | None, published: dict[str, str]) -> None:
    """Keeps what a release is made of and what was live before it, before anything answers with it. `live` is None
    where functions are of several releases."""
    bucket, last = artifacts(stage), last_deploy(stage)
    made_of = {"release": release, "artifact": manifest["artifact"], "commit": manifest["commit"], "stage": stage.name}
    kept_of = {**made_of, "parameters": stage.parameters, "publications": published}
    bucket.write(f"releases/{release}.json", kept_of)
    # Of one that is deployed again, or over what a failed one has left, it stays the one before both.
    previous = last.get("previous") if live in (None, release) else live
    bucket.write(f"stages/{stage.name}/deploy.json", {"release": release, "previous": previous})


def forget_deploy(stage: Stage, last: Json) -> None:
    """Keeps what was kept before a deploy that was taken back: a rollback goes to where it would have gone then."""
    if last:
        artifacts(stage).write(f"stages/{stage.name}/deploy.json", last)


@contextlib.contextmanager
def recorded_run(stage: Stage, release: str) -> Iterator[None]:
    """Keeps that a stage runs a release now, and whether its smoke test, which is what happens within, has passed."""
    outcome = "failed"
    try:
        yield
        outcome = "passed"
    finally:
        bucket, now = artifacts(stage), datetime.datetime.now(datetime.UTC)
        at = now.isoformat(timespec="seconds")
        # Nothing of a release from before there were artifacts.
        known = bucket.release(release)
        run = {"artifact": known.get("artifact"), "commit": known.get("commit"), "release": release}
        run |= {"smoke": outcome, "at": at}
        bucket.write(f"stages/{stage.name}/live.json", run)
        if run["artifact"]:
            bucket.write(f"stages/{stage.name}/{run['artifact']}.json", run)
