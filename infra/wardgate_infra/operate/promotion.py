"""How production gets the artifact that staging runs."""

import os

from wardgate_infra import Failed, Json
from wardgate_infra.operate import release, terminal
from wardgate_infra.operate.release import Artifacts
from wardgate_infra.operate.stage import Stage


def promote(stage: Stage, artifact: str | None, yes: bool) -> Json:
    """The artifact that staging runs, or another that is named; kept in this account, too. Gives the manifest."""
    own = release.artifacts(stage)
    # Staging's, where it is in an account of its own.
    source = Artifacts(stage, os.environ.get("ARTIFACT_BUCKET") or own.bucket)
    if artifact is None:
        live = source.read("stages/staging/live.json")
        if live is None:
            raise Failed(f"Staging runs nothing that is kept in {source.bucket}: make deploy STAGE=staging first.")
        artifact = live["artifact"]
        if reason := unproven(live):
            raise Failed(
                f"Production takes what staging runs, and {reason}. Make staging well first, or name another "
                "artifact: ARTIFACT=<hash>."
            )
    elif reason := unproven(source.read(f"stages/staging/{artifact}.json")):
        terminal.say(f"Of artifact {artifact}: {reason}.")
        terminal.confirm("Put it into production all the same?", yes)
    manifest = source.manifest(artifact)
    release.refuse_other(stage, manifest)
    if source.bucket != own.bucket:
        copy(source, own, manifest)
    terminal.say(f"artifact {artifact}, version {manifest['version']} of commit {manifest['commit']}")
    return manifest


def unproven(run: Json) -> str | None:
    """Why an artifact is not for production, as far as staging knows it; None if it is."""
    if run is None or run["artifact"] is None:
        return "staging has not run it"
    if run["smoke"] != "passed":
        return f"its smoke test on staging {run['smoke']} at {run['at']}"
    return None


def copy(source: Artifacts, own: Artifacts, manifest: Json) -> None:
    """Keeps another account's artifact in this one, so that a stage depends on its own account alone."""
    for key in [*release.code(manifest).values(), f"artifacts/{manifest['artifact']}.json"]:
        if not own.has(key):
            own.s3.copy_object(Bucket=own.bucket, Key=key, CopySource={"Bucket": source.bucket, "Key": key})
